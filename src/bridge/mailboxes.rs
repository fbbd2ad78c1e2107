//! Who waits for messages, and which messages are on their way to somebody.
//!
//! A message leaves its queue in the database only when its reader got it. Until then it is leased: nobody else is shown it,
//! and when the reader goes away without it, it is free again, as if nothing had been.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The queue of one agent in one room; agent 0 is the one that all share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct QueueKey {
    pub(super) room: i64,
    pub(super) agent: i64,
}

/// The place of a message in a queue.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Place {
    /// The least is taken first.
    pub(super) weight: f64,
    /// Its number in the inbox.
    pub(super) message: i64,
}

/// All queues that somebody waits at, or that messages are on their way from. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Mailboxes(Arc<Mutex<BTreeMap<QueueKey, Mailbox>>>);

#[derive(Default)]
struct Mailbox {
    /// Messages on their way, and to how many readers.
    leased: BTreeMap<i64, usize>,
    /// As many as there are connections.
    waiters: Vec<oneshot::Sender<News>>,
}

/// What somebody who waits is told.
pub(super) enum News {
    /// A message has come.
    Message(Arc<str>, Lease),
    /// A message is free again: look into the queue.
    Look,
}

impl Mailboxes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<QueueKey, Mailbox>> {
        // Nothing panics while the lock is held, and the state is whole after every operation.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at a queue. To be called before looking into it, so that nothing falls between.
    pub(super) fn wait(&self, key: QueueKey) -> oneshot::Receiver<News> {
        let (sender, receiver) = oneshot::channel();
        let mut boxes = self.lock();
        let mailbox = boxes.entry(key).or_default();
        mailbox.waiters.retain(|waiter| !waiter.is_closed());
        mailbox.waiters.push(sender);
        receiver
    }

    /// Whether a message is on its way to somebody.
    pub(super) fn is_leased(&self, key: QueueKey, message: i64) -> bool {
        self.lock()
            .get(&key)
            .is_some_and(|mailbox| mailbox.leased.contains_key(&message))
    }

    /// Leases messages. To be called by the writer's thread only, so that nobody else takes them in between.
    pub(super) fn lease(&self, key: QueueKey, places: Vec<Place>) -> Lease {
        if !places.is_empty() {
            let mut boxes = self.lock();
            let mailbox = boxes.entry(key).or_default();
            for place in &places {
                *mailbox.leased.entry(place.message).or_insert(0) += 1;
            }
        }
        Lease {
            mailboxes: self.clone(),
            key,
            places,
            is_settled: false,
        }
    }

    /// Shows a message that was just committed to everybody who waits for it. By the writer's thread only.
    pub(super) fn deliver(&self, key: QueueKey, place: Place, text: &Arc<str>) {
        let waiters = {
            let mut boxes = self.lock();
            let Some(mailbox) = boxes.get_mut(&key) else { return };
            // Somebody has looked into the queue in the same transaction, and has it.
            if mailbox.leased.contains_key(&place.message) {
                return;
            }
            std::mem::take(&mut mailbox.waiters)
        };
        let leases: Vec<Lease> = waiters.iter().map(|_| self.lease(key, vec![place])).collect();
        for (waiter, lease) in waiters.into_iter().zip(leases) {
            // What somebody who has gone does not take is dropped here, and is free again.
            drop(waiter.send(News::Message(Arc::clone(text), lease)));
        }
    }

    /// Has everybody who waits at a queue look into it.
    pub(super) fn nudge(&self, key: QueueKey) {
        let waiters = self
            .lock()
            .get_mut(&key)
            .map(|mailbox| std::mem::take(&mut mailbox.waiters));
        for waiter in waiters.into_iter().flatten() {
            drop(waiter.send(News::Look));
        }
    }

    fn release(&self, key: QueueKey, places: &[Place]) -> bool {
        let mut boxes = self.lock();
        let Some(mailbox) = boxes.get_mut(&key) else {
            return false;
        };
        let mut is_any_free = false;
        for place in places {
            if let Some(count) = mailbox.leased.get_mut(&place.message) {
                *count -= 1;
                if *count == 0 {
                    mailbox.leased.remove(&place.message);
                    is_any_free = true;
                }
            }
        }
        if mailbox.leased.is_empty() && mailbox.waiters.is_empty() {
            boxes.remove(&key);
        }
        is_any_free
    }
}

/// Messages on their way to one reader. Dropped, they are free again.
pub(super) struct Lease {
    mailboxes: Mailboxes,
    key: QueueKey,
    places: Vec<Place>,
    is_settled: bool,
}

impl Lease {
    /// The queue.
    pub(super) fn key(&self) -> QueueKey {
        self.key
    }

    /// The messages.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Takes over the message of another lease on the same queue, in its order: its index among those of this one.
    pub(super) fn insert(&mut self, mut other: Self) -> Option<usize> {
        let place = other.places.pop()?;
        let is_before = |before: &Place| (before.weight, before.message) < (place.weight, place.message);
        let at = self.places.partition_point(is_before);
        self.places.insert(at, place);
        Some(at)
    }

    /// Gives the last message back to the queue.
    pub(super) fn give_back_last(&mut self) {
        if let Some(place) = self.places.pop()
            && self.mailboxes.release(self.key, &[place])
        {
            self.mailboxes.nudge(self.key);
        }
    }

    /// They have left the queue in the database.
    pub(super) fn settle(mut self) {
        self.is_settled = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let is_any_free = self.mailboxes.release(self.key, &self.places);
        if is_any_free && !self.is_settled {
            self.mailboxes.nudge(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: QueueKey = QueueKey { room: 1, agent: 0 };
    const PLACE: Place = Place {
        weight: -1.0,
        message: 7,
    };

    fn text(news: News) -> (Arc<str>, Lease) {
        match news {
            News::Message(text, lease) => (text, lease),
            News::Look => panic!("a message was expected"),
        }
    }

    #[test]
    fn everybody_who_waits_is_shown_the_same_message() {
        let mailboxes = Mailboxes::default();
        let (mut one, mut other) = (mailboxes.wait(KEY), mailboxes.wait(KEY));
        mailboxes.deliver(KEY, PLACE, &"m".into());
        let (first, lease) = text(one.try_recv().expect("shown"));
        let (second, other_lease) = text(other.try_recv().expect("shown"));
        assert_eq!((&*first, &*second), ("m", "m"));
        drop(lease);
        assert!(mailboxes.is_leased(KEY, 7), "the other one still reads it");
        other_lease.settle();
        assert!(!mailboxes.is_leased(KEY, 7));
    }

    #[test]
    fn a_message_that_came_meanwhile_takes_its_place_among_those_that_were_found() {
        let mailboxes = Mailboxes::default();
        let place = |message| Place { weight: -1.0, message };
        let mut waiting = mailboxes.wait(KEY);
        mailboxes.deliver(KEY, PLACE, &"m".into());
        let mut found = mailboxes.lease(KEY, vec![place(6), place(8)]);
        let (_, came) = text(waiting.try_recv().expect("shown"));
        assert_eq!(found.insert(came), Some(1));
        assert_eq!(found.places(), [place(6), PLACE, place(8)]);
        found.give_back_last();
        assert!(mailboxes.is_leased(KEY, 7) && !mailboxes.is_leased(KEY, 8));
        drop(found);
        assert!(!mailboxes.is_leased(KEY, 7));
    }

    #[test]
    fn what_a_reader_did_not_get_is_free_again_and_told_to_the_next() {
        let mailboxes = Mailboxes::default();
        drop(mailboxes.wait(KEY));
        mailboxes.deliver(KEY, PLACE, &"m".into());
        assert!(!mailboxes.is_leased(KEY, 7), "nobody was there to take it");
        let mut gone = mailboxes.wait(KEY);
        mailboxes.deliver(KEY, PLACE, &"m".into());
        let (_, lease) = text(gone.try_recv().expect("shown"));
        let mut next = mailboxes.wait(KEY);
        drop(lease);
        assert!(matches!(next.try_recv(), Ok(News::Look)));
    }
}
