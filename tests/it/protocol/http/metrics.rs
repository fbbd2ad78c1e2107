//! `/metrics`: every metric moves when what it counts happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use wardroom::client::{ConnectOptions, Connection as Client, Endpoint, Methods};
use wardroom::domain::Permission;

use crate::signaling::Peer;
use crate::support::peer::Peer as Linked;
use crate::support::{Agent, Cast, PATIENCE, Raw, TestServer, soon};

/// Another program that holds the database, so that the server cannot save anything.
pub(in super::super) struct Obstacle(Connection);

impl Obstacle {
    pub(in super::super) fn put(server: &TestServer) -> Self {
        let connection = Connection::open(server.data_dir().join("wardroom.db")).expect("the database opens");
        connection.execute_batch("BEGIN IMMEDIATE").expect("the lock is free");
        Self(connection)
    }

    pub(in super::super) fn remove(self) {
        self.0.execute_batch("ROLLBACK").expect("it holds the lock");
    }
}

/// What `/metrics` said at one moment.
struct Page {
    /// The names of all metrics.
    families: BTreeSet<String>,
    /// Every value, by name and labels.
    samples: BTreeMap<String, f64>,
}

impl Page {
    async fn read(server: &TestServer) -> Self {
        let (status, text) = server.get("/metrics").await;
        assert_eq!(status, 200);
        assert!(text.ends_with("# EOF\n"), "{text}");
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let families = families
            .map(|line| line.split(' ').next().expect("a name").to_owned())
            .collect();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let samples = samples
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
            .collect();
        Self { families, samples }
    }

    /// A value; 0 for what was never counted.
    fn value(&self, sample: &str) -> f64 {
        self.samples
            .get(&format!("wardroom_{sample}"))
            .copied()
            .unwrap_or_default()
    }

    /// The metric that a sample belongs to.
    fn family_of(&self, sample: &str) -> Option<String> {
        let name = sample.split('{').next()?;
        let name = ["_total", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        self.families.get(name).cloned()
    }
}

/// Follows the metrics from one step to the next.
struct Watch<'a> {
    server: &'a TestServer,
    last: Page,
    moved: BTreeSet<String>,
}

impl<'a> Watch<'a> {
    async fn begin(server: &'a TestServer) -> Self {
        let last = Page::read(server).await;
        let moved = BTreeSet::new();
        Self { server, last, moved }
    }

    /// Waits until each sample named has changed by so much: connections are counted until they are gone altogether,
    /// which is a moment later than their end is heard.
    async fn step(&mut self, expected: &[(&str, f64)]) {
        self.until(expected, |found, change| (found - change).abs() < f64::EPSILON)
            .await;
    }

    /// Waits until each sample named has grown by so much or more, for what other things move too.
    async fn step_at_least(&mut self, expected: &[(&str, f64)]) {
        self.until(expected, |found, change| found >= change).await;
    }

    async fn until(&mut self, expected: &[(&str, f64)], fits: fn(f64, f64) -> bool) {
        let began = Instant::now();
        loop {
            let page = Page::read(self.server).await;
            let change = |sample: &str| page.value(sample) - self.last.value(sample);
            let differing = expected.iter().find(|(sample, wanted)| !fits(change(sample), *wanted));
            let Some((sample, wanted)) = differing else {
                let names = expected.iter().map(|(sample, _)| format!("wardroom_{sample}"));
                self.moved.extend(names.filter_map(|name| page.family_of(&name)));
                self.last = page;
                return;
            };
            let found = change(sample);
            assert!(
                began.elapsed() < PATIENCE,
                "`{sample}` changed by {found}, not by {wanted}"
            );
        }
    }
}

#[tokio::test]
async fn every_metric_moves() {
    let config = json!({
        "roomHistoryLimit": 1,
        "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0, "outgoingQueueBytes": 65_536, "authFailureBurst": 2, "authAttempts": 100 },
    });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let (controller, alice) = (cast.controller(), cast.alice());
    let mut watch = Watch::begin(&cast.server).await;

    let dave = controller.call("agent.invite", json!({ "displayName": "dave" })).await;
    let key = dave["apiKey"].as_str().expect("a key");
    let stranger = cast.server.connect().await;
    watch
        .step(&[
            ("connections", 1.0),
            ("requests_total{method=\"agent.invite\",outcome=\"ok\"}", 1.0),
        ])
        .await;

    let first = Agent::enter(&cast.server, key).await;
    let second = Agent::enter(&cast.server, key).await;
    second.told().await;
    watch
        .step(&[
            ("connections", 2.0),
            ("sessions", 2.0),
            ("agents_online", 1.0),
            ("auth_attempts_total{outcome=\"Accepted\"}", 2.0),
        ])
        .await;

    // Three wrong keys, of which two are judged, and one of an agent that is banned.
    let attempt = async |key: &str| {
        stranger
            .call("auth", json!({ "apiKey": key }))
            .await
            .expect_err("refused")
    };
    for _ in 0..3 {
        attempt("wrong").await;
    }
    controller
        .call("agent.ban", json!({ "agentId": dave["agentId"] }))
        .await;
    for session in [&first, &second] {
        soon("the end", session.connection.ended()).await;
    }
    drop((first, second));
    attempt(key).await;
    stranger
        .call("auth", json!({ "apiKey": 7 }))
        .await
        .expect_err("not a key");
    watch
        .step(&[
            ("auth_attempts_total{outcome=\"Failed\"}", 2.0),
            ("auth_attempts_total{outcome=\"Limited\"}", 1.0),
            ("auth_attempts_total{outcome=\"Refused\"}", 1.0),
            ("auth_attempts_total{outcome=\"Invalid\"}", 1.0),
            ("requests_total{method=\"auth\",outcome=\"4080\"}", 1.0),
            ("sessions", -2.0),
            ("agents_online", -1.0),
        ])
        .await;

    let room = alice.create_room("Ops", "public").await;
    cast.bob().call("room.join", json!({ "roomId": room })).await;
    cast.settle().await;
    watch.step(&[("events_delivered_total", 4.0)]).await;
    alice.say(&room, "one").await;
    alice.say(&room, "two").await;
    alice
        .call("message.dm", json!({ "toAgentId": alice.id(), "content": "three" }))
        .await;
    watch
        .step(&[
            ("messages_stored_total", 3.0),
            ("messages_retired_total", 1.0),
            ("events_delivered_total", 2.0),
        ])
        .await;
    alice.say(&room, "four").await;
    watch
        .step_at_least(&[
            ("changes_total", 1.0),
            ("commits_total", 1.0),
            ("commit_seconds_count", 1.0),
        ])
        .await;
    let foreign = ConnectOptions {
        headers: vec![("Origin".into(), "https://attacker.example".into())],
        ..ConnectOptions::default()
    };
    let endpoint = Endpoint::parse(cast.server.url()).expect("an address");
    soon("a refusal", Client::open_with(&endpoint, &foreign))
        .await
        .expect_err("refused");
    watch.step(&[("refused_connections_total", 1.0)]).await;

    move_slow_readers(&cast, &mut watch).await;
    stranger.send_binary(vec![0xFF]).await.expect("it is open");
    soon("the end", stranger.ended()).await;
    watch.step(&[("closes_total{code=\"1003\"}", 1.0)]).await;

    move_clean_closes(&cast, &mut watch).await;
    move_links(&cast, &mut watch, &room).await;
    move_commit_failures(&cast, &mut watch).await;
    assert_eq!(watch.moved, watch.last.families, "a metric was added, or does not move");
}

async fn move_slow_readers(cast: &Cast, watch: &mut Watch<'_>) {
    let alice = cast.alice();
    let mut slow = SlowReader::enter(&cast.server, &cast.carol().key).await;
    while Page::read(&cast.server).await.value("slow_readers_total") < 1.0 {
        let requests = (0..50).map(|id| {
            let params = json!({ "roomId": alice.lobby(), "content": "x".repeat(8192) });
            json!({ "jsonrpc": "2.0", "method": "message.send", "params": params, "id": id })
        });
        Raw(&alice.connection)
            .ask(&requests.collect::<Value>().to_string())
            .await;
        // The other one reads, so that it is not cut off too.
        cast.settle().await;
    }
    slow.read_to_the_end().await;
    watch.step(&[("slow_readers_total", 1.0)]).await;
}

async fn move_clean_closes(cast: &Cast, watch: &mut Watch<'_>) {
    let visitor = cast.server.connect().await;
    soon("the end", visitor.close(1000, "bye")).await;
    watch.step(&[("closes_total{code=\"1000\"}", 1.0)]).await;
}

async fn move_links(cast: &Cast, watch: &mut Watch<'_>, room: &str) {
    move_signaling(cast, watch).await;
    move_peers(cast, watch, room).await;
}

async fn move_peers(cast: &Cast, watch: &mut Watch<'_>, room: &str) {
    let params = json!({ "roomId": room, "permission": "chat" });
    let opening = cast.alice().call("p2p.open", params).await;
    watch.step(&[("p2p_places", 1.0)]).await;
    let text = |member: &str| opening[member].as_str().expect("a text");
    let (url, p2p_room) = (text("signalUrl"), text("p2pRoomId"));
    let mut peer = Linked::enter(url, p2p_room, "peer", Permission::Chat).await;
    peer.say("hello").await;
    // Longer than a message may be.
    peer.say(&"x".repeat(10_000)).await;
    // What it acknowledges would be written down later, in the middle of the next step.
    peer.acknowledges = false;
    cast.alice().say(room, "hello").await;
    // The room keeps one message, so the next one would push it out before a slow peer has it.
    peer.next().await;
    cast.alice()
        .call("task.create", json!({ "roomId": room, "title": "not for talk" }))
        .await;
    watch
        .step(&[
            ("p2p_guests", 1.0),
            ("p2p_messages_total{what=\"Received\"}", 1.0),
            ("p2p_messages_total{what=\"Refused\"}", 1.0),
            ("p2p_messages_total{what=\"Sent\"}", 1.0),
            ("p2p_messages_total{what=\"Withheld\"}", 1.0),
        ])
        .await;
    peer.leave().await;
    watch.step(&[("p2p_guests", -1.0)]).await;
    let id = json!({ "openingId": opening["openingId"] });
    cast.alice().call("p2p.close", id).await;
    watch.step(&[("p2p_places", -1.0)]).await;
}

async fn move_signaling(cast: &Cast, watch: &mut Watch<'_>) {
    let mut one = Peer::enter(&cast.server, "/signal/r").await;
    let mut two = Peer::enter(&cast.server, "/signal/r").await;
    watch.step(&[("signaling_rooms", 1.0), ("signaling_peers", 2.0)]).await;
    one.send(r#"{"type":"offer","payload":"v=0"}"#).await;
    two.send(r#"{"type":"hello"}"#).await;
    Peer::open(&cast.server, "/signal/r").await.refusal().await;
    watch
        .step(&[
            ("signaling_relayed_total", 1.0),
            ("signaling_refused_total{reason=\"frame\"}", 1.0),
            ("signaling_refused_total{reason=\"room_full\"}", 1.0),
            ("closes_total{code=\"1008\"}", 1.0),
        ])
        .await;
    drop((one, two));
    watch
        .step(&[("signaling_rooms", -1.0), ("signaling_peers", -2.0)])
        .await;
}

async fn move_commit_failures(cast: &Cast, watch: &mut Watch<'_>) {
    let obstacle = Obstacle::put(&cast.server);
    assert_eq!(
        cast.controller()
            .refused("lobby.setMotd", json!({ "content": "x" }))
            .await,
        4090
    );
    watch.step(&[("commit_failures_total", 1.0), ("writable", -1.0)]).await;
    obstacle.remove();
    cast.controller().call("lobby.setMotd", json!({ "content": "x" })).await;
    watch.step(&[("commit_failures_total", 0.0), ("writable", 1.0)]).await;
}

/// An agent that authenticates and then reads nothing.
struct SlowReader(TcpStream);

impl SlowReader {
    async fn enter(server: &TestServer, key: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let address = server.authority().parse().expect("an address");
        let mut stream = socket.connect(address).await.expect("a connection");
        let head = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("it is open");
        let params = json!({ "apiKey": key, "displayName": "c".repeat(60) });
        let auth = json!({ "jsonrpc": "2.0", "method": "auth", "params": params, "id": 1 }).to_string();
        let length = u8::try_from(auth.len()).expect("a short request");
        assert!((126..=255).contains(&length), "so long that its length takes two bytes");
        // A mask of zeros leaves the text as it is.
        let mut frame = vec![0x81, 0x80 | 0x7E, 0, length, 0, 0, 0, 0];
        frame.extend_from_slice(auth.as_bytes());
        stream.write_all(&frame).await.expect("it is open");
        // The answer has begun to come, so the agent is in.
        let mut answer = Vec::new();
        while !answer.windows(7).any(|part| part == b"agentId") {
            let count = soon("an answer", stream.read_buf(&mut answer))
                .await
                .expect("it is open");
            assert!(count > 0, "the connection was closed");
        }
        Self(stream)
    }

    async fn read_to_the_end(&mut self) {
        let mut rest = Vec::new();
        // A reset is an end as well.
        drop(soon("the end", self.0.read_to_end(&mut rest)).await);
    }
}
