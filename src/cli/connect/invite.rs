//! How whoever is invited into a room comes in.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use crate::cli::agentlink::{self, SIGNAL_URL};
use crate::p2p::{INVITE_FILE, LinkOptions, invitation, write_invitation};

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
            name: options.name.clone(),
            permission: options.permission.as_str(),
            signal,
        }
    }

    /// Writes the invite anew, where link-agent writes it too. Only the user can read it: whoever does can enter the room.
    pub(super) fn write(&self, room_id: &str) -> io::Result<PathBuf> {
        let directory = agentlink::directory().map_err(|failure| io::Error::other(failure.message()))?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let text = invitation(&self.name, room_id, self.permission, &self.steps(room_id));
        write_invitation(&directory, &text)?;
        Ok(directory.join(INVITE_FILE))
    }

    /// The command for the other side.
    pub(super) fn command(&self, room_id: &str) -> String {
        format!("wardroom connect {room_id}{}", self.signal)
    }

    fn steps(&self, room_id: &str) -> String {
        let (command, signal) = (self.command(room_id), &self.signal);
        format!(
            "In a terminal:       {command}\n\
             For a program:       {command} --json\n\
             \n\
             For an agent that runs one command at a time:\n\
             1. Start the bridge: wardroom bridge{signal}\n\
             2. Connect:          wardroom bridge connect {room_id} --agent YOUR_AGENT_ID\n\
             3. Send:             wardroom bridge send \"hello\" --agent YOUR_AGENT_ID\n\
             4. Receive:          wardroom bridge recv --agent YOUR_AGENT_ID --wait 30\n"
        )
    }
}
