//! Whoever is cut off is cut off before the one who asked for it hears that it is done: nothing of it is accepted, and
//! nothing shown to it, from then on. Shown while it floods the server on two sessions.

use serde_json::{Value, json};
use wardroom::client::Methods;

use crate::support::{Agent, Cast, Frames, soon};

/// What the controller says right after the answer. Nothing of the victim may lie behind it.
const MARKER: &str = "from here on";

/// Requests that the victim sends before it waits for the answers: some are always on their way when it is cut off.
const IN_FLIGHT: usize = 50;

/// What became of a flood.
#[derive(Default)]
struct Flooded {
    /// The receipts of what was accepted.
    accepted: Vec<Value>,
    /// The code of the first refusal; none when the connection ended instead.
    refused: Option<i64>,
}

/// Sends until it is refused or cut off.
async fn flood(agent: &Agent, room: &str) -> Flooded {
    let mut flooded = Flooded::default();
    let params = json!({ "roomId": room, "content": "flood" });
    let request = json!({ "jsonrpc": "2.0", "method": "message.send", "params": params, "id": 1 }).to_string();
    while flooded.refused.is_none() {
        for _ in 0..IN_FLIGHT {
            if agent.connection.send_text(request.clone()).await.is_err() {
                return flooded;
            }
        }
        for _ in 0..IN_FLIGHT {
            let Some(frame) = soon("an answer", agent.connection.next_frame()).await else {
                return flooded;
            };
            let answer: Value = serde_json::from_str(&frame).expect("JSON");
            match answer["error"]["code"].as_i64() {
                None => flooded.accepted.push(answer["result"].clone()),
                code => flooded.refused = flooded.refused.or(code),
            }
        }
    }
    flooded
}

/// A room in which the victim floods, and what is left of it when it has been cut off.
struct Flood {
    cast: Cast,
    room: String,
    /// The second session of `bob`, who is the victim.
    second: Agent,
}

impl Flood {
    async fn prepare(visibility: &str) -> Self {
        let cast = Cast::gather().await;
        let room = cast.alice().create_room("Ops", visibility).await;
        for agent in [cast.bob(), cast.controller()] {
            let (room, id) = (&room, agent.id());
            cast.alice()
                .call("room.invite", json!({ "roomId": room, "agentId": id }))
                .await;
            agent.call("room.join", json!({ "roomId": room })).await;
        }
        let second = Agent::enter(&cast.server, &cast.bob().key).await;
        second.told().await;
        cast.settle().await;
        Self { cast, room, second }
    }

    /// Lets the victim flood until `act` has cut it off; then nothing of it may come any more.
    async fn run(&self, act: impl AsyncFnOnce(&Cast)) -> [Option<i64>; 2] {
        let (cast, room) = (&self.cast, self.room.as_str());
        let cut = async {
            // It has begun: both sessions have been heard.
            for _ in 0..20 {
                cast.alice().expect("message").await;
            }
            act(cast).await;
            let receipt = cast.controller().say(room, MARKER).await;
            receipt["seq"].as_u64().expect("a position")
        };
        let (first, second, marker) = tokio::join!(flood(cast.bob(), room), flood(&self.second, room), cut);
        for receipt in first.accepted.iter().chain(&second.accepted) {
            assert!(receipt["seq"].as_u64() < Some(marker), "accepted afterwards: {receipt}");
        }
        let last = cast.controller().history(room, 1, None).await;
        assert_eq!(last[0]["content"], MARKER, "stored afterwards");
        for session in [cast.bob(), &self.second] {
            let told = session.told().await;
            let shown = told.iter().any(|(_, params)| params["message"]["content"] == MARKER);
            assert!(!shown, "shown afterwards: {told:?}");
        }
        [first.refused, second.refused]
    }

    /// Both sessions must have ended, and told why.
    async fn assert_ended(&self, reason: &str) {
        for session in [self.cast.bob(), &self.second] {
            let end = soon("the end", session.connection.ended()).await;
            assert_eq!((end.code, end.reason.as_str()), (Some(1008), reason));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_is_in_force_before_it_is_answered() {
    let flood = Flood::prepare("public").await;
    flood
        .run(async |cast| {
            let params = json!({ "agentId": cast.bob().id(), "reason": "enough" });
            cast.controller().call("agent.ban", params).await;
        })
        .await;
    flood.assert_ended("banned: enough").await;
    let attempt = Agent::try_enter(&flood.cast.server, json!({ "apiKey": flood.cast.bob().key })).await;
    assert_eq!(attempt.err().and_then(|error| error.code()), Some(4004));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_is_in_force_before_it_is_answered() {
    let flood = Flood::prepare("public").await;
    flood
        .run(async |cast| {
            cast.controller()
                .call("agent.revoke", json!({ "agentId": cast.bob().id() }))
                .await;
        })
        .await;
    flood.assert_ended("revoked").await;
    let attempt = Agent::try_enter(&flood.cast.server, json!({ "apiKey": flood.cast.bob().key })).await;
    assert_eq!(attempt.err().and_then(|error| error.code()), Some(4002));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kick_is_in_force_before_it_is_answered() {
    let flood = Flood::prepare("public").await;
    flood
        .run(async |cast| {
            cast.controller()
                .call("agent.kick", json!({ "agentId": cast.bob().id() }))
                .await;
        })
        .await;
    flood.assert_ended("kicked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_kick_is_in_force_before_it_is_answered() {
    let flood = Flood::prepare("public").await;
    let operator = flood.cast.server.operator().await;
    flood
        .run(async |_| {
            let kicked = operator
                .call("operator.kick", json!({}))
                .await
                .expect("the operator may kick");
            assert_eq!(kicked, json!({ "status": "ok", "disconnected": 3 }));
        })
        .await;
    flood.assert_ended("kicked").await;
    flood.cast.controller().call("lobby.getMotd", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kick_from_a_room_is_in_force_before_it_is_answered_and_the_connections_stay() {
    let flood = Flood::prepare("private").await;
    let room = flood.room.clone();
    let ends = flood
        .run(async |cast| {
            let params = json!({ "roomId": room, "agentId": cast.bob().id() });
            cast.alice().call("room.kick", params).await;
        })
        .await;
    for end in ends {
        assert_eq!(end, Some(4011));
    }
    for session in [flood.cast.bob(), &flood.second] {
        let params = json!({ "roomId": room });
        assert_eq!(session.refused("room.info", params.clone()).await, 4011);
        assert_eq!(session.refused("room.history", params.clone()).await, 4011);
        assert_eq!(session.refused("room.join", params).await, 4013);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_room_takes_nothing_more() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "public").await;
    bob.call("room.join", json!({ "roomId": room })).await;
    let delete = async {
        for _ in 0..20 {
            alice.expect("message").await;
        }
        alice.call("room.delete", json!({ "roomId": room })).await;
        let info = cast.controller().call("room.info", json!({ "roomId": room })).await;
        info["room"]["seq"].as_u64()
    };
    let (flooded, last) = tokio::join!(flood(bob, &room), delete);
    assert_eq!(flooded.refused, Some(4010));
    assert_eq!(
        flooded.accepted.last().and_then(|receipt| receipt["seq"].as_u64()),
        last
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_a_room_is_in_force_before_it_is_answered() {
    let cast = Cast::gather().await;
    let (alice, bob, carol) = (cast.alice(), cast.bob(), cast.carol());
    for round in 0..20 {
        let room = alice.create_room("Ops", "public").await;
        bob.call("room.join", json!({ "roomId": room })).await;
        bob.call("room.leave", json!({ "roomId": room })).await;
        let here = json!({ "roomId": room });
        // An outsider looks without a break; after the answer it must not see the room once.
        let look = async {
            while carol.connection.call("room.info", here.clone()).await.is_ok() {}
            carol.call("room.list", json!({})).await
        };
        let close = async {
            let params = json!({ "roomId": room, "visibility": "private" });
            alice.call("room.visibility", params).await;
            for outsider in [bob, carol] {
                assert_eq!(outsider.refused("room.join", here.clone()).await, 4013, "round {round}");
                assert_eq!(outsider.refused("room.info", here.clone()).await, 4011, "round {round}");
            }
        };
        let (list, ()) = tokio::join!(look, close);
        assert!(!list.to_string().contains(&room), "round {round}: {list}");
        alice.call("room.delete", here).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_owner_has_lost_every_right_before_the_new_one_hears_so() {
    let cast = Cast::gather().await;
    let (alice, controller) = (cast.alice(), cast.controller());
    for round in 0..20 {
        let room = alice.create_room("Ops", "public").await;
        let rename = async {
            let params = json!({ "roomId": room, "name": "by alice" });
            loop {
                if let Err(error) = alice.connection.call("room.update", params.clone()).await {
                    return error.code();
                }
            }
        };
        let take = async {
            controller.call("room.takeOwnership", json!({ "roomId": room })).await;
            let params = json!({ "roomId": room, "name": "by the controller" });
            controller.call("room.update", params).await;
        };
        let (code, ()) = tokio::join!(rename, take);
        assert_eq!(code, Some(4003));
        let info = controller.call("room.info", json!({ "roomId": room })).await;
        assert_eq!(info["room"]["name"], "by the controller", "round {round}");
        controller.call("room.delete", json!({ "roomId": room })).await;
    }
}

#[tokio::test]
async fn a_controller_that_kicks_itself_is_cut_off_like_anybody_and_not_answered() {
    let cast = Cast::gather().await;
    let other = cast.server.controller().await;
    let mut socket = Frames::open(&cast.server).await;
    let request = |id: u32, method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    socket
        .send(&request(1, "auth", json!({ "apiKey": cast.server.controller_key() })))
        .await;
    socket.up_to(|frame| frame["id"] == 1).await;
    socket
        .send(&request(
            2,
            "agent.kick",
            json!({ "agentId": other.id(), "reason": "a rest" }),
        ))
        .await;
    let frames = socket.up_to(|frame| frame["method"] == "disconnected").await;
    assert!(frames.iter().all(|frame| frame["id"] != 2), "{frames:?}");
    let end = soon("the end", other.connection.ended()).await;
    assert_eq!(end.code, Some(1008));
    // It may come back.
    cast.server.controller().await.call("agent.list", json!({})).await;
}
