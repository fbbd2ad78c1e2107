//! A real bridge in a process of its own, its HTTP API and its command line.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// A running bridge with a home directory of its own. Killed when the test is over.
pub struct TestBridge {
    home: TempDir,
    arguments: Vec<String>,
    child: Option<Child>,
    port: u16,
}

impl TestBridge {
    /// A bridge that meets peers at `signal_url` under a name.
    pub fn start(signal_url: &str, name: &str) -> Self {
        Self::with_arguments(signal_url, name, &[])
    }

    /// The same with further flags.
    pub fn with_arguments(signal_url: &str, name: &str, arguments: &[&str]) -> Self {
        Self::with_rc(
            &json!({"signalingUrl": signal_url, "name": name, "iceServers": []}),
            arguments,
        )
    }

    /// A bridge with this rc file.
    pub fn with_rc(rc: &Value, arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join(".agentlinkrc"), rc.to_string()).expect("written");
        let mut bridge = Self {
            home,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            child: None,
            port: 0,
        };
        bridge.restart();
        bridge
    }

    /// Its home directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where it keeps its data.
    pub fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Starts it on the same data, after it was killed. The port is a new one.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = self.bare_command();
        command
            .args(["bridge", "--foreground", "--port", "0", "--data-dir"])
            .arg(self.root())
            .args(&self.arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("a pipe");
        self.child = Some(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.port = ready["port"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or_else(|| panic!("{line}"));
    }

    /// Kills it without warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ended");
        }
    }

    /// Stops it in order.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let status = Command::new("kill")
                .args(["-s", "TERM", &child.id().to_string()])
                .status();
            assert!(status.expect("`kill` runs").success());
            assert!(child.wait().expect("it ended").success());
        }
    }

    /// The program in this bridge's home.
    pub fn bare_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardroom"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["WARDROOM_", "BROODLINK_", "AGENTLINK_"]
                .iter()
                .any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(&name);
            }
        }
        command
            .current_dir(self.home())
            .env("HOME", self.home())
            .stdin(Stdio::null());
        command
    }

    /// A command of the command line for this bridge: what it printed, which is one JSON line, and its exit code.
    pub async fn cli(&self, arguments: &[&str]) -> (i32, Value) {
        let mut command = self.bare_command();
        command
            .arg("bridge")
            .args(arguments)
            .args(["--port", &self.port.to_string()]);
        let ran = tokio::task::spawn_blocking(move || command.output());
        let ran = soon("the end of a command", ran)
            .await
            .expect("joined")
            .expect("it runs");
        let stdout = String::from_utf8(ran.stdout).expect("UTF-8");
        assert_eq!(
            stdout.lines().count(),
            1,
            "one line: {stdout} {:?}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let line = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
        (ran.status.code().expect("a code"), line)
    }

    /// Sends bytes as they are, and gives the whole answer.
    pub async fn raw(&self, request: &[u8]) -> String {
        self.try_raw(request).await.expect("an answer")
    }

    /// The same with a bridge that may be gone.
    pub async fn try_raw(&self, request: &[u8]) -> std::io::Result<String> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
        socket.write_all(request).await?;
        let mut answer = Vec::new();
        soon("an answer", socket.read_to_end(&mut answer)).await?;
        Ok(String::from_utf8(answer).expect("UTF-8"))
    }

    /// A request with further headers, each with its line end: the status and the body as it is.
    pub async fn ask(&self, method: &str, path: &str, headers: &str, body: Option<&str>) -> (u16, String) {
        let length = body
            .map(|body| format!("Content-Length: {}\r\n", body.len()))
            .unwrap_or_default();
        let body = body.unwrap_or_default();
        // The older version has no parts in its answers.
        let request = format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{headers}{length}\r\n{body}");
        split(&self.raw(request.as_bytes()).await)
    }

    /// A GET that succeeds: the text of the body.
    pub async fn get_text(&self, path: &str) -> String {
        let (status, body) = self.ask("GET", path, "", None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A GET that succeeds.
    pub async fn get(&self, path: &str) -> Value {
        let body = self.get_text(path).await;
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// A POST: the status and the text of the body.
    pub async fn post_text(&self, path: &str, body: &Value) -> (u16, String) {
        self.ask("POST", path, "", Some(&body.to_string())).await
    }

    /// A POST that succeeds.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, text) = self.post_text(path, &body).await;
        assert_eq!(status, 200, "{path} {body}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// What comes for an agent, waiting for the first of it.
    pub async fn receive(&self, agent: &str) -> Vec<Value> {
        loop {
            let came = self.get(&format!("/recv?agent={agent}&wait=30")).await;
            let came = came.as_array().expect("messages").clone();
            if !came.is_empty() {
                return came;
            }
        }
    }

    /// What comes for an agent, until there are `count`.
    pub async fn receive_many(&self, agent: &str, count: usize) -> Vec<Value> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.receive(agent).await);
        }
        all
    }

    /// Asks again and again until the answer is as it should be.
    pub async fn until(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let answer = self.get(path).await;
                if is_so(&answer) {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        };
        soon(what, asking).await
    }

    /// Waits until the other side is there.
    pub async fn connected(&self, room: &str) {
        self.until(&format!("/status?room={room}"), "a link", |status| {
            status["connected"] == true
        })
        .await;
    }
}

impl Drop for TestBridge {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The status and the body of an answer.
pub fn split(answer: &str) -> (u16, String) {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    (status, body.to_owned())
}

/// A name that no other test uses, for what is shared by the whole machine.
pub fn unique(name: &str) -> String {
    let place = tempfile::tempdir().expect("a directory");
    let random = place
        .path()
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .replace('.', "");
    format!("{name}-{random}-{}", std::process::id())
}

/// Removes the link to the notification file of an agent when the test is over.
pub struct Notice(pub String);

impl Notice {
    /// Where it is.
    pub fn path(&self) -> PathBuf {
        format!("/tmp/agentlink_notify_{}", self.0).into()
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        drop(std::fs::remove_file(self.path()));
    }
}
