//! Following and iterating against a server that the test scripts frame by frame.

use serde_json::{Value, json};

use super::tests::{Peer, Server, identity, options};
use super::*;

pub(super) const ROOM: &str = "room-1";

fn at(seq: u64) -> Position {
    Position::new("e", seq)
}

fn message(seq: u64, sender: &str) -> Value {
    json!({"roomId": ROOM, "message": {"messageId": format!("m{seq}"), "senderId": sender, "senderName": "n",
        "content": seq.to_string(), "timestamp": seq, "seq": seq}})
}

async fn say(peer: &mut Peer, seqs: impl IntoIterator<Item = u64>) {
    for seq in seqs {
        peer.event("message", message(seq, "b")).await;
    }
}

async fn answer_follow(peer: &mut Peer, since: Option<u64>, head: u64, reset: Option<Value>) {
    let request = peer.request("room.follow").await;
    let mut params = json!({"roomId": ROOM});
    if let Some(seq) = since {
        params["since"] = json!({"epoch": "e", "seq": seq});
    }
    assert_eq!(request["params"], params);
    let mut result = json!({"epoch": "e", "seq": head});
    if let Some(reset) = reset {
        result["reset"] = reset;
    }
    peer.answer(&request, result).await;
}

async fn expect(items: &mut Items, seqs: impl IntoIterator<Item = u64>) {
    for seq in seqs {
        match items.next().await {
            Some(Ok(Item::Message(message))) => assert_eq!(message.seq, Some(seq)),
            other => panic!("instead of message {seq}: {other:?}"),
        }
    }
}

pub(super) async fn meet(server: &Server, options: ClientOptions) -> (Client, Peer) {
    let (client, peer) = tokio::join!(Client::connect(options), server.admit());
    (client.expect("connected"), peer)
}

fn with_event_capacity(event_capacity: usize, server: &Server) -> ClientOptions {
    let connect = ConnectOptions {
        event_capacity,
        ..ConnectOptions::default()
    };
    ClientOptions {
        connect,
        ..options(server)
    }
}

/// Accepts the client's next connection and answers its `auth`; gives the params that it came with.
pub(super) async fn readmit(server: &Server, members: Value) -> (Peer, Value) {
    let mut peer = server.accept().await;
    let request = peer.request("auth").await;
    let mut result = identity();
    for (name, value) in members.as_object().expect("members") {
        result[name] = value.clone();
    }
    peer.answer(&request, result).await;
    (peer, request["params"].clone())
}

async fn iterate(client: &Client, peer: &mut Peer, since: u64, head: u64) -> Items {
    let (items, ()) = tokio::join!(
        client.room(ROOM, Some(at(since))),
        answer_follow(peer, Some(since), head, None)
    );
    items.expect("followed")
}

#[tokio::test]
async fn iteration_goes_on_across_a_lost_connection() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let mut items = iterate(&client, &mut peer, 2, 4).await;
    say(&mut peer, 3..=4).await;
    expect(&mut items, [3]).await;
    assert_eq!(client.positions().rooms[ROOM], at(3));
    expect(&mut items, [4]).await;
    drop(peer);
    let resumed = json!({"resumed": {ROOM: {"epoch": "e", "seq": 6}}});
    let (mut peer, params) = readmit(&server, resumed).await;
    assert_eq!(params["resume"], json!({ROOM: at(4)}));
    say(&mut peer, 5..=7).await;
    expect(&mut items, 5..=7).await;
    assert_eq!(items.position(), Some(at(7)));
}

#[tokio::test]
async fn repeats_are_dropped_and_a_gap_is_followed_again() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let mut items = iterate(&client, &mut peer, 0, 1).await;
    say(&mut peer, [1, 1, 3]).await;
    expect(&mut items, [1]).await;
    answer_follow(&mut peer, Some(1), 3, None).await;
    say(&mut peer, [2, 3]).await;
    expect(&mut items, [2, 3]).await;
}

#[tokio::test]
async fn without_a_position_it_begins_right_behind_the_answer() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let (items, ()) = tokio::join!(client.room(ROOM, None), async {
        answer_follow(&mut peer, None, 8, None).await;
        say(&mut peer, [9]).await;
    });
    expect(&mut items.expect("followed"), [9]).await;
}

#[tokio::test]
async fn resets_are_items() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let reset = json!({"reason": "retention", "oldest": at(16), "resumesFrom": 16});
    let (items, ()) = tokio::join!(
        client.room(ROOM, Some(at(3))),
        answer_follow(&mut peer, Some(3), 20, Some(reset))
    );
    let mut items = items.expect("followed");
    let Some(Ok(Item::Reset(reset))) = items.next().await else {
        panic!("no reset")
    };
    assert_eq!(reset.reason, ResetReason::Retention);
    assert_eq!(
        (reset.missed_from, reset.resumes_from, reset.oldest),
        (4, 16, Some(at(16)))
    );
    say(&mut peer, [16]).await;
    expect(&mut items, [16]).await;
    let gap = json!({"roomId": ROOM, "epoch": "e", "missedFrom": 17, "resumesFrom": 30});
    peer.event("reset", gap).await;
    let Some(Ok(Item::Reset(reset))) = items.next().await else {
        panic!("no reset")
    };
    assert_eq!((reset.missed_from, reset.resumes_from), (17, 30));
    say(&mut peer, [30]).await;
    expect(&mut items, [30]).await;
}

#[tokio::test]
async fn another_database_is_told_among_the_events() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let since = at(5);
    let (followed, ()) = tokio::join!(
        client.follow_room(ROOM, Some(&since)),
        answer_follow(&mut peer, Some(5), 5, None)
    );
    assert_eq!(followed.expect("followed").seq, 5);
    drop(peer);
    let reset = json!({"reason": "epoch", "oldest": {"epoch": "f", "seq": 1}, "resumesFrom": 3});
    let resumed = json!({"epoch": "f", "resumed": {ROOM: {"epoch": "f", "seq": 2, "reset": reset}}});
    let (mut peer, params) = readmit(&server, resumed).await;
    assert_eq!(params["resume"], json!({ROOM: at(5)}));
    say(&mut peer, [3]).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(client.next_event().await.expect("an event"));
    }
    let methods: Vec<_> = told.iter().map(|event| event.method.as_str()).collect();
    assert_eq!(methods, [DISCONNECTED, RECONNECTED, "reset", "message"]);
    assert_eq!(told[2].params["missedFrom"], 6);
    assert_eq!(client.positions().rooms[ROOM], Position::new("f", 3));
}

#[tokio::test]
async fn a_slow_consumer_bounds_memory_and_misses_nothing() {
    let server = Server::start().await;
    let bounded = ClientOptions {
        iteration_capacity: 4,
        ..options(&server)
    };
    let (client, mut peer) = meet(&server, bounded).await;
    let mut items = iterate(&client, &mut peer, 0, 0).await;
    say(&mut peer, 1..=11).await;
    peer.event("presence", json!({})).await;
    while client.next_event().await.expect("an event").method != "presence" {}
    tokio::join!(expect(&mut items, 1..=11), async {
        // Four were kept; the rest is asked for once they were read.
        answer_follow(&mut peer, Some(4), 11, None).await;
        say(&mut peer, 5..=11).await;
        answer_follow(&mut peer, Some(8), 11, None).await;
        say(&mut peer, 9..=11).await;
    });
}

#[tokio::test]
async fn positions_are_handed_in_and_out() {
    let server = Server::start().await;
    let positions: Positions = serde_json::from_value(json!({"rooms": {ROOM: at(7)}, "direct": at(2)})).expect("known");
    let given = ClientOptions {
        positions: positions.clone(),
        ..options(&server)
    };
    let (client, mut peer) = meet(&server, given).await;
    assert_eq!(client.positions(), positions);
    let (items, ()) = tokio::join!(client.room(ROOM, None), answer_follow(&mut peer, Some(7), 8, None));
    say(&mut peer, [8]).await;
    expect(&mut items.expect("followed"), [8]).await;
    let (direct, ()) = tokio::join!(client.direct(None), async {
        let request = peer.request("message.followDirect").await;
        assert_eq!(request["params"], json!({"since": at(2)}));
        peer.answer(&request, json!({"epoch": "e", "seq": 3})).await;
    });
    let dm =
        json!({"fromAgentId": "b", "fromDisplayName": "B", "content": "x", "messageId": "m", "timestamp": 1, "seq": 3});
    peer.event("dm", dm).await;
    let Some(Ok(Item::Direct(told))) = direct.expect("followed").next().await else {
        panic!("no direct message")
    };
    assert_eq!((told.content.as_str(), told.seq), ("x", Some(3)));
    let kept = client.positions();
    assert_eq!((&kept.rooms[ROOM], &kept.direct), (&at(8), &Some(at(3))));
}

#[tokio::test]
async fn a_room_that_is_lost_ends_its_iteration_with_the_reason() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let mut items = iterate(&client, &mut peer, 0, 0).await;
    let removal = json!({"roomId": ROOM, "messageId": "m1", "removedBy": "b", "reason": null});
    peer.event("message.removed", removal).await;
    assert!(matches!(items.next().await, Some(Ok(Item::Removed(removal))) if removal.message_id == "m1"));
    peer.event("kicked", json!({"roomId": ROOM, "reason": null})).await;
    let request = peer.request("room.follow").await;
    peer.refuse(&request, 4011).await;
    let error = items.next().await.expect("the reason").expect_err("a refusal");
    assert_eq!(error.code(), Some(4011));
    assert!(items.next().await.is_none());
}

#[tokio::test]
async fn iteration_ends_with_the_client() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let mut items = iterate(&client, &mut peer, 0, 0).await;
    drop(client);
    assert!(items.next().await.is_none());
}

#[tokio::test]
async fn regression_a_client_that_only_iterates_goes_on_although_nobody_reads_its_events() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, with_event_capacity(2, &server)).await;
    let mut items = iterate(&client, &mut peer, 0, 0).await;
    say(&mut peer, 1..=9).await;
    expect(&mut items, 1..=9).await;
    drop(peer);
    let resumed = json!({"resumed": {ROOM: {"epoch": "e", "seq": 9}}});
    let (mut peer, _) = readmit(&server, resumed).await;
    say(&mut peer, [10]).await;
    expect(&mut items, [10]).await;
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(client.next_event().await.expect("an event"));
    }
    let methods: Vec<_> = told.iter().map(|event| event.method.as_str()).collect();
    assert_eq!(methods, ["message", "message", EVENTS_DROPPED]);
    // Seven messages, the lost connection and the new one, one more message.
    assert_eq!(told[2].params, json!({"dropped": 10}));
}

#[tokio::test]
async fn what_is_followed_among_the_events_waits_until_they_are_read() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, with_event_capacity(4, &server)).await;
    let since = at(0);
    let (followed, ()) = tokio::join!(
        client.follow_room(ROOM, Some(&since)),
        answer_follow(&mut peer, Some(0), 0, None)
    );
    assert_eq!(followed.expect("followed").seq, 0);
    say(&mut peer, 1..=6).await;
    let read = async {
        for seq in 1..=6 {
            let event = client.next_event().await.expect("an event");
            assert_eq!(event.params["message"]["seq"], seq);
        }
    };
    tokio::join!(read, async {
        answer_follow(&mut peer, Some(4), 6, None).await;
        say(&mut peer, 5..=6).await;
    });
    assert_eq!(client.positions().rooms[ROOM], at(6));
}

#[tokio::test]
async fn regression_after_a_restore_those_who_do_not_follow_are_told_of_messages_again() {
    for is_read_on in [true, false] {
        let server = Server::start().await;
        let (client, mut peer) = meet(&server, options(&server)).await;
        let items = iterate(&client, &mut peer, 9, 9).await;
        let items = is_read_on.then_some(items);
        drop(peer);
        let resumed = if is_read_on {
            let reset = json!({"reason": "epoch", "oldest": {"epoch": "f", "seq": 1}, "resumesFrom": 3});
            json!({"epoch": "f", "resumed": {ROOM: {"epoch": "f", "seq": 2, "reset": reset}}})
        } else {
            json!({"epoch": "f"})
        };
        let (mut peer, _) = readmit(&server, resumed).await;
        say(&mut peer, [3]).await;
        peer.event("presence", json!({})).await;
        let mut told = Vec::new();
        while !told.iter().any(|method| method == "presence") {
            told.push(client.next_event().await.expect("an event").method);
        }
        assert_eq!(told, [DISCONNECTED, RECONNECTED, "message", "presence"]);
        drop(items);
    }
}

#[tokio::test]
async fn a_room_that_is_not_there_any_more_has_no_position() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let mut items = iterate(&client, &mut peer, 4, 4).await;
    assert_eq!(client.positions().rooms[ROOM], at(4));
    peer.event("room.deleted", json!({"roomId": ROOM})).await;
    let request = peer.request("room.follow").await;
    peer.refuse(&request, 4010).await;
    let error = items.next().await.expect("the reason").expect_err("a refusal");
    assert_eq!(error.code(), Some(4010));
    drop(items);
    assert!(client.positions().rooms.is_empty());
}

#[tokio::test]
async fn regression_following_with_a_client_that_has_ended_gives_the_reason_at_once() {
    let server = Server::start().await;
    let (client, peer) = meet(&server, options(&server)).await;
    peer.close(1008, "banned").await;
    while client.next_event().await.is_some() {}
    for answer in [
        client.follow_room(ROOM, None).await.map(drop),
        client.room(ROOM, None).await.map(drop),
    ] {
        assert!(matches!(answer, Err(ClientError::Closed(end)) if end.code == Some(1008)));
    }
}
