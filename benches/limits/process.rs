//! Servers in processes of their own, and what each of them uses.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

/// A directory on the disk that the build is on, not in memory: commits have to cost what they cost. Removed when dropped.
pub struct Directory(PathBuf);

impl Directory {
    /// A new one.
    pub fn new() -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "limits-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot create `{}`", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A database with the tables and indexes of the product, because the product made it.
    pub fn install(&self) -> anyhow::Result<PathBuf> {
        let output = wardroom("install", self.path()).arg("server").output()?;
        ensure!(
            output.status.success(),
            "`wardroom install server` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(self.path().join("wardroom.db"))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left of it is below the build directory, where `cargo clean` finds it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn wardroom(command: &str, data_dir: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_wardroom"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        // Settings of whoever measures are none of the server.
        if text.starts_with("WARDROOM_") || text.starts_with("BROODLINK_") {
            program.env_remove(&name);
        }
    }
    program
        .arg(command)
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::null());
    program
}

/// A server. Killed when dropped.
pub struct Process {
    child: Child,
    address: SocketAddr,
    controller_key: Option<String>,
    /// How long it took to listen.
    pub took: Duration,
    /// Kept open: a server that says something must not find that nobody listens.
    _output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts wardroom in `directory`. Limits that protect a server from its clients are off: they would be measured.
    pub fn wardroom(directory: &Path) -> anyhow::Result<Self> {
        let config = directory.join("wardroom.json");
        if !config.exists() {
            fs::write(&config, settings().to_string())?;
        }
        let complaints = directory.join("stderr.txt");
        let began = Instant::now();
        let mut child = wardroom("serve", directory)
            .args(["--foreground", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(File::create(&complaints)?)
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let (mut key, mut address, mut line) = (None, None, String::new());
        while address.is_none() {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                bail!("the server did not start: {}", fs::read_to_string(&complaints)?);
            }
            if let Some((_, found)) = line.split_once("Controller key: ") {
                key = found.split_whitespace().next().map(str::to_owned);
            }
            if let Some((_, found)) = line.trim().split_once(" listening on ws://") {
                address = Some(found.parse()?);
            }
        }
        Ok(Self {
            child,
            address: address.context("no address")?,
            controller_key: key,
            took: began.elapsed(),
            _output: output,
        })
    }

    /// Starts this program as a reference that listens.
    pub fn reference(arguments: &[&str]) -> anyhow::Result<Self> {
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        Ok(Self {
            child,
            address: line.trim().parse().context("the reference did not start")?,
            controller_key: None,
            took: began.elapsed(),
            _output: output,
        })
    }

    /// Starts a bridge of wardroom in `directory`.
    pub fn bridge(signal: &str, directory: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(directory)?;
        // Nobody else is asked for addresses.
        fs::write(directory.join(".agentlinkrc"), json!({ "iceServers": [] }).to_string())?;
        let mut program = wardroom("bridge", directory);
        // Files of whoever measures are none of the bridge.
        program
            .env("HOME", directory)
            .current_dir(directory)
            .args(["--foreground", "--port", "0", "--signal", signal]);
        Self::listening(program)
    }

    /// Starts a program that prints `{"port":N}` when it listens.
    pub fn listening(mut program: Command) -> anyhow::Result<Self> {
        let began = Instant::now();
        let mut child = program
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).context("the program did not start")?;
        let port = said["port"].as_u64().context("no port")?;
        Ok(Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], u16::try_from(port)?)),
            controller_key: None,
            took: began.elapsed(),
            _output: output,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key that the first start printed.
    pub fn controller_key(&self) -> anyhow::Result<&str> {
        self.controller_key.as_deref().context("not the first start")
    }

    /// The CPU time that it used so far.
    pub fn cpu(&self) -> anyhow::Result<Cpu> {
        Cpu::of(self.child.id())
    }

    /// The memory that it holds, in bytes.
    pub fn memory(&self) -> anyhow::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kibibytes = line
            .and_then(|rest| rest.split_whitespace().next())
            .context("no `Pss`")?;
        Ok(kibibytes.parse::<u64>()? * 1024)
    }

    /// Stops it in order and waits until it has ended.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id())?;
        let pid = rustix::process::Pid::from_raw(pid).context("no process")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs this program as a reference that measures itself: what it found.
pub fn ask_reference(arguments: &[&str]) -> anyhow::Result<Value> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut text = String::new();
    child.stdout.take().context("no output")?.read_to_string(&mut text)?;
    let status = child.wait()?;
    ensure!(status.success(), "the reference ended with {status}");
    Ok(serde_json::from_str(&text)?)
}

fn settings() -> Value {
    json!({
        "maxRooms": 10_000,
        "limits": {
            "messagesPerSecond": 0,
            "changesPerSecond": 0,
            "bytesPerSecond": 0,
            "joinsPerSecond": 0,
            "announcementsPerSecond": 0,
            "loopMessages": 0,
            "inFlightRequests": 1024,
            "sessionsPerAgent": 64,
            "pingIntervalMs": 86_400_000,
            "authTimeoutMs": 600_000,
            "outgoingQueueBytes": 16_777_216,
        },
    })
}

/// CPU time, thread by thread: threads that end must not take with them what they used.
pub struct Cpu {
    threads: HashMap<String, u64>,
}

impl Cpu {
    fn of(pid: u32) -> anyhow::Result<Self> {
        let mut threads = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let path = entry?.path();
            // A thread may end while it is looked at.
            let Ok(text) = fs::read_to_string(path.join("schedstat")) else {
                continue;
            };
            let nanoseconds = text.split_whitespace().next().context("no `schedstat`")?.parse()?;
            threads.insert(path.to_string_lossy().into_owned(), nanoseconds);
        }
        Ok(Self { threads })
    }

    /// Microseconds since an earlier moment.
    pub fn micros_since(&self, earlier: &Self) -> f64 {
        let used = |(thread, now): (&String, &u64)| now - earlier.threads.get(thread).unwrap_or(&0);
        self.threads.iter().map(used).sum::<u64>() as f64 / 1000.0
    }
}
