//! The examples of the JSON-RPC 2.0 specification, section 7, with our methods in place of `subtract` and its like.

use serde_json::{Value, json};

use crate::support::raw::assert_error;
use crate::support::{Raw, TestServer};

#[tokio::test]
async fn parameters_by_position_are_invalid_params() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    let room = controller.lobby();
    raw.assert_error(
        &format!(r#"{{"jsonrpc": "2.0", "method": "room.info", "params": ["{room}"], "id": 1}}"#),
        json!(1),
        -32602,
    )
    .await;
    raw.assert_error(
        r#"{"jsonrpc": "2.0", "method": "lobby.getMotd", "params": [], "id": 2}"#,
        json!(2),
        -32602,
    )
    .await;
}

#[tokio::test]
async fn parameters_by_name_in_any_order() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    let room = controller.lobby();
    for (id, params) in [
        (3, format!(r#"{{"roomId": "{room}", "content": "one"}}"#)),
        (4, format!(r#"{{"content": "two", "roomId": "{room}"}}"#)),
    ] {
        let text = format!(r#"{{"jsonrpc": "2.0", "method": "message.send", "params": {params}, "id": {id}}}"#);
        let answer = raw.ask(&text).await;
        let expected = json!({ "jsonrpc": "2.0", "result": answer["result"], "id": id });
        assert_eq!(answer, expected);
        assert_eq!(answer["result"]["seq"], id - 2);
    }
}

#[tokio::test]
async fn a_notification_is_carried_out_and_never_answered() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    raw.say(r#"{"jsonrpc": "2.0", "method": "lobby.setMotd", "params": {"content": "told"}}"#)
        .await;
    raw.say(r#"{"jsonrpc": "2.0", "method": "foobar"}"#).await;
    raw.say(r#"{"jsonrpc": "2.0", "method": "room.join", "params": [1, 2]}"#)
        .await;
    raw.say(r#"{"jsonrpc": "2.0", "method": "room.join", "params": {"roomId": "nowhere"}}"#)
        .await;
    raw.say(r#"{"jsonrpc": "2.0", "method": "auth", "params": {"apiKey": "x"}}"#)
        .await;
    assert_eq!(controller.call("lobby.getMotd", json!({})).await["motd"], "told");
}

#[tokio::test]
async fn a_notification_of_a_stranger_is_ignored() {
    let server = TestServer::start();
    let stranger = server.connect().await;
    let raw = Raw(&stranger);
    let key = server.controller_key();
    for method in ["lobby.getMotd", "auth", "foobar"] {
        raw.send(&format!(r#"{{"jsonrpc": "2.0", "method": "{method}"}}"#))
            .await;
    }
    raw.assert_error(
        r#"{"jsonrpc": "2.0", "method": "lobby.getMotd", "id": 1}"#,
        json!(1),
        4001,
    )
    .await;
    let answer = raw
        .ask(&format!(
            r#"{{"jsonrpc": "2.0", "method": "auth", "params": {{"apiKey": "{key}"}}, "id": 2}}"#
        ))
        .await;
    assert_eq!(answer["result"]["role"], "controller");
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_not_found() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    for method in [
        "foobar",
        "",
        "Auth",
        "room.Join",
        "room.join ",
        "rpc.",
        "constructor",
        "room",
    ] {
        let text = json!({ "jsonrpc": "2.0", "method": method, "id": "1" }).to_string();
        raw.assert_error(&text, json!("1"), -32601).await;
    }
}

#[tokio::test]
async fn what_is_not_json_is_a_parse_error() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    for text in [
        r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
        r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method""#,
        "",
        " ",
        "hello",
        r#"{"jsonrpc": "2.0", "method": "lobby.getMotd", "id": 1} trailing"#,
        r#"{"jsonrpc": "2.0", "method": "lobby.getMotd", "id": 01}"#,
        "{'jsonrpc': '2.0'}",
        "{\"jsonrpc\": \"2.0\", \"method\": \"a\nb\", \"id\": 1}",
        "NaN",
        "{}{}",
        "[1,]",
    ] {
        raw.assert_error(text, Value::Null, -32700).await;
    }
}

#[tokio::test]
async fn json_that_is_no_request_is_an_invalid_request() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    for (text, id) in [
        (r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#, json!(null)),
        (r#"{"jsonrpc": "2.0", "method": 1, "params": "bar", "id": 7}"#, json!(7)),
        (r#"{"jsonrpc": "2.0", "method": null, "id": "x"}"#, json!("x")),
        (r#"{"jsonrpc": "2.0", "id": 8}"#, json!(8)),
        (r#"{"jsonrpc": "1.0", "method": "lobby.getMotd", "id": 9}"#, json!(9)),
        (r#"{"jsonrpc": 2.0, "method": "lobby.getMotd", "id": 10}"#, json!(10)),
        (r#"{"method": "lobby.getMotd", "id": 11}"#, json!(11)),
        (r#"{"jsonrpc": "2.0", "result": 5, "id": 12}"#, json!(12)),
        ("{}", json!(null)),
        ("1", json!(null)),
        ("null", json!(null)),
        ("true", json!(null)),
        (r#""text""#, json!(null)),
    ] {
        raw.assert_error(text, id, -32600).await;
    }
}

#[tokio::test]
async fn params_that_are_no_object_are_refused_and_null_is_none() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    for params in [r#""bar""#, "1", "false", "[1]"] {
        let text = format!(r#"{{"jsonrpc": "2.0", "method": "lobby.getMotd", "params": {params}, "id": 1}}"#);
        raw.assert_error(&text, json!(1), -32602).await;
    }
    for tail in [
        "",
        r#", "params": null"#,
        r#", "params": {}"#,
        r#", "params": {"unknown": [1]}"#,
    ] {
        let text = format!(r#"{{"jsonrpc": "2.0", "method": "lobby.getMotd", "id": 1{tail}}}"#);
        let answer = raw.ask(&text).await;
        assert_eq!(answer, json!({ "jsonrpc": "2.0", "result": { "motd": null }, "id": 1 }));
    }
}

#[tokio::test]
async fn the_mixed_batch_of_the_specification() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    let text = r#"[
        {"jsonrpc": "2.0", "method": "lobby.getMotd", "params": {}, "id": "1"},
        {"jsonrpc": "2.0", "method": "lobby.setMotd", "params": {"content": "seven"}},
        {"jsonrpc": "2.0", "method": "lobby.getMotd", "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "room.list", "id": "9"}
    ]"#;
    let answer = raw.ask(text).await;
    let answers = answer.as_array().expect("an array");
    assert_eq!(answers.len(), 5, "{answer}");
    assert_eq!(
        answers[0],
        json!({ "jsonrpc": "2.0", "result": { "motd": null }, "id": "1" })
    );
    assert_eq!(
        answers[1],
        json!({ "jsonrpc": "2.0", "result": { "motd": "seven" }, "id": "2" })
    );
    assert_error(&answers[2], &Value::Null, -32600, text);
    assert_error(&answers[3], &json!("5"), -32601, text);
    assert_eq!(answers[4]["id"], "9");
    assert_eq!(answers[4]["result"]["rooms"][0]["isLobby"], true);
}

#[tokio::test]
async fn batches_of_nonsense() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    raw.assert_error("[]", Value::Null, -32600).await;
    for (text, count) in [("[1]", 1), ("[1,2,3]", 3), ("[[], [[]], null]", 3)] {
        let answer = raw.ask(text).await;
        let answers = answer.as_array().expect("an array");
        assert_eq!(answers.len(), count, "{answer}");
        for answer in answers {
            assert_error(answer, &Value::Null, -32600, text);
        }
    }
}
