//! `backup`: everything that is stored, in one file; from a running server or while none is running.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::exit::{CommandResult, Exit, Failure};
use super::output::{Output, warning};
use super::running::Presence;
use super::{running, runtime, serve};
use crate::client::Methods;
use crate::server::upkeep::{self, OfflineBackup, UpkeepError};

/// How long a server may take for it: the largest databases take hours.
const BACKUP_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Write everything that is stored into one file, while the server runs or not
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to make; only its owner will be able to read it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace an earlier backup of that name
    #[arg(long)]
    force: bool,
}

pub(super) fn run(arguments: &Backup, context: &Context, output: Output) -> CommandResult {
    serve::private_files();
    let file = std::path::absolute(&arguments.file).context("cannot use the name of the backup")?;
    let presence = runtime::block_on(async {
        let found = running::find_for(&context.data_dir, BACKUP_LIMIT).await?;
        let Presence::Present(connection) = found else {
            return Ok(Err(found));
        };
        let path = file
            .to_str()
            .context("the name of the backup is not UTF-8; a running server cannot be told it")?;
        let made = connection.operator_backup(path, arguments.force).await;
        Ok(Ok(made.context("the running server made no backup")?))
    })?;
    let (bytes, messages) = match presence {
        Ok(made) => (made["bytes"].clone(), made["messages"].clone()),
        Err(Presence::Starting(pid)) => return Err(running::starting(context, pid)),
        Err(Presence::Silent) => return Err(running::silent(context)),
        Err(Presence::Absent | Presence::Present(_)) => offline(&file, arguments.force, context)?,
    };
    output.line(format_args!(
        "backup made: {} ({bytes} bytes, {messages} messages)",
        file.display()
    ))?;
    output.object(&json!({
        "status": "ok",
        "file": file.to_string_lossy(),
        "bytes": bytes,
        "messages": messages,
    }))?;
    Ok(Exit::Done)
}

fn offline(file: &Path, force: bool, context: &Context) -> Result<(Value, Value), Failure> {
    let loaded = context.load()?;
    match upkeep::back_up(context.data_dir.path(), &loaded.config, file, force) {
        Ok(OfflineBackup { backup, noted }) => {
            if let Err(reason) = noted {
                warning(format_args!("the audit log could not be told of the backup: {reason}"));
            }
            Ok((json!(backup.bytes), json!(backup.messages)))
        }
        Err(UpkeepError::Start(error)) => Err(running::not_started(context, error)),
        Err(error) => {
            let exit = if error.is_about_data() {
                Exit::DataDirectory
            } else {
                Exit::Failed
            };
            Err(Failure::from_error(exit, error.into()))
        }
    }
}
