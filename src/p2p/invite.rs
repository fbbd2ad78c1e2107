//! The words for whoever is invited into a room, and the file that they stand in.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::plain;

/// The file that an invitation is written to.
pub const INVITE_FILE: &str = "invite.txt";

/// Only its owner may read it: whoever does can enter the room.
const MODE: u32 = 0o600;

/// An invitation by `name`. `steps` tells how to come in, in whole lines.
#[must_use]
pub fn invitation(name: &str, room_id: &str, permission: &str, steps: &str) -> String {
    let name = plain(name);
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
         {steps}\
         --- End of the invitation from {name} ---\n"
    )
}

/// Writes an invitation into `directory` anew. A file that is there, which others may have been able to read, is closed to them
/// first.
///
/// # Errors
///
/// What the file system said.
pub fn write_invitation(directory: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(MODE)
        .open(directory.join(INVITE_FILE))?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn regression_a_file_that_others_could_read_is_closed_to_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(INVITE_FILE);
        fs::write(&path, "before").expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
        let text = invitation("Ada\u{7}", "secret", "helper", "Come in.\n");
        write_invitation(directory.path(), &text).expect("written");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
        assert!(text.contains("from Ada ") && text.contains("Room ID: secret\nPermission: helper\n"));
    }
}
