//! Bytes that are no HTTP, HTTP that is no handshake, handshakes that are none of ours.

use std::fmt::Write as _;

use super::Noise;
use crate::safety::abuse::Abuse;
use crate::safety::raw::{HANDSHAKE, Raw, status};
use crate::support::TestServer;

/// What is sent, and the answers that are proper. An empty list: the connection may also be closed in silence.
type Case = (Vec<u8>, &'static [u16]);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_http_are_refused() {
    let mut noise = Noise(0x5EED);
    let mut cases: Vec<Case> = Vec::new();
    for size in [1, 2, 3, 7, 16, 64, 255, 1024, 4096, 20_000] {
        for _ in 0..6 {
            cases.push((noise.bytes(size), &[400, 431]));
        }
    }
    let texts: &[&[u8]] = &[
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x05\x01\x00",
        b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"EHLO attacker.example\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / \r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.\r\n\r\n",
        b"GET / HTTPS/1.1\r\n\r\n",
        b"GET / HTTP/1.1 HTTP/1.1\r\n\r\n",
        b"G\xc3\x89T / HTTP/1.1\r\n\r\n",
        b"GET \x00 HTTP/1.1\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b" GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: local\x00host\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX\x7f: 1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1e3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
    ];
    cases.extend(texts.iter().map(|text| (text.to_vec(), &[400, 431, 505][..])));
    let abuse = Abuse::begin().await;
    for (bytes, allowed) in &cases {
        let mut socket = Raw::open(&abuse.server).await;
        socket.send(bytes).await;
        socket.finish().await;
        // Nothing at all is an answer too: there is nobody there who speaks HTTP.
        if let Some(head) = socket.head().await {
            assert!(allowed.contains(&status(&head).expect("a status")), "{bytes:?}: {head}");
        }
    }
    assert!(cases.len() >= 90);
    abuse.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_are_too_much_are_refused() {
    let many = |count: usize| {
        let mut head = "GET /health HTTP/1.1\r\nHost: localhost\r\n".to_owned();
        for number in 0..count {
            let _ = write!(head, "X-{number}: 1\r\n");
        }
        head + "\r\n"
    };
    let long = |size: usize| {
        let filler = "a".repeat(size);
        format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX: {filler}\r\n\r\n")
    };
    let path = |size: usize| format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(size));
    let abuse = Abuse::begin().await;
    for (head, expected) in [
        (many(90), Some(200)),
        (many(101), Some(431)),
        (many(3000), Some(431)),
        (long(30_000), Some(200)),
        (long(32_768), Some(431)),
        (long(200_000), Some(431)),
        (path(30_000), Some(404)),
        (path(40_000), Some(431)),
    ] {
        let mut socket = Raw::open(&abuse.server).await;
        socket.send(head.as_bytes()).await;
        // Where more was sent than is read, the answer may be lost with the connection.
        let answer = socket.head().await.as_deref().and_then(status);
        assert!(
            answer == expected || (answer.is_none() && expected == Some(431)),
            "{answer:?} to {} bytes",
            head.len()
        );
    }
    abuse.end().await;
}

async fn answer(server: &TestServer, head: &str) -> u16 {
    let mut socket = Raw::open(server).await;
    socket.send(head.as_bytes()).await;
    let answer = socket.head().await;
    status(&answer.unwrap_or_else(|| panic!("no answer to {head}"))).expect("a status")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_are_none_are_refused() {
    let part = |name: &'static str, good: &'static str, bad: &[Option<&str>]| {
        let line = format!("{name}: {good}\r\n");
        bad.iter()
            .map(|value| {
                let replaced = value.map_or(String::new(), |value| format!("{name}: {value}\r\n"));
                HANDSHAKE.replace(&line, &replaced)
            })
            .collect::<Vec<_>>()
    };
    let mut cases = Vec::new();
    cases.extend(part(
        "Upgrade",
        "websocket",
        &[
            None,
            Some(""),
            Some("h2c"),
            Some("websocketx"),
            Some("web socket"),
            Some("web,socket"),
        ],
    ));
    cases.extend(part(
        "Connection",
        "Upgrade",
        &[
            None,
            Some(""),
            Some("close"),
            Some("keep-alive"),
            Some("Upgraded"),
            Some("Up grade"),
        ],
    ));
    cases.extend(part(
        "Sec-WebSocket-Version",
        "13",
        &[
            None,
            Some(""),
            Some("12"),
            Some("0"),
            Some("-13"),
            Some("13, 8"),
            Some("thirteen"),
        ],
    ));
    cases.extend(part(
        "Sec-WebSocket-Key",
        "dGhlIHNhbXBsZSBub25jZQ==",
        &[
            None,
            Some(""),
            Some("dGhl"),
            Some("dGhlIHNhbXBsZSBub25jZQ="),
            Some("dGhlIHNhbXBsZSBub25jZQ==="),
            Some("dGhlIHNhbXBsZSBub25jZQAA"),
            Some("!!!!!!!!!!!!!!!!!!!!!!=="),
            Some("dGhlIHNhbXBs SBub25jZQ=="),
        ],
    ));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "HEAD", "get", "X"] {
        cases.push(HANDSHAKE.replacen("GET", method, 1));
    }
    cases.push(HANDSHAKE.replace("HTTP/1.1", "HTTP/1.0"));
    let abuse = Abuse::begin().await;
    for head in &cases {
        for path in ["/", "/ws"] {
            let head = head.replacen(" / ", &format!(" {path} "), 1);
            let status = answer(&abuse.server, &head).await;
            assert!([400, 426].contains(&status), "{status} to {head}");
        }
    }
    assert!(cases.len() >= 37);
    abuse.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_that_lead_nowhere_are_not_found() {
    let paths = [
        "/x",
        "//",
        "/ws/",
        "/ws/x",
        "/WS",
        "/health/",
        "/health/x",
        "/ready/..",
        "/metrics/../",
        "/../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%00",
        "/%ff",
        "/%",
        "/.git/config",
        "/.env",
        "/wardroom.db",
        "/wardroom.json",
        "/wardroom.sock",
        "/docs/CONTROLLER.md",
        "/docs/../wardroom.db",
        "/clients/",
        "/admin",
        "/api",
        "/index.html",
        "/favicon.ico",
        "/robots.txt",
        "/openrpc.json/",
        "/openrpc",
        "/openrpc.json%00",
    ];
    let abuse = Abuse::begin().await;
    for path in paths {
        for method in ["GET", "POST"] {
            let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
            let status = answer(&abuse.server, &head).await;
            assert!([400, 404].contains(&status), "{status} to {method} {path}");
        }
    }
    // A body that is announced and never comes is not waited for, and one that never ends is not read.
    for path in ["/", "/ws", "/health", "/metrics", "/x"] {
        for body in ["Content-Length: 1000000000", "Transfer-Encoding: chunked"] {
            let mut socket = Raw::open(&abuse.server).await;
            let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{body}\r\n\r\n5\r\nhello\r\n");
            socket.send(head.as_bytes()).await;
            let answer = socket.head().await.expect("an answer");
            assert!(
                [404, 405, 426].contains(&status(&answer).expect("a status")),
                "{answer}"
            );
            assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
        }
    }
    abuse.end().await;
}
