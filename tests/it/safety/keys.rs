//! Keys: shown once, kept as a hash, and in no other place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use wardroom::client::Methods as _;

use super::raw::Raw;
use crate::support::server::TestServerBuilder;
use crate::support::{Agent, TestServer};

/// Every file below `directory`.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Sessions of every kind, with everything logged that can be: what must stay secret, and what must stay private.
async fn busy_server(format: &str) -> (TestServer, Vec<String>, Vec<&'static str>) {
    let config = json!({ "log": { "level": "trace", "format": format } });
    let server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    let bob = server.participant(&controller, "bob").await;
    alice.say(alice.lobby(), "a word in public").await;
    alice
        .call(
            "message.dm",
            json!({ "toAgentId": bob.id(), "content": "a word in private" }),
        )
        .await;
    let wrong = format!("bl_k_{}", "deadbeef".repeat(6));
    Agent::try_enter(&server, json!({ "apiKey": wrong }))
        .await
        .err()
        .expect("it is refused");
    // Keys where they do not belong: the wrong type, the wrong parameter, no JSON, a binary frame, a path, a header.
    let key = alice.key.clone();
    let stranger = server.connect().await;
    for params in [
        json!({ "apiKey": [key] }),
        json!({ "apiKey": { "k": key } }),
        json!({ "apiKey": 1, "displayName": key }),
    ] {
        stranger.call("auth", params).await.expect_err("it is refused");
    }
    stranger
        .send_text(format!("{{\"apiKey\": \"{key}\""))
        .await
        .expect("it is sent");
    stranger.next_frame().await.expect("an answer");
    stranger
        .send_binary(format!("{{\"apiKey\": \"{key}\"}}").into_bytes())
        .await
        .expect("it is sent");
    stranger.next_frame().await.expect("an answer");
    let end = stranger.close(1000, &key).await;
    assert_eq!(end.code, Some(1000));
    server.get(&format!("/ws?apiKey={key}")).await;
    let mut socket = Raw::open(&server).await;
    socket
        .send(format!("GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n").as_bytes())
        .await;
    socket.head().await.expect("an answer");
    // Further keys, and tokens that were used, not used and made up.
    let text = |value: &serde_json::Value, name: &str| value[name].as_str().expect("a text").to_owned();
    let rotated = bob.call("agent.rotateKey", json!({})).await;
    let created = bob.call("agent.createKey", json!({ "keyName": "spare" })).await;
    let enrol = json!({ "displayName": "carol", "enrol": true });
    let used = text(&controller.call("agent.invite", enrol.clone()).await, "enrolmentToken");
    let open = text(&controller.call("agent.invite", enrol).await, "enrolmentToken");
    let forged = format!("wr_e_{}", "0ddba11".repeat(7).split_at(48).0);
    let stranger = server.connect().await;
    let refused = stranger.call("agent.enrol", json!({ "token": forged })).await;
    refused.expect_err("it is refused");
    let enrolled = stranger.call("agent.enrol", json!({ "token": used })).await;
    let enrolled = text(&enrolled.expect("the token is good"), "apiKey");
    controller.call("agent.revoke", json!({ "agentId": alice.id() })).await;
    let controller_key = server.controller_key().to_owned();
    let mut secrets = vec![controller_key, alice.key, bob.key, wrong, used, open, forged, enrolled];
    secrets.extend([text(&rotated, "apiKey"), text(&created, "apiKey")]);
    (server, secrets, vec!["a word in public", "a word in private"])
}

async fn check_log(format: &str) {
    let (server, secrets, private) = busy_server(format).await;
    let log = server.output();
    assert!(
        log.contains("TRACE") || log.contains("DEBUG") || log.contains("INFO"),
        "nothing was logged"
    );
    for text in secrets.iter().map(String::as_str).chain(private) {
        assert!(!log.contains(text), "the log holds `{text}`:\n{log}");
        // Nor in another notation.
        let hex = hex::encode(text);
        let list = format!("{:?}", text.as_bytes());
        assert!(
            !log.contains(&hex) && !log.contains(list.trim_matches(['[', ']'])),
            "the log holds `{text}`"
        );
    }
}

#[tokio::test]
async fn no_key_and_no_message_is_logged_at_any_level() {
    check_log("text").await;
}

#[tokio::test]
async fn no_key_and_no_message_is_logged_at_any_level_as_json() {
    check_log("json").await;
}

#[tokio::test]
async fn no_key_is_in_any_file_argument_or_variable() {
    let (server, secrets, _) = busy_server("text").await;
    let found = files(server.data_dir());
    let names: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert!(
        names.contains(&"wardroom.db") && names.contains(&"wardroom.db-wal"),
        "{names:?}"
    );
    for path in found.iter().filter(|path| path.is_file()) {
        let bytes = fs::read(path).expect("a file");
        for secret in &secrets {
            assert!(!holds(&bytes, secret), "{} holds a key", path.display());
            assert!(
                !holds(&bytes, &secret[secret.len() - 48..]),
                "{} holds a key",
                path.display()
            );
        }
    }
    for part in ["cmdline", "environ"] {
        let bytes = fs::read(format!("/proc/{}/{part}", server.pid())).expect("it runs");
        assert!(
            secrets.iter().all(|secret| !holds(&bytes, secret)),
            "`{part}` holds a key"
        );
    }
}

#[tokio::test]
async fn what_is_kept_is_for_its_owner_alone() {
    // Without a configuration, so that it writes its own.
    let server = TestServerBuilder::default().start();
    let controller = server.controller().await;
    controller.invite("alice").await;
    let mode = |path: &Path| fs::symlink_metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(server.data_dir()), 0o700);
    for path in files(server.data_dir()) {
        // Below a directory that nobody else may enter, only what holds secrets has to be closed by itself.
        if path.is_dir() {
            assert_eq!(mode(&path) & 0o022, 0, "{} may be written by others", path.display());
        } else if path.parent() == Some(server.data_dir()) {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn keys_are_random_and_shown_once() {
    let mut server = TestServer::start();
    let key = server.controller_key().to_owned();
    let is_key = |key: &str, prefix: &str| {
        key.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() == 48
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        })
    };
    assert!(is_key(&key, "bl_k_ctrl_"), "{key}");
    let controller = server.controller().await;
    let mut keys = std::collections::HashSet::new();
    for number in 0..50 {
        let key = controller.invite(&format!("agent {number}")).await;
        assert!(is_key(&key, "bl_k_"), "{key}");
        keys.insert(key);
    }
    assert_eq!(keys.len(), 50);
    let listed = controller.call("agent.list", json!({})).await.to_string();
    assert!(keys.iter().all(|key| !listed.contains(key)));
    assert!(!server.output().contains(&key));
    server.kill();
    server.restart();
    assert!(!server.output().contains(&key));
    Agent::enter(&server, &key).await;
}
