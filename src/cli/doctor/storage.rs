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

/// Room on the data directory's file system.
pub(super) fn space(context: &Context) -> Finding {
    let subject = "disk space";
    // The nearest directory that is there: before the first run the data directory is not.
    let existing = context
        .data_dir
        .path()
        .ancestors()
        .find(|path| path.is_dir())
        .unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(existing) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let text = format!("{} MiB are free", free / (1024 * 1024));
            // File systems that do not count files say that there are none at all.
            let no_files_left = disk.f_files > 0 && disk.f_favail == 0;
            if no_files_left {
                Finding::wrong(
                    subject,
                    "the file system takes no more files",
                    "remove files that nobody needs",
                )
            } else if free < LITTLE_SPACE_BYTES {
                Finding::wrong(subject, text, "make room: messages are refused when the disk is full")
            } else {
                Finding::fine(subject, text)
            }
        }
        Err(error) => Finding::wrong(subject, format!("cannot be told: {error}"), "look at the file system"),
    }
}
