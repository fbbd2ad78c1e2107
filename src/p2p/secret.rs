//! A secret of the two agents that is kept from signaling.
//!
//! Whoever runs the signaling server could answer both sides itself and sit in between. With a secret that never goes there,
//! each side proves over the channel that it knows it, together with the fingerprints of both certificates; one in between
//! has other certificates, and can prove nothing. link-agent knows nothing of this, so such a link is between wardrooms only.

use std::fmt;
use std::sync::Arc;

use ring::hmac::{HMAC_SHA256, Key, sign, verify};
use sha2::{Digest as _, Sha256};

use crate::runtime::clock::Entropy;

/// Random bytes of a secret that is made here.
const RANDOM_BYTES: usize = 16;

/// Fewer characters could be guessed from the name of the room, which the server knows.
const LEAST_CHARACTERS: usize = 22;

/// A secret of at least 128 bits. Its `Debug` form does not show it. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomSecret(Arc<str>);

/// The text cannot be a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a secret has at least {LEAST_CHARACTERS} characters, and they are random")]
pub struct WeakSecret;

impl RoomSecret {
    /// Takes a secret that was agreed upon. Its characters have to be random; that cannot be checked.
    ///
    /// # Errors
    ///
    /// [`WeakSecret`] when it is short.
    pub fn parse(text: &str) -> Result<Self, WeakSecret> {
        let text = text.trim();
        if text.chars().count() < LEAST_CHARACTERS {
            return Err(WeakSecret);
        }
        Ok(Self(text.into()))
    }

    /// A new secret: 32 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// What the operating system said when it has no random bytes to give.
    pub fn random(entropy: &dyn Entropy) -> std::io::Result<Self> {
        let mut bytes = [0; RANDOM_BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes).into()))
    }

    /// The secret itself, for whoever is to know it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The room in which the two meet: 64 hexadecimal digits, from which the secret cannot be found.
    #[must_use]
    pub fn room(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"wardroom room\0");
        hash.update(self.0.as_bytes());
        hex::encode(hash.finalize())
    }
}

impl fmt::Debug for RoomSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RoomSecret(…)")
    }
}

/// A secret and the connection on which it is proven.
#[derive(Clone)]
pub(super) struct Proof {
    secret: RoomSecret,
    /// The SHA-256 fingerprints of both certificates.
    own: [u8; 32],
    peer: [u8; 32],
}

impl Proof {
    pub(super) fn new(secret: RoomSecret, own: [u8; 32], peer: [u8; 32]) -> Self {
        Self { secret, own, peer }
    }

    /// What this side sends.
    pub(super) fn own(&self) -> String {
        hex::encode(sign(&self.key(), &said(&self.own, &self.peer)))
    }

    /// Whether what the other side sent proves that it knows the secret and sees this connection.
    pub(super) fn is_proven_by(&self, sent: &str) -> bool {
        let Ok(sent) = hex::decode(sent) else { return false };
        verify(&self.key(), &said(&self.peer, &self.own), &sent).is_ok()
    }

    fn key(&self) -> Key {
        Key::new(HMAC_SHA256, self.secret.0.as_bytes())
    }
}

/// What a side says of the connection.
fn said(from: &[u8; 32], to: &[u8; 32]) -> Vec<u8> {
    [&b"wardroom link\0"[..], from, to].concat()
}

/// The fingerprint in a session description.
pub(super) fn fingerprint_in(description: &str) -> Option<[u8; 32]> {
    let line = description
        .lines()
        .find_map(|line| line.trim().strip_prefix("a=fingerprint:"))?;
    let (kind, digits) = line.split_once(' ')?;
    let bytes = hex::decode(digits.replace(':', "")).ok()?;
    kind.eq_ignore_ascii_case("sha-256")
        .then(|| bytes.try_into().ok())
        .flatten()
}

/// The fingerprint of a certificate.
pub(super) fn fingerprint_of(certificate: &[u8]) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::clock::SystemEntropy;
    use crate::signaling::RoomName;

    #[test]
    fn a_room_is_derived_and_does_not_show_the_secret() {
        let secret = RoomSecret::random(&SystemEntropy).expect("random bytes");
        let room = secret.room();
        assert!(RoomName::parse(&room).is_ok() && !room.contains(secret.reveal()));
        assert_eq!(RoomSecret::parse(secret.reveal()).expect("long enough").room(), room);
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert_eq!(RoomSecret::parse("correct horse battery"), Err(WeakSecret));
    }

    #[test]
    fn only_the_other_side_of_the_same_connection_proves_the_secret() {
        let secret = RoomSecret::random(&SystemEntropy).expect("random bytes");
        let other = RoomSecret::random(&SystemEntropy).expect("random bytes");
        let (a, b, c) = ([1; 32], [2; 32], [3; 32]);
        let one = Proof::new(secret.clone(), a, b);
        let of = |secret: &RoomSecret, own, peer| Proof::new(secret.clone(), own, peer).own();
        assert!(one.is_proven_by(&of(&secret, b, a)));
        for wrong in [
            of(&secret, a, b),
            of(&secret, c, a),
            of(&secret, b, c),
            of(&other, b, a),
            String::new(),
        ] {
            assert!(!one.is_proven_by(&wrong));
        }
    }

    #[test]
    fn a_fingerprint_is_read_whatever_its_case() {
        let digits = ["ab"; 32].join(":");
        for line in [
            format!("a=fingerprint:sha-256 {digits}"),
            format!("a=fingerprint:SHA-256 {}\r", digits.to_uppercase()),
        ] {
            assert_eq!(fingerprint_in(&format!("v=0\r\n{line}\n")), Some([0xab; 32]));
        }
        assert_eq!(fingerprint_in("a=fingerprint:sha-1 ab"), None);
        assert_eq!(fingerprint_in("v=0"), None);
    }
}
