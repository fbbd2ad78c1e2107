//! Who came and who went, told to everybody.
//!
//! When many come at once, each of them is news for all others. What is told one after the other is joined: a receiver takes
//! one piece, made once and shared by all, and only those whom some of it concerns themselves take the pieces around that.

use std::collections::HashMap;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::run::Run;
use crate::domain::{AgentNumber, SessionId};

/// News that waits to be told.
#[derive(Default)]
pub(super) struct News {
    /// Whom each is about, and where it ends in `joined`.
    items: Vec<(AgentNumber, usize)>,
    joined: BytesMut,
    /// The sessions that came meanwhile, with how much they were told as newcomers.
    newcomers: HashMap<SessionId, usize>,
}

/// News on its way.
pub(super) struct Told {
    items: Vec<(AgentNumber, usize)>,
    joined: Bytes,
    newcomers: HashMap<SessionId, usize>,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether it is time to tell it.
    pub(super) fn is_full(&self) -> bool {
        Run::is_full(self.items.len(), self.joined.len())
    }

    /// An agent came or went: everybody else is to be told.
    pub(super) fn add(&mut self, about: AgentNumber, event: &[u8]) {
        self.joined.extend_from_slice(event);
        self.items.push((about, self.joined.len()));
    }

    /// A session came, which is told by other means of all that happened before.
    pub(super) fn came(&mut self, session: SessionId) {
        self.newcomers.insert(session, self.items.len());
    }

    /// Takes everything.
    pub(super) fn take(&mut self) -> Told {
        let Self {
            items,
            joined,
            newcomers,
        } = std::mem::take(self);
        Told {
            items,
            joined: joined.freeze(),
            newcomers,
        }
    }
}

impl Told {
    /// What a session of an agent is told, each piece with the number of events in it.
    pub(super) fn pieces(&self, session: SessionId, agent: AgentNumber) -> impl Iterator<Item = (Bytes, u64)> {
        let first = self.newcomers.get(&session).copied().unwrap_or(0);
        let mut next = first;
        std::iter::from_fn(move || {
            let is_own = |(about, _): &(AgentNumber, usize)| *about == agent;
            next += self.items[next..].iter().take_while(|item| is_own(item)).count();
            let count = self.items[next..].iter().take_while(|item| !is_own(item)).count();
            let range = next..next + count;
            next = range.end;
            (count > 0).then(|| (self.bytes(range), count as u64))
        })
    }

    fn bytes(&self, range: Range<usize>) -> Bytes {
        let end = |index: usize| if index == 0 { 0 } else { self.items[index - 1].1 };
        self.joined.slice(end(range.start)..end(range.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(news: &Told, session: u64, agent: i64) -> String {
        let pieces = news.pieces(SessionId(session), AgentNumber(agent));
        let pieces = pieces.map(|(bytes, count)| format!("{}({count})", String::from_utf8_lossy(&bytes)));
        pieces.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn everybody_is_told_what_came_after_it_and_nothing_about_itself() {
        let mut news = News::default();
        for (agent, event) in [(1, b"a"), (2, b"b"), (3, b"c"), (3, b"d"), (1, b"e")] {
            if event == b"b" {
                news.came(SessionId(2));
            }
            news.add(AgentNumber(agent), event);
        }
        news.came(SessionId(9));
        let news = news.take();
        assert_eq!(told(&news, 4, 4), "abcde(5)");
        assert_eq!(told(&news, 1, 1), "bcd(3)");
        assert_eq!(told(&news, 2, 2), "cde(3)");
        assert_eq!(told(&news, 3, 3), "ab(2) e(1)");
        assert_eq!(told(&news, 9, 9), "");
    }
}
