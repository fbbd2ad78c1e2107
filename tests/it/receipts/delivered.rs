//! Delivered means that a socket took it.

use serde_json::json;

use super::{states, status};
use crate::support::{Agent, Cast, TestServer, soon};

/// Waits until the server knows that somebody has gone.
async fn left(controller: &Agent) {
    while controller.expect("presence").await["online"] != false {}
}

#[tokio::test]
async fn a_message_is_delivered_to_those_who_are_there_and_stored_for_the_others() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    let bob = server.participant(&controller, "bob").await;
    let carol_key = controller.invite("carol").await;
    let carol = Agent::enter(&server, &carol_key).await;
    let room = alice.create_room("Ops", "public").await;
    for agent in [&bob, &carol] {
        agent.call("room.join", json!({ "roomId": room })).await;
    }
    let first = alice.say(&room, "for both").await["messageId"].clone();
    bob.expect("message").await;
    carol.expect("message").await;
    assert_eq!(
        status(&alice, &first).await,
        states(&[("bob", "delivered"), ("carol", "delivered")])
    );
    carol.connection.close(1000, "").await;
    left(&controller).await;
    let missed = alice.say(&room, "carol is away").await["messageId"].clone();
    bob.expect("message").await;
    assert_eq!(
        status(&alice, &missed).await,
        states(&[("bob", "delivered"), ("carol", "stored")])
    );
    // What comes later says nothing of what was missed.
    let carol = Agent::enter(&server, &carol_key).await;
    let third = bob.say(&room, "carol is back").await["messageId"].clone();
    carol.expect("message").await;
    alice.expect("message").await;
    assert_eq!(
        status(&bob, &third).await,
        states(&[("alice", "delivered"), ("carol", "delivered")])
    );
    assert_eq!(
        status(&alice, &missed).await,
        states(&[("bob", "delivered"), ("carol", "stored")])
    );
    // Who follows from there on is shown it after all.
    let since = json!({ "epoch": carol.welcome["epoch"], "seq": 1 });
    carol
        .call("room.follow", json!({ "roomId": room, "since": since }))
        .await;
    carol.expect("message").await;
    carol.expect("message").await;
    assert_eq!(
        status(&alice, &missed).await,
        states(&[("bob", "delivered"), ("carol", "delivered")])
    );
}

#[tokio::test]
async fn whoever_joins_later_was_not_delivered_what_was_said_before() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "public").await;
    let early = alice.say(&room, "before bob").await["messageId"].clone();
    assert_eq!(status(alice, &early).await, states(&[]));
    bob.call("room.join", json!({ "roomId": room })).await;
    alice.say(&room, "with bob").await;
    bob.expect("message").await;
    assert_eq!(status(alice, &early).await, states(&[("bob", "stored")]));
}

#[tokio::test]
async fn a_stop_forgets_nothing_and_a_crash_calls_nothing_delivered_that_was_not() {
    let mut server = TestServer::start();
    let controller = server.controller().await;
    let (alice_key, bob_key) = (controller.invite("alice").await, controller.invite("bob").await);
    let alice = Agent::enter(&server, &alice_key).await;
    let bob = Agent::enter(&server, &bob_key).await;
    let room = alice.create_room("Ops", "private").await;
    let with_bob = json!({ "roomId": room, "agentId": bob.id() });
    alice.call("room.invite", with_bob).await;
    bob.call("room.join", json!({ "roomId": room })).await;
    let got = alice.say(&room, "got").await["messageId"].clone();
    bob.expect("message").await;
    bob.connection.close(1000, "").await;
    left(&controller).await;
    let missed = alice.say(&room, "missed").await["messageId"].clone();
    drop((alice, bob, controller));
    server.kill();
    server.restart();
    let alice = Agent::enter(&server, &alice_key).await;
    let after = status(&alice, &got).await;
    assert!(
        after == states(&[("bob", "stored")]) || after == states(&[("bob", "delivered")]),
        "{after:?}"
    );
    assert_eq!(status(&alice, &missed).await, states(&[("bob", "stored")]));
}

#[tokio::test]
async fn a_direct_message_is_delivered_to_its_recipient() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let params = json!({ "toAgentId": bob.id(), "content": "hello" });
    let message = alice.call("message.dm", params).await["messageId"].clone();
    bob.expect("dm").await;
    assert_eq!(status(alice, &message).await, states(&[("bob", "delivered")]));
}

/// What was delivered was written down for the same agents and rooms again and again while they were busy, and never for
/// the others.
#[tokio::test]
async fn regression_what_is_delivered_is_written_down_for_everybody_while_all_are_busy() {
    const ROOMS: usize = 300;
    let limits =
        json!({ "messagesPerSecond": 0, "changesPerSecond": 0, "joinsPerSecond": 0, "announcementsPerSecond": 0 });
    let config = json!({ "maxRooms": 1000, "limits": limits });
    let mut server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let bob = server.participant(&controller, "bob").await;
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let room = controller.create_room(&format!("Room {number}"), "public").await;
        bob.call("room.join", json!({ "roomId": room })).await;
        let first = controller.say(&room, "first").await["messageId"].clone();
        rooms.push((room, first));
    }
    let path = server.data_dir().join("wardroom.db");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(path, flags).expect("a database");
    let written = || -> i64 {
        let count = database.query_row("SELECT count(*) FROM delivered WHERE track <> 0", [], |row| row.get(0));
        count.expect("a count")
    };
    soon("what was delivered to be written down", async {
        while written() < 300 {
            for (room, _) in &rooms {
                controller.say(room, "more").await;
            }
            bob.told().await;
        }
    })
    .await;
    drop((bob, database));
    server.kill();
    server.restart();
    let controller = Agent::enter(&server, &controller.key).await;
    for (_, first) in &rooms {
        assert_eq!(status(&controller, first).await, states(&[("bob", "delivered")]));
    }
}
