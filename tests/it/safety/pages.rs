//! Web pages: those that nobody admitted can neither connect nor read anything.

use serde_json::json;

use super::raw::{HANDSHAKE, Raw, status};
use crate::support::TestServer;

const PATHS: [&str; 7] = ["/", "/ws", "/health", "/ready", "/metrics", "/openrpc.json", "/nowhere"];

const FOREIGN_ORIGINS: [&str; 14] = [
    "null",
    "https://attacker.example",
    "http://attacker.example:18800",
    "http://localhost",
    "http://localhost:18800",
    "http://127.0.0.1:18800",
    "https://console.example.attacker.example",
    "https://attackerconsole.example",
    "http://console.example",
    "https://console.example:8443",
    "https://console.example/",
    "https://user@console.example",
    "file://",
    "chrome-extension://abcdefghijklmnop",
];

const FOREIGN_HOSTS: [&str; 14] = [
    "attacker.example",
    "attacker.example:18800",
    "localhost.attacker.example",
    "127.0.0.1.attacker.example",
    "127.0.0.1.nip.example:18800",
    "localhost@attacker.example",
    "attacker.example@localhost",
    "10.0.0.1",
    "192.168.1.10:18800",
    "169.254.169.254",
    "[fe80::1]",
    "[2001:db8::1]:18800",
    "wardroom.example",
    "",
];

async fn answer(server: &TestServer, method: &str, path: &str, host: &str, more: &str) -> String {
    let mut socket = Raw::open(server).await;
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n");
    socket.send(head.as_bytes()).await;
    socket.head().await.unwrap_or_else(|| panic!("no answer to {head}"))
}

fn server() -> TestServer {
    let http = json!({ "allowedOrigins": ["https://console.example"], "allowedHosts": ["hub.example"] });
    TestServer::builder().config(json!({ "http": http })).start()
}

/// Lets no page read the answer, frame it, cache it or take it for something else.
fn is_hardened(head: &str) -> bool {
    let head = head.to_ascii_lowercase();
    let has = |line: &str| head.contains(&format!("\r\n{line}\r\n"));
    !head.contains("access-control-")
        && !head.contains("set-cookie")
        && !head.contains("\r\nserver:")
        && !head.contains("x-powered-by")
        && has("x-frame-options: deny")
        && has("x-content-type-options: nosniff")
        && has("cache-control: no-store")
        && has("content-security-policy: default-src 'none'; frame-ancestors 'none'")
}

#[tokio::test]
async fn foreign_origins_are_refused_on_every_path() {
    let server = server();
    for path in PATHS {
        for origin in FOREIGN_ORIGINS {
            let head = answer(&server, "GET", path, "localhost", &format!("Origin: {origin}\r\n")).await;
            assert_eq!(status(&head), Some(403), "{path} {origin}");
            assert!(is_hardened(&head), "{head}");
        }
    }
    for origin in FOREIGN_ORIGINS {
        let mut socket = Raw::open(&server).await;
        socket
            .send(
                HANDSHAKE
                    .replace("\r\n\r\n", &format!("\r\nOrigin: {origin}\r\n\r\n"))
                    .as_bytes(),
            )
            .await;
        assert_eq!(socket.head().await.as_deref().and_then(status), Some(403), "{origin}");
    }
    // One that is admitted beside one that is not is not.
    let both = "Origin: https://console.example\r\nOrigin: https://attacker.example\r\n";
    assert_eq!(
        status(&answer(&server, "GET", "/health", "localhost", both).await),
        Some(403)
    );
}

#[tokio::test]
async fn foreign_hosts_are_refused_on_every_path() {
    let server = server();
    for path in PATHS {
        for host in FOREIGN_HOSTS {
            let head = answer(&server, "GET", path, host, "").await;
            assert!(
                [400, 403].contains(&status(&head).expect("a status")),
                "{path} {host}: {head}"
            );
        }
        let twice = answer(&server, "GET", path, "localhost", "Host: attacker.example\r\n").await;
        assert!(
            [400, 403].contains(&status(&twice).expect("a status")),
            "{path}: {twice}"
        );
    }
    for host in FOREIGN_HOSTS {
        let mut socket = Raw::open(&server).await;
        socket
            .send(
                HANDSHAKE
                    .replace("Host: localhost", &format!("Host: {host}"))
                    .as_bytes(),
            )
            .await;
        let status = socket.head().await.as_deref().and_then(status).expect("a status");
        assert!([400, 403].contains(&status), "{host}: {status}");
    }
    let mut socket = Raw::open(&server).await;
    socket.send(b"GET /health HTTP/1.0\r\n\r\n").await;
    assert_eq!(socket.head().await.as_deref().and_then(status), Some(403));
}

#[tokio::test]
async fn our_own_names_and_admitted_pages_are_served() {
    let server = server();
    let port = server.authority().rsplit_once(':').expect("a port").1.to_owned();
    for host in [
        "localhost",
        "LOCALHOST",
        "127.0.0.1",
        "[::1]",
        "hub.example",
        "Hub.Example.",
    ] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let head = answer(&server, "GET", "/health", &host, "").await;
            assert_eq!(status(&head), Some(200), "{host}");
            assert!(is_hardened(&head), "{head}");
        }
    }
    let mut socket = Raw::open(&server).await;
    let origin = "\r\nOrigin: https://console.example\r\n\r\n";
    socket.send(HANDSHAKE.replace("\r\n\r\n", origin).as_bytes()).await;
    assert_eq!(socket.head().await.as_deref().and_then(status), Some(101));
    let mut socket = socket.enter_upgraded(server.controller_key()).await;
    assert_eq!(
        socket.call("lobby.getMotd", &json!({})).await["result"]["motd"],
        json!(null)
    );
}

#[tokio::test]
async fn no_preflight_is_granted_and_every_answer_is_hardened() {
    let server = server();
    let preflight = "Origin: https://console.example\r\nAccess-Control-Request-Method: POST\r\n\
                     Access-Control-Request-Headers: content-type\r\nAccess-Control-Request-Private-Network: true\r\n";
    for path in PATHS {
        let head = answer(&server, "OPTIONS", path, "localhost", preflight).await;
        assert!(
            !(200..300).contains(&status(&head).expect("a status")),
            "{path}: {head}"
        );
        assert!(is_hardened(&head), "{head}");
        for method in ["GET", "HEAD", "POST", "DELETE"] {
            let head = answer(&server, method, path, "localhost", "Content-Length: 0\r\n").await;
            assert!(is_hardened(&head), "{method} {path}: {head}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_bound_by_name_admits_no_other_name() {
    let server = TestServer::builder().argument("--host").argument("localhost").start();
    for (host, expected) in [
        ("localhost", 200),
        ("127.0.0.1", 200),
        ("attacker.example", 403),
        ("10.0.0.1", 403),
    ] {
        assert_eq!(
            status(&answer(&server, "GET", "/health", host, "").await),
            Some(expected),
            "{host}"
        );
    }
}
