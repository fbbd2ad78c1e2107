//! How far a peer has got in its room.

use std::collections::VecDeque;

/// The messages that were sent to a peer and that it may not have yet, in the order of their positions.
///
/// What a peer has is known by its acknowledgements. Some have none to give (link-agent acknowledges in its bridge only): a
/// peer that has given none while a whole window waited for them is taken to have what was sent so long ago that the window is
/// full of what came later.
pub(super) struct Window {
    /// Up to this position the peer has everything.
    position: u64,
    sent: VecDeque<Sent>,
    /// How many may be unacknowledged.
    size: usize,
    waiting: usize,
    acknowledges: bool,
    is_silent: bool,
}

struct Sent {
    seq: u64,
    id: String,
    is_there: bool,
}

impl Window {
    /// Of a peer that has everything up to `position`.
    pub(super) fn new(position: u64, size: usize) -> Self {
        Self {
            position,
            sent: VecDeque::new(),
            size: size.max(1),
            waiting: 0,
            acknowledges: false,
            is_silent: false,
        }
    }

    /// Up to this position the peer has everything.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether the peer has acknowledged anything.
    pub(super) fn acknowledges(&self) -> bool {
        self.acknowledges
    }

    /// Whether one more may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.waiting < self.size || self.is_silent
    }

    /// The message at `seq` is about to be sent under an id.
    pub(super) fn sent(&mut self, seq: u64, id: String) {
        self.waiting += 1;
        self.sent.push_back(Sent {
            seq,
            id,
            is_there: false,
        });
        if self.is_silent && self.waiting > self.size {
            self.take_oldest_as_there();
        }
    }

    /// The message at `seq` is not for the peer.
    pub(super) fn skip(&mut self, seq: u64) {
        match self.sent.back_mut() {
            // One entry serves for all that lie side by side: behind a message that is never acknowledged they would pile up.
            Some(last) if last.is_there => last.seq = seq,
            _ => self.sent.push_back(Sent {
                seq,
                id: String::new(),
                is_there: true,
            }),
        }
        self.advance();
    }

    /// The peer has the message of this id.
    pub(super) fn acknowledge(&mut self, id: &str) {
        (self.acknowledges, self.is_silent) = (true, false);
        self.settle(id);
    }

    /// The message of this id is not to be sent, or sent again.
    pub(super) fn settle(&mut self, id: &str) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| !sent.is_there && sent.id == id) {
            sent.is_there = true;
            self.waiting -= 1;
            self.advance();
        }
    }

    /// The peer has no acknowledgements to give, unless one comes after all.
    pub(super) fn expect_no_acknowledgements(&mut self) {
        self.is_silent = !self.acknowledges;
    }

    fn take_oldest_as_there(&mut self) {
        if let Some(oldest) = self.sent.iter_mut().find(|sent| !sent.is_there) {
            oldest.is_there = true;
            self.waiting -= 1;
            self.advance();
        }
    }

    fn advance(&mut self) {
        while let Some(first) = self.sent.front().filter(|sent| sent.is_there) {
            self.position = self.position.max(first.seq);
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_moves_over_what_is_acknowledged_without_a_gap() {
        let mut window = Window::new(4, 2);
        window.sent(5, "five".into());
        window.skip(6);
        window.sent(7, "seven".into());
        assert_eq!(window.position(), 4);
        window.acknowledge("seven");
        assert_eq!(window.position(), 4);
        window.acknowledge("five");
        assert_eq!(window.position(), 7);
        window.skip(8);
        assert_eq!(window.position(), 8);
    }

    #[test]
    fn a_peer_that_acknowledges_is_sent_no_more_than_the_window_holds() {
        let mut window = Window::new(0, 2);
        window.sent(1, "one".into());
        window.acknowledge("one");
        window.sent(2, "two".into());
        assert!(window.has_room());
        window.sent(3, "three".into());
        assert!(!window.has_room());
        // Once is enough, and what is not known moves nothing.
        window.acknowledge("one");
        window.acknowledge("other");
        assert!(!window.has_room());
        window.acknowledge("three");
        assert!(window.has_room());
        assert_eq!(window.position(), 1);
    }

    #[test]
    fn a_peer_that_acknowledges_nothing_is_taken_to_have_what_lies_a_window_back() {
        let mut window = Window::new(0, 2);
        for seq in 1..=2 {
            assert!(window.has_room());
            window.sent(seq, seq.to_string());
        }
        assert!(!window.has_room() && !window.acknowledges());
        window.expect_no_acknowledgements();
        for seq in 3..=5 {
            assert!(window.has_room());
            window.sent(seq, seq.to_string());
        }
        assert_eq!(window.position(), 3);
        // One that comes after all is one to go by.
        window.acknowledge("4");
        window.acknowledge("5");
        assert_eq!(window.position(), 5);
        window.expect_no_acknowledgements();
        window.sent(6, "6".into());
        window.sent(7, "7".into());
        assert!(!window.has_room());
    }
}
