//! What a link decides, without sockets and without a clock of its own.
//!
//! Two things go on side by side. *Signaling*: the link is away from the room, on its way into it, or in it. *The call*:
//! there is none, one is being set up, or it is up. Whoever is in the room when another one comes makes the offer, whatever
//! its role is; whoever comes waits for one. That holds with link-agent on the other side too, which re-enters the room
//! before it takes an offer again.
//!
//! A call that is up does not depend on signaling any more. When signaling says that the other side left, came anew or
//! calls anew, a peer that takes part in heartbeats is asked first, for it may only have lost its own signaling.

use crate::signaling::frame::Role;

use super::{Intervals, LinkEvent};

/// Pings without an answer after which a peer counts as one that has no heartbeats, and is left alone.
const PINGS_IN_VAIN: u32 = 3;

/// What is to be done.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Action {
    /// Enter the room.
    Dial,
    /// Leave it.
    HangUp,
    /// Ask the signaling server for a sign of life.
    PingServer,
    /// Begin a call with an offer.
    Offer,
    /// Begin a call with an answer to the offer that came last.
    Answer,
    /// Keep the offer that came last, and the candidates that follow it.
    Hold,
    /// Throw away what was kept.
    Release,
    /// Answer a further offer of the same call.
    Renegotiate,
    /// End the call.
    DropCall,
    /// Ask the peer for a sign of life.
    Ping,
    /// Tell the user.
    Tell(LinkEvent),
    /// The link is over.
    Close,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Signal {
    Away { until: u64 },
    Entering { until: u64 },
    In { role: Role, heard: u64, next_ping: u64 },
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Call {
    /// With an end if somebody is there who should call.
    None {
        until: Option<u64>,
    },
    Calling {
        until: u64,
        offered: bool,
    },
    Up(Up),
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Up {
    next_ping: u64,
    pings_in_vain: u32,
    probe: Option<Probe>,
    /// The peer is not in the room any more, and cannot be asked.
    left: bool,
}

/// A question to the peer whether it is still there.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Probe {
    /// What the peer had said when it was asked.
    words: u64,
    until: u64,
    then: Then,
}

/// What is done when the answer does not come.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Then {
    Reenter,
    Offer,
    Answer,
}

/// What is known of the peer's signs of life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    /// When something was last heard, by the steady clock.
    pub(super) heard: u64,
    /// How many messages were heard so far.
    pub(super) words: u64,
    /// Whether it takes part in heartbeats.
    pub(super) beats: bool,
}

/// The decisions of one link. Times are milliseconds of the steady clock.
#[derive(Debug)]
pub(super) struct Machine {
    intervals: Intervals,
    signal: Signal,
    call: Call,
    /// Attempts since the last connection.
    attempt: u32,
    /// Attempts in a row to enter the room while a call is up.
    entering: u32,
    /// A number from 0 to 1 for the next wait.
    chance: f64,
}

impl Machine {
    pub(super) fn new(intervals: Intervals) -> Self {
        Self {
            intervals,
            signal: Signal::Away { until: 0 },
            call: Call::None { until: None },
            attempt: 0,
            entering: 0,
            chance: 1.0,
        }
    }

    /// Gives a new number from 0 to 1 for the waits that follow.
    pub(super) fn stir(&mut self, chance: f64) {
        self.chance = chance;
    }

    pub(super) fn attempt(&self) -> u32 {
        self.attempt
    }

    pub(super) fn role(&self) -> Option<Role> {
        match self.signal {
            Signal::In { role, .. } => Some(role),
            Signal::Away { .. } | Signal::Entering { .. } => None,
        }
    }

    /// When [`Self::tick`] is due.
    pub(super) fn next_tick(&self) -> u64 {
        let signal = match self.signal {
            Signal::Away { until } | Signal::Entering { until } => until,
            Signal::In { next_ping, .. } => next_ping,
        };
        let call = match self.call {
            Call::None { until } => until.unwrap_or(u64::MAX),
            Call::Calling { until, .. } => until,
            Call::Up(up) => up.next_ping.min(up.probe.map_or(u64::MAX, |probe| probe.until)),
        };
        signal.min(call)
    }

    /// The server gave a place in the room.
    pub(super) fn entered(&mut self, now: u64, role: Role) -> Vec<Action> {
        self.signal = Signal::In {
            role,
            heard: now,
            next_ping: now + millis(self.intervals.heartbeat),
        };
        self.entering = 0;
        if let Call::None { until } = &mut self.call {
            // Alone one may wait for ever; beside somebody an offer is due.
            *until = (role == Role::Answerer).then(|| now + millis(self.intervals.connecting));
        }
        vec![Action::Tell(LinkEvent::Role { role })]
    }

    /// Anything came from the signaling server.
    pub(super) fn heard_server(&mut self, now: u64) {
        if let Signal::In { heard, .. } = &mut self.signal {
            *heard = now;
        }
    }

    /// There is no connection to the signaling server, or none any more.
    pub(super) fn signal_lost(&mut self, now: u64, problem: Option<String>) -> Vec<Action> {
        let mut actions = vec![Action::HangUp];
        if matches!(self.call, Call::Up(_)) {
            self.signal = Signal::Away {
                until: now + self.wait(self.entering),
            };
            self.entering = self.entering.saturating_add(1);
            return actions;
        }
        if let Some(message) = problem {
            actions.push(Action::Tell(LinkEvent::Error { message }));
        }
        actions.extend(disconnected("signaling-lost-before-p2p"));
        self.retry(now, &mut actions);
        actions
    }

    /// Somebody came into the room.
    pub(super) fn peer_joined(&mut self, now: u64, pulse: Pulse) -> Vec<Action> {
        let mut actions = Vec::new();
        match self.call {
            Call::Up(_) if pulse.beats => self.probe(now, Then::Offer, pulse, &mut actions),
            Call::Up(_) => {
                actions.extend([Action::DropCall, Action::Release]);
                actions.extend(disconnected("peer-left"));
                self.call_with_offer(now, &mut actions);
            }
            Call::None { .. } => self.call_with_offer(now, &mut actions),
            Call::Calling { .. } => {
                actions.push(Action::DropCall);
                self.call_with_offer(now, &mut actions);
            }
        }
        actions
    }

    /// The other one left the room.
    pub(super) fn peer_left(&mut self, now: u64, pulse: Pulse) -> Vec<Action> {
        let mut actions = Vec::new();
        match &mut self.call {
            Call::Up(_) if pulse.beats => self.probe(now, Then::Reenter, pulse, &mut actions),
            Call::Up(up) => up.left = true,
            Call::None { .. } | Call::Calling { .. } => {
                // A server may have forgotten the one who is left, so that the next one comes into an empty room.
                actions.extend([Action::DropCall, Action::HangUp]);
                self.call = Call::None { until: None };
                self.signal = Signal::Away {
                    until: now + self.wait(0),
                };
            }
        }
        actions
    }

    /// The other side sent an offer. `is_same` says that it comes from the session that the call is with.
    pub(super) fn offered(&mut self, now: u64, is_same: bool, awaits_answer: bool, pulse: Pulse) -> Vec<Action> {
        let mut actions = Vec::new();
        match self.call {
            Call::Calling { .. } | Call::Up(_) if is_same => actions.push(Action::Renegotiate),
            // Both called at one time: one of the two offers has to give way.
            Call::Calling { offered: true, .. } if awaits_answer && self.role() == Some(Role::Offerer) => {}
            Call::None { .. } => self.call_with_answer(now, &mut actions),
            Call::Calling { .. } => {
                actions.push(Action::DropCall);
                self.call_with_answer(now, &mut actions);
            }
            Call::Up(_) if pulse.beats => {
                actions.push(Action::Hold);
                self.probe(now, Then::Answer, pulse, &mut actions);
            }
            Call::Up(_) => {
                actions.push(Action::DropCall);
                actions.extend(disconnected("peer-left"));
                self.call_with_answer(now, &mut actions);
            }
        }
        actions
    }

    /// The first handshake came: the call is up.
    pub(super) fn call_up(&mut self, now: u64) {
        self.attempt = 0;
        self.call = Call::Up(Up {
            next_ping: now + millis(self.intervals.heartbeat),
            pings_in_vain: 0,
            probe: None,
            left: false,
        });
    }

    /// The path is disturbed; whether that is the end shows later, unless the peer is known to have left.
    pub(super) fn disturbed(&mut self, now: u64) -> Vec<Action> {
        match self.call {
            Call::Up(Up { left: true, .. }) => self.call_down(now, "peer-left", false),
            _ => Vec::new(),
        }
    }

    /// The call ended, or did not come about; `is_told` says that the user knows why it did not.
    pub(super) fn call_down(&mut self, now: u64, reason: &str, is_told: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        match self.call {
            Call::None { .. } => return actions,
            Call::Calling { .. } => {
                actions.push(Action::DropCall);
                if !is_told {
                    let message = "no path to the peer was found; a TURN relay may help".to_owned();
                    actions.push(Action::Tell(LinkEvent::Error { message }));
                }
                self.retry(now, &mut actions);
            }
            Call::Up(up) => self.lose(now, reason, up.probe.map(|probe| probe.then), &mut actions),
        }
        actions
    }

    /// A call could not begin, because of what the other side sent or because nothing works here.
    pub(super) fn call_failed(&mut self, now: u64, message: String) -> Vec<Action> {
        self.call = Call::None {
            until: Some(now + millis(self.intervals.connecting)),
        };
        vec![Action::Tell(LinkEvent::Error { message })]
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: u64, pulse: Pulse) -> Vec<Action> {
        let mut actions = Vec::new();
        self.tick_call(now, pulse, &mut actions);
        match &mut self.signal {
            Signal::Away { until } if *until <= now => {
                self.signal = Signal::Entering {
                    until: now + millis(self.intervals.signaling),
                };
                actions.push(Action::Dial);
            }
            Signal::Entering { until } if *until <= now => {
                actions.extend(self.signal_lost(now, Some("Signaling: no answer".to_owned())));
            }
            Signal::In { heard, next_ping, .. } if *next_ping <= now => {
                let silence = now.saturating_sub(*heard);
                *next_ping = now + millis(self.intervals.heartbeat);
                if silence > 2 * millis(self.intervals.heartbeat) {
                    actions.extend(self.signal_lost(now, Some("Signaling: the server is silent".to_owned())));
                } else {
                    actions.push(Action::PingServer);
                }
            }
            _ => {}
        }
        actions
    }

    fn tick_call(&mut self, now: u64, pulse: Pulse, actions: &mut Vec<Action>) {
        match &mut self.call {
            Call::None { until } if until.is_some_and(|until| until <= now) => {
                actions.push(Action::Tell(LinkEvent::TimedOut));
                self.retry(now, actions);
            }
            Call::Calling { until, .. } if *until <= now => {
                actions.extend([Action::DropCall, Action::Tell(LinkEvent::TimedOut)]);
                self.retry(now, actions);
            }
            Call::None { .. } | Call::Calling { .. } => {}
            Call::Up(up) => {
                if let Some(probe) = up.probe.filter(|probe| probe.until <= now) {
                    up.probe = None;
                    if pulse.words == probe.words {
                        return self.lose(now, "peer-left", Some(probe.then), actions);
                    }
                    actions.push(Action::Release);
                }
                if pulse.beats && now.saturating_sub(pulse.heard) > millis(self.intervals.silence) {
                    return self.lose(now, "heartbeat-timeout", None, actions);
                }
                if up.next_ping <= now {
                    up.next_ping = now + millis(self.intervals.heartbeat);
                    if pulse.beats || up.pings_in_vain < PINGS_IN_VAIN {
                        up.pings_in_vain = if pulse.beats { 0 } else { up.pings_in_vain + 1 };
                        actions.push(Action::Ping);
                    }
                }
            }
        }
    }

    fn probe(&mut self, now: u64, then: Then, pulse: Pulse, actions: &mut Vec<Action>) {
        if let Call::Up(up) = &mut self.call {
            let begun = up.probe;
            up.probe = Some(Probe {
                words: begun.map_or(pulse.words, |probe| probe.words),
                until: begun.map_or(now + millis(self.intervals.probe), |probe| probe.until),
                then,
            });
            if begun.is_none() {
                actions.push(Action::Ping);
            }
        }
    }

    fn lose(&mut self, now: u64, reason: &str, then: Option<Then>, actions: &mut Vec<Action>) {
        actions.push(Action::DropCall);
        actions.extend(disconnected(reason));
        match then {
            Some(Then::Offer) if self.role().is_some() => {
                actions.push(Action::Release);
                self.call_with_offer(now, actions);
            }
            Some(Then::Answer) if self.role().is_some() => self.call_with_answer(now, actions),
            _ => {
                actions.push(Action::Release);
                self.retry(now, actions);
            }
        }
    }

    fn call_with_offer(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.call = Call::Calling {
            until: now + millis(self.intervals.connecting),
            offered: true,
        };
        actions.push(Action::Offer);
    }

    fn call_with_answer(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.call = Call::Calling {
            until: now + millis(self.intervals.connecting),
            offered: false,
        };
        actions.push(Action::Answer);
    }

    /// Leaves the room and enters it again after a wait, unless that was tried often enough.
    fn retry(&mut self, now: u64, actions: &mut Vec<Action>) {
        self.call = Call::None { until: None };
        self.attempt = self.attempt.saturating_add(1);
        if self.intervals.give_up_after.is_some_and(|most| self.attempt > most) {
            let attempts = self.attempt - 1;
            actions.extend([Action::Tell(LinkEvent::GaveUp { attempts }), Action::Close]);
            return;
        }
        let attempt = self.attempt;
        actions.extend([Action::HangUp, Action::Tell(LinkEvent::Reconnecting { attempt })]);
        self.signal = Signal::Away {
            until: now + self.wait(attempt - 1),
        };
    }

    fn wait(&self, attempt: u32) -> u64 {
        millis(self.intervals.reconnect.delay(attempt, self.chance))
    }
}

fn disconnected(reason: &str) -> [Action; 1] {
    [Action::Tell(LinkEvent::Disconnected {
        reason: reason.to_owned(),
    })]
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
