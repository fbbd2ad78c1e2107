//! What the socket of one session has taken of what it was shown.

use std::collections::BTreeMap;

use super::feed::Source;
use super::link::Mark;
use crate::domain::Spans;

/// Runs of positions of one source that may wait to be taken one by one; further ones wait together with the last.
const WAITING: usize = 8;

/// Positions that were handed to the link, and up to where its socket has taken them.
#[derive(Default)]
pub(super) struct Taken(BTreeMap<Source, Progress>);

#[derive(Default)]
struct Progress {
    /// The socket took these.
    sure: Spans,
    /// The link took these, in this order.
    waiting: Vec<Waiting>,
}

#[derive(Clone, Copy)]
struct Waiting {
    first: u64,
    last: u64,
    mark: Mark,
}

impl Taken {
    /// The link took the positions from `first` to `last`; its socket has them once it is beyond `mark`. They count as
    /// one: what is said here is never more than is true.
    pub(super) fn note(&mut self, source: Source, first: u64, last: u64, mark: Mark, is_beyond: impl Fn(Mark) -> bool) {
        let progress = self.0.entry(source).or_default();
        progress.settle(is_beyond);
        let count = progress.waiting.len();
        match progress.waiting.last_mut() {
            Some(latest) if latest.last + 1 == first && count > 1 => {
                (latest.last, latest.mark) = (last, mark);
            }
            _ if count < WAITING => progress.waiting.push(Waiting { first, last, mark }),
            // Rather say nothing of these.
            _ => {}
        }
    }

    /// The agent's own messages from `first` to `last` went by: there was nothing to take.
    pub(super) fn pass(&mut self, source: Source, first: u64, last: u64) {
        let progress = self.0.entry(source).or_default();
        match progress.waiting.last_mut() {
            Some(latest) if latest.last + 1 == first => latest.last = last,
            _ => progress.sure.add(first, last),
        }
    }

    /// Everything that the socket has taken since this was asked last.
    pub(super) fn drain(&mut self, is_beyond: impl Fn(Mark) -> bool) -> Vec<(Source, Spans)> {
        let mut drained = Vec::new();
        for (source, progress) in &mut self.0 {
            progress.settle(&is_beyond);
            if !progress.sure.is_empty() {
                drained.push((*source, std::mem::take(&mut progress.sure)));
            }
        }
        drained
    }
}

impl Progress {
    fn settle(&mut self, is_beyond: impl Fn(Mark) -> bool) {
        let count = self
            .waiting
            .iter()
            .take_while(|waiting| is_beyond(waiting.mark))
            .count();
        for waiting in self.waiting.drain(..count) {
            self.sure.add(waiting.first, waiting.last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Source = Source::Mailbox;

    fn spans(taken: &mut Taken, sent: u64) -> String {
        let drained = taken.drain(|Mark(mark)| mark <= sent);
        drained.iter().map(|(_, spans)| spans.to_string()).collect()
    }

    #[test]
    fn what_waits_is_sure_only_once_the_socket_is_beyond_it() {
        let mut taken = Taken::default();
        let none = |_| false;
        for seq in 1..=100 {
            taken.note(ROOM, seq, seq, Mark(seq * 10), none);
        }
        assert_eq!(spans(&mut taken, 9), "");
        assert_eq!(spans(&mut taken, 10), "1-1");
        // What waits together is sure together.
        assert_eq!(spans(&mut taken, 999), "");
        assert_eq!(spans(&mut taken, 1000), "2-100");
        assert_eq!(spans(&mut taken, 1000), "");
    }

    #[test]
    fn a_gap_stays_one_and_own_messages_make_none() {
        let mut taken = Taken::default();
        let all = |_| true;
        taken.pass(ROOM, 1, 2);
        taken.note(ROOM, 3, 4, Mark(1), all);
        taken.pass(ROOM, 5, 5);
        taken.note(ROOM, 9, 9, Mark(2), all);
        assert_eq!(spans(&mut taken, 2), "1-5,9-9");
    }

    #[test]
    fn what_does_not_fit_is_not_claimed() {
        let mut taken = Taken::default();
        for number in 0..20 {
            taken.note(ROOM, number * 2, number * 2, Mark(number), |_| false);
        }
        assert_eq!(spans(&mut taken, 100), "0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14");
    }
}
