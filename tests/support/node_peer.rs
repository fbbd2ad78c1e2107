//! A peer on `node-datachannel`, in a process of its own: `tests/peers/node/`. It speaks link-agent's protocol and shares no
//! code with us.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::soon;

/// The folder of the peer, with what it needs installed.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/node");
        // `scripts/test` has installed it; whoever runs one test by hand gets it now.
        if !folder.join("node_modules/node-datachannel").exists() {
            let status = Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--prefix"])
                .arg(&folder)
                .stdout(Stdio::null())
                .status()
                .expect("npm starts");
            assert!(status.success(), "npm could not install the peer: {status}");
        }
        folder
    })
}

/// The running peer.
pub struct NodePeer {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl NodePeer {
    /// Starts a peer with options; see `peer.mjs`.
    pub fn start(options: &Value) -> Self {
        let mut child = tokio::process::Command::new("node")
            .arg(installed().join("peer.mjs"))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, input, output }
    }

    /// Starts a peer in a room of a signaling server, and waits until it is in.
    pub async fn enter(signal: &str, room: &str, more: &Value) -> Self {
        let mut options = json!({ "signal": signal, "room": room });
        if let (Some(options), Some(more)) = (options.as_object_mut(), more.as_object()) {
            options.extend(more.clone());
        }
        let mut peer = Self::start(&options);
        peer.wait_for("ready").await;
        peer
    }

    /// The next thing that it says.
    pub async fn next(&mut self) -> Value {
        let line = soon("a line of the peer", self.output.next_line())
            .await
            .expect("readable");
        serde_json::from_str(&line.expect("the peer is running")).expect("JSON")
    }

    /// Reads on until it says this.
    pub async fn wait_for(&mut self, event: &str) -> Value {
        loop {
            let said = self.next().await;
            if said["event"] == event {
                return said;
            }
        }
    }

    /// Reads on until a message of the channel has this type, and gives it.
    pub async fn message(&mut self, kind: &str) -> Value {
        loop {
            let said = self.wait_for("message").await;
            let text = said["text"].as_str().expect("a text");
            if let Ok(value) = serde_json::from_str::<Value>(text)
                && value["type"] == kind
            {
                return value;
            }
        }
    }

    /// Has it do something; see `orders` in `peer.mjs`.
    pub async fn order(&mut self, order: &Value) {
        let line = format!("{order}\n");
        self.input.write_all(line.as_bytes()).await.expect("the peer reads");
        self.input.flush().await.expect("the peer reads");
    }

    /// Has it send a text on the channel.
    pub async fn send(&mut self, text: impl Into<String>) {
        self.order(&json!({ "do": "send", "text": text.into() })).await;
    }

    /// Ends it without a word.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }
}
