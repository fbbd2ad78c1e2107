//! Texts that are no JSON, JSON that is no request, requests that nobody can carry out.

use serde_json::{Value, json};

use super::Noise;
use crate::safety::abuse::Abuse;
use crate::safety::raw::{FINAL, Raw, TEXT, frame};

/// A text, and the code and the id of the answer to it.
type Case = (String, i64, Value);

const PARSE: i64 = -32700;
const REQUEST: i64 = -32600;
const METHOD: i64 = -32601;
const PARAMS: i64 = -32602;
const AUTH: i64 = 4001;

fn no_json() -> Vec<Case> {
    let texts = [
        "",
        " ",
        "\n",
        "\u{feff}{}",
        "{",
        "}",
        "[",
        "]",
        "{]",
        "[}",
        "nul",
        "tru",
        "NaN",
        "Infinity",
        "-",
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "0x10",
        "'a'",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800",
        "\"\t\"",
        "\"\u{0}\"",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1,}",
        "[1,]",
        "[,1]",
        "{,}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{} {}",
        "[] []",
        "{}x",
        "1 2",
        "// comment\n{}",
        "/* comment */ {}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"auth\"",
        "\u{1F600}",
        "undefined",
        "\u{200b}{}",
        "\"\\ud800\\u0041",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.list\",\"params\":{\"a\":1,}}",
    ];
    let mut cases: Vec<Case> = texts.map(|text| (text.to_owned(), PARSE, Value::Null)).into();
    let mut noise = Noise(0xF00D);
    // Bytes above the quote and below the letters: no JSON begins with them.
    for length in (1..40).map(|step| step * 7) {
        let bytes = noise.bytes(length).into_iter().map(|byte| char::from(b'#' + byte % 8));
        cases.push((bytes.collect(), PARSE, Value::Null));
    }
    // A whole request cut off anywhere.
    let whole = r#"{"jsonrpc":"2.0","id":"x","method":"room.info","params":{"roomId":"\u0041"}}"#;
    cases.extend((1..whole.len()).map(|end| (whole[..end].to_owned(), PARSE, Value::Null)));
    cases
}

fn no_request() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for text in [
        "{}",
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "\"text\"",
        "[]",
        "{\"id\":1}x".trim_end_matches('x'),
    ] {
        let id = if text.contains("id") { json!(1) } else { Value::Null };
        cases.push((text.to_owned(), REQUEST, id));
    }
    for version in [
        "null",
        "2",
        "2.0",
        "\"1.0\"",
        "\"2\"",
        "\"2.00\"",
        "\" 2.0\"",
        "[\"2.0\"]",
        "{}",
        "true",
        "\"\"",
    ] {
        let text = format!(r#"{{"jsonrpc":{version},"id":5,"method":"room.list"}}"#);
        cases.push((text, REQUEST, json!(5)));
    }
    for method in ["null", "1", "[]", "{}", "true", "[\"room.list\"]", "1.5"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":"m","method":{method}}}"#);
        cases.push((text, REQUEST, json!("m")));
    }
    for id in ["true", "false", "{}", "[]", "[1]", "{\"a\":1}"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"room.list"}}"#);
        cases.push((text, REQUEST, Value::Null));
    }
    let doubled = [
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"room.list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"room.list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"room.list","method":"agent.list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"room.list","params":{},"params":{}}"#,
    ];
    cases.extend(doubled.map(|text| (text.to_owned(), REQUEST, Value::Null)));
    let long = json!({ "jsonrpc": "2.0", "id": "i".repeat(5000), "method": "room.list" });
    cases.push((long.to_string(), REQUEST, Value::Null));
    // Shaped like an answer.
    cases.push((r#"{"jsonrpc":"2.0","id":3,"result":{}}"#.into(), REQUEST, json!(3)));
    cases.push((
        r#"{"jsonrpc":"2.0","id":4,"error":{"code":1,"message":""}}"#.into(),
        REQUEST,
        json!(4),
    ));
    // Too deep, and a great deal too deep.
    for depth in [65, 100, 1000, 20_000] {
        cases.push(("[".repeat(depth) + &"]".repeat(depth), REQUEST, Value::Null));
        let nested = "{\"a\":".repeat(depth - 1) + "1" + &"}".repeat(depth - 1);
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"room.list","params":{nested}}}"#);
        if text.len() < 60_000 {
            cases.push((text, REQUEST, Value::Null));
        }
    }
    let entry = r#"{"jsonrpc":"2.0","id":1,"method":"room.list"}"#;
    cases.push((format!("[{}]", vec![entry; 101].join(",")), REQUEST, Value::Null));
    cases
}

/// Requests that are right in form. The first code is for those who have not authenticated.
fn not_carried_out() -> Vec<(String, i64, i64, Value)> {
    let mut cases = Vec::new();
    let methods = [
        "",
        " ",
        "room",
        "room.",
        ".list",
        "room.list ",
        " room.list",
        "Room.list",
        "ROOM.LIST",
        "room.List",
        "room..list",
        "room/list",
        "room_list",
        "rpc",
        "rpc.",
        "rpc.x",
        "system.listMethods",
        "__proto__",
        "constructor",
        "toString",
        "room.list\u{0}",
        "room.list\n",
        "\u{202e}tsil.moor",
        "../auth",
        "agent.*",
        "operator",
        "operator.",
        "admin.shutdown",
        "message.send;message.dm",
        "agent.promote",
        "auth2",
        "login",
        "ping",
        "presence",
        "message",
        "disconnected",
    ];
    for method in methods {
        let text = json!({ "jsonrpc": "2.0", "id": "u", "method": method }).to_string();
        cases.push((text, AUTH, METHOD, json!("u")));
    }
    let long = "m".repeat(50_000);
    cases.push((
        json!({ "jsonrpc": "2.0", "id": "u", "method": long }).to_string(),
        AUTH,
        METHOD,
        json!("u"),
    ));
    for params in ["[]", "[1]", "[{}]", "1", "\"text\"", "true", "1.5"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":"p","method":"room.list","params":{params}}}"#);
        cases.push((text, AUTH, PARAMS, json!("p")));
    }
    // Ids come back as they were.
    for id in [
        json!(0),
        json!(""),
        json!(-1),
        json!(1.5),
        json!("\u{0}\u{202e}\"\\"),
        json!(u64::MAX),
        json!("i".repeat(200)),
    ] {
        let text = json!({ "jsonrpc": "2.0", "id": id, "method": "no.such" }).to_string();
        cases.push((text, AUTH, METHOD, id));
    }
    cases.push((
        r#"{"jsonrpc":"2.0","id":null,"method":"no.such"}"#.into(),
        AUTH,
        METHOD,
        Value::Null,
    ));
    cases
}

async fn check(socket: &mut Raw, text: &str, code: i64, id: &Value) {
    socket.send(&frame(FINAL | TEXT, text.as_bytes())).await;
    let shown: String = text.chars().take(200).collect();
    let answer = socket
        .frame()
        .await
        .unwrap_or_else(|| panic!("no answer to {shown}"))
        .json();
    assert_eq!(answer["error"]["code"], code, "{shown}: {answer}");
    assert_eq!(answer["id"], *id, "{shown}: {answer}");
    assert_eq!(answer["error"]["data"]["retryable"], false, "{shown}: {answer}");
    // No part of the program shows in what strangers are told.
    let message = answer["error"]["message"].as_str().expect("a message");
    assert!(!message.contains("src/") && !message.contains("::"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_are_answered_with_their_code_and_the_connection_stays() {
    let (no_json, no_request, others) = (no_json(), no_request(), not_carried_out());
    let count = 2 * (no_json.len() + no_request.len() + others.len());
    assert!(count >= 500, "{count}");
    let abuse = Abuse::begin().await;
    let key = abuse.controller.invite("mallory").await;
    let mut stranger = Raw::open(&abuse.server).await.upgrade().await;
    let mut agent = Raw::open(&abuse.server).await.upgrade().await;
    // In a batch, so that the events of coming in are behind the answer and the others' presence is read here.
    let answer = agent.call("auth", &json!({ "apiKey": key })).await;
    assert_eq!(answer["result"]["status"], "ok");
    let online = 3;
    for _ in 0..online {
        assert_eq!(agent.frame().await.expect("an event").json()["method"], "presence");
    }
    for (text, code, id) in no_json.iter().chain(&no_request) {
        check(&mut stranger, text, *code, id).await;
        check(&mut agent, text, *code, id).await;
    }
    for (text, before, after, id) in &others {
        check(&mut stranger, text, *before, id).await;
        check(&mut agent, text, *after, id).await;
    }
    // All that on two connections, and both are as good as new.
    assert_eq!(
        agent.call("lobby.getMotd", &json!({})).await["result"]["motd"],
        Value::Null
    );
    assert_eq!(
        stranger.call("auth", &json!({ "apiKey": key })).await["result"]["status"],
        "ok"
    );
    abuse.end().await;
}
