//! `operator.backup` and `operator.export`.

use std::path::PathBuf;

use crate::hub::ExportQuery;
use crate::protocol::methods::{
    OperatorBackup, OperatorBackupParams, OperatorBackupResult, OperatorExport, OperatorExportParams,
    OperatorExportResult,
};
use crate::rpc::table::{Call, Handler};

impl Handler for OperatorBackup {
    async fn handle(call: Call<OperatorBackupParams, OperatorBackupResult>) {
        let (hub, params) = (call.rpc.hub.clone(), call.params);
        let reply = call.reply;
        // It may take minutes, in which the connection must go on answering pings.
        let work = async move {
            let made = hub.back_up(PathBuf::from(params.path), params.force).await;
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
        let page = call.rpc.hub.export(query).await;
        call.reply.send(page.map(Into::into));
    }
}
