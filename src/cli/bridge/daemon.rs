//! The bridge itself: in this process, or in one of its own that outlives the terminal.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::http::print_line;
use super::pid::PidFile;
use super::{Daemon, token};
use crate::bridge::{Bridge, BridgeOptions, StartError};
use crate::cli::agentlink::{self, RcFile, SIGNAL_URL};
use crate::cli::context::Context;
use crate::cli::exit::{CommandResult, Exit, Failure};
use crate::cli::files::create_private_directory;
use crate::cli::{runtime, serve};
use crate::notify::{Adapter, Hooks, NotifyOptions, NotifyProblem, TelegramOptions};
use crate::p2p::{Intervals, LinkLimits};
use crate::runtime::clock::{SystemClock, SystemEntropy};
use crate::runtime::lifecycle::Lifecycle;
use crate::runtime::telemetry::{self, LogOptions, Sink};

/// Ports that are tried after the first.
const FURTHER_PORTS: u16 = 10;

/// How long a start in the background is waited for.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Time for links to close and requests to be answered when the bridge stops, and then for what was cut off.
const SETTLE: Duration = Duration::from_secs(5);
const CUT_OFF: Duration = Duration::from_secs(2);

/// Where link-agent's users look for notification files.
const PUBLIC_NOTICES: &str = "/tmp";

/// What is logged: of the WebRTC library only what is wrong.
const LOG_LEVEL: &str = "info,rtc=warn,webrtc=warn";

/// The flag with the token of a bot, and the variable by which a bridge in the background is given it.
const TOKEN_FLAG: &str = "--tg-token";
const TOKEN_VARIABLE: &str = "WARDROOM_BRIDGE_TG_TOKEN";

/// The descriptors below are the standard input, output and error output.
const FIRST_OTHER_DESCRIPTOR: i32 = 3;

pub(super) fn run(arguments: &Daemon, context: &Context, rc: &RcFile, port: u16) -> CommandResult {
    serve::private_files();
    if !arguments.foreground {
        return in_background();
    }
    if arguments.is_child {
        // Refused to the leader of a process group, which has a session of its own or was started by hand.
        let _already_leader = rustix::process::setsid();
    }
    let outcome = in_foreground(arguments, context, rc, port);
    if let Err(failure) = &outcome {
        // What the process that started us prints, and what is printed at a terminal.
        print_line(&json!({"error": failure.message()}).to_string())?;
        return Ok(failure.exit);
    }
    outcome
}

/// Starts this program again, and prints what it says when it is ready.
fn in_background() -> CommandResult {
    let executable = std::env::current_exe().context("cannot find the program's own file")?;
    // Whoever started us may have left files or pipes open to us by mistake.
    close_fds::set_fds_cloexec_threadsafe(FIRST_OTHER_DESCRIPTOR, &[]);
    let (given, telegram) = without_token(std::env::args_os().skip(1));
    let mut child = Command::new(&executable)
        .args(given)
        .envs(telegram.map(|token| (TOKEN_VARIABLE, token)))
        .args(["--foreground", "--daemon-child"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start `{}`", executable.display()))?;
    let stdout = child.stdout.take().context("the bridge's process has no pipe")?;
    let (sender, receiver) = mpsc::sync_channel(1);
    // A read of a pipe has no time limit, so it waits in a thread; the thread ends with this process at the latest.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        // Nobody listens after the limit.
        drop(sender.send(read.is_ok_and(|length| length > 0).then_some(line)));
    });
    let line = match receiver.recv_timeout(START_LIMIT) {
        Ok(Some(line)) => line,
        Ok(None) => json!({"error": "the bridge ended while it started"}).to_string(),
        Err(_) => json!({"error": "Bridge startup timeout"}).to_string(),
    };
    print_line(line.trim_end())?;
    let is_ready = serde_json::from_str::<Value>(&line).is_ok_and(|line| line["pid"].is_u64());
    Ok(if is_ready { Exit::Done } else { Exit::Failed })
}

/// The arguments without the token of a bot, which could be read for as long as the bridge runs; and the token.
fn without_token(arguments: impl Iterator<Item = OsString>) -> (Vec<OsString>, Option<OsString>) {
    let (mut kept, mut token) = (Vec::new(), None);
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        if argument == TOKEN_FLAG {
            token = arguments.next();
        } else if let Some(given) = argument
            .to_str()
            .and_then(|text| text.strip_prefix(TOKEN_FLAG)?.strip_prefix('='))
        {
            token = Some(given.into());
        } else {
            kept.push(argument);
        }
    }
    (kept, token)
}

fn in_foreground(arguments: &Daemon, context: &Context, rc: &RcFile, port: u16) -> CommandResult {
    let listener = bind(port)?;
    let port = listener.local_addr().context("the port is not known")?.port();
    let root = root(context, rc, port)?;
    create_private_directory(&root).with_context(|| format!("cannot make `{}`", root.display()))?;
    let sink = if arguments.is_child {
        Sink::File(root.join("bridge.log"))
    } else {
        Sink::Stderr
    };
    let options = options(arguments, rc, root)?;
    let log = LogOptions {
        level: LOG_LEVEL.to_owned(),
        ..LogOptions::default()
    };
    let log = telemetry::init(&log, sink).context("cannot set up the log")?;
    let runtime = runtime::multi_threaded()?;
    let outcome = runtime.block_on(serve(options, listener, port, arguments.is_child));
    runtime.shutdown_background();
    drop(log);
    outcome
}

async fn serve(options: BridgeOptions, listener: TcpListener, port: u16, is_child: bool) -> CommandResult {
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals().context("cannot listen for signals")?;
    listener.set_nonblocking(true).context("the port cannot be served")?;
    let listener = tokio::net::TcpListener::from_std(listener).context("the port cannot be served")?;
    let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
    let bridge = Bridge::start(options, listener, &lifecycle, clock, entropy)
        .await
        .map_err(|error| {
            let exit = match &error {
                StartError::Notify(_) => Exit::Configuration,
                StartError::Store(_) | StartError::Unavailable(_) => Exit::DataDirectory,
            };
            Failure::from_error(exit, error.into())
        })?;
    let pid_file = PidFile::write(port).inspect_err(|failure| {
        tracing::warn!(
            reason = failure.message(),
            "`bridge stop` will need the id of this process"
        );
    });
    print_line(&format!(r#"{{"pid":{},"port":{port}}}"#, std::process::id()))?;
    if is_child {
        leave_pipe()?;
    }
    tracing::info!(address = %bridge.address(), "the bridge is ready");
    if let Err(stuck) = lifecycle.wait(SETTLE, CUT_OFF).await {
        tracing::error!(%stuck, "the bridge ends without some of its tasks");
    } else {
        // Waits for the thread of the database, which ends with its last handle.
        drop(tokio::task::spawn_blocking(|| bridge.finish()).await);
    }
    drop(pid_file);
    Ok(if lifecycle.exit_is_failure() {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// The port, or the next one that is free.
fn bind(port: u16) -> Result<TcpListener, Failure> {
    let last = if port == 0 {
        0
    } else {
        port.saturating_add(FURTHER_PORTS)
    };
    for port in port..=last {
        match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => {
                let error = anyhow::Error::new(error).context(format!("cannot listen on 127.0.0.1:{port}"));
                return Err(error.into());
            }
        }
    }
    Err(Failure::new(
        Exit::Failed,
        format!("the ports from {port} to {last} of 127.0.0.1 are in use"),
    ))
}

/// Where the bridge keeps its data.
fn root(context: &Context, rc: &RcFile, port: u16) -> Result<PathBuf, Failure> {
    let named = context.flags.data_dir.clone();
    let root = match named.or_else(|| rc.data_dir.as_deref().map(agentlink::expanded)) {
        Some(root) => root,
        None => agentlink::directory()?.join(format!("bridge-{port}")),
    };
    Ok(std::path::absolute(root).context("cannot use the data directory")?)
}

fn options(arguments: &Daemon, rc: &RcFile, root: PathBuf) -> Result<BridgeOptions, Failure> {
    let signal_url = arguments.signal.clone().or_else(|| rc.signaling_url.clone());
    let signal_url = signal_url.unwrap_or_else(|| SIGNAL_URL.to_owned());
    Ok(BridgeOptions {
        root,
        public_notices: Path::new(PUBLIC_NOTICES).to_owned(),
        names_signal_url: signal_url != SIGNAL_URL,
        signal_url,
        name: arguments
            .name
            .clone()
            .or_else(|| rc.name.clone())
            .unwrap_or_else(|| "Agent".to_owned()),
        permission: rc.level(arguments.perm),
        ice_servers: rc.ice(arguments.ice.as_deref())?,
        trust: agentlink::trust(),
        intro: arguments.intro.clone().or_else(|| rc.intro.clone()),
        notify: notify(arguments, rc)?,
        aliases: rc.aliases.clone(),
        token: token::make()?,
        require_token: arguments.require_token,
        intervals: Intervals::default(),
        limits: LinkLimits::default(),
    })
}

/// Who is told what happens, beside agents.
fn notify(arguments: &Daemon, rc: &RcFile) -> Result<NotifyOptions, Failure> {
    let problem = |problem: NotifyProblem| Failure::new(Exit::Configuration, problem.to_string());
    let adapter = rc.notify.as_ref().filter(|notify| !notify.is_null());
    let or = |flag: &Option<String>, rc: &Option<String>| flag.clone().or_else(|| rc.clone());
    let token = arguments
        .tg_token
        .clone()
        .or_else(|| agentlink::variable(TOKEN_VARIABLE));
    let token = token
        .or_else(|| rc.tg_token.clone())
        .or_else(|| agentlink::variable("AGENTLINK_TG_TOKEN"));
    let chat = rc.tg_chat_id.as_ref().map(|chat| match chat {
        Value::String(chat) => chat.clone(),
        other => other.to_string(),
    });
    let chat = arguments
        .tg_chat
        .clone()
        .or(chat)
        .or_else(|| agentlink::variable("AGENTLINK_TG_CHAT"));
    Ok(NotifyOptions {
        adapter: adapter.map(Adapter::from_json).transpose().map_err(problem)?,
        hooks: Hooks {
            on_connect: or(&arguments.on_connect, &rc.hooks.connect),
            on_message: or(&arguments.on_message, &rc.hooks.message),
            on_disconnect: or(&arguments.on_disconnect, &rc.hooks.disconnect),
        },
        // Both are needed, as in the original.
        telegram: token.zip(chat).map(|(token, chat)| TelegramOptions::new(token, chat)),
    })
}

/// Lets go of the pipe to the process that started us.
fn leave_pipe() -> io::Result<()> {
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(nowhere)?)
}
