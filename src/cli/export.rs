//! `export`: the record of a room as JSON, one line for the room and one for each message in its order.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::context::Context;
use super::exit::{CommandResult, Exit, Failure};
use super::output::{Output, warning};
use super::running::Presence;
use super::{files, running};
use crate::client::{Connection, Methods};
use crate::protocol::methods::OperatorExportResult;
use crate::server::upkeep::Record;

/// What the first line says of the lines that follow.
const FORMAT: &str = "wardroom-room";

/// The version of that.
const FORMAT_VERSION: u32 = 1;

/// Write the record of a room as NDJSON: a line for the room, then one for each message
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The room: its id, or a name that no other room has
    #[arg(value_name = "ROOM")]
    room: String,
    /// The file to make instead of the standard output; only its owner will be able to read it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file of that name
    #[arg(long, requires = "out")]
    force: bool,
}

/// Where the record is read.
enum Source {
    Server(Connection, Runtime),
    Files(Record),
}

impl Source {
    fn find(context: &Context) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the program's runtime")?;
        match runtime.block_on(running::find(&context.data_dir))? {
            Presence::Present(connection) => Ok(Self::Server(connection, runtime)),
            Presence::Starting(pid) => Err(running::starting(context, pid)),
            Presence::Silent => Err(running::silent(context)),
            Presence::Absent => {
                let loaded = context.load()?;
                Record::open(context.data_dir.path(), &loaded.config)
                    .map(Self::Files)
                    .map_err(|error| running::not_started(context, error))
            }
        }
    }

    fn page(&self, room: &str, after: u64) -> Result<Value, Failure> {
        match self {
            Self::Server(connection, runtime) => Ok(runtime
                .block_on(connection.operator_export(room, after))
                .context("the running server did not export it")?),
            Self::Files(record) => {
                let page = record
                    .page(room, after)
                    .map_err(|refusal| anyhow::Error::new(refusal).context("nothing was exported"))?;
                // What follows the first page is the same export.
                if after == 0
                    && let Err(reason) = record.note(&page.room.id.to_string())
                {
                    warning(format_args!("the audit log could not be told of the export: {reason}"));
                }
                let page = serde_json::to_value(OperatorExportResult::from(page));
                Ok(page.context("the record cannot be written as JSON")?)
            }
        }
    }
}

pub(super) fn run(arguments: &Export, context: &Context, output: Output) -> CommandResult {
    let source = Source::find(context)?;
    let Some(out) = &arguments.out else {
        // The lines are JSON for programs already, so `--json` changes nothing about them.
        let mut stdout = BufWriter::new(io::stdout().lock());
        write(&source, &arguments.room, &mut stdout)?;
        stdout.flush()?;
        return Ok(Exit::Done);
    };
    let out = std::path::absolute(out).context("cannot use the name of the file")?;
    if !arguments.force && out.symlink_metadata().is_ok() {
        let message = format!(
            "`{}` is there already; choose another name, or replace it with `--force`",
            out.display()
        );
        return Err(Failure::new(Exit::Failed, message));
    }
    let (room, messages) = write_file(&source, &arguments.room, &out)?;
    output.line(format_args!("exported: {} ({messages} messages)", out.display()))?;
    output.object(&json!({
        "status": "ok",
        "file": out.to_string_lossy(),
        "roomId": room,
        "messages": messages,
    }))?;
    Ok(Exit::Done)
}

/// Writes the file whole or not at all.
fn write_file(source: &Source, room: &str, out: &Path) -> Result<(String, u64), Failure> {
    let cannot = || format!("cannot write `{}`", out.display());
    let temporary = files::temporary_beside(out).with_context(cannot)?;
    // The name holds our own process id: a file of that name was left by a process that is gone.
    drop(fs::remove_file(&temporary));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(files::PRIVATE)
        .open(&temporary)
        .with_context(cannot)?;
    let mut lines = BufWriter::new(file);
    let written = write(source, room, &mut lines).and_then(|exported| {
        let file = lines
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .with_context(cannot)?;
        File::sync_all(&file).with_context(cannot)?;
        fs::rename(&temporary, out).with_context(cannot)?;
        Ok(exported)
    });
    if written.is_err() {
        // The first error is the one to tell.
        drop(fs::remove_file(&temporary));
    }
    written
}

/// Writes all lines; the id of the room and the number of messages.
fn write(source: &Source, room: &str, lines: &mut impl Write) -> Result<(String, u64), Failure> {
    let mut page = source.page(room, 0)?;
    let id = page["room"]["roomId"].as_str().unwrap_or_default().to_owned();
    writeln!(
        lines,
        "{}",
        json!({"format": FORMAT, "version": FORMAT_VERSION, "room": page["room"]})
    )?;
    let mut count = 0;
    loop {
        let messages = page["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        for message in messages {
            writeln!(lines, "{message}")?;
        }
        count += messages.len() as u64;
        let last = messages.last().and_then(|message| message["seq"].as_u64());
        match last {
            // By its id: a name may pass to another room between two pages.
            Some(last) if page["more"] == true => page = source.page(&id, last)?,
            _ => return Ok((id, count)),
        }
    }
}
