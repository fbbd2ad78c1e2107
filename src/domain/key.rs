//! What a key may be used for, and the token by which an agent gets one without anybody else seeing it.

use std::fmt;
use std::sync::Arc;

use super::{AgentNumber, KeyHash, KeyId, Name, Refusal, RoomId, Topic};

/// What a session that came in with a key may do, of what its agent may do. The default is everything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyScope {
    /// Whether it may only look.
    pub read_only: bool,
    /// The only rooms there are for it; `None` is all of them.
    pub rooms: Option<Arc<[RoomId]>>,
    /// Whether it has direct messages although its rooms are restricted.
    pub direct: bool,
}

impl KeyScope {
    /// Whether it may do everything that its agent may do.
    pub fn is_full(&self) -> bool {
        !self.read_only && self.rooms.is_none()
    }

    /// Whether there is a room for it.
    pub fn admits_room(&self, room: RoomId) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.contains(&room))
    }

    /// Whether there are direct messages for it.
    pub fn admits_direct(&self) -> bool {
        self.rooms.is_none() || self.direct
    }

    /// Refuses what is about direct messages, unless there are any for it.
    pub fn check_direct(&self) -> Result<(), Refusal> {
        if self.admits_direct() {
            return Ok(());
        }
        Err(Refusal::Forbidden("the API key of this session has no direct messages"))
    }

    /// Whether it is told what happens about `topic`.
    pub fn admits(&self, topic: Topic) -> bool {
        match topic {
            Topic::Room(room) => self.admits_room(room),
            Topic::Direct => self.admits_direct(),
            Topic::Neither => true,
        }
    }
}

/// What is known of a key, or of one that is still to be made by whoever holds an [`EnrolmentToken`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyCard {
    /// Its public id.
    pub id: KeyId,
    /// Whose it is.
    pub agent: AgentNumber,
    /// What its agent calls it.
    pub name: Name,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// When it ends; `None` is never.
    pub expires_at_ms: Option<i64>,
    /// When a session last came in or went with it, within a minute.
    pub last_used_ms: Option<i64>,
    /// What it may be used for.
    pub scope: KeyScope,
}

impl KeyCard {
    /// Whether it has ended.
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }
}

/// The raw token with which an agent gets a key, once. Only its hash is kept.
#[derive(Clone)]
pub struct EnrolmentToken(String);

impl EnrolmentToken {
    /// Makes a token of 24 random bytes.
    pub fn from_random(random: [u8; 24]) -> Self {
        Self(format!("wr_e_{}", hex::encode(random)))
    }

    /// The raw token. Whoever calls this shows a secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of the token.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0)
    }
}

impl fmt::Debug for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_published_form() {
        let token = EnrolmentToken::from_random([0xAB; 24]);
        assert_eq!(token.reveal(), format!("wr_e_{}", "ab".repeat(24)));
        assert!(!format!("{token:?}").contains("ab"));
    }

    #[test]
    fn a_key_for_rooms_has_no_direct_messages_unless_it_says_so() {
        let room = RoomId(uuid::Uuid::from_u128(1));
        let mut scope = KeyScope {
            rooms: Some([room].into()),
            ..KeyScope::default()
        };
        assert!(scope.admits_room(room) && !scope.admits_room(RoomId(uuid::Uuid::nil())));
        assert!(!scope.admits_direct() && !scope.is_full());
        assert!(scope.admits(Topic::Room(room)) && scope.admits(Topic::Neither) && !scope.admits(Topic::Direct));
        assert!(scope.check_direct().is_err());
        scope.direct = true;
        assert!(scope.admits_direct() && scope.check_direct().is_ok() && scope.admits(Topic::Direct));
        assert!(KeyScope::default().is_full() && KeyScope::default().admits_direct());
    }
}
