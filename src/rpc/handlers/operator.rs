//! `operator.*`: what the command line asks for.

use std::time::Duration;

use crate::domain::EndReason;
use crate::hub::acts::{KickEveryone, SetLock};
use crate::protocol::VERSION;
use crate::protocol::methods::{
    NoParams, OperatorKick, OperatorKickResult, OperatorLock, OperatorStatus, OperatorStatusResult, OperatorStop,
    OperatorStopParams, OperatorUnlock,
};
use crate::protocol::types::{OK, Status};
use crate::rpc::table::{Call, Handler};

/// How long a stop waits for its entry in the audit log.
const AUDIT_PATIENCE: Duration = Duration::from_secs(1);

impl Handler for OperatorStatus {
    async fn handle(call: Call<NoParams, OperatorStatusResult>) {
        let (hub, control) = (&call.rpc.hub, &call.rpc.control);
        let status = {
            let directory = hub.directory();
            OperatorStatusResult {
                status: "ok",
                version: VERSION,
                pid: std::process::id(),
                epoch: hub.epoch().to_string(),
                addresses: control.addresses(),
                uptime_ms: control.uptime_ms(),
                locked: directory.is_locked(),
                agents: directory.agents().count(),
                agents_online: directory.agents().filter(|agent| agent.is_online()).count(),
                sessions: directory.session_count(),
                rooms: directory.open_rooms(),
                messages: directory.messages_ever(),
                durability: if hub.is_durable() { "full" } else { "relaxed" },
                writable: hub.metrics().writable.get() == 1,
            }
        };
        call.reply.send(Ok(status));
    }
}

impl Handler for OperatorStop {
    async fn handle(call: Call<OperatorStopParams, Status>) {
        if let Some(note) = call.note.clone() {
            // A disk that does not answer must not keep the server from stopping.
            let record = call.rpc.record_act(call.caller, note);
            let _ = tokio::time::timeout(AUDIT_PATIENCE, record).await;
        }
        // Answered first: the connection of the one who asked ends with all others.
        let (control, restart) = (call.rpc.control.clone(), call.params.restart);
        call.reply.send(Ok(OK));
        control.stop(restart);
    }
}

impl Handler for OperatorLock {
    async fn handle(call: Call<NoParams, Status>) {
        call.submit(SetLock { locked: true }, |()| OK).await;
    }
}

impl Handler for OperatorUnlock {
    async fn handle(call: Call<NoParams, Status>) {
        call.submit(SetLock { locked: false }, |()| OK).await;
    }
}

impl Handler for OperatorKick {
    async fn handle(call: Call<NoParams, OperatorKickResult>) {
        let act = KickEveryone {
            reason: EndReason::Kicked(None),
            spare_controller: true,
        };
        call.submit(act, |disconnected| OperatorKickResult {
            status: "ok",
            disconnected,
        })
        .await;
    }
}
