//! How whoever is invited into a room of a bridge comes in.

use std::io;
use std::path::Path;

use crate::bridge::options::BridgeOptions;
use crate::p2p::{INVITE_FILE, invitation, write_invitation};

/// The file in the directory of a room.
pub(super) const FILE_NAME: &str = INVITE_FILE;

/// Writes the invite anew.
pub(super) fn write(directory: &Path, room_id: &str, permission: &str, options: &BridgeOptions) -> io::Result<()> {
    let text = invitation(&options.name, room_id, permission, &steps(room_id, options));
    write_invitation(directory, &text)
}

fn steps(room_id: &str, options: &BridgeOptions) -> String {
    let signal = if options.names_signal_url {
        format!(" -s {}", options.signal_url)
    } else {
        String::new()
    };
    format!(
        "1. Start the bridge:  wardroom bridge{signal}\n\
         2. Connect:           wardroom bridge connect {room_id} --agent YOUR_AGENT_ID\n\
         3. Send:              wardroom bridge send \"hello\" --agent YOUR_AGENT_ID\n\
         4. Receive:           wardroom bridge recv --agent YOUR_AGENT_ID --wait 30\n\
         \n\
         New messages are also told in /tmp/agentlink_notify_YOUR_AGENT_ID; look with [ -s FILE ], then receive.\n\
         Everything received is in $HOME/.agentlink/bridge-PORT/{room_id}/inbox.jsonl (the port is 7654 by default).\n\
         `wardroom bridge --help` tells the rest.\n"
    )
}
