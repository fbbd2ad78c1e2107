//! The names of rooms in which two agents meet.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::runtime::clock::Entropy;

/// Bytes of a name that the server makes: 128 bits, which nobody guesses.
const RANDOM_BYTES: usize = 16;

/// Bytes of its hash by which a room is told from others in a log.
const TAG_BYTES: usize = 4;

/// The name of a room: 1 to 64 letters, digits, hyphens and underscores, upper and lower case being different.
///
/// Whoever knows it may enter, so it is a secret: it is shown to those who entered and never logged. In a log its
/// [`RoomName::tag`] stands for it, and so does its `Debug` form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RoomName(Box<str>);

/// The text is not the name of a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a room name is 1 to {longest} letters, digits, hyphens and underscores", longest = RoomName::LONGEST)]
pub struct BadRoomName;

impl RoomName {
    /// Most characters of a name. The hash of a secret fits, written in hex.
    pub const LONGEST: usize = 64;

    /// Checks a name that somebody chose.
    ///
    /// # Errors
    ///
    /// [`BadRoomName`] for anything but 1 to [`RoomName::LONGEST`] of the characters that are allowed.
    pub fn parse(text: &str) -> Result<Self, BadRoomName> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            Err(BadRoomName)
        }
    }

    /// Makes a name of 128 random bits: 32 digits of hex.
    ///
    /// # Errors
    ///
    /// What the operating system said when it has no random bytes to give.
    pub fn random(entropy: &dyn Entropy) -> std::io::Result<Self> {
        let mut bytes = [0; RANDOM_BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes).into()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands for the name in a log: the beginning of its hash.
    pub fn tag(&self) -> String {
        let hash = Sha256::digest(self.0.as_bytes());
        hex::encode(&hash[..TAG_BYTES])
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomName(#{})", self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::clock::SystemEntropy;

    #[test]
    fn names_are_bounded_and_plain() {
        let longest = "x".repeat(64);
        for good in ["a", "A-b_9", "signal", longest.as_str()] {
            assert_eq!(RoomName::parse(good).expect("a name").as_str(), good);
        }
        let too_long = "x".repeat(65);
        for bad in ["", "a b", "a.b", "abc%2Fdef", "ä", "a/b", "a\n", too_long.as_str()] {
            assert_eq!(RoomName::parse(bad), Err(BadRoomName), "{bad:?}");
        }
    }

    #[test]
    fn made_names_are_names_and_differ() {
        let make = || RoomName::random(&SystemEntropy).expect("random bytes");
        let (one, other) = (make(), make());
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 32);
        assert_eq!(RoomName::parse(one.as_str()), Ok(one));
    }

    #[test]
    fn neither_tag_nor_debug_form_holds_the_name() {
        let name = RoomName::parse("secret-room").expect("a name");
        assert_eq!(name.tag().len(), 8);
        let shown = format!("{name:?}");
        assert!(shown.contains(&name.tag()) && !shown.contains("secret"), "{shown}");
    }
}
