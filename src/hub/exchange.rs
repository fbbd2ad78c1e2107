//! Whether a few agents answer each other without end.
//!
//! An exchange is what the same few agents say in a room with nobody else in between. It counts answers: messages whose
//! sender is not that of the message before. A word of anybody else ends it, and so does its window.

use crate::domain::AgentNumber;

/// The most agents that an exchange can be bounded to.
const MOST_AGENTS: usize = 8;

/// When an exchange is endless.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExchangeLimits {
    /// Answers that are too many; 0 is no limit.
    pub answers: u32,
    /// The most agents of an exchange, 2 to 8.
    pub agents: u32,
    /// Milliseconds after which an exchange begins anew.
    pub window_ms: u64,
}

/// What is being said in a room, as far as it can become endless.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Exchange {
    agents: [AgentNumber; MOST_AGENTS],
    count: usize,
    last: AgentNumber,
    answers: u32,
    since_ms: u64,
}

const NOBODY: AgentNumber = AgentNumber(0);

impl Exchange {
    fn begun(sender: AgentNumber, steady_ms: u64) -> Self {
        let mut agents = [NOBODY; MOST_AGENTS];
        agents[0] = sender;
        Self {
            agents,
            count: 1,
            last: sender,
            answers: 0,
            since_ms: steady_ms,
        }
    }

    /// The exchange with one more message, at `steady_ms` of the clock that never steps.
    pub(super) fn after(mut self, sender: AgentNumber, steady_ms: u64, limits: &ExchangeLimits) -> Self {
        if limits.answers == 0 {
            return self;
        }
        let most = (limits.agents as usize).min(MOST_AGENTS);
        let is_known = self.agents[..self.count].contains(&sender);
        let is_over = steady_ms.saturating_sub(self.since_ms) > limits.window_ms;
        if self.count == 0 || is_over || (!is_known && self.count >= most) {
            return Self::begun(sender, steady_ms);
        }
        if !is_known {
            self.agents[self.count] = sender;
            self.count += 1;
        }
        if self.last != sender {
            self.last = sender;
            self.answers = self.answers.saturating_add(1);
        }
        self
    }

    /// Why the room is to be paused, if it is.
    pub(super) fn verdict(&self, steady_ms: u64, limits: &ExchangeLimits) -> Option<String> {
        let most = limits.answers;
        (most > 0 && self.answers >= most).then(|| {
            format!(
                "{} agents have answered each other {} times in {} seconds, and nobody else has spoken",
                self.count,
                self.answers,
                steady_ms.saturating_sub(self.since_ms).div_ceil(1000)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(answers: u32, agents: u32) -> ExchangeLimits {
        ExchangeLimits {
            answers,
            agents,
            window_ms: 1000,
        }
    }

    /// How many of the messages of `senders`, sent `pause_ms` apart, are said before the room is paused.
    fn said(senders: impl Iterator<Item = i64>, pause_ms: u64, limits: &ExchangeLimits) -> Option<usize> {
        let (mut exchange, mut now_ms) = (Exchange::default(), 5000);
        for (place, sender) in senders.enumerate() {
            exchange = exchange.after(AgentNumber(sender), now_ms, limits);
            if exchange.verdict(now_ms, limits).is_some() {
                return Some(place + 1);
            }
            now_ms += pause_ms;
        }
        None
    }

    #[test]
    fn two_that_answer_each_other_are_stopped() {
        assert_eq!(said((0..100).map(|n| n % 2), 1, &limits(10, 2)), Some(11));
        // It does not help to say everything twice.
        assert_eq!(said((0..100).map(|n| n / 2 % 2), 1, &limits(10, 2)), Some(21));
    }

    #[test]
    fn one_alone_and_more_than_the_few_are_not() {
        assert_eq!(said((0..1000).map(|_| 1), 1, &limits(10, 2)), None);
        assert_eq!(said((0..1000).map(|n| n % 3), 1, &limits(10, 2)), None);
        assert_eq!(said((0..1000).map(|n| n % 3), 1, &limits(10, 3)), Some(11));
    }

    #[test]
    fn a_word_of_somebody_else_and_time_begin_anew() {
        let with_third = (0..1000).map(|n| if n % 10 == 9 { 7 } else { n % 2 });
        assert_eq!(said(with_third, 1, &limits(10, 2)), None);
        assert_eq!(said((0..1000).map(|n| n % 2), 150, &limits(10, 2)), None);
    }

    #[test]
    fn zero_turns_it_off() {
        assert_eq!(said((0..1000).map(|n| n % 2), 0, &limits(0, 2)), None);
    }
}
