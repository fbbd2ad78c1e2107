//! `operator.backup` and `operator.export`.

use std::path::PathBuf;
use std::sync::Arc;

use crate::hub::ExportQuery;
use crate::protocol::methods::{
    OperatorBackup, OperatorBackupParams, OperatorBackupResult, OperatorExport, OperatorExportParams,
    OperatorExportResult,
};
use crate::rpc::table::{Call, Handler};

impl Handler for OperatorBackup {
    async fn handle(call: Call<OperatorBackupParams, OperatorBackupResult>) {
        let (rpc, params) = (Arc::clone(&call.rpc), call.params);
        let (caller, note, reply) = (call.caller, call.note, call.reply);
        // It may take minutes, in which the connection must go on answering pings.
        let work = async move {
            let made = rpc.hub.back_up(PathBuf::from(params.path), params.force).await;
            if let Some(note) = note.filter(|_| made.is_ok()) {
                rpc.record_act(caller, note).await;
            }
            reply.send(made.map(|backup| OperatorBackupResult {
                status: "ok",
                bytes: backup.bytes,
                messages: backup.messages,
            }));
        };
        call.rpc.control.spawn("backup", Box::pin(work));
    }
}

impl Handler for OperatorExport {
    async fn handle(call: Call<OperatorExportParams, OperatorExportResult>) {
        let query = ExportQuery {
            room: call.params.room,
            after: call.params.after_seq,
        };
        // What follows the first page is the same export.
        let is_first = query.after == 0;
        let page = call.rpc.hub.export(query).await;
        if let (Ok(page), Some(mut note)) = (&page, call.note.filter(|_| is_first)) {
            note.targets.push(page.room.id.to_string());
            call.rpc.record_act(call.caller, note).await;
        }
        call.reply.send(page.map(Into::into));
    }
}
