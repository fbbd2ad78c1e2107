//! Which room a client wants, by the path of its address.

use super::{BadRoomName, RoomName};

/// The part of a path that only says that it is about signaling.
const PREFIX: &str = "signal";

/// The room that a path names; `None` when it names none and a new one is to be made.
///
/// One of link-agent's servers takes the last part of the path and the other takes off `signal` before it looks: `/abc`,
/// `/abc/`, `/signal/abc` and `/some/where/abc` are all `abc`, and `/`, `/signal` and `/signal/` name none.
///
/// # Errors
///
/// [`BadRoomName`] when the last part is no name of a room.
pub fn room_of(path: &str) -> Result<Option<RoomName>, BadRoomName> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        // As the libraries do that clients build addresses with.
        match part.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let named = match parts.as_slice() {
        [PREFIX] => None,
        [.., last] => Some(*last),
        [] => None,
    };
    named.map(RoomName::parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_paths_lead_to_the_room() {
        for (path, expected) in [
            ("/", None),
            ("", None),
            ("//", None),
            ("/%2e", None),
            ("/%2E%2e/.", None),
            ("/signal", None),
            ("/signal/", None),
            ("//signal//", None),
            ("/abc", Some("abc")),
            ("/abc/", Some("abc")),
            ("/signal/abc", Some("abc")),
            ("/signal/abc/", Some("abc")),
            ("/a/b/abc", Some("abc")),
            ("/../abc", Some("abc")),
            ("/x/../abc", Some("abc")),
            ("/signal/signal", Some("signal")),
            ("/Signal", Some("Signal")),
        ] {
            let room = room_of(path).expect("a sound path");
            assert_eq!(room.as_ref().map(RoomName::as_str), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for path in ["/x%20y", "/a.b", "/abc%2Fdef", "/%C3%A4", "/signal/a.b", "/abc/x%20y"] {
            assert_eq!(room_of(path), Err(BadRoomName), "{path}");
        }
    }
}
