//! Files that tell agents that something has come: a line for each message, to be looked at and emptied by whoever waits.
//!
//! link-agent writes them to `/tmp/agentlink_notify_<agent>`, where anybody may have put a link to a file that is then written
//! to. Ours lie in a directory of the data root that only its owner can enter; the name in `/tmp` is a link to them.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::store::files::make_directory;

/// The directory in the data root. No room is called so: ids have no dots.
const DIRECTORY: &str = ".notify";

/// A file that nobody empties grows no further.
const MOST_BYTES: u64 = 1024 * 1024;

/// Writes the files. Belongs to the thread of the database.
pub(super) struct Notices {
    directory: PathBuf,
    /// Where the links are: `/tmp`.
    public: PathBuf,
    waiting: BTreeMap<String, Vec<u8>>,
}

impl Notices {
    pub(super) fn new(root: &Path, public: &Path) -> Self {
        Self {
            directory: root.join(DIRECTORY),
            public: public.to_owned(),
            waiting: BTreeMap::new(),
        }
    }

    /// The file of an agent by the name that its users know; by its own name when that one is somebody else's.
    pub(super) fn path(&self, agent: &str) -> PathBuf {
        let own = self.directory.join(agent);
        let link = self.public.join(format!("agentlink_notify_{agent}"));
        let made = make_directory(&self.directory).and_then(|()| link_to(&own, &link));
        match made {
            Ok(()) => link,
            Err(error) => {
                tracing::warn!(%error, "the link to a notification file was not made; the file itself is used");
                own
            }
        }
    }

    /// Tells an agent of a message, when the group is dealt with.
    pub(super) fn tell(&mut self, agent: &str, from: &str, kind: &str, id: &str) {
        let line = format!("{}:{}:{}\n", on_a_line(from), on_a_line(kind), on_a_line(id));
        self.waiting
            .entry(agent.to_owned())
            .or_default()
            .extend_from_slice(line.as_bytes());
    }

    /// Writes what waits. A notice that cannot be written is only missed: the message is in its queue.
    pub(super) fn flush(&mut self) {
        for (agent, lines) in std::mem::take(&mut self.waiting) {
            if let Err(error) = self.append(&agent, &lines) {
                tracing::debug!(%error, "a notification file was not written");
            }
        }
    }

    fn append(&self, agent: &str, lines: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(self.directory.join(agent))?;
        if file.metadata()?.len() < MOST_BYTES {
            file.write_all(lines)?;
        }
        Ok(())
    }
}

/// Makes `link` a link to `own`. What we made ourselves is replaced, what somebody else put there never.
fn link_to(own: &Path, link: &Path) -> io::Result<()> {
    match fs::symlink_metadata(link) {
        Ok(_) if fs::read_link(link).is_ok_and(|target| target == own) => return Ok(()),
        Ok(there) if there.uid() != rustix::process::geteuid().as_raw() => {
            let message = "somebody else has put something there";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        Ok(there) if there.is_dir() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a directory is there"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // Renamed over what is there, which is never followed.
    let temporary = link.with_file_name(format!(
        ".{}.{}",
        link.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    // One of that name was left behind by a process that is gone; if it is not ours, making the link says so.
    drop(fs::remove_file(&temporary));
    symlink(own, &temporary)?;
    fs::rename(&temporary, link).inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// A text that ends no line, so that a name cannot pass for further notices.
fn on_a_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(place: &Path) -> Notices {
        let public = place.join("public");
        fs::create_dir_all(&public).expect("made");
        Notices::new(place, &public)
    }

    #[test]
    fn a_notice_is_one_line_whatever_the_name() {
        let place = tempfile::tempdir().expect("a directory");
        let mut notices = notices(place.path());
        let path = notices.path("a");
        notices.tell("a", "Eve\nBob:chat:1", "chat", "x\u{2028}");
        notices.tell("a", "", "task", "");
        notices.flush();
        let text = fs::read_to_string(&path).expect("there");
        assert_eq!(text, "Eve\\nBob:chat:1:chat:x\\u{2028}\n:task:\n");
        fs::write(&path, "").expect("emptied");
        notices.tell("a", "B", "chat", "2");
        notices.flush();
        assert_eq!(fs::read_to_string(&path).expect("there"), "B:chat:2\n");
    }

    #[test]
    fn what_lies_in_the_public_place_is_never_written_to() {
        let place = tempfile::tempdir().expect("a directory");
        let victim = place.path().join("victim");
        fs::write(&victim, "precious").expect("written");
        let mut notices = notices(place.path());
        symlink(&victim, place.path().join("public/agentlink_notify_a")).expect("made");
        let path = notices.path("a");
        notices.tell("a", "B", "chat", "1");
        notices.flush();
        assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
        assert_eq!(fs::read_to_string(&path).expect("there"), "B:chat:1\n");
        // Within the private place a link is not followed either.
        fs::remove_file(place.path().join(".notify/a")).expect("removed");
        symlink(&victim, place.path().join(".notify/a")).expect("made");
        notices.tell("a", "B", "chat", "1");
        notices.flush();
        assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
    }
}
