//! The data directory, the configuration, the clock, and what former servers have left.

use std::fs::{self, Metadata};
use std::io;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::UNIX_EPOCH;

use rustix::fs::Mode;

use super::{Finding, Server};
use crate::cli::context::Context;
use crate::config::Loaded;
use crate::runtime::clock::{Clock, SystemClock};

/// How far a file's time may lie in the future before the clock is doubted, in milliseconds.
const CLOCK_TOLERANCE_MS: i64 = 60_000;

/// 2025-01-01 in milliseconds: no clock that is set shows an earlier time.
const EARLIEST_MS: i64 = 1_735_689_600_000;

/// Where it is, whose it is, and who may read it.
pub(super) fn data_directory(context: &Context) -> Vec<Finding> {
    let subject = "data directory";
    let path = context.data_dir.path();
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let advice = format!(
                "set it up with `{}`, or start with `{}`",
                context.hint("install server"),
                context.hint("serve")
            );
            return vec![Finding::wrong(subject, format!("{shown} does not exist"), advice)];
        }
        Err(error) => {
            let advice = "give its owner access to it and to every directory above it";
            return vec![Finding::wrong(
                subject,
                format!("{shown} cannot be looked at: {error}"),
                advice,
            )];
        }
    };
    if !metadata.is_dir() {
        return vec![Finding::wrong(
            subject,
            format!("{shown} is not a directory"),
            "name another with `--data-dir`",
        )];
    }
    let mut findings = vec![owner(subject, path, &metadata)];
    findings.push(if is_open_to_others(&metadata) {
        let mode = metadata.permissions().mode() & 0o7777;
        let text = format!("others have access to {shown}: mode {mode:04o}");
        Finding::wrong("directory mode", text, format!("chmod 700 '{shown}'"))
    } else {
        Finding::fine("directory mode", "only its owner can enter it")
    });
    findings.push(file_modes(path));
    findings
}

/// A certificate is there to be shown to everybody.
fn is_certificate(path: &Path) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let mut begin = [0; BEGIN.len()];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut begin));
    read.is_ok() && begin == *BEGIN
}

fn owner(subject: &'static str, path: &Path, metadata: &Metadata) -> Finding {
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() == own {
        Finding::fine(subject, format!("{} is there and belongs to you", path.display()))
    } else {
        let text = format!(
            "{} belongs to user {}, not to you (user {own})",
            path.display(),
            metadata.uid()
        );
        Finding::wrong(
            subject,
            text,
            "run wardroom as the user who owns the data, or name another data directory",
        )
    }
}

/// Every file of the server itself; what lies in `docs/` and `clients/` is no secret.
fn file_modes(directory: &Path) -> Finding {
    let subject = "file modes";
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            return Finding::wrong(
                subject,
                format!("the directory cannot be read: {error}"),
                "give its owner access",
            );
        }
    };
    let open: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            // What lets nobody but the owner do anything is fine, whatever it lets the owner do.
            let is_open = !metadata.is_dir() && !metadata.is_symlink() && is_open_to_others(&metadata);
            let is_open = is_open && !is_certificate(&entry.path());
            is_open.then(|| entry.file_name().to_string_lossy().into_owned())
        })
        .collect();
    if open.is_empty() {
        Finding::fine(subject, "only their owner can read the files")
    } else {
        let text = format!("others may have access to {}", open.join(", "));
        Finding::wrong(
            subject,
            text,
            format!("chmod 600 on these files in '{}'", directory.display()),
        )
    }
}

fn is_open_to_others(metadata: &Metadata) -> bool {
    Mode::from_raw_mode(metadata.mode()).intersects(Mode::RWXG | Mode::RWXO)
}

/// Whether one is running.
pub(super) fn server(context: &Context, server: &Server) -> Finding {
    let subject = "server";
    match server {
        Server::Absent => Finding::fine(subject, "not running"),
        Server::Running(status) if status["writable"] == false => Finding::wrong(
            subject,
            "running, and nothing can be written",
            format!("make room on the disk, or see `{}`", context.data_dir.log().display()),
        ),
        Server::Running(status) => {
            let version = status["version"].as_str().unwrap_or("unknown");
            if version == env!("CARGO_PKG_VERSION") {
                Finding::fine(subject, format!("running, version {version}"))
            } else {
                let text = format!(
                    "running, version {version}, while this program is {}",
                    env!("CARGO_PKG_VERSION")
                );
                Finding::notice(
                    subject,
                    text,
                    format!("`{}` brings up this version", context.hint("restart")),
                )
            }
        }
        Server::Starting(pid) => Finding::notice(
            subject,
            format!("still starting, process {pid}"),
            format!("`{}` tells when it is ready", context.hint("status")),
        ),
        Server::Silent(problem) => Finding::wrong(subject, problem.clone(), "end that process if it does not recover"),
    }
}

/// A configuration that holds.
pub(super) fn configuration(loaded: &Loaded) -> Finding {
    let text = match &loaded.source {
        Some(source) => format!("{} is valid", source.display()),
        None => "there is no file; the defaults hold".to_owned(),
    };
    Finding::fine("configuration", text)
}

/// Whether the clock can be right: it is not before files that were written by it.
pub(super) fn clock(context: &Context) -> Finding {
    let subject = "clock";
    let advice = "set the clock, or turn time synchronisation on";
    let now = SystemClock::default().now_ms();
    if now < EARLIEST_MS {
        return Finding::wrong(subject, "it shows a time before 2025", advice);
    }
    let latest = fs::read_dir(context.data_dir.path())
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok())
        .filter_map(|since| i64::try_from(since.as_millis()).ok())
        .max();
    let ahead_ms = latest.unwrap_or_default().saturating_sub(now);
    if ahead_ms > CLOCK_TOLERANCE_MS {
        let text = format!(
            "files in the data directory were written {} seconds in the future",
            ahead_ms / 1000
        );
        Finding::wrong(subject, text, advice)
    } else {
        Finding::fine(subject, "it is not behind anything that was written")
    }
}

/// What a server that was killed leaves behind.
pub(super) fn stale_files(context: &Context, server: &Server) -> Vec<Finding> {
    let subject = "stale files";
    if let Server::Running(status) = server {
        let written = fs::read_to_string(context.data_dir.pid()).unwrap_or_default();
        let pid = status["pid"].as_u64().map(|pid| pid.to_string()).unwrap_or_default();
        return if written.trim() == pid {
            vec![Finding::fine(subject, "none")]
        } else {
            let text = format!("`wardroom.pid` does not name the running server, which is process {pid}");
            vec![Finding::notice(
                subject,
                text,
                "nothing depends on it; a restart writes it anew",
            )]
        };
    }
    if matches!(server, Server::Starting(_) | Server::Silent(_)) {
        return Vec::new();
    }
    let left: Vec<&str> = [
        ("wardroom.pid", context.data_dir.pid()),
        ("wardroom.sock", context.data_dir.socket()),
    ]
    .into_iter()
    .filter(|(_, path)| path.symlink_metadata().is_ok())
    .map(|(name, _)| name)
    .collect();
    if left.is_empty() {
        vec![Finding::fine(subject, "none")]
    } else {
        let text = format!(
            "a server that did not end in an orderly way has left {}",
            left.join(" and ")
        );
        vec![Finding::notice(subject, text, "nothing: the next start replaces them")]
    }
}
