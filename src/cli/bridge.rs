//! `bridge`: the local daemon for agents that can only run one command at a time, and those commands.
//!
//! The commands and their flags are those of link-agent. Each prints one JSON line: what the bridge answered.

mod calls;
mod daemon;
mod http;
mod pid;
mod stop;
mod token;

use clap::{Args, Subcommand};

use super::agentlink::RcFile;
use super::context::Context;
use super::exit::CommandResult;
use crate::domain::Permission;

/// The port of link-agent's bridge.
const USUAL_PORT: u16 = 7654;

/// Keep links to peers and rooms of hubs for agents that run one command at a time: without a command of its own, starts the
/// bridge in the background
#[derive(Debug, Args)]
#[command(
    after_help = "Settings come from flags, then from `.agentlinkrc` in the working or home directory. \
                        The bridge listens on 127.0.0.1 only, and keeps its data in ~/.agentlink/bridge-PORT unless \
                        `--data-dir` or `dataDir` names another directory."
)]
pub(super) struct Bridge {
    #[command(flatten)]
    daemon: Daemon,
    /// Port of the bridge [default: 7654, or `port` in `.agentlinkrc`; a new bridge takes the next one if it is in use]
    #[arg(id = "port", short = 'p', long = "port", global = true, value_name = "PORT")]
    port: Option<u16>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What a new bridge is told.
#[derive(Debug, Args)]
struct Daemon {
    /// Signaling server where peers are met [default: `signalingUrl` in `.agentlinkrc`, or link-agent's public one]
    #[arg(short, long, value_name = "URL")]
    signal: Option<String>,
    /// Name shown to peers [default: `Agent`]
    #[arg(short, long)]
    name: Option<String>,
    /// The most that peers are allowed: `intimate`, `helper` or `chat` [default: `helper`]
    #[arg(long, value_name = "LEVEL")]
    perm: Option<Permission>,
    /// What each peer is told when it is first connected
    #[arg(long, value_name = "TEXT")]
    intro: Option<String>,
    /// Command for the shell when a peer is connected; `{peer}`, `{permission}` and `{roomId}` in it are safe variables
    #[arg(long, value_name = "COMMAND")]
    on_connect: Option<String>,
    /// Command for each message; `{from}`, `{type}`, `{id}`, `{roomId}`, `{content}`, `{description}`, `{question}`,
    /// `{agentId}`
    #[arg(long, value_name = "COMMAND")]
    on_message: Option<String>,
    /// Command when a peer is lost; `{reason}` and `{roomId}`
    #[arg(long, value_name = "COMMAND")]
    on_disconnect: Option<String>,
    /// Telegram bot that tells what happens [default: `tgToken` in `.agentlinkrc`, or `AGENTLINK_TG_TOKEN`, which keep it off
    /// the command line]
    #[arg(long, value_name = "TOKEN")]
    tg_token: Option<String>,
    /// The only chat that is told and obeyed [default: `tgChatId` in `.agentlinkrc`, or `AGENTLINK_TG_CHAT`]
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    tg_chat: Option<String>,
    /// STUN and TURN servers with commas: `stun:host:port`, `turn:host:port:user:password` [default:
    /// `AGENTLINK_ICE_SERVERS`, `iceServers` in `.agentlinkrc`, or link-agent's public ones]
    #[arg(long, value_name = "SERVERS")]
    ice: Option<String>,
    /// Refuse requests without the token in ~/.agentlink/bridge.token; the commands here send it by themselves
    #[arg(long)]
    require_token: bool,
    /// Stay attached to the terminal and log to it
    #[arg(long)]
    foreground: bool,
    /// Report to the process that started this one, and leave its session
    #[arg(long = "daemon-child", hide = true, requires = "foreground")]
    is_child: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Connect(calls::Connect),
    Send(calls::Send),
    Recv(calls::Recv),
    Status(calls::Status),
    Rooms(calls::Rooms),
    Tasks(calls::Tasks),
    Perm(calls::Perm),
    Close(calls::Close),
    Stop(stop::Stop),
}

pub(super) fn run(arguments: &Bridge, context: &Context) -> CommandResult {
    let rc = RcFile::read();
    let port = arguments.port.or(context.flags.port).or(rc.port);
    let Some(command) = &arguments.command else {
        return daemon::run(&arguments.daemon, context, &rc, port.unwrap_or(USUAL_PORT));
    };
    let port = port.unwrap_or(USUAL_PORT);
    match command {
        Command::Connect(call) => call.run(port),
        Command::Send(call) => call.run(port),
        Command::Recv(call) => call.run(port),
        Command::Status(call) => call.run(port),
        Command::Rooms(call) => call.run(port),
        Command::Tasks(call) => call.run(port),
        Command::Perm(call) => call.run(port),
        Command::Close(call) => call.run(port),
        Command::Stop(stop) => stop.run(port),
    }
}
