//! The calls of the functions about keys, names and the audit log.

use std::future::Future;
use std::pin::Pin;

use serde_json::{Map, Value, json};

use crate::client::{AuditOptions, ClientError, Connection, KeyMethods, KeyOptions, RotateOptions};

/// Methods that [`key_call`] calls.
pub(super) const KEY_METHODS: [&str; 7] = [
    "agent.enrol",
    "agent.createKey",
    "agent.rotateKey",
    "agent.revokeKey",
    "agent.listKeys",
    "agent.rename",
    "audit.list",
];

pub(super) type KeyCall<'a> = Pin<Box<dyn Future<Output = Result<(), ClientError>> + Send + 'a>>;

/// The call of a function about keys; none where `method` is another, or the function cannot send these parameters.
pub(super) fn key_call<'a>(
    connection: &'a Connection,
    method: &str,
    params: &'a Map<String, Value>,
) -> Option<KeyCall<'a>> {
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    // Parameters that are given but are no texts are for no function.
    let is_text = |name: &str| params.get(name).is_none_or(Value::is_string);
    if !["agentId", "keyId", "keyName", "displayName", "token"]
        .into_iter()
        .all(is_text)
    {
        return None;
    }
    let without = |names: &[&str]| {
        let rest = params.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    Some(match method {
        "agent.enrol" => {
            let (token, name) = (text("token")?, text("keyName"));
            Box::pin(async move { connection.enrol(token, name).await.map(drop) })
        }
        "agent.invite" if params.get("enrol") == Some(&json!(true)) => {
            let (display_name, name) = (text("displayName")?, text("keyName"));
            let options: KeyOptions = serde_json::from_value(without(&["displayName", "enrol", "keyName"])).ok()?;
            Box::pin(async move { connection.invite_to_enrol(display_name, name, &options).await.map(drop) })
        }
        "agent.createKey" => {
            let (agent, name) = (text("agentId"), text("keyName")?);
            let options: KeyOptions = serde_json::from_value(without(&["agentId", "keyName"])).ok()?;
            Box::pin(async move { connection.create_key(agent, name, &options).await.map(drop) })
        }
        "agent.rotateKey" => {
            let options: RotateOptions = serde_json::from_value(without(&[])).ok()?;
            Box::pin(async move { connection.rotate_key(&options).await.map(drop) })
        }
        "agent.revokeKey" => {
            let (agent, key) = (text("agentId"), text("keyId")?);
            Box::pin(async move { connection.revoke_key(agent, key).await })
        }
        "agent.listKeys" => {
            let agent = text("agentId");
            Box::pin(async move { connection.list_keys(agent).await.map(drop) })
        }
        "agent.rename" => {
            let (agent, name) = (text("agentId"), text("displayName")?);
            Box::pin(async move { connection.rename_agent(agent, name).await })
        }
        "audit.list" => {
            let options: AuditOptions = serde_json::from_value(without(&[])).ok()?;
            Box::pin(async move { connection.list_audit(&options).await.map(drop) })
        }
        _ => return None,
    })
}
