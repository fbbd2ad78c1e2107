//! Links that break without a word, and what must not come over one or be told of it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::pump::{ANSWERED, Patience};
use super::tests::{Server, options};
use super::*;

/// A connection over memory, and its other end.
async fn link(patience: Patience) -> (Connection, WebSocketStream<DuplexStream>) {
    let (near, far) = tokio::io::duplex(4096);
    let options = ConnectOptions::default();
    let (connection, peer) = tokio::join!(
        Connection::over_with(near, "ws://localhost/", &options, patience),
        accept_async(far)
    );
    (connection.expect("connected"), peer.expect("a handshake"))
}

#[tokio::test]
async fn regression_a_link_on_which_nothing_comes_any_more_ends() {
    let patience = Patience {
        ask_after: Duration::from_millis(5),
        end_after: Duration::from_millis(5),
    };
    // The peer stays there, and does not read: whatever is sent to it gets no answer.
    let (connection, _mute) = link(patience).await;
    let noticed = async { tokio::join!(connection.ended(), connection.get_motd()) };
    let (end, motd) = timeout(Duration::from_secs(20), noticed).await.expect("it is noticed");
    assert_eq!(end.code, None);
    assert!(end.reason.contains("nothing was heard"), "{end}");
    assert!(matches!(motd, Err(ClientError::Closed(told)) if told == end));
}

#[tokio::test]
async fn a_link_on_which_only_pings_are_answered_lives() {
    let patience = Patience {
        ask_after: Duration::from_millis(5),
        end_after: Duration::from_secs(60),
    };
    let (connection, mut peer) = link(patience).await;
    for _ in 0..3 {
        // The protocol library answers them as they are read.
        assert!(matches!(peer.next().await, Some(Ok(Message::Ping(_)))));
    }
    let event = json!({"jsonrpc": "2.0", "method": "after", "params": {}});
    peer.send(Message::text(event.to_string())).await.expect("it is read");
    assert_eq!(connection.next_event().await.expect("it lives").method, "after");
}

#[tokio::test]
async fn regression_a_server_cannot_speak_as_the_client_itself() {
    let (connection, mut peer) = link(Patience::default()).await;
    for method in [ANSWERED, DISCONNECTED, RECONNECTED, EVENTS_DROPPED, UNFOLLOWED, "after"] {
        let event = json!({"jsonrpc": "2.0", "method": method, "params": {"id": "1"}});
        peer.send(Message::text(event.to_string())).await.expect("it is read");
    }
    assert_eq!(connection.next_event().await.expect("an event").method, "after");
}

#[tokio::test]
async fn whoever_made_room_for_a_newer_session_is_told_and_comes_back() {
    let server = Server::start().await;
    let (client, peer) = tokio::join!(Client::connect(options(&server)), server.admit());
    let client = client.expect("connected");
    peer.close(1008, "replaced by a newer session").await;
    let lost = client.next_event().await.expect("an event");
    assert_eq!(
        (lost.method.as_str(), &lost.params["replaced"]),
        (DISCONNECTED, &json!(true))
    );
    let peer = server.admit().await;
    assert_eq!(client.next_event().await.expect("an event").method, RECONNECTED);
    peer.close(1012, "restart").await;
    let lost = client.next_event().await.expect("an event");
    assert_eq!(lost.params.get("replaced"), None);
}

#[tokio::test]
async fn regression_no_error_and_no_debug_form_shows_a_secret() {
    let options = ConnectOptions {
        headers: vec![("authorization".to_owned(), "s3cret".to_owned())],
        ..ConnectOptions::default()
    };
    let nobody = Endpoint::parse("ws://me:s3cret@127.0.0.1:1/?token=s3cret").expect("a good address");
    let refused = Connection::open(&nobody).await.expect_err("nobody is there");
    let (near, _far) = tokio::io::duplex(64);
    let misspelt = Connection::over(near, "ws://me:s3cret@ho st/", &options).await;
    let invited: Value = json!({"agentId": "a", "displayName": "Scout", "apiKey": "s3cret", "role": "participant"});
    let invited: InvitedAgent = serde_json::from_value(invited).expect("an agent");
    for shown in [
        format!("{refused} {refused:?}"),
        format!("{:?}", misspelt.expect_err("no address")),
        format!("{options:?}"),
        format!("{invited:?}"),
    ] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
