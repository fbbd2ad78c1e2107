//! Whom the bridge does not serve, and what it is not led to do.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::stage::HubStage;
use crate::support::TestBridge;
use crate::support::bridge::split;

fn bridge() -> TestBridge {
    TestBridge::start("ws://127.0.0.1:9/", "B")
}

#[tokio::test]
async fn web_pages_and_foreign_names_are_refused() {
    let bridge = bridge();
    for headers in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://127.0.0.1:7654\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        let (status, body) = bridge.ask("GET", "/recv?all=1", headers, None).await;
        assert_eq!(
            (status, body.as_str()),
            (403, r#"{"error":"Web pages may not use the bridge"}"#),
            "{headers}"
        );
        let (status, _) = bridge.ask("POST", "/close", headers, Some("{}")).await;
        assert_eq!(status, 403, "{headers}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example:7654", "10.0.0.1"] {
        let request = format!("GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(split(&bridge.raw(request.as_bytes()).await).0, 403, "{host}");
    }
    let (status, _) = bridge.ask("GET", "/health", "Sec-Fetch-Site: none\r\n", None).await;
    assert_eq!(status, 200);
    // A page cannot ask beforehand whether it may, either.
    assert_eq!(
        bridge
            .ask("OPTIONS", "/send", "Origin: https://evil.example\r\n", None)
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn a_token_can_be_demanded_and_the_commands_send_it() {
    let bridge = TestBridge::with_arguments("ws://127.0.0.1:9/", "B", &["--require-token"]);
    assert_eq!(bridge.ask("GET", "/health", "", None).await.0, 401);
    let wrong = "Authorization: Bearer nonsense\r\n";
    assert_eq!(bridge.ask("GET", "/health", wrong, None).await.0, 401);
    let path = bridge.home().join(".agentlink/bridge.token");
    let mode = std::fs::metadata(&path).expect("a token").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = std::fs::read_to_string(&path).expect("a token");
    let right = format!("Authorization: Bearer {}\r\n", token.trim());
    assert_eq!(bridge.ask("GET", "/health", &right, None).await.0, 200);
    let (code, rooms) = bridge.cli(&["rooms"]).await;
    assert_eq!((code, rooms), (0, json!([])));
    // Without the demand, a wrong one is refused all the same: whoever sends one wants to know.
    let open = self::bridge();
    assert_eq!(open.ask("GET", "/health", wrong, None).await.0, 401);
    let mode = std::fs::metadata(open.root())
        .expect("a directory")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn hostile_bodies_and_ids_get_an_error_and_harm_nobody() {
    let bridge = bridge();
    let check = async |path: &str, body: &str, expected: u16, error: &str| {
        let (status, text) = bridge.ask("POST", path, "", Some(body)).await;
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(
            (status, answer["error"].as_str()),
            (expected, Some(error)),
            "{path} {body:.100}"
        );
    };
    check("/send", "{", 500, "Invalid JSON").await;
    check("/send", "nonsense", 500, "Invalid JSON").await;
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    check("/send", &deep, 500, "Invalid JSON").await;
    for body in ["[]", "null", "1", "\"x\""] {
        check("/send", body, 400, "The body must be a JSON object").await;
    }
    let large = format!("{{\"content\":\"{}\"}}", "ä".repeat(65_536));
    check("/send", &large, 500, "Body too large").await;
    let bad_room = "Invalid roomId: only alphanumeric, hyphen and underscore are allowed (max 128 chars)";
    for room in ["../../x", "a/b", "..", "a.b", "ä", &"x".repeat(129)] {
        let body = json!({"roomId": room}).to_string();
        check("/connect", &body, 400, bad_room).await;
        check("/send", &body, 404, "No room").await;
        check(
            "/perm",
            &json!({"roomId": room, "level": "chat"}).to_string(),
            404,
            "No room",
        )
        .await;
    }
    let bad_agent = "Invalid agentId: only alphanumeric, hyphen and underscore (max 64 chars)";
    for agent in ["../x", "a b", "a\nb", &"x".repeat(65)] {
        check(
            "/connect",
            &json!({"roomId": "r", "agentId": agent}).to_string(),
            400,
            bad_agent,
        )
        .await;
    }
    for name in ["constructor", "__proto__", "toString", "hasOwnProperty"] {
        check(
            "/send",
            &json!({"roomId": name, "content": "x"}).to_string(),
            404,
            "No room",
        )
        .await;
        assert_eq!(bridge.get(&format!("/recv?room={name}")).await, json!([]));
        let status = bridge.get(&format!("/status?room={name}")).await;
        assert_eq!(status, json!({"connected": false, "rooms": 0}));
    }
    check(
        "/perm",
        r#"{"level":"root"}"#,
        400,
        "level must be intimate|helper|chat",
    )
    .await;
    for request in [
        "GET // HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
        "NONSENSE\r\n\r\n",
        "GET /%00%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        // Whatever the answer is, the bridge is there afterwards.
        drop(bridge.try_raw(request.as_bytes()).await);
    }
    for (method, path) in [
        ("GET", "/send"),
        ("POST", "/recv"),
        ("HEAD", "/health"),
        ("GET", "/nothing"),
    ] {
        assert_eq!(bridge.ask(method, path, "", None).await.0, 404, "{method} {path}");
    }
    assert_eq!(bridge.get("/health").await["status"], "ok");
    let outside: Vec<_> = std::fs::read_dir(bridge.root()).expect("a directory").collect();
    let names: Vec<String> = outside
        .into_iter()
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with("bridge.") && name != "wardroom.lock" && name != ".notify")
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn characters_are_whole_however_a_body_is_cut() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let stage = HubStage::new().await;
    let body = json!({"hub": stage.server.url(), "keyFile": stage.key_file});
    stage.bridge.post("/connect", body).await;
    let text = "水".repeat(50);
    let body = json!({"type": "chat", "content": text}).to_string();
    let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", stage.bridge.port()))
        .await
        .expect("a connection");
    socket.set_nodelay(true).expect("set");
    let head = format!(
        "POST /send HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    for byte in head.bytes().chain(body.bytes()) {
        socket.write_all(&[byte]).await.expect("written");
    }
    let mut answer = String::new();
    crate::support::soon("an answer", socket.read_to_string(&mut answer))
        .await
        .expect("an answer");
    assert_eq!(split(&answer).0, 200, "{answer}");
    assert_eq!(stage.heard().await["content"], text);
}

#[tokio::test]
async fn a_second_bridge_on_the_same_data_is_refused() {
    let bridge = bridge();
    let mut second = bridge.bare_command();
    second
        .args(["bridge", "--foreground", "--port", "0", "--data-dir"])
        .arg(bridge.root());
    let ran = tokio::task::spawn_blocking(move || second.output());
    let ran = crate::support::soon("its end", ran)
        .await
        .expect("joined")
        .expect("it runs");
    let said: Value = serde_json::from_slice(&ran.stdout).expect("one line");
    assert!(
        said["error"]
            .as_str()
            .is_some_and(|error| error.contains("another bridge uses")),
        "{said}"
    );
    assert!(!ran.status.success());
}
