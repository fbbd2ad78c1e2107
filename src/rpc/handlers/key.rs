//! Keys: `agent.createKey`, `agent.rotateKey`, `agent.revokeKey`, `agent.listKeys`, `agent.enrol`, and `agent.rename`.

use super::{checked, name};
use crate::domain::{AgentId, KeyId, Name, Refusal, Role};
use crate::hub::acts::{CreateKey, Issued, NewKey, RenameAgent, RevokeKey, RotateKey, Rotated, Secret, Whose};
use crate::hub::{Caller, Hub};
use crate::protocol::methods::{
    AgentCreateKey, AgentCreateKeyParams, AgentEnrol, AgentEnrolParams, AgentEnrolResult, AgentListKeys,
    AgentListKeysParams, AgentListKeysResult, AgentRename, AgentRenameParams, AgentRenameResult, AgentRevokeKey,
    AgentRevokeKeyParams, AgentRotateKey, AgentRotateKeyParams, IssuedKeyResult, KeyObject, ListedKeyObject,
    RotatedKeyResult, scope,
};
use crate::protocol::types::{OK, Status};
use crate::rpc::table::{Call, Handler};

/// The longest overlap: 30 days.
const LONGEST_OVERLAP_MS: u64 = 2_592_000_000;

/// Whose key a call is about.
fn whose(agent: Option<&String>) -> Whose {
    agent.map_or(Whose::Mine, |agent| Whose::Of(AgentId::parse(agent)))
}

/// Checks the name of a key.
pub(in crate::rpc) fn key_name(hub: &Hub, text: Option<&String>) -> Result<Option<Name>, Refusal> {
    text.map(|text| name(hub, "keyName", text)).transpose()
}

impl Handler for AgentEnrol {
    /// Strangers get their key from their session; whoever gets here has one.
    async fn handle(call: Call<AgentEnrolParams, AgentEnrolResult>) {
        call.reply.send(Err(Refusal::Forbidden(
            "this connection is authenticated already; open another one",
        )));
    }
}

/// What a caller is shown of a new key.
pub(in crate::rpc) fn issued_result(Issued { card, secret, agent }: Issued) -> IssuedKeyResult {
    let (api_key, token) = match secret {
        Secret::Key(key) => (Some(key.reveal().to_owned()), None),
        Secret::Token(token, ends_at_ms) => (None, Some((token.reveal().to_owned(), ends_at_ms))),
    };
    IssuedKeyResult {
        agent_id: agent.to_string(),
        api_key,
        enrolment_expires_at: token.as_ref().map(|(_, ends_at_ms)| *ends_at_ms),
        enrolment_token: token.map(|(token, _)| token),
        key: KeyObject::from(&card),
    }
}

impl Handler for AgentCreateKey {
    async fn handle(call: Call<AgentCreateKeyParams, IssuedKeyResult>) {
        let params = &call.params;
        let name = checked!(call, name(&call.rpc.hub, "keyName", &params.key_name));
        let scope = checked!(call, scope(params.read_only, params.rooms.as_deref(), params.direct));
        let key = NewKey {
            name,
            expires_at_ms: params.expires_at,
            scope,
        };
        let whose = whose(params.agent_id.as_ref());
        call.submit(CreateKey { whose, key }, issued_result).await;
    }
}

impl Handler for AgentRotateKey {
    async fn handle(call: Call<AgentRotateKeyParams, RotatedKeyResult>) {
        let params = &call.params;
        let name = checked!(call, key_name(&call.rpc.hub, params.key_name.as_ref()));
        if params
            .overlap_ms
            .is_some_and(|overlap_ms| overlap_ms > LONGEST_OVERLAP_MS)
        {
            let reason = format!("`overlapMs` must be at most {LONGEST_OVERLAP_MS}");
            return call.reply.send(Err(Refusal::InvalidParams(reason)));
        }
        let act = RotateKey {
            whose: whose(params.agent_id.as_ref()),
            key: params.key_id.as_deref().map(KeyId::parse),
            overlap_ms: params.overlap_ms.map(u64::cast_signed),
            name,
            expires_at_ms: params.expires_at,
        };
        call.submit(act, |rotated: Rotated| RotatedKeyResult {
            issued: issued_result(rotated.issued),
            previous_key_id: rotated.former.to_string(),
            previous_expires_at: rotated.former_ends_at_ms,
        })
        .await;
    }
}

impl Handler for AgentRevokeKey {
    async fn handle(call: Call<AgentRevokeKeyParams, Status>) {
        let whose = whose(call.params.agent_id.as_ref());
        let key = KeyId::parse(&call.params.key_id);
        call.submit(RevokeKey { whose, key }, |()| OK).await;
    }
}

impl Handler for AgentListKeys {
    async fn handle(call: Call<AgentListKeysParams, AgentListKeysResult>) {
        let keys = keys(&call.rpc.hub, call.caller, call.params.agent_id.as_deref());
        call.reply.send(keys.map(|keys| AgentListKeysResult { keys }));
    }
}

fn keys(hub: &Hub, caller: Caller, wanted: Option<&str>) -> Result<Vec<ListedKeyObject>, Refusal> {
    let Caller::Session { session, agent } = caller else {
        return Err(Refusal::AuthRequired);
    };
    let (agent, current) = {
        let directory = hub.directory();
        let current = directory.session(session).ok_or(Refusal::SessionEnded)?.key();
        let me = directory.agent(agent).ok_or(Refusal::SessionEnded)?;
        let wanted = wanted.map(AgentId::parse);
        let is_mine = wanted.is_none_or(|id| id == Some(me.id));
        if !is_mine && me.role != Role::Controller {
            return Err(Refusal::Forbidden("only the controller may do this for another agent"));
        }
        let agent = match wanted {
            None => me,
            Some(id) => id
                .and_then(|id| directory.agent_by_id(id))
                .filter(|agent| !agent.revoked)
                .ok_or(Refusal::AgentNotFound)?,
        };
        (agent.number(), current)
    };
    let (made, open) = hub.keys_of(agent);
    let listed = |card: &crate::domain::KeyCard, pending: bool| ListedKeyObject {
        key: card.into(),
        last_used_at: card.last_used_ms,
        current: Some(card.id) == current,
        pending,
    };
    let made = made.iter().map(|card| listed(card, false));
    Ok(made.chain(open.iter().map(|entry| listed(&entry.card, true))).collect())
}

impl Handler for AgentRename {
    async fn handle(call: Call<AgentRenameParams, AgentRenameResult>) {
        let name = checked!(call, name(&call.rpc.hub, "displayName", &call.params.display_name));
        let whose = whose(call.params.agent_id.as_ref());
        let display_name = name.as_str().to_owned();
        call.submit(RenameAgent { whose, name }, |agent| AgentRenameResult {
            status: "ok",
            agent_id: agent.to_string(),
            display_name,
        })
        .await;
    }
}
