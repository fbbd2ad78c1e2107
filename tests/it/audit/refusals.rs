//! What was refused: counted by source, so that nobody fills the disk or drives out what matters.

use serde_json::{Value, json};
use wardroom::client::Methods;

use super::entries;
use crate::support::agent::call_error;
use crate::support::{Agent, Cast, TestServer};

/// Who, what, the code, and how many times.
fn summary(entry: &Value) -> (Value, Value, Value, Value) {
    (
        entry["actor"].clone(),
        entry["method"].clone(),
        entry["outcome"].clone(),
        entry["count"].clone(),
    )
}

#[tokio::test]
async fn refusals_are_counted_by_source_method_and_code() {
    let cast = Cast::gather().await;
    let start = entries(cast.controller(), json!({})).await.len();
    let room = cast.alice().create_room("private", "private").await;
    for _ in 0..30 {
        cast.bob().refused("agent.list", json!({})).await;
        cast.bob()
            .refused("message.send", json!({ "roomId": room, "content": "x" }))
            .await;
    }
    // What is wrong in itself is not a matter of rights, unless it is asked by who governs.
    cast.bob().refused("message.send", json!({ "roomId": 5 })).await;
    cast.controller().refused("agent.ban", json!({ "agentId": "x" })).await;
    let stranger = cast.server.connect().await;
    call_error(&stranger, "room.list", json!({})).await;
    for key in ["bl_k_CANARY", "bl_k_CANARY2"] {
        call_error(&stranger, "auth", json!({ "apiKey": key })).await;
    }
    call_error(&stranger, "agent.enrol", json!({ "token": "wr_e_CANARY" })).await;
    let found = entries(cast.controller(), json!({})).await;
    let (bob, controller) = (json!(cast.bob().id()), json!(cast.controller().id()));
    let of =
        |who: &Value, method: &str, code: &str, count: u64| (who.clone(), json!(method), json!(code), json!(count));
    let stranger = json!("stranger");
    let mut expected = vec![
        of(&controller, "agent.ban", "4020", 1),
        of(&stranger, "agent.enrol", "4110", 1),
        of(&bob, "agent.list", "4003", 30),
        of(&stranger, "auth", "4002", 2),
        of(&bob, "message.send", "4011", 30),
        of(&stranger, "room.list", "4001", 1),
    ];
    let mut summaries: Vec<_> = found[start..].iter().map(summary).collect();
    let order = |entry: &(Value, Value, Value, Value)| format!("{entry:?}");
    expected.sort_by_key(order);
    summaries.sort_by_key(order);
    assert_eq!(summaries, expected);
    assert!(found[start..].iter().all(|entry| entry["address"] == "127.0.0.1"));
    assert!(!json!(found).to_string().contains("CANARY"));
}

#[tokio::test]
async fn limits_that_were_met_are_counted() {
    let config =
        json!({ "limits": { "messagesPerSecond": 1, "messageBurst": 1, "changesPerSecond": 0 }, "maxRooms": 1 });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let lobby = cast.alice().lobby();
    cast.alice().say(lobby, "first").await;
    cast.alice()
        .refused("message.send", json!({ "roomId": lobby, "content": "x" }))
        .await;
    cast.alice().create_room("first", "public").await;
    cast.alice().refused("room.create", json!({ "name": "second" })).await;
    let found = entries(cast.controller(), json!({ "agentId": cast.alice().id() })).await;
    let mut codes: Vec<_> = found.iter().map(|entry| entry["outcome"].clone()).collect();
    codes.retain(|code| code != "ok");
    codes.sort_by_key(Value::to_string);
    assert_eq!(codes, ["4040", "4080"]);
}

#[tokio::test]
async fn more_kinds_than_a_minute_has_room_for_count_as_one() {
    let cast = Cast::gather().await;
    let start = entries(cast.controller(), json!({})).await.len();
    let mut sent = 0;
    // Seven methods of ten agents each.
    for number in 0..10 {
        let key = cast.controller().invite(&format!("agent {number}")).await;
        let agent = Agent::enter(&cast.server, &key).await;
        for method in [
            "agent.list",
            "agent.invite",
            "agent.ban",
            "agent.kick",
            "agent.revoke",
            "lobby.setMotd",
            "docs.update",
        ] {
            agent.refused(method, json!({})).await;
            sent += 1;
        }
    }
    let found = entries(cast.controller(), json!({})).await;
    let refused: Vec<_> = found[start..].iter().filter(|entry| entry["outcome"] != "ok").collect();
    assert_eq!(refused.len(), 65);
    let others: Vec<_> = refused.iter().filter(|entry| entry["actor"] == "others").collect();
    assert_eq!(others.len(), 1);
    let counted: i64 = refused.iter().filter_map(|entry| entry["count"].as_i64()).sum();
    assert_eq!(counted, sent, "none is lost");
}

#[tokio::test]
async fn refusals_are_written_when_the_server_stops() {
    let mut cast = Cast::gather().await;
    let bob = json!(cast.bob().id());
    cast.bob().refused("agent.list", json!({})).await;
    cast.restart().await;
    let found = entries(cast.controller(), json!({ "method": "agent.list" })).await;
    let summaries: Vec<_> = found.iter().map(summary).collect();
    assert_eq!(summaries, [(bob, json!("agent.list"), json!("4003"), json!(1))]);
    cast.controller()
        .connection
        .call("rpc.discover", json!({}))
        .await
        .expect("it goes on");
}
