//! What a limit takes away, and that nothing else ever goes.

use serde_json::{Value, json};
use wardroom::client::Methods;

use crate::support::{Agent, Cast, TestServer};

/// Kept messages in these tests.
const KEPT: usize = 10;

async fn cast() -> Cast {
    let config = json!({ "lobby": { "historyLimit": KEPT }, "roomHistoryLimit": KEPT });
    Cast::gather_on(TestServer::builder().config(config)).await
}

async fn contents(agent: &Agent, room: &str) -> Vec<String> {
    let history = agent.history(room, 1000, None).await;
    history
        .iter()
        .map(|entry| entry["content"].as_str().expect("text").to_owned())
        .collect()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

async fn positions(agent: &Agent, room: &str) -> Vec<u64> {
    let history = agent.history(room, 1000, None).await;
    history.iter().filter_map(|entry| entry["seq"].as_u64()).collect()
}

#[tokio::test]
async fn the_newest_messages_stay_and_keep_their_positions_also_after_a_restart() {
    let mut cast = cast().await;
    let other = cast.alice().create_room("Ops", "public").await;
    let lobby = cast.alice().lobby().to_owned();
    for room in [&lobby, &other] {
        for number in 0..25 {
            cast.alice().say(room, &number.to_string()).await;
        }
        assert_eq!(contents(cast.alice(), room).await, numbers(15..25));
        assert_eq!(positions(cast.alice(), room).await, (16..=25).collect::<Vec<_>>());
    }
    cast.restart().await;
    for room in [&lobby, &other] {
        assert_eq!(positions(cast.alice(), room).await, (16..=25).collect::<Vec<_>>());
        let receipt = cast.alice().say(room, "25").await;
        assert_eq!(receipt["seq"], 26);
        assert_eq!(contents(cast.alice(), room).await, numbers(16..26));
    }
}

#[tokio::test]
async fn a_message_that_a_limit_took_is_not_found_any_more() {
    let cast = cast().await;
    let alice = cast.alice();
    let room = alice.create_room("Ops", "public").await;
    let first = alice.say(&room, "first").await["messageId"].clone();
    for number in 0..KEPT {
        alice.say(&room, &number.to_string()).await;
    }
    assert_eq!(
        alice.refused("message.remove", json!({ "messageId": first })).await,
        4060
    );
}

#[tokio::test]
async fn a_chatty_pair_evicts_nobody_elses_messages() {
    let cast = cast().await;
    let (alice, bob, carol) = (cast.alice(), cast.bob(), cast.carol());
    let dm = async |from: &Agent, to: &Agent, content: &str| {
        from.call("message.dm", json!({ "toAgentId": to.id(), "content": content }))
            .await;
    };
    carol.say(carol.lobby(), "open").await;
    dm(alice, carol, "for carol").await;
    for number in 0..25 {
        // Both directions of a pair count together.
        let (from, to) = if number % 2 == 0 { (alice, bob) } else { (bob, alice) };
        dm(from, to, &number.to_string()).await;
    }
    let lobby = alice.lobby();
    let kept = numbers(15..25);
    assert_eq!(
        contents(bob, lobby).await,
        [vec!["open".to_owned()], kept.clone()].concat()
    );
    let of_alice = [vec!["open".to_owned(), "for carol".to_owned()], kept].concat();
    assert_eq!(contents(alice, lobby).await, of_alice);
    assert_eq!(contents(carol, lobby).await, ["open", "for carol"]);
}

#[tokio::test]
async fn direct_messages_that_a_limit_took_stay_gone_and_later_ones_are_found_after_a_restart() {
    let mut cast = cast().await;
    let dm = async |cast: &Cast, number: usize| {
        let params = json!({ "toAgentId": cast.bob().id(), "content": number.to_string() });
        cast.alice().call("message.dm", params).await;
    };
    for number in 0..25 {
        dm(&cast, number).await;
    }
    cast.restart().await;
    for number in 25..30 {
        dm(&cast, number).await;
    }
    for party in [cast.alice(), cast.bob()] {
        assert_eq!(contents(party, party.lobby()).await, numbers(20..30));
    }
}

#[tokio::test]
async fn without_a_limit_everything_is_kept_and_a_removed_message_keeps_its_place() {
    let mut cast = Cast::gather().await;
    let room = cast.alice().create_room("Ops", "public").await;
    let mut receipts = Vec::new();
    for number in 0..50 {
        receipts.push(cast.alice().say(&room, &number.to_string()).await);
    }
    let before = cast.alice().history(&room, 1000, None).await;
    cast.alice()
        .call("message.remove", json!({ "messageId": receipts[20]["messageId"] }))
        .await;
    let mut expected = before;
    expected[20]["content"] = json!("[removed]");
    expected[20]["removed"] = json!(true);
    assert_eq!(cast.alice().history(&room, 1000, None).await, expected);
    cast.restart().await;
    assert_eq!(
        cast.bob().call("room.join", json!({ "roomId": room })).await["status"],
        "ok"
    );
    assert_eq!(cast.bob().history(&room, 1000, None).await, expected);
    assert_eq!(
        cast.alice()
            .refused("message.remove", json!({ "messageId": receipts[20]["messageId"] }))
            .await,
        4061
    );
}

#[tokio::test]
async fn messages_of_a_revoked_agent_stay_under_the_name_they_had() {
    let mut cast = Cast::gather().await;
    let room = cast.alice().create_room("Ops", "public").await;
    cast.bob().call("room.join", json!({ "roomId": room })).await;
    let named = json!({ "apiKey": cast.alice().key, "displayName": "Alice of Ops" });
    let alice = Agent::try_enter(&cast.server, named).await.expect("the key is good");
    alice.say(&room, "in a room").await;
    alice.say(alice.lobby(), "in the lobby").await;
    let (id, lobby) = (alice.id().to_owned(), alice.lobby().to_owned());
    cast.controller().call("agent.revoke", json!({ "agentId": id })).await;
    for again in [false, true] {
        if again {
            cast.restart().await;
        }
        for room in [&room, &lobby] {
            let history = cast.bob().history(room, 10, None).await;
            assert_eq!(history[0]["senderName"], "Alice of Ops");
            assert_eq!(history[0]["senderId"], id.as_str());
        }
        let info = cast.bob().call("room.info", json!({ "roomId": room })).await;
        assert_eq!(info["room"]["ownerName"], "controller");
        assert!(!info["members"].to_string().contains(&id), "{info}");
    }
}

#[tokio::test]
async fn messages_of_a_deleted_room_stay_for_the_controller() {
    let mut cast = Cast::gather().await;
    let room = cast.alice().create_room("Ops", "private").await;
    cast.alice().say(&room, "kept").await;
    cast.alice().call("room.delete", json!({ "roomId": room })).await;
    for again in [false, true] {
        if again {
            cast.restart().await;
        }
        let history = cast.controller().history(&room, 10, None).await;
        assert_eq!(history[0]["content"], "kept");
        assert_eq!(
            cast.alice().refused("room.history", json!({ "roomId": room })).await,
            4010
        );
        let listed = cast.controller().call("room.list", json!({})).await;
        assert_eq!(listed["rooms"].as_array().map(Vec::len), Some(1));
    }
    let status: Value = cast
        .server
        .operator()
        .await
        .call("operator.status", json!({}))
        .await
        .expect("a status");
    assert_eq!(status["rooms"], 0);
}

#[tokio::test]
async fn regression_rooms_made_and_deleted_in_a_loop_are_not_all_kept() {
    let mut cast = Cast::gather().await;
    let spoken_in = cast.alice().create_room("spoken in", "public").await;
    cast.alice().say(&spoken_in, "kept").await;
    cast.alice().call("room.delete", json!({ "roomId": spoken_in })).await;
    let mut silent = Vec::new();
    for number in 0..110 {
        let room = cast.alice().create_room(&number.to_string(), "private").await;
        cast.alice().call("room.delete", json!({ "roomId": room })).await;
        silent.push(room);
    }
    for again in [false, true] {
        if again {
            cast.restart().await;
        }
        let controller = cast.controller();
        for (place, room) in silent.iter().enumerate() {
            let room = json!({ "roomId": room });
            if place < 10 {
                assert_eq!(controller.refused("room.info", room).await, 4010, "{place}");
            } else {
                let shown = controller.call("room.info", room).await;
                assert_eq!(shown["room"]["deleted"], json!(true), "{place}");
            }
        }
        assert_eq!(controller.history(&spoken_in, 10, None).await[0]["content"], "kept");
    }
}

#[tokio::test]
async fn regression_who_has_read_what_goes_with_the_room() {
    let cast = Cast::gather().await;
    let room = cast.alice().create_room("Ops", "public").await;
    cast.bob().call("room.join", json!({ "roomId": room })).await;
    let message = json!({ "roomId": room, "content": "read this", "wantRead": true });
    let said = cast.alice().call("message.send", message).await;
    let mark = json!({ "roomId": room, "seq": 1 });
    cast.bob().call("room.markRead", mark).await;
    let removal = json!({ "messageId": said["messageId"] });
    cast.alice().call("message.remove", removal).await;
    let database = rusqlite::Connection::open(cast.server.data_dir().join("wardroom.db")).expect("a database");
    let rows = || {
        let sql = "SELECT (SELECT count(*) FROM read_marks) + (SELECT count(*) FROM removals) + \
                   (SELECT count(*) FROM read_requests)";
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .expect("a count")
    };
    assert_eq!(rows(), 3);
    cast.alice().call("room.delete", json!({ "roomId": room })).await;
    assert_eq!(rows(), 0);
    let history = cast.controller().history(&room, 10, None).await;
    assert_eq!(history[0]["removed"], json!(true));
}
