//! The words for whoever is invited into a room.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use crate::cli::agentlink::{self, SIGNAL_URL};
use crate::p2p::{LinkOptions, plain};

const FILE_NAME: &str = "invite.txt";

/// What an invite says besides the room.
pub(super) struct Invite {
    name: String,
    permission: &'static str,
    signal: String,
}

impl Invite {
    pub(super) fn new(options: &LinkOptions) -> Self {
        let signal = if options.signal_url == SIGNAL_URL {
            String::new()
        } else {
            format!(" -s {}", options.signal_url)
        };
        Self {
            name: plain(&options.name),
            permission: options.permission.as_str(),
            signal,
        }
    }

    /// Writes the invite anew, where link-agent writes it too. Only the user can read it: whoever does can enter the room.
    pub(super) fn write(&self, room_id: &str) -> io::Result<PathBuf> {
        let directory = agentlink::directory().map_err(|failure| io::Error::other(failure.message()))?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let path = directory.join(FILE_NAME);
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(self.text(room_id).as_bytes())?;
        Ok(path)
    }

    /// The command for the other side.
    pub(super) fn command(&self, room_id: &str) -> String {
        format!("wardroom connect {room_id}{}", self.signal)
    }

    fn text(&self, room_id: &str) -> String {
        let Self {
            name,
            permission,
            signal,
        } = self;
        let command = self.command(room_id);
        format!(
            "--- Invitation from {name} to link two agents ---\n\
             Room ID: {room_id}\n\
             Permission: {permission}\n\
             \n\
             Keep the room id secret: whoever has it can take the place that is free.\n\
             \n\
             You need wardroom (one program, see its README) or link-agent (npm install -g link-agent).\n\
             With link-agent, write `link-agent` instead of `wardroom` below.\n\
             \n\
             In a terminal:       {command}\n\
             For a program:       {command} --json\n\
             \n\
             For an agent that runs one command at a time:\n\
             1. Start the bridge: wardroom bridge{signal}\n\
             2. Connect:          wardroom bridge connect {room_id} --agent YOUR_AGENT_ID\n\
             3. Send:             wardroom bridge send \"hello\" --agent YOUR_AGENT_ID\n\
             4. Receive:          wardroom bridge recv --agent YOUR_AGENT_ID --wait 30\n\
             --- End of the invitation from {name} ---\n"
        )
    }
}
