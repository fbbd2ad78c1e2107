//! Ids: every form that is allowed comes back exactly as it was sent.

use serde_json::{Value, json};

use crate::support::{Raw, TestServer, soon};

#[tokio::test]
async fn every_form_of_id_comes_back_as_it_was_sent() {
    let server = TestServer::start();
    let controller = server.controller().await;
    for id in [
        "0",
        "-1",
        "1",
        "9007199254740993",
        "18446744073709551616",
        "123456789012345678901234567890",
        "1.5",
        "-0.0",
        "1e3",
        "1E-7",
        r#""""#,
        r#""0""#,
        r#""call""#,
        r#""\u0061\n\"""#,
        r#""ü😀""#,
        "null",
    ] {
        // Compared as text: a number that was read and written again might look otherwise.
        let text = format!(r#"{{"jsonrpc":"2.0","method":"lobby.getMotd","id":{id}}}"#);
        controller.connection.send_text(text).await.expect("it is open");
        let frame = soon("an answer", controller.connection.next_frame()).await;
        let expected = format!(r#"{{"jsonrpc":"2.0","result":{{"motd":null}},"id":{id}}}"#);
        assert_eq!(frame.as_deref(), Some(expected.as_str()));
        let text = format!(r#"{{"jsonrpc":"2.0","method":"nonsense","id":{id}}}"#);
        controller.connection.send_text(text).await.expect("it is open");
        let frame = soon("an answer", controller.connection.next_frame()).await;
        let frame = frame.expect("it is open");
        assert!(frame.ends_with(&format!(r#","id":{id}}}"#)), "{frame}");
    }
}

#[tokio::test]
async fn an_id_of_another_type_is_an_invalid_request() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    for id in ["true", "false", "[]", "[1]", "{}", r#"{"a":1}"#] {
        let text = format!(r#"{{"jsonrpc":"2.0","method":"lobby.setMotd","params":{{"content":"x"}},"id":{id}}}"#);
        raw.assert_error(&text, Value::Null, -32600).await;
    }
    assert_eq!(controller.call("lobby.getMotd", json!({})).await["motd"], Value::Null);
}

#[tokio::test]
async fn a_member_that_occurs_twice_makes_no_request() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    let text = r#"{"jsonrpc":"2.0","method":"lobby.getMotd","id":1,"id":2}"#;
    raw.assert_error(text, Value::Null, -32600).await;
}
