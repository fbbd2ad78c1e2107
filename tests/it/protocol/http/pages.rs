//! `/health`, `/ready`, `/openrpc.json`, and the log entry behind an internal error.

use serde_json::{Value, json};
use wardroom::client::{ClientError, Methods};

use crate::support::{Cast, TestServer};

async fn get(server: &TestServer, path: &str) -> (u16, Value) {
    let (status, body) = server.get(path).await;
    (status, serde_json::from_str(&body).expect("JSON"))
}

#[tokio::test]
async fn the_server_says_that_it_is_alive_and_ready() {
    let server = TestServer::start();
    let health = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") });
    assert_eq!(get(&server, "/health").await, (200, health));
    assert_eq!(
        get(&server, "/ready").await,
        (200, json!({ "ready": true, "reason": null }))
    );
}

#[tokio::test]
async fn a_server_that_cannot_save_is_alive_and_not_ready() {
    let cast = Cast::gather().await;
    let lock = super::metrics::Obstacle::put(&cast.server);
    let alice = cast.alice();
    assert_eq!(
        alice
            .refused("message.send", json!({ "roomId": alice.lobby(), "content": "lost" }))
            .await,
        4090
    );
    assert_eq!(get(&cast.server, "/health").await.0, 200);
    assert_eq!(
        get(&cast.server, "/ready").await,
        (503, json!({ "ready": false, "reason": "the storage refuses changes" }))
    );
    // Reading goes on, and so does coming in.
    assert!(alice.history(alice.lobby(), 10, None).await.is_empty());
    cast.controller_again().await;
    lock.remove();
    alice.say(alice.lobby(), "kept").await;
    assert_eq!(get(&cast.server, "/ready").await.0, 200);
    let history = alice.history(alice.lobby(), 10, None).await;
    assert_eq!(history.len(), 1);
    assert_eq!(
        cast.bob()
            .told()
            .await
            .iter()
            .filter(|(method, _)| method == "message")
            .count(),
        1
    );
}

#[tokio::test]
async fn the_description_is_the_same_over_http_and_over_the_socket() {
    let cast = Cast::gather().await;
    let (status, document) = get(&cast.server, "/openrpc.json").await;
    assert_eq!(status, 200);
    assert_eq!(cast.alice().call("rpc.discover", json!({})).await, document);
    let described: Vec<&str> = document["methods"]
        .as_array()
        .expect("methods")
        .iter()
        .filter_map(|method| method["name"].as_str())
        .collect();
    let table: Vec<&str> = wardroom::protocol::methods::all()
        .iter()
        .map(|method| method.name)
        .collect();
    assert_eq!(described, table);
}

#[tokio::test]
async fn both_paths_of_the_socket_serve_it_and_no_other_does() {
    let server = TestServer::start();
    for path in ["/", "/ws"] {
        let (status, body) = server.get(path).await;
        assert_eq!(status, 426, "{path}: {body}");
        let endpoint = wardroom::client::Endpoint::parse(&format!("{}{path}", server.url())).expect("an address");
        let connection = wardroom::client::Connection::open(&endpoint)
            .await
            .expect("a connection");
        assert_eq!(
            crate::support::agent::call_error(&connection, "lobby.getMotd", json!({})).await,
            4001
        );
    }
    for path in [
        "/other",
        "/ws/",
        "/wardroom.json",
        "/../wardroom.db",
        "/docs/CONTROLLER.md",
    ] {
        assert_eq!(server.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn an_internal_error_names_its_entry_in_the_log_and_nothing_else() {
    let cast = Cast::gather().await;
    // A directory where a file should be: nobody foresaw that.
    let path = cast.server.data_dir().join("docs/CONTROLLER.md");
    std::fs::remove_file(&path).expect("it is there");
    std::fs::create_dir(&path).expect("it can be made");
    let attempt = cast
        .controller()
        .connection
        .call("docs.get", json!({ "name": "controller" }))
        .await;
    let Err(ClientError::Rpc(error)) = attempt else {
        panic!("not refused: {attempt:?}")
    };
    assert_eq!((error.code, error.message.as_str()), (-32603, "internal error"));
    let data = error.data.expect("data");
    let request_id = data["requestId"].as_str().expect("an id");
    assert_eq!(data, json!({ "retryable": true, "requestId": request_id }));
    assert_eq!(request_id.len(), 16, "{request_id}");
    // The request is logged before it is answered.
    let log = cast.server.output_up_to(request_id);
    assert!(log.contains("CONTROLLER.md"), "{log}");
}
