//! `connect`: one link in the foreground, for a program that reads and writes lines of JSON, or for a person.

mod input;
mod invite;
mod json;
mod session;
mod terminal;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::agentlink::{self, RcFile, SIGNAL_URL};
use super::context::Context;
use super::exit::{CommandResult, Exit, Failure};
use super::output::Output;
use super::runtime;
use crate::domain::Permission;
use crate::p2p::{Link, LinkOptions, RoomSecret};
use crate::runtime::clock::{SystemClock, SystemEntropy};
use crate::runtime::lifecycle::Lifecycle;

/// The name of whoever gives none.
const NAME: &str = "Agent";

/// Time that the tasks of a link have to end with it.
const CUT_OFF: Duration = Duration::from_secs(3);

/// Link this terminal, or the program behind it, directly to another agent: over WebRTC, through a signaling server where
/// both name the same room
#[derive(Debug, Args)]
#[command(
    after_help = "With `--json`, standard input and output carry one JSON object a line, as with link-agent. Without \
                        it, `/help` tells what can be typed. The file `.agentlinkrc` is read, here or in the home directory."
)]
pub(super) struct Connect {
    /// The room, a secret of the two, or an alias of it in `.agentlinkrc` [default: a new one]
    room: Option<String>,
    /// The signaling server [default: that of `.agentlinkrc`, or link-agent's]
    #[arg(short, long, value_name = "URL")]
    signal: Option<String>,
    /// The name that the other side is shown [default: that of `.agentlinkrc`, or `Agent`]
    #[arg(short, long)]
    name: Option<String>,
    /// The most that this side allows: `intimate`, `helper` or `chat` [default: that of `.agentlinkrc`, or `helper`]
    #[arg(long, value_name = "LEVEL")]
    perm: Option<Permission>,
    /// A file with a secret of the two that even the signaling server does not learn; the room is derived from it. The other
    /// side has to be a wardroom too
    #[arg(long, value_name = "FILE", conflicts_with = "room")]
    secret_file: Option<PathBuf>,
    /// STUN and TURN servers, with commas between them [default: `AGENTLINK_ICE_SERVERS`, `.agentlinkrc`, or link-agent's]
    #[arg(long, value_name = "SERVERS")]
    ice: Option<String>,
}

pub(super) fn run(arguments: &Connect, _context: &Context, output: Output) -> CommandResult {
    let file = RcFile::read();
    let room = arguments
        .room
        .as_ref()
        .map(|room| file.aliases.get(room).unwrap_or(room).clone());
    let signal_url = arguments.signal.clone().or_else(|| file.signaling_url.clone());
    let signal_url = signal_url.unwrap_or_else(|| SIGNAL_URL.to_owned());
    let name = arguments.name.clone().or_else(|| file.name.clone());
    let secret = arguments.secret_file.as_deref().map(read_secret).transpose()?;
    let options = LinkOptions {
        room,
        secret,
        permission: file.level(arguments.perm),
        ice_servers: file.ice(arguments.ice.as_deref())?,
        trust: agentlink::trust(),
        ..LinkOptions::new(signal_url, name.unwrap_or_else(|| NAME.to_owned()))
    };
    let runtime = runtime::multi_threaded()?;
    let result = runtime.block_on(talk(options, output));
    // The thread that reads standard input cannot be told to end.
    runtime.shutdown_background();
    result
}

/// Reads a secret. It stands in a file because everybody on the machine can see the arguments of a program.
fn read_secret(path: &Path) -> Result<RoomSecret, Failure> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    RoomSecret::parse(&text).map_err(|problem| Failure::new(Exit::Usage, problem.to_string()))
}

async fn talk(options: LinkOptions, output: Output) -> CommandResult {
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals()?;
    let invite = invite::Invite::new(&options);
    let (link, events) = Link::start(
        options,
        &lifecycle,
        Arc::new(SystemClock::default()),
        Arc::new(SystemEntropy),
    );
    let ended = if output.json {
        json::talk(&link, events, &invite).await
    } else {
        terminal::talk(&link, events, &invite, output).await
    };
    link.close().await;
    lifecycle.stop();
    // What does not end in time ends with the process.
    drop(lifecycle.wait(CUT_OFF, CUT_OFF).await);
    // A reader that has gone is no failure of the link.
    match ended {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Done),
    }
}
