//! `agent.*`.

use super::key::{issued_result, key_name};
use super::{checked, name, reason};
use crate::domain::{AgentId, Permission, Role};
use crate::hub::acts::{BanAgent, DismissGuest, EndLeases, InviteAgent, Invited, KickAgent, RevokeAgent, UnbanAgent};
use crate::hub::{Agent, Caller};
use crate::protocol::methods::{
    AgentBan, AgentInvite, AgentInviteParams, AgentInviteResult, AgentKick, AgentList, AgentListResult, AgentObject,
    AgentParams, AgentReasonParams, AgentRevoke, AgentUnban, NoParams, scope,
};
use crate::protocol::types::{OK, Status};
use crate::rpc::table::{Call, Handler};

impl Handler for AgentInvite {
    async fn handle(call: Call<AgentInviteParams, AgentInviteResult>) {
        let name = checked!(call, name(&call.rpc.hub, "displayName", &call.params.display_name));
        let params = &call.params;
        let key_name = checked!(call, key_name(&call.rpc.hub, params.key_name.as_ref()));
        let scope = checked!(call, scope(params.read_only, params.rooms.as_deref(), params.direct));
        let act = InviteAgent {
            name,
            key: (key_name, params.expires_at, scope),
            enrol: params.enrol,
        };
        call.submit(act, |Invited { name, issued }| {
            let issued = issued_result(issued);
            AgentInviteResult {
                agent_id: issued.agent_id,
                display_name: name.as_str().to_owned(),
                api_key: issued.api_key,
                role: Role::Participant.as_str(),
                enrolment_token: issued.enrolment_token,
                enrolment_expires_at: issued.enrolment_expires_at,
            }
        })
        .await;
    }
}

impl Handler for AgentRevoke {
    async fn handle(call: Call<AgentParams, Status>) {
        let agent = AgentId::parse(&call.params.agent_id);
        call.submit(RevokeAgent { agent }, |()| OK).await;
    }
}

impl Handler for AgentList {
    async fn handle(call: Call<NoParams, AgentListResult>) {
        let directory = call.rpc.hub.directory();
        let object = |agent: &Agent| AgentObject {
            agent_id: agent.id.to_string(),
            display_name: agent.name.as_str().to_owned(),
            role: agent.role.as_str(),
            origin: agent.origin.unless_local(),
            permission: directory.level_of(agent.number()).map(Permission::as_str),
            banned: agent.banned,
            online: agent.is_online(),
            last_seen: agent.last_seen_ms,
        };
        let agents = directory.agents().map(object).collect();
        drop(directory);
        call.reply.send(Ok(AgentListResult { agents }));
    }
}

impl Handler for AgentKick {
    async fn handle(call: Call<AgentReasonParams, Status>) {
        let reason = checked!(call, reason(&call.rpc.hub, call.params.reason.clone()));
        let agent = AgentId::parse(&call.params.agent_id);
        let hub = &call.rpc.hub;
        let claims = checked!(call, hub.perform(call.caller, KickAgent { agent, reason }).await);
        if let Some(note) = call.note.clone() {
            call.rpc.record_act(call.caller, note).await;
        }
        // By an act of its own: an agent must be cut off even while the disk takes nothing. What is not taken back then
        // ends with its lease.
        let ended = hub.perform(Caller::Server, EndLeases { claims }).await;
        if let Err(reason) = ended {
            tracing::warn!(%reason, "the tasks of an agent that was kicked could not be given back yet");
        }
        // A peer does not come back. Its gateway tries again if that is not taken now.
        let dismissed = hub.perform(Caller::Server, DismissGuest { agent }).await;
        if let Err(reason) = dismissed {
            tracing::warn!(%reason, "a peer that was kicked could not be removed yet");
        }
        call.reply.send(Ok(OK));
    }
}

impl Handler for AgentBan {
    async fn handle(call: Call<AgentReasonParams, Status>) {
        let reason = checked!(call, reason(&call.rpc.hub, call.params.reason.clone()));
        let agent = AgentId::parse(&call.params.agent_id);
        call.submit(BanAgent { agent, reason }, |()| OK).await;
    }
}

impl Handler for AgentUnban {
    async fn handle(call: Call<AgentParams, Status>) {
        let agent = AgentId::parse(&call.params.agent_id);
        call.submit(UnbanAgent { agent }, |()| OK).await;
    }
}
