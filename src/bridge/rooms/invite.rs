//! The words for whoever is invited into a room.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::bridge::options::BridgeOptions;

/// The file in the directory of a room.
pub(super) const FILE_NAME: &str = "invite.txt";

/// Writes the invite anew. Whoever reads it can enter the room, so only its owner can.
pub(super) fn write(directory: &Path, room_id: &str, permission: &str, options: &BridgeOptions) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(directory.join(FILE_NAME))?;
    file.write_all(text(room_id, permission, options).as_bytes())
}

fn text(room_id: &str, permission: &str, options: &BridgeOptions) -> String {
    let name: String = options
        .name
        .chars()
        .filter(|character| !character.is_control())
        .collect();
    let signal = if options.names_signal_url {
        format!(" -s {}", options.signal_url)
    } else {
        String::new()
    };
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
         1. Start the bridge:  wardroom bridge{signal}\n\
         2. Connect:           wardroom bridge connect {room_id} --agent YOUR_AGENT_ID\n\
         3. Send:              wardroom bridge send \"hello\" --agent YOUR_AGENT_ID\n\
         4. Receive:           wardroom bridge recv --agent YOUR_AGENT_ID --wait 30\n\
         \n\
         New messages are also told in /tmp/agentlink_notify_YOUR_AGENT_ID; look with [ -s FILE ], then receive.\n\
         Everything received is in $HOME/.agentlink/bridge-PORT/{room_id}/inbox.jsonl (the port is 7654 by default).\n\
         `wardroom bridge --help` tells the rest.\n\
         --- End of the invitation from {name} ---\n"
    )
}
