//! Every limit can be raised, and those that say so turned off.

use serde_json::{Value, json};
use wardroom::client::Methods;

use super::raw::{FINAL, Raw, TEXT, frame, request};
use crate::support::{Agent, TestServer};

async fn server(limits: Value) -> (TestServer, Agent) {
    let server = TestServer::builder().config(json!({ "limits": limits })).start();
    let controller = server.controller().await;
    (server, controller)
}

#[tokio::test]
async fn texts_may_be_longer_where_the_operator_says_so() {
    let limits =
        json!({ "nameLength": 300, "descriptionLength": 3000, "reasonLength": 3000, "documentLength": 100_000 });
    let (server, controller) = server(limits).await;
    let alice = server.participant(&controller, &"n".repeat(300)).await;
    let room = controller.create_room(&"r".repeat(300), "public").await;
    let cases = [
        (
            "room.update",
            json!({ "roomId": room, "description": "d".repeat(3000) }),
        ),
        ("lobby.setMotd", json!({ "content": "m".repeat(100_000) })),
        (
            "docs.update",
            json!({ "name": "constitution", "content": "c".repeat(100_000) }),
        ),
        (
            "agent.kick",
            json!({ "agentId": alice.id(), "reason": "k".repeat(3000) }),
        ),
    ];
    for (method, params) in cases {
        controller.call(method, params).await;
    }
}

#[tokio::test]
async fn messages_and_pages_may_be_larger_and_rooms_more() {
    let config = json!({
        "maxMessageLength": 300_000, "maxHistoryPerRoom": 3000, "maxRooms": 150,
        "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0, "historyAnswerBytes": 33_554_432 },
    });
    let server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let lobby = controller.lobby().to_owned();
    for _ in 0..20 {
        controller.say(&lobby, &"x".repeat(300_000)).await;
    }
    assert_eq!(controller.history(&lobby, 3000, None).await.len(), 20);
    for number in 0..150 {
        controller.create_room(&format!("Room {number}"), "public").await;
    }
    assert_eq!(
        controller.refused("room.create", json!({ "name": "one more" })).await,
        4040
    );
}

#[tokio::test]
async fn frames_batches_and_depth_may_be_larger() {
    let limits = json!({ "frameBytes": 4_194_304, "frameBytesBeforeAuth": 1_000_000, "nestingDepth": 120, "batchEntries": 1000 });
    let (server, _controller) = server(limits).await;
    let mut socket = Raw::open(&server).await.upgrade().await;
    let pad = |bytes: usize| request("p", "lobby.getMotd", &json!({})) + &" ".repeat(bytes);
    socket.send(&frame(FINAL | TEXT, pad(900_000).as_bytes())).await;
    assert_eq!(socket.frame().await.expect("an answer").json()["error"]["code"], 4001);
    let mut socket = Raw::open(&server).await.enter(server.controller_key()).await;
    socket.send(&frame(FINAL | TEXT, pad(4_000_000).as_bytes())).await;
    assert_eq!(socket.frame().await.expect("an answer").json()["id"], "p");
    let deep = "[".repeat(118) + &"]".repeat(118);
    let text = format!(r#"{{"jsonrpc":"2.0","id":"d","method":"lobby.getMotd","params":{{"x":{deep}}}}}"#);
    socket.send(&frame(FINAL | TEXT, text.as_bytes())).await;
    assert_eq!(
        socket.frame().await.expect("an answer").json()["result"]["motd"],
        Value::Null
    );
    let batch = vec![request("b", "lobby.getMotd", &json!({})); 1000].join(",");
    socket.send(&frame(FINAL | TEXT, format!("[{batch}]").as_bytes())).await;
    assert_eq!(
        socket.frame().await.expect("an answer").json().as_array().map(Vec::len),
        Some(1000)
    );
}

#[tokio::test]
async fn agents_may_have_more_sessions_or_fewer() {
    for most in [1, 3, 12] {
        let (server, controller) = server(json!({ "sessionsPerAgent": most })).await;
        let key = controller.invite("alice").await;
        let mut sessions = Vec::new();
        for _ in 0..most {
            sessions.push(Agent::enter(&server, &key).await);
        }
        for session in &sessions {
            session.call("lobby.getMotd", json!({})).await;
        }
        // One more replaces the oldest, and only that.
        let newest = Agent::enter(&server, &key).await;
        let end = crate::support::soon("the end", sessions[0].connection.ended()).await;
        assert_eq!(end.code, Some(1008));
        for session in &sessions[1..] {
            session.call("lobby.getMotd", json!({})).await;
        }
        newest.call("lobby.getMotd", json!({})).await;
        let listed = controller.call("agent.list", json!({})).await;
        assert_eq!(listed["agents"][1]["online"], true);
    }
}

#[tokio::test]
async fn connections_are_counted_in_all_and_by_address() {
    for (limits, most) in [
        (json!({ "connections": 5 }), 5),
        (json!({ "connections": 50, "connectionsPerAddress": 4 }), 4),
        (json!({ "connections": 50, "connectionsPerAddress": 0 }), 50),
    ] {
        let server = TestServer::builder().config(json!({ "limits": limits })).start();
        let mut inside = Vec::new();
        for _ in 0..most {
            inside.push(Raw::open(&server).await.upgrade().await);
        }
        let mut refused = Raw::open(&server).await;
        if let Some(head) = refused.head().await {
            assert_eq!(super::raw::status(&head), Some(503), "{head}");
        }
        // The operator has a door of its own.
        let operator = server.operator().await;
        drop(operator);
        // A place that is given back is a place for somebody else.
        drop(inside.pop());
        crate::support::soon("a place", async {
            loop {
                let mut socket = Raw::open(&server).await;
                socket.send(super::raw::HANDSHAKE.as_bytes()).await;
                if socket.head().await.as_deref().and_then(super::raw::status) == Some(101) {
                    break;
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn guesses_and_failures_may_be_more() {
    let limits = json!({ "authAttempts": 30, "authFailuresPerSecond": 1000, "authFailureBurst": 1000 });
    let (server, _controller) = server(limits).await;
    let mut socket = Raw::open(&server).await.upgrade().await;
    for _ in 0..30 {
        let answer = socket.call("auth", &json!({ "apiKey": "wrong" })).await;
        assert_eq!(answer["error"]["code"], 4002);
    }
    assert_eq!(socket.ending().await.map(|(code, _)| code), Some(1008));
}

#[tokio::test]
async fn guesses_are_not_counted_when_the_limit_is_off() {
    let (server, _controller) = server(json!({ "authAttempts": 100, "authFailuresPerSecond": 0 })).await;
    let mut socket = Raw::open(&server).await.upgrade().await;
    for _ in 0..100 {
        let answer = socket.call("auth", &json!({ "apiKey": "wrong" })).await;
        assert_eq!(answer["error"]["code"], 4002);
    }
}

#[tokio::test]
async fn messages_may_be_sent_as_fast_as_they_go_when_the_limit_is_off() {
    let (server, controller) =
        server(json!({ "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0, "messageBurst": 1, "inFlightRequests": 4096 })).await;
    let mut socket = Raw::open(&server).await.enter(server.controller_key()).await;
    let params = json!({ "roomId": controller.lobby(), "content": "x" });
    let requests: Vec<u8> = (0..2000)
        .flat_map(|number| frame(FINAL | TEXT, request(number, "message.send", &params).as_bytes()))
        .collect();
    socket.send(&requests).await;
    for number in 0..2000 {
        let answer = socket.frame().await.expect("an answer").json();
        assert_eq!(
            (&answer["id"], &answer["result"]["seq"]),
            (&json!(number), &json!(number + 1)),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn an_agent_owns_so_many_rooms_and_the_controller_more() {
    let (server, controller) = server(json!({ "roomsPerAgent": 2 })).await;
    let alice = server.participant(&controller, "alice").await;
    let bob = server.participant(&controller, "bob").await;
    let first = alice.create_room("first", "private").await;
    alice.create_room("second", "public").await;
    let one_more = json!({ "name": "one more" });
    let refusal = alice.connection.call("room.create", one_more.clone()).await;
    let refusal = refusal.expect_err("a third room").to_string();
    assert!(refusal.contains("`limits.roomsPerAgent`"), "{refusal}");
    assert_eq!(alice.refused("room.create", one_more.clone()).await, 4040);
    // It is about this agent alone, and the controller is exempt.
    bob.create_room("of bob", "public").await;
    for number in 0..3 {
        controller.create_room(&format!("Room {number}"), "public").await;
    }
    // A room that changes hands or goes makes place.
    controller.call("room.takeOwnership", json!({ "roomId": first })).await;
    let third = alice.create_room("third", "public").await;
    assert_eq!(alice.refused("room.create", one_more.clone()).await, 4040);
    alice.call("room.delete", json!({ "roomId": third })).await;
    alice.create_room("fourth", "public").await;
    assert_eq!(alice.refused("room.create", one_more).await, 4040);
}

#[tokio::test]
async fn zero_is_no_limit_to_the_rooms_of_an_agent() {
    let config = json!({ "maxRooms": 120, "limits": { "roomsPerAgent": 0 } });
    let server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    for number in 0..120 {
        alice.create_room(&format!("Room {number}"), "private").await;
    }
}

#[tokio::test]
async fn rooms_count_while_they_exist() {
    let config = json!({ "maxRooms": 3, "limits": { "roomsPerAgent": 2 } });
    let mut server = TestServer::builder().config(config).start();
    let one_more = json!({ "name": "one more" });
    let controller = server.controller().await;
    let key = controller.invite("alice").await;
    let alice = Agent::enter(&server, &key).await;
    let bob = server.participant(&controller, "bob").await;
    controller.create_room("of the controller", "public").await;
    bob.create_room("of bob", "private").await;
    let gone = alice.create_room("soon gone", "public").await;
    assert_eq!(alice.refused("room.create", one_more.clone()).await, 4040);
    alice.call("room.delete", json!({ "roomId": gone })).await;
    alice.create_room("first", "public").await;
    // Rooms that an agent leaves behind go on, as the controller's.
    controller.call("agent.revoke", json!({ "agentId": bob.id() })).await;
    assert_eq!(controller.refused("room.create", one_more.clone()).await, 4040);

    server.restart();
    let controller = server.controller().await;
    let alice = Agent::enter(&server, &key).await;
    assert_eq!(alice.refused("room.create", one_more.clone()).await, 4040);
    let rooms = controller.call("room.list", json!({})).await;
    let inherited = rooms["rooms"].as_array().into_iter().flatten();
    let inherited = inherited
        .filter(|room| room["name"] == "of bob")
        .map(|room| &room["roomId"]);
    for room in inherited {
        controller.call("room.delete", json!({ "roomId": room })).await;
    }
    alice.create_room("second", "public").await;
    assert_eq!(alice.refused("room.create", one_more).await, 4040);
}
