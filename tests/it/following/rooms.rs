//! Following rooms.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::task::JoinSet;

use super::{at, expect_messages, resume};
use crate::support::{Agent, Cast, Raw, TestServer};

#[tokio::test]
async fn whoever_follows_is_shown_its_own_messages_too_so_that_positions_have_no_gap() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let lobby = alice.lobby();
    let followed = alice.call("room.follow", json!({ "roomId": lobby })).await;
    assert_eq!(followed["seq"], 0);
    for number in 0..10 {
        let speaker = if number % 2 == 0 { alice } else { bob };
        speaker.say(lobby, "x").await;
    }
    expect_messages(alice, 1..=10).await;
    // Who does not follow is shown what others say, as ever.
    let heard: Vec<_> = bob.told().await;
    assert_eq!(heard.len(), 5, "{heard:?}");
}

#[tokio::test]
async fn a_session_that_resumes_gets_what_it_missed_and_then_what_comes() {
    let mut server = TestServer::start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    let bob_key = controller.invite("bob").await;
    let room = alice.create_room("Ops", "public").await;
    let bob = Agent::enter(&server, &bob_key).await;
    bob.call("room.join", json!({ "roomId": room })).await;
    let followed = bob.call("room.follow", json!({ "roomId": room })).await;
    alice.say(&room, "seen").await;
    expect_messages(&bob, 1..=1).await;
    drop(bob);
    for _ in 2..=500 {
        alice.say(&room, "missed").await;
    }
    let (alice_key, rooms) = (alice.key.clone(), json!({ &room: at(&followed["epoch"], 1) }));
    drop((controller, alice));
    server.kill();
    server.restart();
    let alice = Agent::enter(&server, &alice_key).await;
    let bob = resume(&server, &bob_key, &rooms, None).await;
    assert_eq!(bob.welcome["resumed"][&room]["seq"], 500);
    assert_eq!(bob.welcome["resumed"][&room].get("reset"), None);
    alice.say(&room, "live").await;
    expect_messages(&bob, 2..=501).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_or_repeated_at_the_seam_while_others_talk() {
    let server = TestServer::builder()
        .config(json!({ "limits": { "messagesPerSecond": 0, "changesPerSecond": 0, "bytesPerSecond": 0, "joinsPerSecond": 0, "loopMessages": 0 } }))
        .start();
    let controller = server.controller().await;
    let speaker = server.participant(&controller, "speaker").await;
    let key = controller.invite("bob").await;
    let lobby = controller.lobby().to_owned();
    let epoch = controller.welcome["epoch"].clone();
    let mut said = tokio::task::JoinSet::new();
    said.spawn({
        let lobby = lobby.clone();
        async move {
            for number in 0..3000 {
                speaker.say(&lobby, &number.to_string()).await;
            }
        }
    });
    let mut position = 0_u64;
    while position < 3000 {
        let rooms = json!({ &lobby: at(&epoch, position) });
        let bob = resume(&server, &key, &rooms, None).await;
        // A few of each session, so that the seam lies elsewhere each time.
        let until = 3000.min(position + 1 + position % 97);
        expect_messages(&bob, position + 1..=until).await;
        position = until;
    }
    said.join_all().await;
}

#[tokio::test]
async fn a_gap_that_cannot_be_filled_is_told() {
    let config =
        json!({ "roomHistoryLimit": 5, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "public").await;
    bob.call("room.join", json!({ "roomId": room })).await;
    for _ in 0..20 {
        alice.say(&room, "x").await;
    }
    bob.told().await;
    let epoch = &bob.welcome["epoch"];
    let ask = json!({ "roomId": room, "since": at(epoch, 3) });
    let followed = bob.call("room.follow", ask).await;
    assert_eq!(
        followed["reset"],
        json!({ "reason": "retention", "oldest": at(epoch, 16), "resumesFrom": 16 })
    );
    expect_messages(bob, 16..=20).await;
    // A position of another database says nothing about this one.
    let ask = json!({ "roomId": room, "since": at(&json!("0198c0de-0000-7000-8000-000000000000"), 3) });
    let followed = bob.call("room.follow", ask).await;
    assert_eq!(
        followed["reset"],
        json!({ "reason": "epoch", "oldest": at(epoch, 16), "resumesFrom": 21 })
    );
    alice.say(&room, "x").await;
    expect_messages(bob, 21..=21).await;
}

#[tokio::test]
async fn what_cannot_be_resumed_says_why_and_the_rest_goes_on() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let private = alice.create_room("Secret", "private").await;
    let open = alice.create_room("Open", "public").await;
    bob.call("room.join", json!({ "roomId": open })).await;
    alice.say(&open, "x").await;
    let nowhere = "0198c0de-0000-4000-8000-000000000000";
    let epoch = &bob.welcome["epoch"];
    let rooms = json!({ &private: at(epoch, 0), &open: at(epoch, 0), nowhere: at(epoch, 0), "no id": at(epoch, 0) });
    let again = resume(&cast.server, &bob.key, &rooms, None).await;
    let resumed = &again.welcome["resumed"];
    assert_eq!(resumed[&private]["error"]["code"], 4011);
    assert_eq!(resumed[nowhere]["error"]["code"], 4010);
    assert_eq!(resumed["no id"]["error"]["code"], 4010);
    assert_eq!(resumed[&open]["seq"], 1);
    expect_messages(&again, 1..=1).await;
}

#[tokio::test]
async fn whoever_resumes_is_told_what_was_removed_meanwhile() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let lobby = alice.lobby();
    let mut said = Vec::new();
    for content in ["one", "two", "three"] {
        said.push(alice.say(lobby, content).await["messageId"].clone());
    }
    let dm = json!({ "toAgentId": bob.id(), "content": "psst" });
    let whispered = alice.call("message.dm", dm).await["messageId"].clone();
    let epoch = &bob.welcome["epoch"];
    let (rooms, direct) = (json!({ lobby: at(epoch, 2) }), at(epoch, 1));
    for message in [&said[0], &said[2], &whispered] {
        alice
            .call("message.remove", json!({ "messageId": message, "reason": "typo" }))
            .await;
    }
    let again = resume(&cast.server, &bob.key, &rooms, Some(&direct)).await;
    let mut removed = Vec::new();
    for _ in 0..3 {
        let event = again.expect("message.removed").await;
        assert_eq!(
            (&event["removedBy"], &event["reason"]),
            (&json!(alice.id()), &json!("typo"))
        );
        removed.push(event["messageId"].clone());
    }
    for message in [&said[0], &said[2], &whispered] {
        assert!(removed.contains(message), "{message} of {removed:?}");
    }
    // What was not seen yet comes as it is now.
    let event = again.expect("message").await;
    assert_eq!(
        (&event["message"]["seq"], &event["message"]["removed"]),
        (&json!(3), &json!(true))
    );
}

#[tokio::test]
async fn whoever_loses_a_room_is_shown_nothing_more_of_it() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "public").await;
    bob.call("room.join", json!({ "roomId": room })).await;
    bob.call("room.follow", json!({ "roomId": room })).await;
    alice.say(&room, "before").await;
    expect_messages(bob, 1..=1).await;
    alice
        .call("room.kick", json!({ "roomId": room, "agentId": bob.id() }))
        .await;
    alice.say(&room, "after").await;
    let told = bob.told().await;
    assert!(told.iter().all(|(method, _)| method != "message"), "{told:?}");
    // Back again, it follows only what it asks for.
    bob.call("room.join", json!({ "roomId": room })).await;
    let since = at(&bob.welcome["epoch"], 1);
    bob.call("room.follow", json!({ "roomId": room, "since": since })).await;
    expect_messages(bob, 2..=2).await;
}

#[tokio::test]
async fn history_pages_by_position_in_both_directions() {
    let cast = Cast::gather().await;
    let alice = cast.alice();
    let lobby = alice.lobby();
    for number in 1..=25 {
        alice.say(lobby, &number.to_string()).await;
    }
    let dm = json!({ "toAgentId": cast.bob().id(), "content": "aside" });
    alice.call("message.dm", dm).await;
    let page = async |range: serde_json::Value| -> Vec<u64> {
        let mut params = json!({ "roomId": lobby, "limit": 10 });
        params
            .as_object_mut()
            .expect("an object")
            .extend(range.as_object().expect("an object").clone());
        let page = alice.call("room.history", params).await;
        let messages = page["messages"].as_array().expect("messages");
        messages
            .iter()
            .map(|message| message["seq"].as_u64().expect("a position"))
            .collect()
    };
    assert_eq!(page(json!({ "afterSeq": 0 })).await, (1..=10).collect::<Vec<_>>());
    assert_eq!(page(json!({ "afterSeq": 20 })).await, (21..=25).collect::<Vec<_>>());
    assert!(page(json!({ "afterSeq": 25 })).await.is_empty());
    assert!(page(json!({ "afterSeq": u64::MAX })).await.is_empty());
    assert_eq!(page(json!({ "beforeSeq": 6 })).await, (1..=5).collect::<Vec<_>>());
    assert_eq!(
        page(json!({ "beforeSeq": 1_000_000 })).await,
        (16..=25).collect::<Vec<_>>()
    );
    assert!(page(json!({ "beforeSeq": 0 })).await.is_empty());
    let both = json!({ "roomId": lobby, "beforeSeq": 9, "afterSeq": 1 });
    assert_eq!(alice.refused("room.history", both).await, -32602);
}

/// What was queued when a room was lost in the middle of catching up was not sent on: everything that came after it, the
/// answer included, waited for the next ping.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_a_room_that_is_lost_while_catching_up_keeps_nobody_waiting() {
    let config = json!({ "limits": {
        "messagesPerSecond": 0, "changesPerSecond": 0, "joinsPerSecond": 0, "bytesPerSecond": 0, "pingIntervalMs": 3_600_000,
    } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "public").await;
    let content = "x".repeat(1000);
    for _ in 0..1000 {
        alice.say(&room, &content).await;
    }
    let since = at(&bob.welcome["epoch"], 0);
    for _ in 0..30 {
        bob.call("room.join", json!({ "roomId": room })).await;
        bob.call("room.follow", json!({ "roomId": room, "since": since })).await;
        bob.call("room.leave", json!({ "roomId": room })).await;
        alice.say(alice.lobby(), "still there?").await;
        while bob.expect("message").await["roomId"] != alice.lobby() {}
    }
}

/// A room that had nothing to catch up with went live before it was told what had been removed, when other rooms had filled
/// what may wait.
#[tokio::test]
async fn regression_removals_are_told_also_behind_other_rooms() {
    let config = json!({ "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let mut rooms = Vec::new();
    for number in 0..6 {
        let room = alice.create_room(&format!("Room {number}"), "public").await;
        bob.call("room.join", json!({ "roomId": room })).await;
        rooms.push(room);
    }
    // The rooms are resumed in the order of their ids.
    rooms.sort();
    let (quiet, busy) = rooms.split_last().expect("some rooms");
    let removed = alice.say(quiet, "gone soon").await["messageId"].clone();
    let content = "x".repeat(8000);
    for room in busy {
        for _ in 0..60 {
            alice.say(room, &content).await;
        }
    }
    alice.call("message.remove", json!({ "messageId": removed })).await;
    let epoch = &bob.welcome["epoch"];
    let mut resume_at: serde_json::Map<_, _> = busy.iter().map(|room| (room.clone(), at(epoch, 0))).collect();
    resume_at.insert(quiet.clone(), at(epoch, 1));
    let again = resume(&cast.server, &bob.key, &json!(resume_at), None).await;
    assert_eq!(again.expect("message.removed").await["messageId"], removed);
}

/// Who followed anew without a position lost what passed between the request and its beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_following_anew_loses_nothing_that_passes_meanwhile() {
    let config = json!({ "limits": { "messagesPerSecond": 0, "changesPerSecond": 0 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let lobby = alice.lobby();
    bob.call("room.follow", json!({ "roomId": lobby })).await;
    let ((), ()) = tokio::join!(
        async {
            for _ in 0..1000 {
                alice.say(lobby, "x").await;
            }
        },
        async {
            for _ in 0..300 {
                bob.call("room.follow", json!({ "roomId": lobby })).await;
            }
        }
    );
    expect_messages(bob, 1..=1000).await;
}

/// What was stored and not told yet when a session followed for the first time was never shown to it: too old for one that
/// follows, and not told as to one that does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_following_for_the_first_time_loses_nothing_that_is_about_to_be_told() {
    let config = json!({ "maxMessageLength": 20_000, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0 } });
    let server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let speaker = server.participant(&controller, "speaker").await;
    // Those who are told before the last one: telling them takes a while.
    let mut listening = JoinSet::new();
    for number in 0..6 {
        let listener = server.participant(&controller, &format!("listener {number}")).await;
        listening.spawn(async move { while listener.connection.next_event().await.is_some() {} });
    }
    let key = controller.invite("bob").await;
    let lobby = controller.lobby();
    let content = "x".repeat(20_000);
    let request = |id: u64| {
        let params = json!({ "roomId": lobby, "content": content });
        json!({ "jsonrpc": "2.0", "id": id, "method": "message.send", "params": params })
    };
    let batch = json!((0..40).map(request).collect::<Vec<_>>()).to_string();
    let is_over = AtomicBool::new(false);
    tokio::join!(
        async {
            while !is_over.load(Ordering::Relaxed) {
                Raw(&speaker.connection).ask(&batch).await;
            }
        },
        async {
            for _ in 0..100 {
                let bob = Agent::enter(&server, &key).await;
                let first = bob.expect("message").await["message"]["seq"].as_u64();
                let first = first.expect("a position");
                let followed = bob.call("room.follow", json!({ "roomId": lobby })).await;
                let head = followed["seq"].as_u64().expect("a position");
                expect_messages(&bob, first + 1..=head + 1).await;
            }
            is_over.store(true, Ordering::Relaxed);
        }
    );
}

/// What it said before is not shown to it, as long as it follows nothing: also when it is told only now.
#[tokio::test]
async fn whoever_begins_to_follow_is_not_shown_what_it_said_before() {
    let cast = Cast::gather().await;
    for number in 0..100 {
        let alice = Agent::enter(&cast.server, &cast.alice().key).await;
        let lobby = alice.lobby();
        alice.say(lobby, "before").await;
        let followed = alice.call("room.follow", json!({ "roomId": lobby })).await;
        assert_eq!(followed["seq"], number * 2 + 1);
        alice.say(lobby, "after").await;
        assert_eq!(alice.expect("message").await["message"]["content"], "after");
    }
}

/// Removals of messages that were not kept any longer stayed, and took the place of newer ones when somebody resumed.
#[tokio::test]
async fn regression_whoever_resumes_is_told_of_the_newest_removals() {
    const REMOVED: usize = 1001;
    let config = json!({ "lobby": { "historyLimit": 0 }, "limits": { "messagesPerSecond": 0, "changesPerSecond": 0 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let lobby = alice.lobby();
    let mut said = Vec::new();
    for _ in 0..=REMOVED {
        said.push(alice.say(lobby, "x").await["messageId"].clone());
    }
    let (last, removed) = said.split_last().expect("messages");
    for message in removed {
        alice.call("message.remove", json!({ "messageId": message })).await;
    }
    alice.say(lobby, "x").await;
    alice.call("message.remove", json!({ "messageId": last })).await;
    let rooms = json!({ lobby: at(&bob.welcome["epoch"], REMOVED as u64 + 1) });
    let again = resume(&cast.server, &bob.key, &rooms, None).await;
    while again.expect("message.removed").await["messageId"] != *last {}
}

/// Nothing stays of a message that is not kept any longer, in a room or between two agents.
#[tokio::test]
async fn regression_removals_are_forgotten_with_their_messages() {
    let config = json!({ "lobby": { "historyLimit": 5 }, "limits": { "messagesPerSecond": 0 } });
    let mut cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let alice = cast.alice();
    let lobby = alice.lobby();
    let dm = json!({ "toAgentId": cast.bob().id(), "content": "x" });
    let mut said = Vec::new();
    for _ in 0..5 {
        said.push(alice.say(lobby, "x").await["messageId"].clone());
        said.push(alice.call("message.dm", dm.clone()).await["messageId"].clone());
    }
    for message in &said {
        alice.call("message.remove", json!({ "messageId": message })).await;
    }
    for _ in 0..5 {
        alice.say(lobby, "needle").await;
        alice.call("message.dm", dm.clone()).await;
    }
    // A search waits until all of it was looked through.
    alice.call("message.search", json!({ "query": "needle" })).await;
    cast.server.kill();
    let database = rusqlite::Connection::open(cast.server.data_dir().join("wardroom.db")).expect("a database");
    let left = database.query_row("SELECT count(*) FROM removals", [], |row| row.get::<_, i64>(0));
    assert_eq!(left, Ok(0));
}
