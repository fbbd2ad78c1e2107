//! Rooms that are opened to peers beyond the server.

use std::fmt;

use super::{AgentId, Name, OpeningId, Permission, RoomId};

/// The id of a P2P room, by which two ends find each other. Whoever knows it can come in, so it is a secret: `Debug` does not
/// show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct P2pRoomId(String);

impl P2pRoomId {
    /// Longest id of a P2P room that somebody else made, in characters.
    pub const LIMIT: usize = 64;

    /// Makes an id of 128 random bits.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(hex::encode(random))
    }

    /// Reads an id: 1 to [`LIMIT`](Self::LIMIT) letters, digits, hyphens and underscores.
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_id = (1..=Self::LIMIT).contains(&text.len()) && text.bytes().all(is_allowed);
        is_id.then(|| Self(text.to_owned()))
    }

    /// An id that the store vouches for.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The id. Whoever calls this shows a secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for P2pRoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P2pRoomId(…)")
    }
}

/// The store's short key of one place for a peer. Never leaves the process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LinkNumber(pub i64);

/// A room's opening to peers, as those see it who may govern the room.
#[derive(Clone, Debug)]
pub struct OpeningView {
    /// Its id.
    pub id: OpeningId,
    /// The room.
    pub room: RoomId,
    /// Who opened it.
    pub opened_by: AgentId,
    /// The most that its peers may do.
    pub permission: Permission,
    /// The signaling server where the ends find each other; `None` is the configured one.
    pub signal_url: Option<String>,
    /// Whether somebody else opened the P2P room.
    pub is_joined: bool,
    /// When it was opened, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// When it ends, in milliseconds since 1970; `None` is never.
    pub expires_at_ms: Option<i64>,
    /// How many peers may come.
    pub max_uses: u32,
    /// How many have come.
    pub uses: u32,
    /// The places for peers that there are still, taken or free.
    pub places: Vec<PlaceView>,
}

/// One place for a peer.
#[derive(Clone, Debug)]
pub struct PlaceView {
    /// The P2P room.
    pub p2p_room: P2pRoomId,
    /// Who has it; `None` until a peer came.
    pub guest: Option<GuestView>,
}

/// A peer that came in.
#[derive(Clone, Debug)]
pub struct GuestView {
    /// The agent that it is here.
    pub id: AgentId,
    /// Its name.
    pub name: Name,
    /// What it may do.
    pub permission: Permission,
    /// Whether it is linked now.
    pub online: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_p2p_rooms_have_the_form_that_signaling_takes() {
        let id = P2pRoomId::from_random([0xAB; 16]);
        assert_eq!(id.reveal(), "ab".repeat(16));
        assert!(!format!("{id:?}").contains("ab"));
        assert_eq!(P2pRoomId::parse(id.reveal()), Some(id));
        let longest = "x".repeat(P2pRoomId::LIMIT);
        for good in ["a", "A-b_9", longest.as_str()] {
            assert!(P2pRoomId::parse(good).is_some(), "{good}");
        }
        let too_long = format!("{longest}x");
        for bad in ["", "a b", "a/b", "ä", "a.b", too_long.as_str()] {
            assert!(P2pRoomId::parse(bad).is_none(), "{bad}");
        }
    }
}
