//! A reader that does not keep up: it is cut off and told so, and it costs neither memory nor anybody else's time.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::process::{MIB, forget_peak, peak, resident};
use super::raw::{CLOSE, FINAL, PING, PONG, Raw, TEXT, frame, request};
use crate::support::{Agent, TestServer};

/// How long after its queue overflowed a reader that reads nothing may keep its socket. Ten seconds are promised on a
/// machine with nothing else to do.
const GIVEN_UP: Duration = Duration::from_secs(15);

/// How many readers were cut off so far.
async fn cut_off(server: &TestServer) -> u64 {
    let (_, page) = server.get("/metrics").await;
    let line = page
        .lines()
        .find(|line| line.starts_with("wardroom_slow_readers_total "));
    line.and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .unwrap_or_else(|| panic!("no such metric:\n{page}"))
}

fn server_of_large_messages() -> TestServer {
    let config = json!({ "maxMessageLength": 200_000, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0, "slowReaderTimeoutMs": 300 } });
    TestServer::builder().config(config).start()
}

/// Talks until the one who does not read is cut off: how many messages that took.
async fn talk(server: &TestServer, speaker: &Agent, listener: &Agent, room: &str) -> u64 {
    let content = "x".repeat(100_000);
    for number in 1..1000 {
        let began = Instant::now();
        assert_eq!(speaker.say(room, &content).await["seq"], number);
        assert_eq!(listener.expect("message").await["message"]["seq"], number);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "a message took {took:?}");
        if cut_off(server).await > 0 {
            return number;
        }
    }
    panic!("a reader that reads nothing was never cut off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stays_behind_is_cut_off_and_finds_out_why() {
    let server = server_of_large_messages();
    let controller = server.controller().await;
    let speaker = server.participant(&controller, "speaker").await;
    let listener = server.participant(&controller, "listener").await;
    let room = speaker.create_room("Room", "public").await;
    listener.call("room.join", json!({ "roomId": room })).await;
    let key = controller.invite("slow").await;
    let mut slow = Raw::narrow(&server).await.enter(&key).await;
    slow.call("room.join", &json!({ "roomId": room })).await;
    forget_peak(&server);
    let before = resident(&server);

    let said = talk(&server, &speaker, &listener, &room).await;

    let more = peak(&server).saturating_sub(before);
    assert!(more <= 64 * MIB, "{} MiB more", more / MIB);
    // It reads on: everything up to the cut, in order and without a gap, and then the reason.
    let (mut last, mut close) = (0, None);
    while let Some(frame) = slow.frame().await {
        if frame.opcode == CLOSE {
            close = Some(frame.close());
            slow.finish().await;
        } else if frame.opcode == TEXT {
            let event = frame.json();
            if event["method"] == "message" {
                assert_eq!(event["params"]["message"]["seq"], last + 1);
                last += 1;
            }
        }
    }
    assert_eq!(close.map(|(code, _)| code), Some(1013));
    assert!((1..said).contains(&last), "{last} of {said}");
    // It comes back and finds the rest.
    let back = Agent::enter(&server, &key).await;
    assert_eq!(back.history(&room, 1, None).await[0]["seq"], said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_never_comes_back_is_given_up() {
    // With the grace that a server gives by default.
    let server = server_of_large_messages();
    let controller = server.controller().await;
    let speaker = server.participant(&controller, "speaker").await;
    let listener = server.participant(&controller, "listener").await;
    let room = speaker.create_room("Room", "public").await;
    listener.call("room.join", json!({ "roomId": room })).await;
    let key = controller.invite("slow").await;
    let mut slow = Raw::narrow(&server).await.enter(&key).await;
    slow.call("room.join", &json!({ "roomId": room })).await;
    listener.expect("presence").await;
    talk(&server, &speaker, &listener, &room).await;
    let overflowed = Instant::now();
    // Once it had its time to read on its absence is told, and its socket is not kept.
    loop {
        let gone = listener.expect("presence").await;
        if gone["online"] == false {
            break;
        }
    }
    crate::support::soon("the socket to be given up", async {
        // The other three, and the one that asks.
        let open = "wardroom_connections 4";
        while !server.get("/metrics").await.1.lines().any(|line| line == open) {}
    })
    .await;
    let took = overflowed.elapsed();
    assert!(took <= GIVEN_UP, "given up after {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_unread_answers_cost_no_memory_and_all_come() {
    const CALLS: u64 = 2000;
    let server = TestServer::start();
    let controller = server.controller().await;
    let other = server.participant(&controller, "other").await;
    let lobby = controller.lobby().to_owned();
    for _ in 0..20 {
        controller.say(&lobby, &"x".repeat(4000)).await;
    }
    let key = controller.invite("greedy").await;
    let mut greedy = Raw::narrow(&server).await.enter(&key).await;
    forget_peak(&server);
    let before = resident(&server);
    let call = |number: u64| {
        let params = json!({ "roomId": lobby, "limit": 20 });
        frame(FINAL | TEXT, request(number, "room.history", &params).as_bytes())
    };
    let calls: Vec<u8> = (0..CALLS).flat_map(call).collect();
    // The server stops reading when its answers are not read, so all of it can only be sent while they are.
    let (first, rest) = calls.split_at(calls.len() / 4);
    greedy.send(first).await;
    // Others ask in the meantime and are answered.
    for _ in 0..200 {
        assert_eq!(other.history(&lobby, 20, None).await.len(), 20);
    }
    let (mut sent, mut next) = (0, 0);
    while next < CALLS {
        let answer = greedy.frame().await.expect("an answer");
        if answer.opcode != TEXT {
            continue;
        }
        let answer: Value = answer.json();
        if answer.get("id").is_none() {
            continue;
        }
        assert_eq!(answer["id"], next);
        assert_eq!(answer["result"]["messages"].as_array().map(Vec::len), Some(20));
        next += 1;
        if next % 100 == 0 && sent < rest.len() {
            let end = rest.len().min(sent + rest.len() / 10 + 1);
            greedy.send(&rest[sent..end]).await;
            sent = end;
        }
    }
    let more = peak(&server).saturating_sub(before);
    assert!(more <= 64 * MIB, "{} MiB more", more / MIB);
}

/// A server whose lobby holds a page of history of ten megabytes, its controller, and a key for a reader.
async fn full_lobby(config: Value) -> (TestServer, Agent, String) {
    let server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    for _ in 0..100 {
        controller.say(controller.lobby(), &"x".repeat(100_000)).await;
    }
    let key = controller.invite("reader").await;
    (server, controller, key)
}

/// A page of history larger than what may be queued is no reason to be cut off by the next thing that is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_a_large_answer_is_not_taken_for_slowness() {
    let config = json!({ "maxMessageLength": 200_000, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0, "historyAnswerBytes": 16_777_216 } });
    let (server, controller, key) = full_lobby(config).await;
    let (server, lobby) = (&server, controller.lobby().to_owned());
    let mut reader = Raw::narrow(server).await.enter(&key).await;
    let ask = request("page", "room.history", &json!({ "roomId": lobby, "limit": 100 }));
    assert_eq!(reader.frame().await.expect("an event").json()["method"], "presence");
    reader.send(&frame(FINAL | TEXT, ask.as_bytes())).await;
    // The answer is on its way when its first bytes are there; meanwhile the conversation goes on.
    assert!(reader.hears_something().await);
    for number in 0..20 {
        controller.say(&lobby, &number.to_string()).await;
    }
    let mut heard = 0;
    let mut page = 0;
    while heard < 20 || page == 0 {
        let frame = reader.frame().await.expect("the connection goes on");
        assert_ne!(frame.opcode, CLOSE, "{:?}", frame.close());
        let frame = frame.json();
        if frame["id"] == "page" {
            page = frame["result"]["messages"].as_array().map_or(0, Vec::len);
        }
        heard += usize::from(frame["method"] == "message");
    }
    assert!(page >= 100, "{page}");
    assert_eq!(cut_off(server).await, 0);
}

/// While a large answer was on its way nothing was read, so that a reader who took it slowly was cut off for answering no
/// pings: they lay behind that answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_a_reader_that_takes_a_large_answer_slowly_is_not_taken_for_dead() {
    let limits = json!({
        "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0, "historyAnswerBytes": 16_777_216,
        "pingIntervalMs": 400, "missedPongs": 3,
    });
    let config = json!({ "maxMessageLength": 200_000, "limits": limits });
    let (server, controller, key) = full_lobby(config).await;
    let (server, lobby) = (&server, controller.lobby().to_owned());
    let mut watch = Raw::open(server).await.enter(&key).await;
    let mut slow = Raw::narrow(server).await.enter(&key).await;
    let ask = request("page", "room.history", &json!({ "roomId": lobby, "limit": 100 }));
    slow.send(&frame(FINAL | TEXT, ask.as_bytes())).await;
    // It takes as long as ten pings to another connection.
    for _ in 0..10 {
        while watch.frame().await.expect("a ping").opcode != PING {}
        watch.send(&frame(FINAL | PONG, b"")).await;
        slow.take(800_000).await;
    }
    let ask = request("again", "lobby.getMotd", &json!({}));
    slow.send(&frame(FINAL | TEXT, ask.as_bytes())).await;
    let mut answered = Vec::new();
    while answered.len() < 2 {
        let frame = slow.frame().await.expect("the connection goes on");
        assert_ne!(frame.opcode, CLOSE, "{:?}", frame.close());
        if frame.opcode == TEXT {
            answered.extend(frame.json()["id"].as_str().map(str::to_owned));
        }
    }
    assert_eq!(answered, ["page", "again"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pongs_that_nobody_reads_cost_no_memory() {
    let config = json!({ "limits": { "authTimeoutMs": 600_000 } });
    let server = TestServer::builder().config(config).start();
    let before = resident(&server);
    let pings = frame(FINAL | PING, b"").repeat(10_000);
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let mut socket = Raw::narrow(&server).await.upgrade().await;
        // Until the server stops reading, because its own answers are in the way.
        for _ in 0..1000 {
            let write = tokio::time::timeout(Duration::from_millis(500), socket.try_send(&pings));
            if !matches!(write.await, Ok(Ok(()))) {
                break;
            }
        }
        sockets.push(socket);
    }
    let more = resident(&server).saturating_sub(before);
    assert!(more <= 12 * MIB, "{} MiB more", more / MIB);
    drop(sockets);
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_cut_off_and_finds_out_why() {
    let limits = json!({ "pingIntervalMs": 700, "missedPongs": 2 });
    let server = TestServer::builder().config(json!({ "limits": limits })).start();
    let controller = server.controller().await;
    let key = controller.invite("deaf").await;
    let mut deaf = Raw::open(&server).await.enter(&key).await;
    assert_eq!(controller.expect("presence").await["online"], true);
    assert_eq!(controller.expect("presence").await["online"], false);
    assert_eq!(deaf.ending().await.map(|(code, _)| code), Some(1013));
    // One that answers stays.
    assert_eq!(controller.call("lobby.getMotd", json!({})).await["motd"], Value::Null);
}
