//! The keys by which agents come in, in memory.

use std::collections::HashMap;

use crate::domain::{AgentNumber, KeyCard, KeyHash, KeyId};
use crate::store::keys::Enrolment;

/// A step in which the keys change.
#[derive(Clone, Debug)]
pub(super) enum KeyChange {
    Added(KeyHash, KeyCard),
    /// A key, or one that was still to be made, is void.
    Removed(KeyId),
    /// All of an agent, made or not.
    AllRemoved(AgentNumber),
    ExpiresAt(KeyId, i64),
    Used(KeyId, i64),
    EnrolmentAdded(KeyHash, Enrolment),
    /// What ended before is forgotten.
    Expired(i64),
}

/// All keys, and those that are still to be made.
#[derive(Clone, Debug, Default)]
pub(super) struct Keyring {
    cards: HashMap<KeyHash, KeyCard>,
    hashes: HashMap<KeyId, KeyHash>,
    enrolments: HashMap<KeyHash, Enrolment>,
}

impl Keyring {
    /// The key of this hash, unless it has ended.
    pub(super) fn valid(&self, hash: &KeyHash, now_ms: i64) -> Option<&KeyCard> {
        self.cards.get(hash).filter(|card| !card.is_expired(now_ms))
    }

    /// What the token of this hash stands for, unless it has ended.
    pub(super) fn enrolment(&self, hash: &KeyHash, now_ms: i64) -> Option<&Enrolment> {
        let is_good =
            |enrolment: &&Enrolment| enrolment.token_expires_at_ms > now_ms && !enrolment.card.is_expired(now_ms);
        self.enrolments.get(hash).filter(is_good)
    }

    /// A key by its public id, ended or not.
    pub(super) fn by_id(&self, key: KeyId) -> Option<&KeyCard> {
        self.cards.get(self.hashes.get(&key)?)
    }

    /// The keys of an agent that have not ended, the oldest first.
    pub(super) fn of_agent(&self, agent: AgentNumber, now_ms: i64) -> Vec<&KeyCard> {
        let mine = |card: &&KeyCard| card.agent == agent && !card.is_expired(now_ms);
        let mut cards: Vec<&KeyCard> = self.cards.values().filter(mine).collect();
        cards.sort_by_key(|card| (card.created_at_ms, card.id));
        cards
    }

    /// What agents may still be given for a token, the oldest first.
    pub(super) fn enrolments_of(&self, agent: AgentNumber, now_ms: i64) -> Vec<&Enrolment> {
        let mine = |entry: &&Enrolment| entry.card.agent == agent && entry.token_expires_at_ms > now_ms;
        let mut enrolments: Vec<&Enrolment> = self.enrolments.values().filter(mine).collect();
        enrolments.sort_by_key(|enrolment| (enrolment.card.created_at_ms, enrolment.card.id));
        enrolments
    }

    /// Whether something has ended that is not forgotten yet.
    pub(super) fn has_expired(&self, now_ms: i64) -> bool {
        self.cards.values().any(|card| card.is_expired(now_ms))
            || self
                .enrolments
                .values()
                .any(|entry| entry.token_expires_at_ms <= now_ms)
    }

    pub(super) fn apply(&mut self, change: KeyChange) {
        match change {
            KeyChange::Added(hash, card) => {
                self.hashes.insert(card.id, hash);
                self.cards.insert(hash, card);
            }
            KeyChange::Removed(key) => self.retain(|card| card.id != key, |entry| entry.card.id != key),
            KeyChange::AllRemoved(agent) => self.retain(|card| card.agent != agent, |entry| entry.card.agent != agent),
            KeyChange::Expired(now_ms) => self.retain(
                |card| !card.is_expired(now_ms),
                |entry| entry.token_expires_at_ms > now_ms,
            ),
            KeyChange::ExpiresAt(key, at_ms) => self.with(key, |card| card.expires_at_ms = Some(at_ms)),
            KeyChange::Used(key, at_ms) => self.with(key, |card| card.last_used_ms = Some(at_ms)),
            KeyChange::EnrolmentAdded(hash, enrolment) => {
                self.enrolments.insert(hash, enrolment);
            }
        }
    }

    fn retain(&mut self, keep: impl Fn(&KeyCard) -> bool, keep_enrolment: impl Fn(&Enrolment) -> bool) {
        self.cards.retain(|_, card| keep(card));
        self.enrolments.retain(|_, enrolment| keep_enrolment(enrolment));
        let cards = &self.cards;
        self.hashes.retain(|_, hash| cards.contains_key(hash));
    }

    fn with(&mut self, key: KeyId, change: impl FnOnce(&mut KeyCard)) {
        if let Some(card) = self.hashes.get(&key).and_then(|hash| self.cards.get_mut(hash)) {
            change(card);
        }
    }
}
