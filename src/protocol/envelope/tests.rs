use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const LIMITS: FrameLimits = FrameLimits {
    depth: 64,
    batch: 100,
    id: 256,
};

/// What a frame is answered with when every request in it succeeds with its method's name.
fn answer(text: &str) -> Value {
    let one = |request: Result<Request<'_>, Rejected>| match request {
        Ok(request) => request.id.map(|id| success(&id, &request.method).expect("plain JSON")),
        Err((id, error)) => Some(failure(&id, &error)),
    };
    let bytes = match read(text, LIMITS) {
        Frame::Single(request) => one(request),
        Frame::Batch(requests) => batch(&requests.into_iter().filter_map(one).collect::<Vec<_>>()),
    };
    bytes.map_or(Value::Null, |bytes| {
        serde_json::from_slice(&bytes).expect("an answer is JSON")
    })
}

fn code(text: &str) -> i64 {
    answer(text)["error"]["code"].as_i64().unwrap_or(0)
}

#[test]
fn every_id_form_is_repeated_exactly() {
    for id in [
        "0",
        "-1",
        "1.50",
        "1e3",
        "123456789012345678901234567890",
        "\"\"",
        "\"a\\u0041\"",
        "null",
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
        let Frame::Single(Ok(request)) = read(&text, LIMITS) else {
            panic!("`{id}` is a valid id");
        };
        let bytes = success(&request.id.expect("an id"), &true).expect("plain JSON");
        assert_eq!(
            String::from_utf8(bytes).expect("UTF-8"),
            format!(r#"{{"jsonrpc":"2.0","result":true,"id":{id}}}"#)
        );
    }
}

#[test]
fn ids_of_other_types_are_invalid() {
    for id in ["true", "false", "{}", "[]", "[1]"] {
        assert_eq!(
            code(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#)),
            -32600,
            "{id}"
        );
    }
}

#[test]
fn regression_an_id_is_bounded_because_answers_repeat_it() {
    let call = |length: usize| format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"m"}}"#, "x".repeat(length));
    assert_eq!(code(&call(254)), 0);
    assert_eq!(code(&call(255)), -32600);
    assert_eq!(answer(&call(255))["id"], Value::Null);
}

#[test]
fn what_is_no_request_is_invalid() {
    for text in [
        "{}",
        "1",
        "\"x\"",
        "null",
        "true",
        r#"{"jsonrpc":"2.0","method":1,"id":1}"#,
        r#"{"jsonrpc":"1.0","method":"m","id":1}"#,
        r#"{"jsonrpc":"2.0","result":1,"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"m","method":"m","id":1}"#,
    ] {
        assert_eq!(code(text), -32600, "{text}");
    }
}

#[test]
fn an_invalid_request_is_answered_under_its_own_id() {
    assert_eq!(
        answer(r#"{"jsonrpc":"2.0","method":1,"id":"seven"}"#)["id"],
        json!("seven")
    );
    assert_eq!(answer("{}")["id"], Value::Null);
}

#[test]
fn what_is_not_json_is_a_parse_error() {
    for text in [
        "",
        "{",
        "{]",
        "nul",
        "{\"a\":1}x",
        "'a'",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\u{1}\"}",
        r#""\q""#,
    ] {
        assert_eq!(code(text), -32700, "{text}");
    }
}

#[test]
fn the_examples_of_the_specification_hold() {
    let call =
        |method: &str, id: &str| format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":[42,23],"id":{id}}}"#);
    assert_eq!(
        answer(&call("subtract", "1")),
        json!({"jsonrpc":"2.0","result":"subtract","id":1})
    );
    assert_eq!(
        answer(r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#),
        Value::Null
    );
    assert_eq!(
        code(r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#),
        -32700
    );
    assert_eq!(code(r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#), -32600);
    assert_eq!(
        code(r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"]"#),
        -32700
    );
    assert_eq!(code("[]"), -32600);
    assert_eq!(answer("[1]").as_array().map(Vec::len), Some(1));
    assert_eq!(answer("[1,2,3]").as_array().map(Vec::len), Some(3));
    let mixed = format!(
        r#"[{}, {{"jsonrpc":"2.0","method":"notify_hello","params":[7]}}, {{"foo":"boo"}}, {}]"#,
        call("sum", "\"1\""),
        call("get_data", "\"9\"")
    );
    let answers = answer(&mixed);
    assert_eq!(answers.as_array().map(Vec::len), Some(3));
    assert_eq!(
        (&answers[0]["id"], &answers[1]["error"]["code"], &answers[2]["id"]),
        (&json!("1"), &json!(-32600), &json!("9"))
    );
    assert_eq!(
        answer(r#"[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"b"}]"#),
        Value::Null
    );
}

#[test]
fn batches_and_nesting_are_bounded() {
    let batch = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(answer(&batch(100)).as_array().map(Vec::len), Some(100));
    assert_eq!(code(&batch(101)), -32600);
    let nested = |depth: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert_eq!(code(&nested(63)), 0);
    assert_eq!(code(&nested(64)), -32600);
    assert_eq!(code(&nested(400_000)), -32600);
    assert_eq!(
        answer(r#"{"jsonrpc":"2.0","id":1,"method":"[[[[\"[[["}"#)["result"],
        json!("[[[[\"[[[")
    );
}

proptest! {
    #[test]
    fn any_text_is_answered_or_a_notification(text in ".{0,200}") {
        let _ = answer(&text);
    }

    #[test]
    fn any_json_is_answered(depth in 0_usize..6, seed in any::<u64>()) {
        let _ = answer(&json_of(depth, seed).to_string());
    }

    #[test]
    fn any_method_name_and_params_come_through(method in ".{0,40}", params in "[a-z]{0,10}") {
        let text = json!({"jsonrpc":"2.0","id":1,"method":method,"params":{"p":params}}).to_string();
        let Frame::Single(Ok(request)) = read(&text, LIMITS) else { return Err(TestCaseError::fail("refused")) };
        prop_assert_eq!(request.method, method);
        let read: Value = serde_json::from_str(request.params.expect("params").get()).expect("JSON");
        prop_assert_eq!(read, json!({"p": params}));
    }
}

/// Some JSON near a request, made of `seed`.
fn json_of(depth: usize, seed: u64) -> Value {
    let next = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    match seed % 7 {
        0 => Value::Null,
        1 => json!(next),
        2 => json!("2.0"),
        3 if depth > 0 => json!([json_of(depth - 1, next), json_of(depth - 1, next >> 3)]),
        4 if depth > 0 => json!({"jsonrpc": json_of(depth - 1, next), "id": json_of(depth - 1, next >> 5)}),
        5 => json!({"jsonrpc": "2.0", "method": next.to_string(), "id": next}),
        _ => json!(true),
    }
}
