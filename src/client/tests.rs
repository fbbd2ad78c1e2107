//! Both layers against a server that the test scripts frame by frame.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::*;

/// The other side of the connections under test.
pub(super) struct Server(TcpListener);

impl Server {
    pub(super) async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        let address = self.0.local_addr().expect("a bound address");
        Endpoint::parse(&format!("ws://{address}/")).expect("a good address")
    }

    pub(super) async fn accept(&self) -> Peer {
        let (stream, _) = self.0.accept().await.expect("a connection");
        Peer(accept_async(stream).await.expect("a handshake"))
    }

    /// Accepts a connection and answers its `auth` well.
    pub(super) async fn admit(&self) -> Peer {
        let mut peer = self.accept().await;
        let request = peer.request("auth").await;
        assert_eq!(
            request["params"],
            json!({"apiKey": "bl_k_test", "displayName": "Scout"})
        );
        peer.answer(&request, identity()).await;
        peer
    }

    /// Accepts a connection and refuses its `auth`.
    async fn refuse(&self, code: i64) {
        self.refuse_with(json!({"code": code, "message": "no"})).await;
    }

    async fn refuse_with(&self, error: Value) {
        let mut peer = self.accept().await;
        let request = peer.request("auth").await;
        peer.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": error}))
            .await;
    }
}

/// One connection as the server sees it.
pub(super) struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    pub(super) async fn request(&mut self, method: &str) -> Value {
        let text = self
            .0
            .next()
            .await
            .expect("a frame")
            .expect("no failure")
            .into_text()
            .expect("text");
        let request: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(request["method"], method);
        assert_eq!(request["jsonrpc"], "2.0");
        request
    }

    pub(super) async fn send(&mut self, value: Value) {
        self.0
            .send(Message::text(value.to_string()))
            .await
            .expect("the client reads");
    }

    pub(super) async fn answer(&mut self, request: &Value, result: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
            .await;
    }

    pub(super) async fn refuse(&mut self, request: &Value, code: i64) {
        let error = json!({"code": code, "message": "no", "data": {"retryable": false}});
        self.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": error}))
            .await;
    }

    pub(super) async fn event(&mut self, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params}))
            .await;
    }

    pub(super) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.to_owned().into(),
        };
        self.0.close(Some(frame)).await.expect("the client reads");
        while let Some(Ok(_)) = self.0.next().await {}
    }

    /// Waits until the client has gone.
    async fn gone(mut self) {
        while let Some(Ok(_)) = self.0.next().await {}
    }
}

pub(super) fn identity() -> Value {
    json!({"status": "ok", "agentId": "a", "role": "participant", "displayName": "Scout", "motd": null,
        "lobby": {"roomId": "l", "name": "Lobby"}, "epoch": "e", "durability": "full", "version": "0"})
}

pub(super) fn options(server: &Server) -> ClientOptions {
    ClientOptions {
        display_name: Some("Scout".to_owned()),
        backoff: Backoff {
            first: Duration::from_millis(1),
            most: Duration::from_millis(5),
        },
        ..ClientOptions::new(server.endpoint(), ApiKey::new("bl_k_test"))
    }
}

fn end_code(error: &ClientError) -> Option<u16> {
    match error {
        ClientError::Closed(end) => end.code,
        _ => None,
    }
}

#[tokio::test]
async fn answers_events_and_raw_frames_are_told_apart() {
    let server = Server::start().await;
    let endpoint = server.endpoint();
    let (connection, mut peer) = tokio::join!(Connection::open(&endpoint), server.accept());
    let connection = connection.expect("connected");

    let (rooms, ()) = tokio::join!(connection.list_rooms(), async {
        let request = peer.request("room.list").await;
        peer.event("message", json!({"n": 1})).await;
        peer.send(json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "not JSON"}}))
            .await;
        peer.event("presence", json!({"n": 2})).await;
        let room = json!({"roomId": "r", "name": "Ops", "visibility": "public", "surplus": true});
        peer.answer(&request, json!({"status": "ok", "rooms": [room]})).await;
    });
    assert_eq!(rooms.expect("a result")[0].name, "Ops");
    let first = connection.next_event().await.expect("an event");
    let second = connection.next_event().await.expect("an event");
    assert_eq!((first.method.as_str(), &first.params["n"]), ("message", &json!(1)));
    assert_eq!((second.method.as_str(), &second.params["n"]), ("presence", &json!(2)));
    assert!(connection.next_frame().await.expect("a frame").contains("-32700"));
    assert_eq!(connection.poll_event(), None);
}

#[tokio::test]
async fn an_error_answer_keeps_its_code_and_data() {
    let server = Server::start().await;
    let endpoint = server.endpoint();
    let (connection, mut peer) = tokio::join!(Connection::open(&endpoint), server.accept());
    let connection = connection.expect("connected");
    let (result, ()) = tokio::join!(connection.send_message("r", "hello"), async {
        let request = peer.request("message.send").await;
        assert_eq!(request["params"], json!({"roomId": "r", "content": "hello"}));
        let error = json!({"code": 4090, "message": "storage unavailable", "data": {"retryable": true}});
        peer.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": error}))
            .await;
    });
    let Err(ClientError::Rpc(error)) = result else {
        panic!("{result:?}")
    };
    assert_eq!((error.code, error.is_retryable()), (4090, true));
}

#[tokio::test]
async fn the_servers_close_code_reaches_waiting_calls_and_later_ones() {
    let server = Server::start().await;
    let endpoint = server.endpoint();
    let (connection, mut peer) = tokio::join!(Connection::open(&endpoint), server.accept());
    let connection = connection.expect("connected");
    let (waiting, ()) = tokio::join!(connection.get_motd(), async {
        peer.request("lobby.getMotd").await;
        peer.event("disconnected", json!({"reason": "slow"})).await;
        peer.close(1013, "read on").await;
    });
    assert_eq!(end_code(&waiting.expect_err("no answer came")), Some(1013));
    let end = connection.ended().await;
    assert_eq!((end.code, end.reason.as_str()), (Some(1013), "read on"));
    assert_eq!(
        end_code(&connection.get_motd().await.expect_err("it has ended")),
        Some(1013)
    );
    assert!(
        connection.next_event().await.is_some(),
        "events that came before the end stay readable"
    );
    assert!(connection.next_event().await.is_none());
}

#[tokio::test]
async fn a_call_without_an_answer_runs_into_its_limit_and_a_late_answer_harms_nobody() {
    let server = Server::start().await;
    let limits = ConnectOptions {
        request_timeout: Duration::from_millis(20),
        ..ConnectOptions::default()
    };
    let endpoint = server.endpoint();
    let (connection, mut peer) = tokio::join!(Connection::open_with(&endpoint, &limits), server.accept());
    let connection = connection.expect("connected");
    assert!(matches!(connection.get_motd().await, Err(ClientError::Timeout(_))));
    let late = peer.request("lobby.getMotd").await;
    peer.answer(&late, json!({"motd": "late"})).await;
    peer.event("after", json!({})).await;
    assert_eq!(
        connection.next_event().await.expect("the connection lives").method,
        "after"
    );
}

#[tokio::test]
async fn events_that_nobody_reads_end_the_connection_rather_than_vanish() {
    let server = Server::start().await;
    let limits = ConnectOptions {
        event_capacity: 2,
        ..ConnectOptions::default()
    };
    let endpoint = server.endpoint();
    let (connection, mut peer) = tokio::join!(Connection::open_with(&endpoint, &limits), server.accept());
    let connection = connection.expect("connected");
    for n in 0..3 {
        peer.event("message", json!({"n": n})).await;
    }
    assert_eq!(connection.ended().await.code, None);
    assert_eq!(connection.next_event().await.expect("kept").params["n"], 0);
    assert_eq!(connection.next_event().await.expect("kept").params["n"], 1);
    assert!(connection.next_event().await.is_none());
}

#[tokio::test]
async fn dropping_a_handle_ends_its_connection() {
    let server = Server::start().await;
    let endpoint = server.endpoint();
    let (connection, peer) = tokio::join!(Connection::open(&endpoint), server.accept());
    drop(connection.expect("connected"));
    peer.gone().await;

    let (client, peer) = tokio::join!(Client::connect(options(&server)), server.admit());
    drop(client.expect("connected"));
    peer.gone().await;
}

#[tokio::test]
async fn closing_shakes_hands() {
    let server = Server::start().await;
    let endpoint = server.endpoint();
    let (connection, peer) = tokio::join!(Connection::open(&endpoint), server.accept());
    let connection = connection.expect("connected");
    let (end, ()) = tokio::join!(connection.close(1000, "done"), peer.gone());
    assert_eq!(end.code, Some(1000));
}

#[tokio::test]
async fn a_client_comes_back_authenticates_again_and_says_where_the_gap_is() {
    let server = Server::start().await;
    let (client, mut peer) = tokio::join!(Client::connect(options(&server)), server.admit());
    let client = client.expect("connected");
    assert_eq!(client.identity().await.expect("known").lobby.name, "Lobby");
    peer.event("message", json!({"n": 1})).await;
    peer.close(1012, "restart").await;
    assert_eq!(client.next_event().await.expect("an event").method, "message");
    let gap = client.next_event().await.expect("an event");
    assert_eq!((gap.method.as_str(), &gap.params["code"]), (DISCONNECTED, &json!(1012)));

    let (motd, mut peer) = tokio::join!(client.get_motd(), async {
        let mut peer = server.admit().await;
        let request = peer.request("lobby.getMotd").await;
        peer.answer(&request, json!({"motd": "welcome back"})).await;
        peer
    });
    assert_eq!(motd.expect("the call waited").as_deref(), Some("welcome back"));
    peer.event("message", json!({"n": 2})).await;
    let back = client.next_event().await.expect("an event");
    assert_eq!(
        (back.method.as_str(), &back.params["agentId"]),
        (RECONNECTED, &json!("a"))
    );
    assert_eq!(client.next_event().await.expect("an event").params["n"], 2);
    tokio::join!(client.close(), peer.gone());
}

#[tokio::test]
async fn a_client_tries_on_after_passing_refusals_and_stops_after_final_ones() {
    for code in [4002, 4004] {
        let server = Server::start().await;
        let (client, peer) = tokio::join!(Client::connect(options(&server)), server.admit());
        let client = client.expect("connected");
        drop(peer);
        server.refuse(4003).await;
        server.refuse(4080).await;
        server.refuse(code).await;
        while client.next_event().await.is_some() {}
        assert_eq!(client.ended().and_then(|error| error.code()), Some(code));
        assert_eq!(client.get_motd().await.expect_err("it has ended").code(), Some(code));
    }
}

#[tokio::test]
async fn regression_a_client_that_is_limited_waits_as_long_as_the_server_asks() {
    let server = Server::start().await;
    let (client, peer) = tokio::join!(Client::connect(options(&server)), server.admit());
    let client = client.expect("connected");
    drop(peer);
    let asked = Duration::from_millis(200);
    let data = json!({"retryable": true, "retryAfterMs": 200});
    let refused = Instant::now();
    server
        .refuse_with(json!({"code": 4080, "message": "no", "data": data}))
        .await;
    let _peer = server.admit().await;
    assert!(refused.elapsed() >= asked, "came back after {:?}", refused.elapsed());
    assert_eq!(client.next_event().await.expect("an event").method, DISCONNECTED);
    assert_eq!(client.next_event().await.expect("an event").method, RECONNECTED);
}

#[tokio::test]
async fn a_page_of_history_says_whether_it_was_cut_short() {
    let server = Server::start().await;
    let endpoint = server.endpoint();
    let (connection, mut peer) = tokio::join!(Connection::open(&endpoint), server.accept());
    let connection = connection.expect("connected");
    for (told, more) in [
        (json!({"messages": []}), false),
        (json!({"messages": [], "more": true}), true),
    ] {
        let (page, ()) = tokio::join!(connection.room_history_page("r", Some(2), Some(9)), async {
            let request = peer.request("room.history").await;
            assert_eq!(request["params"], json!({"roomId": "r", "limit": 2, "before": 9}));
            peer.answer(&request, told).await;
        });
        assert_eq!(page.expect("a page").more, more);
    }
}

#[tokio::test]
async fn a_client_stays_away_when_its_connection_was_closed_for_good() {
    for reason in ["banned", "revoked: key withdrawn"] {
        let server = Server::start().await;
        let (client, peer) = tokio::join!(Client::connect(options(&server)), server.admit());
        let client = client.expect("connected");
        peer.close(1008, reason).await;
        assert_eq!(client.next_event().await.expect("the end is told").method, DISCONNECTED);
        assert!(client.next_event().await.is_none());
        assert_eq!(client.ended().as_ref().and_then(end_code), Some(1008));
    }
}

#[tokio::test]
async fn a_kicked_client_comes_back_whatever_the_kicks_reason_says() {
    let server = Server::start().await;
    let (client, peer) = tokio::join!(Client::connect(options(&server)), server.admit());
    let client = client.expect("connected");
    peer.close(1008, "kicked: next time banned").await;
    let _peer = server.admit().await;
    assert_eq!(client.next_event().await.expect("an event").method, DISCONNECTED);
    assert_eq!(client.next_event().await.expect("an event").method, RECONNECTED);
}

#[tokio::test]
async fn the_first_refusal_is_reported_at_once() {
    let server = Server::start().await;
    let (client, ()) = tokio::join!(Client::connect(options(&server)), server.refuse(4002));
    assert_eq!(client.expect_err("refused").code(), Some(4002));
    drop(server);

    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port")
        .local_addr()
        .expect("an address");
    let endpoint = Endpoint::parse(&format!("ws://{gone}")).expect("a good address");
    assert!(matches!(
        Connection::open(&endpoint).await,
        Err(ClientError::Connect { .. })
    ));
}
