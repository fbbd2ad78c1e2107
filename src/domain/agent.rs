//! Agents: who may do what, and the keys by which they prove who they are.

use std::fmt;

use sha2::{Digest, Sha256};

/// What an agent may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Governs the server. There is exactly one.
    Controller,
    /// Everybody else.
    Participant,
}

impl Role {
    /// The word for it on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Participant => "participant",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Controller, Self::Participant]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// The way by which an agent came in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum AgentOrigin {
    #[default]
    /// Authenticates with an API key of this server.
    Local,
    /// A peer in a room that was opened to peers. It has no API key, and comes in by its link alone.
    P2p,
}

impl AgentOrigin {
    /// The word for it on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::P2p => "p2p",
        }
    }

    /// The word for it where being local needs none.
    pub fn unless_local(self) -> Option<&'static str> {
        (self != Self::Local).then(|| self.as_str())
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Local, Self::P2p]
            .into_iter()
            .find(|origin| origin.as_str() == text)
    }
}

/// The raw API key of an agent. Shown once when it is made; only its [`KeyHash`] is kept.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Makes a key of 24 random bytes, in the form that BroodLink published for `role`.
    pub fn from_random(role: Role, random: [u8; 24]) -> Self {
        let prefix = match role {
            Role::Controller => "bl_k_ctrl_",
            Role::Participant => "bl_k_",
        };
        Self(format!("{prefix}{}", hex::encode(random)))
    }

    /// The raw key. Whoever calls this shows a secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of the key.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// The SHA-256 of a whole API key, prefix included.
///
/// A key is looked up by this hash. That leaks nothing useful through timing: the value compared is a hash of the guess,
/// which a guesser cannot steer towards a stored one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// The hash of `key`, which is taken as it is: no trimming, no case folding.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_published_form() {
        let key = ApiKey::from_random(Role::Controller, [0xAB; 24]);
        assert_eq!(key.reveal(), format!("bl_k_ctrl_{}", "ab".repeat(24)));
        let key = ApiKey::from_random(Role::Participant, [1; 24]);
        assert_eq!(key.reveal(), format!("bl_k_{}", "01".repeat(24)));
        assert!(!format!("{key:?}").contains("01"));
    }
}
