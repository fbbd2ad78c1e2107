//! Answers and tells what was committed, in the order of the commits, on a thread of its own.
//!
//! Being one thread, it needs no lock for who is online, and every receiver gets events in one order. It never waits for
//! a socket: links take what they can and queue the rest.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio_util::sync::CancellationToken;

use super::act::{Audience, Caller, Effect, Except, Job, Post};
use super::deliveries::Deliveries;
use super::directory::Members;
use super::feed::{Feed, Source};
use super::link::{Encode, Flushes};
use super::present::Present;
use super::run::Run;
use crate::domain::{AgentNumber, EndReason, Event, Refusal, SessionId, StreamNumber};
use crate::runtime::metrics::Metrics;

/// A decided act whose fate is known.
pub(super) struct Settled {
    pub job: Job,
    /// Set when it was not saved.
    pub refusal: Option<Refusal>,
}

/// A session that is live.
#[derive(Clone)]
struct Target {
    session: SessionId,
    agent: AgentNumber,
    feed: Arc<Feed>,
}

/// The sessions of a room's members, valid for one state of both.
struct Resolved {
    members: Arc<Members>,
    sessions_version: u64,
    targets: Vec<Target>,
}

/// Tells events to links.
pub(super) struct Fanout {
    encode: Encode,
    metrics: Metrics,
    sessions: HashMap<SessionId, Target>,
    by_agent: HashMap<AgentNumber, Vec<SessionId>>,
    /// Counts the changes of `sessions`.
    version: u64,
    /// At most one entry a room; dropped with the room.
    rooms: HashMap<StreamNumber, Resolved>,
    present: Present,
    deliveries: Arc<Deliveries>,
    run: Pending,
    flushes: Flushes,
    /// Cancelled when nobody can be told anything any more.
    fatal: CancellationToken,
}

impl Drop for Fanout {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fatal.cancel();
        }
    }
}

impl Fanout {
    pub(super) fn new(encode: Encode, metrics: Metrics, deliveries: Arc<Deliveries>, fatal: CancellationToken) -> Self {
        Self {
            encode,
            metrics,
            sessions: HashMap::new(),
            by_agent: HashMap::new(),
            version: 0,
            rooms: HashMap::new(),
            present: Present::default(),
            deliveries,
            run: Pending::default(),
            flushes: Flushes::default(),
            fatal,
        }
    }

    /// Works until the writer has ended and everything it handed on is told.
    pub(super) fn run(mut self, settled: &Receiver<Vec<Settled>>) {
        while let Ok(group) = settled.recv() {
            for Settled { mut job, refusal } in group {
                let effects = std::mem::take(&mut job.effects);
                // Those who lose something have lost it before the one who asked for it hears that it is done.
                let (endings, rest): (Vec<Effect>, Vec<Effect>) = effects
                    .into_iter()
                    .partition(|effect| matches!(effect, Effect::End(..) | Effect::Lose(..)));
                for ending in endings {
                    self.take(ending);
                }
                if let Some(session) = job.session() {
                    // Whoever is answered has been shown what was said before.
                    self.show_early(session);
                }
                job.finish(refusal, &mut self.flushes);
                for effect in rest {
                    self.take(effect);
                }
            }
            self.show_run();
            self.flushes.flush();
        }
    }

    fn take(&mut self, effect: Effect) {
        match effect {
            // What can be shown together with what follows waits for it.
            Effect::Show(audience, post) => return self.show(audience, post),
            Effect::Stored => {
                self.metrics.messages_stored.inc();
                return;
            }
            Effect::Retired(count) => {
                self.metrics.messages_retired.inc_by(count as u64);
                return;
            }
            _ => self.show_run(),
        }
        match effect {
            Effect::Show(..) | Effect::Stored | Effect::Retired(_) => {}
            Effect::Tell(audience, except, event) => self.tell(&audience, except, &event),
            Effect::Arrive(agent, event) => {
                self.present.add(agent, (self.encode)(&event));
                self.tell(&Audience::Everyone, Except::Agent(agent), &event);
            }
            Effect::Greet(session, agent) => self.greet(session, agent),
            Effect::Lose(room, agent) => self.lose(Source::Room(room), agent),
            Effect::Open(session, agent, feed) => {
                self.version += 1;
                feed.open(Caller::Session { session, agent });
                self.deliveries.open(session, agent, &feed);
                self.sessions.insert(session, Target { session, agent, feed });
                self.by_agent.entry(agent).or_default().push(session);
            }
            Effect::Close(session) => {
                self.forget(session);
            }
            Effect::End(session, reason) => self.end(session, &reason),
        }
    }

    fn forget(&mut self, session: SessionId) -> Option<Target> {
        let target = self.sessions.remove(&session)?;
        self.deliveries.close(session, target.agent);
        self.version += 1;
        // What is resolved is void with the version. Kept, it would hold the sockets of those who left, in every room that
        // stays quiet.
        self.rooms.clear();
        if let Some(open) = self.by_agent.get_mut(&target.agent) {
            open.retain(|other| *other != session);
            if open.is_empty() {
                self.by_agent.remove(&target.agent);
                self.present.remove(target.agent);
            }
        }
        Some(target)
    }

    fn end(&mut self, session: SessionId, reason: &EndReason) {
        let Some(target) = self.forget(session) else { return };
        let event = Event::Disconnected { reason: reason.clone() };
        target.feed.link().end(&(self.encode)(&event), reason);
        target.feed.link().flush();
    }

    fn lose(&self, source: Source, agent: Option<AgentNumber>) {
        let lost = |target: &&Target| agent.is_none_or(|agent| target.agent == agent);
        self.sessions
            .values()
            .filter(lost)
            .for_each(|target| target.feed.forget(source));
    }

    fn tell(&mut self, audience: &Audience, except: Except, event: &Event) {
        let encode = Arc::clone(&self.encode);
        let (mut bytes, mut delivered) = (None, 0);
        self.each(audience, |target, flushes| {
            let left_out = match except {
                Except::Nobody => false,
                Except::Session(session) => target.session == session,
                Except::Agent(agent) => target.agent == agent,
            };
            if left_out {
                return;
            }
            delivered += 1;
            // Encoded for the first receiver, shared by all.
            if target.feed.link().push(bytes.get_or_insert_with(|| encode(event))) {
                flushes.add(Arc::clone(target.feed.link()));
            }
        });
        self.metrics.events_delivered.inc_by(delivered);
        if let Event::RoomDeleted { .. } = event {
            // Which number the deleted room had is not told here; forgetting all of them costs one look-up each.
            self.rooms.clear();
        }
    }

    fn greet(&mut self, session: SessionId, agent: AgentNumber) {
        let (greeting, count) = self.present.greeting(agent);
        if let Some(target) = self.sessions.get(&session)
            && count > 0
            && target.feed.link().push(&greeting)
        {
            self.flushes.add(Arc::clone(target.feed.link()));
        }
        self.metrics.events_delivered.inc_by(count);
    }

    /// Shows a stored event, together with what follows if that goes to the same members.
    fn show(&mut self, audience: Audience, post: Post) {
        if !self.run.takes(&audience) {
            self.show_run();
        }
        self.run.add(audience, post);
    }

    /// Shows the run so far to one session.
    fn show_early(&mut self, session: SessionId) {
        let Some(target) = self.sessions.get(&session) else {
            return;
        };
        let Some(audience) = &self.run.audience else { return };
        let belongs = match audience {
            Audience::Members(_, members) => members.contains_key(&target.agent),
            Audience::Agents(agents) => agents.contains(&target.agent),
            Audience::Everyone => false,
        };
        let shown = self.run.shown_to(session);
        if !belongs || shown == self.run.posts.len() {
            return;
        }
        let run = Run::new(&self.run.posts, &self.encode);
        let outcome = target.feed.offer(&run, shown, target.agent);
        self.metrics.events_delivered.inc_by(outcome.count);
        if outcome.flush {
            self.flushes.add(Arc::clone(target.feed.link()));
        }
        self.run.early.insert(session, self.run.posts.len());
    }

    /// Shows the run to everybody, as far as they were not shown it yet.
    fn show_run(&mut self) {
        let pending = std::mem::take(&mut self.run);
        let Some(audience) = &pending.audience else { return };
        let encode = Arc::clone(&self.encode);
        let run = Run::new(&pending.posts, &encode);
        let mut delivered = 0;
        self.each(audience, |target, flushes| {
            let outcome = target.feed.offer(&run, pending.shown_to(target.session), target.agent);
            delivered += outcome.count;
            if outcome.flush {
                flushes.add(Arc::clone(target.feed.link()));
            }
        });
        self.metrics.events_delivered.inc_by(delivered);
    }

    /// Runs `act` for every session of an audience.
    fn each(&mut self, audience: &Audience, mut act: impl FnMut(&Target, &mut Flushes)) {
        let flushes = &mut self.flushes;
        match audience {
            Audience::Everyone => self.sessions.values().for_each(|target| act(target, flushes)),
            Audience::Agents(agents) => agents
                .iter()
                .filter_map(|agent| self.by_agent.get(agent))
                .flatten()
                .filter_map(|session| self.sessions.get(session))
                .for_each(|target| act(target, flushes)),
            Audience::Members(room, members) => {
                let resolved = self.rooms.entry(*room).or_insert_with(|| Resolved {
                    members: Arc::default(),
                    sessions_version: u64::MAX,
                    targets: Vec::new(),
                });
                if resolved.sessions_version != self.version || !Arc::ptr_eq(&resolved.members, members) {
                    resolved.members = Arc::clone(members);
                    resolved.sessions_version = self.version;
                    resolved.targets = members
                        .keys()
                        .filter_map(|agent| self.by_agent.get(agent))
                        .flatten()
                        .filter_map(|session| self.sessions.get(session).cloned())
                        .collect();
                }
                resolved.targets.iter().for_each(|target| act(target, flushes));
            }
        }
    }
}

/// Stored events of one source that wait to be shown together.
#[derive(Default)]
struct Pending {
    audience: Option<Audience>,
    posts: Vec<Post>,
    /// How many of them were shown to a session before the others, because it was answered in between.
    early: HashMap<SessionId, usize>,
}

impl Pending {
    /// Whether what goes to `audience` can be shown together with the rest.
    fn takes(&self, audience: &Audience) -> bool {
        match (&self.audience, audience) {
            (None, _) => true,
            (Some(Audience::Members(room, members)), Audience::Members(other, others)) => {
                room == other && Arc::ptr_eq(members, others) && !Run::is_full(self.posts.len())
            }
            _ => false,
        }
    }

    fn add(&mut self, audience: Audience, post: Post) {
        self.audience.get_or_insert(audience);
        self.posts.push(post);
    }

    fn shown_to(&self, session: SessionId) -> usize {
        self.early.get(&session).copied().unwrap_or(0)
    }
}
