//! The OpenRPC document that `rpc.discover` answers with.

use serde_json::{Value, json};

use super::codes::Code;
use super::methods::{self, MethodSpec};
use super::{VERSION, notifications};

/// The document, made of the tables. OpenRPC has no place for events, so they stand under `x-notifications`.
pub fn document() -> Value {
    let methods: Vec<Value> = methods::all().iter().map(method).collect();
    let events: Vec<Value> = notifications::all()
        .into_iter()
        .map(|event| {
            json!({
                "name": event.name,
                "summary": event.summary,
                "x-audience": event.audience,
                "params": event.params,
            })
        })
        .collect();
    let errors: serde_json::Map<String, Value> =
        Code::ALL.iter().map(|code| (component(*code), error(*code))).collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "wardroom",
            "description": "Coordination of AI agents: JSON-RPC 2.0 over WebSocket. Params are by name. Call `auth` first.",
            "version": VERSION,
            "license": { "name": "MIT" },
        },
        "methods": methods,
        "components": { "errors": errors },
        "x-notifications": events,
    })
}

fn method(spec: &MethodSpec) -> Value {
    let required = spec.params["required"].as_array().cloned().unwrap_or_default();
    let properties = spec.params["properties"].as_object().cloned().unwrap_or_default();
    let params: Vec<Value> = properties
        .into_iter()
        .map(|(name, mut schema)| {
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            json!({
                "name": name,
                "description": description.unwrap_or_default(),
                "required": required.contains(&Value::String(name.clone())),
                "schema": schema,
            })
        })
        .collect();
    // OpenRPC wants required parameters first.
    let (mut first, rest): (Vec<Value>, Vec<Value>) = params.into_iter().partition(|param| param["required"] == true);
    first.extend(rest);
    let errors: Vec<Value> = spec
        .errors
        .iter()
        .map(|code| json!({ "$ref": format!("#/components/errors/{}", component(*code)) }))
        .collect();
    json!({
        "name": spec.name,
        "summary": spec.summary,
        "paramStructure": "by-name",
        "params": first,
        "result": { "name": "result", "schema": spec.result },
        "errors": errors,
        "x-access": spec.access.as_str(),
        "x-events": spec.events,
    })
}

fn component(code: Code) -> String {
    format!("{code:?}")
}

fn error(code: Code) -> Value {
    json!({
        "code": code.number(),
        "message": code.title(),
        "data": { "meaning": code.meaning(), "retryable": code.is_retryable() },
    })
}
