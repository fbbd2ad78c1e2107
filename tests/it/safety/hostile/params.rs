//! Wrong parameters of every method that there is.

use serde_json::{Value, json};
use wardroom::protocol::methods::{self, Access, MethodSpec};

use crate::safety::abuse::Abuse;
use crate::support::{Agent, soon};
use wardroom::client::Methods as _;

const PARAMS: i64 = -32602;
const FORBIDDEN: i64 = 4003;

/// Values of every type, and of each those that are likely to hurt.
fn nasty() -> Vec<Value> {
    let nested = (0..50).fold(json!(1), |inner, _| json!([inner]));
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(1.5),
        json!(1e300),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("x"),
        json!("1"),
        json!("null"),
        json!("x".repeat(100_000)),
        json!("'; DROP TABLE messages; --"),
        json!("../../etc/passwd"),
        json!("\u{202e}\u{feff}\u{1F600}"),
        json!("00000000-0000-0000-0000-000000000000"),
        json!([]),
        json!([""]),
        json!({}),
        json!({ "$ref": "#" }),
        nested,
    ]
}

/// Params of `spec` that its schema admits, as far as types go.
fn plausible(spec: &MethodSpec) -> Value {
    let mut params = json!({});
    let properties = spec.params["properties"].as_object().cloned().unwrap_or_default();
    for name in properties.keys() {
        params[name] = match name.as_str() {
            "limit" | "before" => json!(1),
            "visibility" => json!("public"),
            "type" => json!("query"),
            "state" => json!("working"),
            "generation" | "leaseMs" => json!(1),
            "restart" => json!(false),
            "version" => json!("v"),
            _ => json!("nothing"),
        };
    }
    params
}

struct Outcome {
    calls: usize,
    refused: usize,
}

/// Calls `spec` with `params`. What its schema does not admit must be refused as that; what it admits must not hurt.
async fn probe(abuse: &Abuse, caller: &Agent, spec: &MethodSpec, params: Value, outcome: &mut Outcome) {
    let admitted = jsonschema::is_valid(&spec.params, &params);
    let shown: String = params.to_string().chars().take(200).collect();
    let answer = soon(spec.name, caller.connection.call(spec.name, params)).await;
    outcome.calls += 1;
    let code = match &answer {
        Ok(_) => None,
        Err(error) => Some(error.code().unwrap_or_else(|| panic!("{} {shown}: {error}", spec.name))),
    };
    outcome.refused += usize::from(code.is_some());
    let governs = caller.id() == abuse.controller.id();
    match spec.access {
        Access::Operator => assert_eq!(code, Some(FORBIDDEN), "{} {shown}", spec.name),
        Access::Controller if !governs => assert_eq!(code, Some(FORBIDDEN), "{} {shown}", spec.name),
        _ if !admitted => assert_eq!(code, Some(PARAMS), "{} {shown}: {answer:?}", spec.name),
        _ => assert!(
            code.is_none_or(|code| code == PARAMS || code >= 4003),
            "{} {shown}: {answer:?}",
            spec.name
        ),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_parameters_of_every_method_are_refused() {
    let abuse = Abuse::begin().await;
    let participant = abuse.server.participant(&abuse.controller, "mallory").await;
    let mut outcome = Outcome { calls: 0, refused: 0 };
    for spec in methods::all() {
        for caller in [&abuse.controller, &participant] {
            let properties = spec.params["properties"].as_object().cloned().unwrap_or_default();
            for name in properties.keys() {
                for value in nasty() {
                    let mut params = plausible(&spec);
                    params[name] = value;
                    probe(&abuse, caller, &spec, params, &mut outcome).await;
                }
                let mut params = plausible(&spec);
                params.as_object_mut().expect("an object").remove(name);
                probe(&abuse, caller, &spec, params, &mut outcome).await;
            }
            for params in [json!([]), json!(["x"]), json!("x"), json!(1), json!(true)] {
                probe(&abuse, caller, &spec, params, &mut outcome).await;
            }
        }
    }
    assert!(outcome.calls >= 1000, "{}", outcome.calls);
    assert!(outcome.refused >= 800, "{}", outcome.refused);
    drop(participant);
    abuse.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_pose_or_do_not_fit_are_refused() {
    let abuse = Abuse::begin().await;
    let controller = &abuse.controller;
    let room = controller.create_room("Room", "public").await;
    let key = controller.invite("mallory").await;
    let bad = [
        String::new(),
        " ".into(),
        "\t\n".into(),
        "a\nb".into(),
        "a\rb".into(),
        "a\u{0}b".into(),
        "a\u{7}b".into(),
        "a\u{1b}[31mb".into(),
        "a\u{7f}b".into(),
        "a\u{85}b".into(),
        "a\u{9b}b".into(),
        "a\u{202e}b".into(),
        "a\u{2066}b".into(),
        "a\u{2028}b".into(),
        "x".repeat(101),
        "é".repeat(101),
        "😀".repeat(101),
        "x".repeat(1_000_000 / 16),
    ];
    for name in &bad {
        for (method, params) in [
            ("agent.invite", json!({ "displayName": name })),
            ("room.create", json!({ "name": name })),
            ("room.update", json!({ "roomId": room, "name": name })),
        ] {
            assert_eq!(controller.refused(method, params).await, PARAMS, "{method} {name:?}");
        }
        let stranger = abuse.server.connect().await;
        let params = json!({ "apiKey": key, "displayName": name });
        assert_eq!(
            crate::support::agent::call_error(&stranger, "auth", params).await,
            PARAMS,
            "{name:?}"
        );
    }
    for name in [
        "x".repeat(100),
        "é".repeat(100),
        "😀".repeat(100),
        "  trimmed  ".into(),
        "<b>&\"'".into(),
    ] {
        let agent = controller.call("agent.invite", json!({ "displayName": name })).await;
        assert_eq!(agent["displayName"], name.trim());
    }
    abuse.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_name_nothing_are_not_found() {
    let abuse = Abuse::begin().await;
    let participant = abuse.server.participant(&abuse.controller, "mallory").await;
    let lobby = participant.lobby().to_owned();
    let ids = [
        String::new(),
        "x".into(),
        "00000000-0000-0000-0000-000000000000".into(),
        "ffffffff-ffff-ffff-ffff-ffffffffffff".into(),
        lobby.to_uppercase() + "0",
        lobby.replace('-', ""),
        format!("{{{lobby}}}"),
        format!("urn:uuid:{lobby}"),
        format!(" {lobby}"),
        format!("{lobby} "),
        format!("{lobby}\u{0}"),
        "1".into(),
        "-1".into(),
        "' OR 1=1 --".into(),
        "../lobby".into(),
        "*".into(),
        "%".into(),
        participant.id().to_owned() + "a",
        "\u{ff10}".repeat(36),
        "x".repeat(50_000),
    ];
    for id in &ids {
        for (method, params, code) in [
            ("room.join", json!({ "roomId": id }), 4010),
            ("room.info", json!({ "roomId": id }), 4010),
            ("room.history", json!({ "roomId": id }), 4010),
            ("message.send", json!({ "roomId": id, "content": "x" }), 4010),
            ("message.dm", json!({ "toAgentId": id, "content": "x" }), 4020),
            ("message.remove", json!({ "messageId": id }), 4060),
            ("message.search", json!({ "query": "x", "roomId": id }), 4010),
            ("message.search", json!({ "query": "x", "senderId": id }), 4020),
            ("message.search", json!({ "query": "x", "cursor": id }), -32602),
            ("message.status", json!({ "messageId": id }), 4060),
            ("room.markRead", json!({ "roomId": id, "seq": 1 }), 4010),
            ("task.create", json!({ "roomId": id, "title": "x" }), 4010),
            (
                "task.create",
                json!({ "roomId": lobby, "title": "x", "assignee": id }),
                4020,
            ),
            ("task.list", json!({ "roomId": id }), 4010),
            ("task.claim", json!({ "taskId": id }), 4100),
            ("task.renew", json!({ "taskId": id, "generation": 1 }), 4100),
            ("task.update", json!({ "taskId": id, "note": "x" }), 4100),
            ("task.complete", json!({ "taskId": id, "generation": 1 }), 4100),
            ("task.fail", json!({ "taskId": id, "generation": 1 }), 4100),
            ("task.cancel", json!({ "taskId": id }), 4100),
            ("task.get", json!({ "taskId": id }), 4100),
            (
                "message.send",
                json!({ "roomId": lobby, "content": "x", "replyTo": id }),
                4060,
            ),
            ("room.history", json!({ "roomId": lobby, "replyTo": id }), 4060),
            ("docs.get", json!({ "name": id }), 4070),
        ] {
            assert_eq!(participant.refused(method, params).await, code, "{method} {id:?}");
        }
        for (method, params) in [
            ("agent.kick", json!({ "agentId": id })),
            ("agent.ban", json!({ "agentId": id })),
            ("agent.unban", json!({ "agentId": id })),
            ("agent.revoke", json!({ "agentId": id })),
        ] {
            assert_eq!(abuse.controller.refused(method, params).await, 4020, "{method} {id:?}");
        }
    }
    drop(participant);
    abuse.end().await;
}
