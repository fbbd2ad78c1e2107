//! The calls about keys, names and the audit log.

use std::future::Future;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ClientError;
use super::methods::{Methods, done, set, typed};

/// What a key is to be. The default is a key without an end that may do everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct KeyOptions {
    /// When it ends, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// Whether it may only look.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// The only rooms there are for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooms: Option<Vec<String>>,
    /// Whether it has direct messages although its rooms are restricted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub direct: bool,
}

/// Which key to replace, and by what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RotateOptions {
    /// Whose; the caller's own when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Which; that of this session when left out, or the only one of the other agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// How long the former key goes on working, in milliseconds; 0 ends it at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_ms: Option<u64>,
    /// What to call the new key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// When the new key ends, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// Which entries of the audit log to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AuditOptions {
    /// Most entries, 1 to 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only entries before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Only what this agent did or what was about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Only this method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyEntry {
    /// Its id.
    pub key_id: String,
    /// What its agent calls it.
    pub key_name: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: Option<i64>,
    /// Whether it may only look.
    pub read_only: bool,
    /// The only rooms there are for it; none is all of them.
    pub rooms: Option<Vec<String>>,
    /// Whether it has direct messages.
    pub direct: bool,
    /// When it was used, within a minute; only in lists.
    #[serde(default)]
    pub last_used_at: Option<i64>,
    /// Whether it waits for its enrolment; only in lists.
    #[serde(default)]
    pub pending: bool,
}

/// A new key, or the token for one. Either secret is shown this once.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedKey {
    /// The agent.
    pub agent_id: String,
    /// The key, for oneself.
    #[serde(default)]
    pub api_key: Option<String>,
    /// The token, for another agent.
    #[serde(default)]
    pub enrolment_token: Option<String>,
    /// What is known of the key; `agent.invite` does not tell.
    #[serde(default)]
    pub key: Option<KeyEntry>,
    /// When the key that was replaced ends, in milliseconds since 1970.
    #[serde(default)]
    pub previous_expires_at: Option<i64>,
}

impl std::fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedKey")
            .field("agent_id", &self.agent_id)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Entries of the audit log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// The entries, the newest first.
    pub entries: Vec<Value>,
    /// Whether all that is kept is as it was written.
    pub intact: bool,
    /// The first entry that is not.
    pub broken_at: Option<i64>,
}

/// The calls about keys, for everything that makes calls. `agent_id` is the caller when left out; anybody else is for the
/// controller only.
pub trait KeyMethods: Methods {
    /// `agent.enrol`: gets the key that a token stands for. For a connection that has not authenticated.
    fn enrol(
        &self,
        token: &str,
        key_name: Option<&str>,
    ) -> impl Future<Output = Result<IssuedKey, ClientError>> + Send {
        let mut params = json!({"token": token});
        set(&mut params, "keyName", key_name);
        typed(self, "agent.enrol", params, None)
    }

    /// `agent.invite` with a token in the place of a key.
    fn invite_to_enrol(
        &self,
        display_name: &str,
        key_name: Option<&str>,
        options: &KeyOptions,
    ) -> impl Future<Output = Result<IssuedKey, ClientError>> + Send {
        let mut params = json!(options);
        set(&mut params, "displayName", Some(display_name));
        set(&mut params, "enrol", Some(true));
        set(&mut params, "keyName", key_name);
        typed(self, "agent.invite", params, None)
    }

    /// `agent.createKey`: makes a further key.
    fn create_key(
        &self,
        agent_id: Option<&str>,
        key_name: &str,
        options: &KeyOptions,
    ) -> impl Future<Output = Result<IssuedKey, ClientError>> + Send {
        let mut params = json!(options);
        set(&mut params, "agentId", agent_id);
        set(&mut params, "keyName", Some(key_name));
        typed(self, "agent.createKey", params, None)
    }

    /// `agent.rotateKey`: puts another key in the place of one.
    fn rotate_key(&self, options: &RotateOptions) -> impl Future<Output = Result<IssuedKey, ClientError>> + Send {
        typed(self, "agent.rotateKey", json!(options), None)
    }

    /// `agent.revokeKey`: voids one key and ends its sessions.
    fn revoke_key(&self, agent_id: Option<&str>, key_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        let mut params = json!({"keyId": key_id});
        set(&mut params, "agentId", agent_id);
        done(self, "agent.revokeKey", params)
    }

    /// `agent.listKeys`: what is known of the keys of an agent.
    fn list_keys(&self, agent_id: Option<&str>) -> impl Future<Output = Result<Vec<KeyEntry>, ClientError>> + Send {
        let mut params = json!({});
        set(&mut params, "agentId", agent_id);
        typed(self, "agent.listKeys", params, Some("keys"))
    }

    /// `agent.rename`: gives an agent another registered name.
    fn rename_agent(
        &self,
        agent_id: Option<&str>,
        display_name: &str,
    ) -> impl Future<Output = Result<(), ClientError>> + Send {
        let mut params = json!({"displayName": display_name});
        set(&mut params, "agentId", agent_id);
        done(self, "agent.rename", params)
    }

    /// `audit.list`: reads the audit log. For the controller.
    fn list_audit(&self, options: &AuditOptions) -> impl Future<Output = Result<AuditPage, ClientError>> + Send {
        typed(self, "audit.list", json!(options), None)
    }
}

impl<T: Methods + ?Sized> KeyMethods for T {}
