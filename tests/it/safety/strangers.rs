//! Connections that never say who they are, by the hundred: they cost little, last for a moment, and keep nobody out.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use wardroom::config::Config;

use super::process::{descriptors, resident, size};
use super::raw::{FINAL, HANDSHAKE, PING, Raw, TEXT, frame, request, status};
use crate::support::{Agent, TestServer, soon};

/// How often a byte of what dribbles is sent.
const DRIBBLE: Duration = Duration::from_millis(20);

/// How a stranger passes its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Habit {
    /// Says nothing at all.
    Silent,
    /// Sends half a head.
    HalfHead,
    /// Sends a head byte by byte.
    Dribbling,
    /// Becomes a WebSocket and says nothing.
    Idle,
    /// Becomes a WebSocket and sends pings.
    Pinging,
    /// Becomes a WebSocket and sends what is no JSON.
    Babbling,
    /// Becomes a WebSocket and sends requests.
    Asking,
    /// Becomes a WebSocket and sends half a frame.
    HalfFrame,
}

const HABITS: [Habit; 8] = [
    Habit::Silent,
    Habit::HalfHead,
    Habit::Dribbling,
    Habit::Idle,
    Habit::Pinging,
    Habit::Babbling,
    Habit::Asking,
    Habit::HalfFrame,
];

impl Habit {
    fn is_websocket(self) -> bool {
        !matches!(self, Self::Silent | Self::HalfHead | Self::Dribbling)
    }

    /// What it sends once, and what it sends again and again.
    fn speech(self) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Silent | Self::Idle => (Vec::new(), Vec::new()),
            Self::HalfHead => (HANDSHAKE.as_bytes()[..60].to_vec(), Vec::new()),
            Self::Dribbling => (b"GET / HTTP/1.1\r\nX: ".to_vec(), b"x".to_vec()),
            Self::Pinging => (Vec::new(), frame(FINAL | PING, b"alive")),
            Self::Babbling => (Vec::new(), frame(FINAL | TEXT, b"let me in")),
            Self::Asking => (
                Vec::new(),
                frame(FINAL | TEXT, request(1, "room.list", &json!({})).as_bytes()),
            ),
            Self::HalfFrame => (frame(FINAL | TEXT, &[b' '; 100])[..50].to_vec(), Vec::new()),
        }
    }
}

/// Lives by its habit until the server ends it: how it was ended.
async fn linger(mut socket: Raw, habit: Habit) -> (Habit, Option<(u16, String)>) {
    let (first, again) = habit.speech();
    let mut pace = tokio::time::interval(DRIBBLE);
    socket.send(&first).await;
    let mut close = None;
    // The answer to each is awaited, so that this end never gets ahead of the server.
    while socket.try_send(&again).await.is_ok() {
        let answered = matches!(habit, Habit::Pinging | Habit::Babbling | Habit::Asking);
        if habit == Habit::Dribbling {
            pace.tick().await;
            continue;
        }
        match socket.frame().await {
            Some(frame) if frame.opcode == super::raw::CLOSE => {
                close = Some(frame.close());
                socket.finish().await;
                break;
            }
            Some(_) if answered => {}
            Some(other) => panic!("{habit:?} was sent {other:?}"),
            None => break,
        }
    }
    if !habit.is_websocket() {
        // It may be told in HTTP that it took too long.
        let told = socket.head().await.as_deref().and_then(status);
        assert!(told.is_none_or(|status| status == 408), "{told:?}");
    }
    (habit, close)
}

#[test]
fn strangers_have_ten_seconds_by_default() {
    let limits = Config::default().limits;
    assert_eq!(limits.auth_timeout_ms, 10_000);
    assert_eq!(limits.request_head_timeout_ms, 10_000);
    assert_eq!(limits.request_head_bytes, 32_768);
}

#[tokio::test]
async fn a_head_that_never_ends_is_ended_as_is_the_default() {
    let server = TestServer::builder().config(json!({})).start();
    let mut slow = Raw::open(&server).await;
    let began = Instant::now();
    slow.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await;
    let told = soon("the end of it", slow.head()).await.as_deref().and_then(status);
    assert!(told.is_none_or(|status| status == 408), "{told:?}");
    let took = began.elapsed();
    // Ten seconds, and what a busy machine needs.
    assert!(took >= Duration::from_secs(9), "after {took:?}");
    assert!(took <= Duration::from_secs(15), "after {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_ended_in_time_and_keep_nobody_out() {
    let count = size("SOCKETS", 400);
    // Time enough for all of them to be there at once.
    let patience = u64::try_from(3000 + count).expect("a time");
    let limits = json!({ "authTimeoutMs": patience, "requestHeadTimeoutMs": patience, "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0 });
    let server = TestServer::builder().config(json!({ "limits": limits })).start();
    let controller = server.controller().await;
    let (memory, files) = (resident(&server), descriptors(&server));
    let began = Instant::now();
    let mut strangers = JoinSet::new();
    for number in 0..count {
        let habit = HABITS[number % HABITS.len()];
        let socket = Raw::open(&server).await;
        let socket = if habit.is_websocket() {
            socket.upgrade().await
        } else {
            socket
        };
        strangers.spawn(linger(socket, habit));
    }
    if began.elapsed() < Duration::from_millis(patience) {
        let each = resident(&server).saturating_sub(memory) / count as u64;
        assert!(each <= 40 * 1024, "{each} bytes for each");
    }
    while let Some(ended) = strangers.try_join_next() {
        ended.expect("a stranger");
    }
    // Whoever has a key gets in all the while.
    let key = controller.invite("alice").await;
    let mut rounds = 0;
    while !strangers.is_empty() || rounds == 0 {
        if rounds % (count / 40 + 1) == 0 {
            let began = Instant::now();
            let alice = Agent::enter(&server, &key).await;
            let took = began.elapsed();
            assert!(took < Duration::from_secs(5), "coming in took {took:?}");
            alice.call("room.list", json!({})).await;
        }
        rounds += 1;
        if let Some(ended) = soon("a stranger to be ended", strangers.join_next()).await {
            let (habit, close) = ended.expect("a stranger");
            let expected = habit.is_websocket().then_some(1008);
            assert_eq!(close.map(|(code, _)| code), expected, "{habit:?}");
        }
    }
    soon("descriptors to be given back", async {
        while descriptors(&server) > files + 10 {
            server.get("/health").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_slow_head_wins_a_stranger_no_time() {
    let limits = json!({ "authTimeoutMs": 1500, "requestHeadTimeoutMs": 1500 });
    let server = TestServer::builder().config(json!({ "limits": limits })).start();
    let mut socket = Raw::open(&server).await;
    let began = Instant::now();
    // Most of its time is gone when it becomes a WebSocket.
    let (first, rest) = HANDSHAKE.as_bytes().split_at(50);
    let mut pace = tokio::time::interval(DRIBBLE);
    for byte in first {
        socket.send(&[*byte]).await;
        pace.tick().await;
    }
    socket.send(rest).await;
    if let Some(head) = socket.head().await {
        assert_eq!(status(&head), Some(101));
        let (code, _) = socket.ending().await.expect("a close frame");
        assert_eq!(code, 1008);
    }
    // Counted from the upgrade it would be 2,500 ms.
    let took = began.elapsed();
    assert!(took < Duration::from_millis(2400), "{took:?}");
}

#[tokio::test]
async fn a_stranger_who_reads_nothing_is_not_waited_for() {
    let limits = json!({ "authTimeoutMs": 300, "requestHeadTimeoutMs": 300 });
    let server = TestServer::builder().config(json!({ "limits": limits })).start();
    let files = descriptors(&server);
    let mut strangers = Vec::new();
    for number in 0..20 {
        let mut socket = Raw::narrow(&server).await;
        if number % 2 == 0 {
            socket
                .send(b"GET /openrpc.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .await;
        } else {
            socket.send(HANDSHAKE.as_bytes()).await;
            let ping = frame(FINAL | PING, &[0; 125]).repeat(500);
            socket.send(&ping).await;
        }
        strangers.push(socket);
    }
    soon("all of them to be given up", async {
        while descriptors(&server) > files + 2 {
            server.get("/health").await;
        }
    })
    .await;
}
