//! The commands that make one request.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::http::{Request, address_of};
use crate::cli::agentlink::variable;
use crate::cli::exit::CommandResult;

/// How long a request may take that waits for a signaling server or a hub.
const PATIENCE: Duration = Duration::from_secs(60);

/// The agent that a command speaks for: the flag's, else that of `AGENTLINK_AGENT_ID`.
fn agent(flag: Option<&String>) -> Option<String> {
    flag.cloned().or_else(|| variable("AGENTLINK_AGENT_ID"))
}

/// How a command ends.
#[derive(Debug, Args)]
struct Ending {
    /// Exit with 1 when the bridge answers with an error; link-agent's exit with 0
    #[arg(long)]
    strict: bool,
}

impl Ending {
    fn post(&self, port: u16, path: &str, body: &impl Serialize) -> CommandResult {
        let body = serde_json::to_string(body).map_err(anyhow::Error::new)?;
        Request::new("POST", path, Some(body)).print(port, PATIENCE, self.strict)
    }

    fn get(&self, port: u16, path: &str, pairs: &[(&str, Option<String>)], patience: Duration) -> CommandResult {
        Request::new("GET", &address_of(path, pairs), None).print(port, patience, self.strict)
    }
}

/// Open a room with a peer, or one of a hub; without a room, a new one is made (with a hub: the lobby)
#[derive(Debug, Args)]
pub(super) struct Connect {
    /// The room, or an alias of it; at a hub, its id or name
    room: Option<String>,
    /// Your own queue in the room [default: `AGENTLINK_AGENT_ID`]
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Join a room of the hub at this address instead, such as `ws://127.0.0.1:18800`
    #[arg(long, value_name = "URL", requires = "key_file")]
    hub: Option<String>,
    /// File with the agent's key at the hub
    #[arg(long, value_name = "FILE", requires = "hub")]
    key_file: Option<PathBuf>,
    /// The same as the room without a flag
    #[arg(short, long = "room", id = "room_flag", value_name = "ROOM", conflicts_with = "room")]
    room_flag: Option<String>,
    #[command(flatten)]
    ending: Ending,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_file: Option<String>,
}

impl Connect {
    pub(super) fn run(&self, port: u16) -> CommandResult {
        // The bridge has another working directory.
        let key_file = self.key_file.as_ref().map(std::path::absolute).transpose()?;
        let body = ConnectBody {
            room_id: self.room.clone().or_else(|| self.room_flag.clone()),
            agent_id: agent(self.agent.as_ref()),
            hub: self.hub.clone(),
            key_file: key_file.map(|path| path.to_string_lossy().into_owned()),
        };
        self.ending.post(port, "/connect", &body)
    }
}

/// Send a message
#[derive(Debug, Args)]
pub(super) struct Send {
    /// What to say; the description of a task, the question of a query, the content of a file
    text: Option<String>,
    /// The room [default: the first]
    #[arg(short, long)]
    room: Option<String>,
    /// `chat`, `task`, `result`, `query`, `file`, `ack`, or any other word
    #[arg(short = 't', long = "type", default_value = "chat", value_name = "TYPE")]
    kind: String,
    /// What is to be done, for a task
    #[arg(long, value_name = "TEXT")]
    desc: Option<String>,
    /// JSON that goes with a task, or is the result; what is no JSON is taken as a text
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// The question of a query
    #[arg(long, value_name = "TEXT")]
    question: Option<String>,
    /// The name of a file
    #[arg(long, value_name = "NAME")]
    file_name: Option<String>,
    /// The id of the message that this one answers
    #[arg(long, value_name = "ID")]
    reply_to: Option<String>,
    /// `high`, `normal` or `low`
    #[arg(long, default_value = "normal")]
    priority: String,
    /// Who sends it, so that answers come to its queue [default: `AGENTLINK_AGENT_ID`]
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    #[command(flatten)]
    ending: Ending,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SendBody<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
    priority: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
}

impl Send {
    pub(super) fn run(&self, port: u16) -> CommandResult {
        let text = self.text.as_deref();
        let mut body = SendBody {
            r#type: &self.kind,
            content: None,
            description: None,
            question: None,
            name: None,
            data: self.data.as_deref().map(data).transpose()?,
            reply_to: self.reply_to.as_deref(),
            priority: &self.priority,
            room_id: self.room.as_deref(),
            agent_id: agent(self.agent.as_ref()),
        };
        match self.kind.as_str() {
            "task" => body.description = Some(self.desc.as_deref().or(text).unwrap_or_default()),
            "query" => body.question = Some(self.question.as_deref().or(text).unwrap_or_default()),
            "file" => {
                body.name = Some(self.file_name.as_deref().unwrap_or_default());
                body.content = Some(text.unwrap_or_default());
            }
            "result" => {
                if body.data.is_none() {
                    // A result that is only a text.
                    body.data = text.map(data).transpose()?;
                }
            }
            _ => body.content = text,
        }
        self.ending.post(port, "/send", &body)
    }
}

/// JSON as it was written, or a text.
fn data(given: &str) -> Result<Box<RawValue>, anyhow::Error> {
    let as_text = || RawValue::from_string(Value::from(given).to_string());
    RawValue::from_string(given.trim().to_owned())
        .or_else(|_| as_text())
        .map_err(anyhow::Error::new)
}

/// Receive what has come, or wait for it
#[derive(Debug, Args)]
pub(super) struct Recv {
    /// The room [default: the first]
    #[arg(short, long)]
    room: Option<String>,
    /// Whose queue [default: `AGENTLINK_AGENT_ID`, or the one that all share]
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Seconds to wait for a message when there is none, up to 120
    #[arg(short, long, default_value_t = 0)]
    wait: u64,
    /// The most messages to receive; 0 for all
    #[arg(short, long, default_value_t = 0)]
    limit: u64,
    /// Show everything that was ever received, and leave the queues alone
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    ending: Ending,
}

impl Recv {
    pub(super) fn run(&self, port: u16) -> CommandResult {
        let number = |value: u64| (value > 0).then(|| value.to_string());
        let pairs = [
            ("room", self.room.clone()),
            ("agent", agent(self.agent.as_ref())),
            ("wait", number(self.wait)),
            ("limit", number(self.limit)),
            ("all", self.all.then(|| "1".to_owned())),
        ];
        let patience = PATIENCE + Duration::from_secs(self.wait.min(120));
        self.ending.get(port, "/recv", &pairs, patience)
    }
}

/// Say what a room is doing
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The room [default: the first]
    #[arg(short, long)]
    room: Option<String>,
    #[command(flatten)]
    ending: Ending,
}

impl Status {
    pub(super) fn run(&self, port: u16) -> CommandResult {
        self.ending
            .get(port, "/status", &[("room", self.room.clone())], PATIENCE)
    }
}

/// List the rooms
#[derive(Debug, Args)]
pub(super) struct Rooms {
    #[command(flatten)]
    ending: Ending,
}

impl Rooms {
    pub(super) fn run(&self, port: u16) -> CommandResult {
        self.ending.get(port, "/rooms", &[], PATIENCE)
    }
}

/// List the tasks that were sent from here
#[derive(Debug, Args)]
pub(super) struct Tasks {
    /// The room [default: the first]
    #[arg(short, long)]
    room: Option<String>,
    /// Only those that are `sent`, `acked`, `completed` or `failed`
    #[arg(short, long)]
    state: Option<String>,
    #[command(flatten)]
    ending: Ending,
}

impl Tasks {
    pub(super) fn run(&self, port: u16) -> CommandResult {
        let pairs = [("room", self.room.clone()), ("state", self.state.clone())];
        self.ending.get(port, "/tasks", &pairs, PATIENCE)
    }
}

/// Change what the peer is allowed: `intimate`, `helper` or `chat`
#[derive(Debug, Args)]
pub(super) struct Perm {
    /// The level
    level: String,
    /// The room [default: the first]
    #[arg(short, long)]
    room: Option<String>,
    #[command(flatten)]
    ending: Ending,
}

impl Perm {
    pub(super) fn run(&self, port: u16) -> CommandResult {
        let mut body = json!({"level": self.level});
        if let Some(room) = &self.room {
            body["roomId"] = json!(room);
        }
        self.ending.post(port, "/perm", &body)
    }
}

/// Close a room, or all of them
#[derive(Debug, Args)]
pub(super) struct Close {
    /// The room [default: all]
    room: Option<String>,
    #[command(flatten)]
    ending: Ending,
}

impl Close {
    pub(super) fn run(&self, port: u16) -> CommandResult {
        let mut body = json!({});
        if let Some(room) = &self.room {
            body["roomId"] = json!(room);
        }
        self.ending.post(port, "/close", &body)
    }
}
