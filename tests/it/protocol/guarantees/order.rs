//! One order: what is heard is what is stored.

use std::collections::HashMap;

use futures_util::future::join_all;
use serde_json::{Value, json};
use wardroom::client::{ClientError, Methods};

use crate::support::{Agent, Cast, Raw, TestServer};

/// Agents that speak at the same time.
const SENDERS: usize = 8;
/// Messages of each.
const MESSAGES: usize = 60;

fn contents<'a>(messages: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let texts = messages
        .into_iter()
        .map(|message| message["content"].as_str().expect("text").to_owned());
    texts.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_members_hear_one_order_which_is_that_of_history() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let room = controller.create_room("Ops", "public").await;
    let mut senders = Vec::new();
    for number in 0..SENDERS {
        let agent = server.participant(&controller, &format!("sender {number}")).await;
        agent.call("room.join", json!({ "roomId": room })).await;
        senders.push(agent);
    }
    for agent in senders.iter().chain([&controller]) {
        agent.told().await;
    }

    let receipts = join_all(
        senders
            .iter()
            .enumerate()
            .map(|(number, agent)| speak(agent, number, &room)),
    )
    .await;

    let mut history = Vec::new();
    let mut before = None;
    loop {
        let page = controller.history(&room, 100, before).await;
        let Some(first) = page.first() else { break };
        before = first["timestamp"].as_i64();
        history = [page, history].concat();
    }
    let stored = contents(&history);
    assert_eq!(stored.len(), SENDERS * MESSAGES);
    for (place, message) in history.iter().enumerate() {
        assert_eq!(message["seq"], place + 1);
    }
    for pair in history.windows(2) {
        assert!(
            pair[0]["timestamp"].as_i64() < pair[1]["timestamp"].as_i64(),
            "{pair:?}"
        );
        assert!(
            pair[0]["messageId"].as_str() < pair[1]["messageId"].as_str(),
            "ids sort by time: {pair:?}"
        );
    }
    let by_content: HashMap<&str, &Value> = history
        .iter()
        .map(|message| (message["content"].as_str().expect("text"), message))
        .collect();
    for (text, receipt) in receipts.iter().flatten() {
        let message = by_content[text.as_str()];
        for member in ["messageId", "timestamp", "seq"] {
            assert_eq!(receipt[member], message[member], "{text}");
        }
    }
    for number in 0..SENDERS {
        let own: Vec<&String> = stored
            .iter()
            .filter(|text| text.starts_with(&format!("{number}-")))
            .collect();
        let sent: Vec<String> = (0..MESSAGES).map(|count| format!("{number}-{count}")).collect();
        assert_eq!(own, sent.iter().collect::<Vec<_>>());
    }

    assert_eq!(heard(&controller).await, stored);
    for (number, agent) in senders.iter().enumerate() {
        let of_others: Vec<String> = stored
            .iter()
            .filter(|text| !text.starts_with(&format!("{number}-")))
            .cloned()
            .collect();
        assert_eq!(heard(agent).await, of_others, "sender {number}");
    }
}

/// Sends all messages of one sender without waiting for the answers, and then collects these.
async fn speak(agent: &Agent, number: usize, room: &str) -> Vec<(String, Value)> {
    let raw = Raw(&agent.connection);
    for count in 0..MESSAGES {
        let params = json!({ "roomId": room, "content": format!("{number}-{count}") });
        let request = json!({ "jsonrpc": "2.0", "method": "message.send", "params": params, "id": count });
        raw.send(&request.to_string()).await;
    }
    let mut receipts = Vec::new();
    for _ in 0..MESSAGES {
        let answer = raw.next().await;
        receipts.push((format!("{number}-{}", answer["id"]), answer["result"].clone()));
    }
    receipts
}

async fn heard(agent: &Agent) -> Vec<String> {
    let events = agent.told().await;
    assert!(events.iter().all(|(method, _)| method == "message"), "{events:?}");
    contents(events.iter().map(|(_, params)| &params["message"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_race_for_the_last_room_exactly_as_many_win_as_there_are_places() {
    let builder = TestServer::builder().config(json!({ "maxRooms": 5 }));
    let server = builder.start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    let attempts = join_all((0..40).map(|number| {
        let agent = if number % 2 == 0 { &controller } else { &alice };
        let params = json!({ "name": format!("Room {number}") });
        async move { agent.connection.call("room.create", params).await }
    }))
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = attempts.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 5);
    assert!(
        lost.iter()
            .all(|attempt| attempt.as_ref().err().and_then(ClientError::code) == Some(4040))
    );
    assert_eq!(
        controller.call("room.list", json!({})).await["rooms"]
            .as_array()
            .map(Vec::len),
        Some(6)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_race_to_remove_a_message_or_join_a_room_exactly_one_wins() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    let room = alice.create_room("Ops", "public").await;
    let message = alice.say(&room, "soon gone").await["messageId"].clone();
    let race = async |agent: &Agent, method: &str, params: Value, code: i64| {
        let calls = (0..20).map(|_| agent.connection.call(method, params.clone()));
        let outcomes = join_all(calls).await;
        let lost = outcomes
            .iter()
            .filter(|outcome| outcome.as_ref().err().and_then(ClientError::code) == Some(code));
        assert_eq!(lost.count(), 19, "{method}");
    };
    race(&alice, "message.remove", json!({ "messageId": message }), 4061).await;
    race(&controller, "room.join", json!({ "roomId": room }), 4012).await;
    race(&controller, "room.leave", json!({ "roomId": room }), 4011).await;
    race(&alice, "room.delete", json!({ "roomId": room }), 4010).await;
}

#[tokio::test]
async fn regression_rooms_and_members_of_the_same_millisecond_keep_their_order() {
    let cast = Cast::gather().await;
    let alice = cast.alice();
    let create = |number: usize| {
        let params = json!({ "name": number.to_string() });
        json!({ "jsonrpc": "2.0", "method": "room.create", "params": params, "id": number })
    };
    // One batch is carried out faster than the clock moves.
    let batch: Value = (0..80).map(create).collect();
    Raw(&alice.connection).ask(&batch.to_string()).await;
    let listed = alice.call("room.list", json!({})).await;
    let rooms = &listed["rooms"].as_array().expect("rooms")[1..];
    let names: Vec<String> = rooms
        .iter()
        .filter_map(|room| room["name"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(names, (0..80).map(|number| number.to_string()).collect::<Vec<_>>());

    let newcomers = [cast.carol(), cast.controller(), cast.bob()];
    for room in rooms {
        let here = json!({ "roomId": room["roomId"] });
        for agent in newcomers {
            agent.call("room.join", here.clone()).await;
        }
        let info = alice.call("room.info", here).await;
        let members = info["members"].as_array().expect("members");
        let ids: Vec<&str> = members.iter().filter_map(|member| member["agentId"].as_str()).collect();
        assert_eq!(
            ids,
            [alice.id(), cast.carol().id(), cast.controller().id(), cast.bob().id()]
        );
    }
}
