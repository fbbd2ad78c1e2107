//! The port with encryption.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use wardroom::client::{
    ApiKey, Client, ClientError, ClientOptions, ConnectOptions, Connection, Endpoint, Methods, Trust,
};

use super::raw::{HANDSHAKE, Raw};
use crate::support::server::TestServerBuilder;
use crate::support::{Agent, TestServer, soon};

/// A server with a certificate of its own, and what trusts it.
struct Encrypted {
    server: TestServer,
    connector: TlsConnector,
    _directory: TempDir,
}

fn builder(directory: &Path, config: Value) -> (TestServerBuilder, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    fs::create_dir_all(directory).expect("a directory");
    fs::write(directory.join("cert.pem"), cert.pem()).expect("a file");
    fs::write(directory.join("key.pem"), signing_key.serialize_pem()).expect("a file");
    let mut config = config;
    if config["tls"].is_null() {
        // Relative to the data directory.
        config["tls"] = json!({ "cert": "cert.pem", "key": "key.pem" });
    }
    (
        TestServer::builder().config(config).data_dir(directory),
        cert.der().clone(),
    )
}

impl Encrypted {
    fn start(config: Value) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (builder, certificate) = builder(&directory.path().join("data"), config);
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a certificate");
        let provider = Arc::new(crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            server: builder.start(),
            connector: TlsConnector::from(Arc::new(client)),
            _directory: directory,
        }
    }

    /// A TLS stream, boxed because it is large.
    async fn stream(&self) -> Box<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(self.server.authority()).await.expect("a connection");
        self.encrypt(socket).await
    }

    async fn encrypt(&self, socket: TcpStream) -> Box<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").expect("a name");
        let handshake = Box::pin(self.connector.connect(name, socket));
        Box::new(soon("a TLS handshake", handshake).await.expect("it is trusted"))
    }

    async fn connect(&self) -> Connection {
        let stream = self.stream().await;
        let port = self.server.authority().rsplit_once(':').expect("a port").1;
        let address = format!("wss://localhost:{port}/");
        let options = ConnectOptions::default();
        let handshake = Box::pin(Connection::over(stream, &address, &options));
        soon("a handshake", handshake).await.expect("a connection")
    }

    async fn metrics(&self) -> String {
        let mut stream = self.stream().await;
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.server.authority()
        );
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        let mut page = String::new();
        soon("a page", stream.read_to_string(&mut page)).await.expect("text");
        page
    }

    async fn enter(&self, key: &str) -> Agent {
        let params = json!({ "apiKey": key });
        Agent::over(self.connect().await, params)
            .await
            .expect("the key is good")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_talk_encrypted_and_are_told_why_they_are_cut_off() {
    let encrypted =
        Encrypted::start(json!({ "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0 } }));
    assert!(
        encrypted.server.url().starts_with("wss://"),
        "{}",
        encrypted.server.url()
    );
    let controller = encrypted.enter(encrypted.server.controller_key()).await;
    let key = controller.invite("alice").await;
    let alice = encrypted.enter(&key).await;
    for number in 1..=100 {
        let text = number.to_string();
        controller.say(controller.lobby(), &text).await;
        assert_eq!(alice.expect("message").await["message"]["content"], text.as_str());
    }
    let reason = json!({ "agentId": alice.id(), "reason": "that is enough" });
    controller.call("agent.kick", reason).await;
    assert!(
        alice.expect("disconnected").await["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("that is enough"))
    );
    let end = soon("the end", alice.connection.ended()).await;
    assert_eq!(end.code, Some(1008), "{end}");
    // And the other way round.
    let end = controller.connection.close(1000, "bye").await;
    assert_eq!(end.code, Some(1000), "{end}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_pages_come_whole_over_tls_while_others_talk() {
    let config = json!({ "maxMessageLength": 100_000, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0 } });
    let encrypted = Encrypted::start(config);
    let controller = encrypted.enter(encrypted.server.controller_key()).await;
    let lobby = controller.lobby().to_owned();
    for number in 0..35 {
        controller
            .say(&lobby, &format!("{number} {}", "x".repeat(99_000)))
            .await;
    }
    let key = controller.invite("reader").await;
    let reader = encrypted.enter(&key).await;
    let (pages, ()) = tokio::join!(
        async {
            let mut pages = Vec::new();
            for _ in 0..10 {
                pages.push(reader.history(&lobby, 35, None).await);
            }
            pages
        },
        async {
            for number in 35..60 {
                controller.say(&lobby, &format!("{number} ")).await;
            }
        }
    );
    for page in pages {
        assert_eq!(page.len(), 35);
        for (message, next) in page.iter().zip(&page[1..]) {
            assert_eq!(message["seq"].as_u64().map(|seq| seq + 1), next["seq"].as_u64());
            let number = message["seq"].as_u64().expect("a position") - 1;
            assert!(
                message["content"]
                    .as_str()
                    .is_some_and(|content| content.starts_with(&format!("{number} ")))
            );
        }
    }
    for number in 36..=60 {
        assert_eq!(reader.expect("message").await["message"]["seq"], number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_over_tls_is_cut_off_at_the_same_limit_and_finds_out_why() {
    let config = json!({ "maxMessageLength": 200_000, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0, "slowReaderTimeoutMs": 300 } });
    let encrypted = Encrypted::start(config);
    let controller = encrypted.enter(encrypted.server.controller_key()).await;
    let key = controller.invite("slow").await;
    let stream = encrypted.encrypt(super::raw::narrow(&encrypted.server).await).await;
    let handshake = Box::pin(tokio_tungstenite::client_async("wss://localhost/", stream));
    let (mut socket, _) = soon("a handshake", handshake).await.expect("a WebSocket");
    let auth = super::raw::request(1, "auth", &json!({ "apiKey": key }));
    futures_util::SinkExt::send(&mut socket, auth.into())
        .await
        .expect("it is sent");
    controller.expect("presence").await;
    // It reads nothing until it is cut off.
    let content = "x".repeat(100_000);
    let mut said = 0;
    while !encrypted.metrics().await.contains("\nwardroom_slow_readers_total 1\n") {
        controller.say(controller.lobby(), &content).await;
        said += 1;
        assert!(said < 1000, "a reader that reads nothing was never cut off");
    }
    let (mut heard, mut close) = (0, None);
    while let Some(Ok(message)) = soon("a frame", futures_util::StreamExt::next(&mut socket)).await {
        match message {
            tokio_tungstenite::tungstenite::Message::Text(text) => {
                let event: Value = serde_json::from_str(&text).expect("JSON");
                if event["method"] == "message" {
                    heard += 1;
                    assert_eq!(event["params"]["message"]["seq"], heard);
                }
            }
            tokio_tungstenite::tungstenite::Message::Close(frame) => close = frame,
            _ => {}
        }
    }
    assert_eq!(close.map(|frame| u16::from(frame.code)), Some(1013));
    assert!(heard > 0 && heard < said, "{heard} of {said}");
    // A megabyte waited in the server, and what the kernel keeps of a connection.
    let kernel_bytes = send_buffer_bytes() + 512 * 1024;
    assert!(heard * 100_000 <= 1024 * 1024 + kernel_bytes, "{heard} messages");
}

/// What the kernel keeps at most of what a connection sends.
fn send_buffer_bytes() -> u64 {
    let limits = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_wmem").expect("a limit");
    let most = limits.split_whitespace().last().expect("three numbers");
    most.parse().expect("a number")
}

/// Whoever was expelled while a frame was being written could be left with half a frame and no close code: what had been
/// written was counted against what had taken its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_whoever_is_expelled_in_the_middle_of_a_burst_finds_out_why() {
    let encrypted =
        Encrypted::start(json!({ "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0 } }));
    let controller = encrypted.enter(encrypted.server.controller_key()).await;
    let key = controller.invite("alice").await;
    for round in 0..40 {
        let alice = encrypted.enter(&key).await;
        for number in 0..30 {
            let params = json!({ "roomId": controller.lobby(), "content": "x".repeat(round * 100 + number + 1) });
            let text = super::raw::request("burst", "message.send", &params);
            controller.connection.send_text(text).await.expect("it is sent");
        }
        let kick = super::raw::request("burst", "agent.kick", &json!({ "agentId": alice.id() }));
        controller.connection.send_text(kick).await.expect("it is sent");
        let end = soon("the end", alice.connection.ended()).await;
        assert_eq!(end.code, Some(1008), "round {round}: {end}");
        alice.expect("disconnected").await;
        for _ in 0..=30 {
            controller.connection.next_frame().await.expect("an answer");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clear_text_and_half_handshakes_harm_nobody() {
    let encrypted = Encrypted::start(json!({ "limits": { "requestHeadTimeoutMs": 1000, "authTimeoutMs": 1000 } }));
    let controller = encrypted.enter(encrypted.server.controller_key()).await;
    for bytes in [
        HANDSHAKE.as_bytes(),
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01",
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        b"\x80\x2e\x01\x00\x02",
        b"",
    ] {
        let mut socket = TcpStream::connect(encrypted.server.authority())
            .await
            .expect("a connection");
        // What has been closed already takes nothing more.
        let _ = socket.write_all(bytes).await;
        let mut rest = Vec::new();
        let _ = soon("the end", socket.read_to_end(&mut rest)).await;
        assert!(!rest.starts_with(b"HTTP"), "{bytes:?} was answered in clear text");
    }
    assert_eq!(controller.say(controller.lobby(), "still here").await["seq"], 1);
    // Half closed, reset, without a farewell: the next one gets in all the same.
    for _ in 0..20 {
        drop(encrypted.connect().await);
    }
    encrypted.enter(encrypted.server.controller_key()).await;
    assert!(!encrypted.server.output().contains("panicked"));
}

#[test]
fn a_certificate_that_cannot_be_used_is_a_clear_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let cases = [
        ("missing.pem", "key.pem", "missing.pem"),
        ("cert.pem", "missing.pem", "missing.pem"),
        ("key.pem", "key.pem", "key.pem"),
        ("cert.pem", "cert.pem", "cert.pem"),
        ("empty.pem", "key.pem", "empty.pem"),
        ("cert.pem", "other.pem", "certificate and the key"),
        (".", "key.pem", "TLS"),
    ];
    for (number, (cert, key, named)) in cases.into_iter().enumerate() {
        let data = directory.path().join(number.to_string());
        let (builder, _) = builder(&data, json!({ "tls": { "cert": cert, "key": key } }));
        fs::write(data.join("empty.pem"), "").expect("a file");
        let other = generate_simple_self_signed(vec!["other".to_owned()]).expect("a certificate");
        fs::write(data.join("other.pem"), other.signing_key.serialize_pem()).expect("a file");
        let (status, output) = builder.try_start().err().expect("it does not start");
        assert!(!status.success());
        assert!(output.contains(named), "{output}");
        assert!(
            !output.contains("panicked") && !output.contains("PRIVATE KEY"),
            "{output}"
        );
    }
}

#[tokio::test]
async fn strangers_on_the_encrypted_port_are_ended_in_time() {
    let encrypted = Encrypted::start(json!({ "limits": { "requestHeadTimeoutMs": 500, "authTimeoutMs": 500 } }));
    // One says nothing, one never gets to HTTP, one never authenticates.
    let mut silent = Raw::open(&encrypted.server).await;
    let mut half = Raw::open(&encrypted.server).await;
    half.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    let connection = encrypted.connect().await;
    assert!(silent.is_at_end().await);
    assert!(half.is_at_end().await);
    assert_eq!(soon("the end", connection.ended()).await.code, Some(1008));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_holds_a_server_to_the_authorities_that_it_trusts() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let (builder, _) = builder(&data, json!({}));
    let server = builder.start();
    let port = server.authority().rsplit_once(':').expect("a port").1;
    let url = format!("wss://localhost:{port}/");
    let connect = |trust: Trust| {
        let endpoint = Endpoint::parse_trusting(&url, &trust).expect("an address");
        let options = ClientOptions::new(endpoint, ApiKey::new(server.controller_key()));
        async move { soon("a connection", Box::pin(Client::connect(options))).await }
    };
    let own = fs::read(data.join("cert.pem")).expect("a certificate");
    let client = connect(Trust::in_authorities(&own).expect("a certificate"));
    assert_eq!(client.await.expect("it is trusted").get_motd().await.ok(), Some(None));

    let stranger = generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let stranger = Trust::in_authorities(stranger.cert.pem().as_bytes()).expect("a certificate");
    let refused = connect(stranger).await.expect_err("somebody else signed it");
    assert!(matches!(refused, ClientError::Connect { .. }), "{refused}");
}
