//! The database and the disk.

use std::path::Path;

use super::{Finding, Server};
use crate::cli::context::Context;
use crate::config::Config;
use crate::server::{StartError, StartErrorKind, setup};
use crate::store::OpenError;

/// Free space below which a server is likely to stop storing soon, in bytes.
const LITTLE_SPACE_BYTES: u64 = 256 * 1024 * 1024;

/// A full check of the database; a running server's is left to it.
pub(super) fn database(config: &Config, context: &Context, server: &Server) -> Finding {
    let subject = "database";
    let path = config.database_path(context.data_dir.path());
    if !matches!(server, Server::Absent) {
        let text = "in use by the server, which checks it when it starts";
        return Finding::notice(
            subject,
            text,
            "for a full check, stop the server and run `doctor` again",
        );
    }
    let nothing_yet = || {
        let text = format!("{} does not exist yet", path.display());
        Finding::notice(subject, text, format!("the first `{}` makes it", context.hint("serve")))
    };
    if !context.data_dir.path().is_dir() {
        return nothing_yet();
    }
    match setup::check_database(context.data_dir.path(), config) {
        Ok(true) => Finding::fine(subject, format!("{} is whole", path.display())),
        Ok(false) => nothing_yet(),
        Err(error) => Finding::wrong(subject, error.to_string(), advice(&error)),
    }
}

/// What to do about a database that was not found to be whole.
fn advice(error: &StartError) -> &'static str {
    match error {
        StartError::Open(OpenError::Foreign(_)) => "name another file; nothing was done to this one",
        StartError::Open(OpenError::TooNew { .. }) => "run the newer version; nothing was done to the database",
        StartError::Open(OpenError::Busy(_)) => "end that program, then run `doctor` again",
        StartError::Open(OpenError::InUse(_)) => "run `doctor` again when it answers or has ended",
        error if error.kind() == StartErrorKind::Damaged => {
            "keep a copy of the files before anything else, then do as it says"
        }
        _ => "give its owner access to the files, on a file system that can be written to",
    }
}

/// Room on the file systems of the data directory and, when it lies elsewhere, of the database.
pub(super) fn space(context: &Context, config: Option<&Config>) -> Vec<Finding> {
    let directory = context.data_dir.path();
    let mut findings = vec![space_at("disk space", directory)];
    let database = config.map(|config| config.database_path(directory));
    let elsewhere = database.as_deref().and_then(Path::parent);
    findings.extend(
        elsewhere
            .filter(|parent| *parent != directory)
            .map(|parent| space_at("disk space of the database", parent)),
    );
    findings
}

fn space_at(subject: &'static str, directory: &Path) -> Finding {
    // The nearest directory that is there: before the first run the data directory is not.
    let existing = directory
        .ancestors()
        .find(|path| path.is_dir())
        .unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(existing) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            // File systems that do not count files say that there are none at all.
            judge(subject, free, disk.f_files > 0 && disk.f_favail == 0)
        }
        Err(error) => Finding::wrong(subject, format!("cannot be told: {error}"), "look at the file system"),
    }
}

fn judge(subject: &'static str, free_bytes: u64, no_files_left: bool) -> Finding {
    let text = format!("{} MiB are free", free_bytes / (1024 * 1024));
    if no_files_left {
        Finding::wrong(
            subject,
            "the file system takes no more files",
            "remove files that nobody needs",
        )
    } else if free_bytes < LITTLE_SPACE_BYTES {
        Finding::wrong(subject, text, "make room: messages are refused when the disk is full")
    } else {
        Finding::fine(subject, text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn little_space_and_no_files_are_wrong() {
        for (free_bytes, no_files_left, expected) in [
            (LITTLE_SPACE_BYTES, false, Verdict::Fine),
            (LITTLE_SPACE_BYTES - 1, false, Verdict::Wrong),
            (0, false, Verdict::Wrong),
            (u64::MAX, true, Verdict::Wrong),
        ] {
            let finding = judge("disk space", free_bytes, no_files_left);
            assert_eq!(finding.verdict, expected, "{finding:?}");
            assert_eq!(finding.advice.is_some(), expected == Verdict::Wrong, "{finding:?}");
        }
    }
}
