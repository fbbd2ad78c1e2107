//! Starting and stopping the real program.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};
use tempfile::TempDir;
use wardroom::client::{ClientError, Connection, Endpoint};

use super::agent::Agent;
use super::{PATIENCE, soon};

/// How a test wants its server.
#[derive(Clone, Default)]
pub struct TestServerBuilder {
    config: Option<Value>,
    data_dir: Option<PathBuf>,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    wrapper: Vec<String>,
    signaling_only: bool,
}

impl TestServerBuilder {
    /// The configuration file; keys that are left out have their defaults.
    pub fn config(mut self, config: Value) -> Self {
        self.config = Some(config);
        self
    }

    /// An existing data directory, which the test removes itself.
    pub fn data_dir(mut self, path: &Path) -> Self {
        self.data_dir = Some(path.to_owned());
        self
    }

    /// A variable in the server's environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// A further argument of `serve`, such as `--host`.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// A program that runs the server, such as `strace` with its arguments.
    pub fn wrapper(mut self, words: &[&str]) -> Self {
        self.wrapper = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// `wardroom signal` instead of a hub.
    pub fn signaling_only(mut self) -> Self {
        self.signaling_only = true;
        self
    }

    /// Starts the server and waits until it listens.
    pub fn start(self) -> TestServer {
        self.try_start()
            .unwrap_or_else(|(status, output)| panic!("the server ended with {status}:\n{output}"))
    }

    /// Starts the server; when it ends instead of listening, how it ended and what it said.
    pub fn try_start(self) -> Result<TestServer, (ExitStatus, String)> {
        let temporary = self
            .data_dir
            .is_none()
            .then(|| tempfile::tempdir().expect("a temporary directory"));
        let data_dir = match (&self.data_dir, &temporary) {
            (None, Some(directory)) => directory.path().join("data"),
            (given, _) => given.clone().unwrap_or_default(),
        };
        if let Some(config) = &self.config {
            std::fs::create_dir_all(&data_dir).expect("a data directory");
            std::fs::write(data_dir.join("wardroom.json"), config.to_string()).expect("a configuration file");
        }
        let binary = env!("CARGO_BIN_EXE_wardroom");
        let mut words = self.wrapper.clone();
        words.push(binary.to_owned());
        let mut command = Command::new(&words[0]);
        // Settings of whoever runs the tests, and of the tests themselves, are none of the server.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("WARDROOM_") || text.starts_with("BROODLINK_") {
                command.env_remove(&name);
            }
        }
        command
            .args(&words[1..])
            .args(if self.signaling_only {
                &["signal"][..]
            } else {
                &["serve", "--foreground"]
            })
            .args(["--port", "0", "--data-dir"])
            .arg(&data_dir)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (lines, output) = mpsc::sync_channel::<Line>(10_000);
        for (stream, name) in [
            (
                Box::new(child.stdout.take().expect("a pipe")) as Box<dyn std::io::Read + Send>,
                "out",
            ),
            (Box::new(child.stderr.take().expect("a pipe")), "err"),
        ] {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for text in BufReader::new(stream).lines().map_while(Result::ok) {
                    // A test that is over reads no more.
                    let _ = lines.try_send(Line { stream: name, text });
                }
            });
        }
        drop(lines);
        let mut said = Vec::new();
        let (mut url, mut key) = (None, None);
        // The last line of a start names the command that stops the server.
        while let Ok(line) = output.recv_timeout(PATIENCE) {
            if line.stream == "out" {
                if let Some(found) = line.text.split("Controller key: ").nth(1) {
                    key = found.split_whitespace().next().map(str::to_owned);
                }
                if let Some(found) = line.text.split(" listening on ").nth(1) {
                    url = Some(found.trim().to_owned());
                }
            }
            let last = line.stream == "out" && line.text.starts_with("Stop: ");
            said.push(line.text);
            if last {
                break;
            }
        }
        let Some(url) = url else {
            // It may still be about to end; if it hangs, the test should say so and not hang too.
            let _ = child.kill();
            let status = child.wait().expect("it ended");
            said.extend(output.try_iter().map(|line| line.text));
            return Err((status, said.join("\n")));
        };
        Ok(TestServer {
            url,
            controller_key: key,
            data_dir,
            builder: self,
            child,
            output,
            _temporary: temporary,
        })
    }
}

struct Line {
    stream: &'static str,
    text: String,
}

/// A running server. Killed when the test is over.
pub struct TestServer {
    url: String,
    controller_key: Option<String>,
    data_dir: PathBuf,
    builder: TestServerBuilder,
    child: Child,
    output: mpsc::Receiver<Line>,
    _temporary: Option<TempDir>,
}

impl TestServer {
    /// A server with its defaults, except that nobody is slowed down unless the test asks for it.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// See [`TestServer::start`].
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder::default().config(json!({ "limits": { "messagesPerSecond": 0, "changesPerSecond": 0, "bytesPerSecond": 0, "joinsPerSecond": 0, "announcementsPerSecond": 0, "loopMessages": 0 } }))
    }

    /// `ws://HOST:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `HOST:PORT`.
    pub fn authority(&self) -> &str {
        self.url.split("://").nth(1).expect("an address")
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The key of the controller, which the first start printed.
    pub fn controller_key(&self) -> &str {
        self.controller_key.as_deref().expect("the first start prints the key")
    }

    /// Whether this start printed the key of the controller.
    pub fn has_controller_key(&self) -> bool {
        self.controller_key.is_some()
    }

    /// A connection that has not authenticated.
    pub async fn connect(&self) -> Connection {
        self.try_connect().await.expect("a connection")
    }

    /// The same, with a server that may be gone.
    pub async fn try_connect(&self) -> Result<Connection, ClientError> {
        let endpoint = Endpoint::parse(&self.url).expect("an address");
        soon("a connection", Connection::open(&endpoint)).await
    }

    /// The operator's connection, through the socket in the data directory.
    pub async fn operator(&self) -> Connection {
        soon(
            "a connection",
            Connection::open_unix(&self.data_dir.join("wardroom.sock")),
        )
        .await
        .expect("a connection")
    }

    /// The controller, authenticated.
    pub async fn controller(&self) -> Agent {
        Agent::enter(self, self.controller_key()).await
    }

    /// A new participant, invited by `controller` and authenticated. The controller has seen it come.
    pub async fn participant(&self, controller: &Agent, name: &str) -> Agent {
        let key = controller.invite(name).await;
        let agent = Agent::enter(self, &key).await;
        controller.expect("presence").await;
        agent
    }

    /// Kills the server without warning, as a power cut would end it.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ended");
    }

    /// Sends a signal: `TERM`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(status.expect("`kill` runs").success());
    }

    /// Waits for the server to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let began = std::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "the server did not end");
            std::thread::yield_now();
        }
    }

    /// Starts a server on the same data directory again, after this one has ended or was killed. The port is a new one.
    pub fn restart(&mut self) {
        self.try_restart()
            .unwrap_or_else(|(status, output)| panic!("the server ended with {status}:\n{output}"));
    }

    /// The same; when it ends instead of listening, how it ended and what it said.
    pub fn try_restart(&mut self) -> Result<(), (ExitStatus, String)> {
        let mut builder = self.builder.clone().data_dir(&self.data_dir);
        builder.config = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut fresh = builder.try_start()?;
        std::mem::swap(&mut self.child, &mut fresh.child);
        std::mem::swap(&mut self.url, &mut fresh.url);
        std::mem::swap(&mut self.output, &mut fresh.output);
        Ok(())
    }

    /// What the server has written to its output and its log since it listens.
    pub fn output(&self) -> String {
        self.output.try_iter().map(|line| line.text + "\n").collect()
    }

    /// What the server has written since it listens, up to the first line that holds `word`. Waits for that line.
    pub fn output_up_to(&self, word: &str) -> String {
        let mut said = String::new();
        while !said.contains(word) {
            let line = self.output.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("`{word}` was not written:\n{said}"));
            said.extend([line.text.as_str(), "\n"]);
        }
        said
    }

    /// An HTTP GET: the status and the body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut socket = tokio::net::TcpStream::connect(self.authority())
            .await
            .expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        soon("an answer", socket.read_to_string(&mut answer))
            .await
            .expect("an answer");
        let status = answer
            .split_whitespace()
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status");
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned())
            .unwrap_or_default();
        (status, body)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
