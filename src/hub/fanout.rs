//! Answers and tells what was committed, in the order of the commits.
//!
//! One thread at a time does it, so every receiver gets events in one order. It never waits for a socket: links take what
//! they can and queue the rest.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::act::{Audience, Caller, Effect, Except, Opened, Post};
use super::deliveries::Deliveries;
use super::directory::Members;
use super::feed::{Feed, Source};
use super::job::Job;
use super::link::{Encode, Flushes};
use super::news::News;
use super::present::Present;
use super::run::Run;
use crate::domain::{AgentNumber, EndReason, Event, KeyScope, Refusal, SessionId, StreamNumber, Topic};
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
    /// It is told nothing that is outside.
    scope: KeyScope,
    feed: Arc<Feed>,
}

impl Target {
    /// Whether it is told what `audience` is told about `topic`.
    fn is_told(&self, audience: &Audience, topic: Topic) -> bool {
        audience.has(self.agent) && self.scope.admits(topic)
    }
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
    /// At most one of the two holds something: what comes later than the other is told later.
    run: Pending,
    news: News,
    flushes: Flushes,
}

impl Fanout {
    pub(super) fn new(encode: Encode, metrics: Metrics, deliveries: Arc<Deliveries>) -> Self {
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
            news: News::default(),
            flushes: Flushes::default(),
        }
    }

    /// Answers and tells a group of acts; what can be told together with the next group waits for [`Fanout::flush`].
    pub(super) fn settle(&mut self, group: Vec<Settled>) {
        for settled in group {
            self.settle_one(settled);
        }
    }

    /// Tells what waits, and sends everything.
    pub(super) fn flush(&mut self) {
        self.show_run();
        self.tell_news();
        self.flushes.flush();
    }

    /// How many sessions, about, are told something of a group.
    pub(super) fn receivers(&self, group: &[Settled]) -> usize {
        let effects = group.iter().flat_map(|settled| &settled.job.effects);
        let receivers = effects.map(|effect| match effect {
            Effect::Tell(audience, ..) | Effect::Show(audience, _) => match audience {
                Audience::Everyone => self.sessions.len(),
                Audience::Members(_, members) => members.len(),
                Audience::Agents(agents) => agents.len(),
            },
            Effect::Greet(..) => self.sessions.len(),
            _ => 1,
        });
        receivers.sum()
    }

    fn settle_one(&mut self, mut settled: Settled) {
        let effects = std::mem::take(&mut settled.job.effects);
        if let Some(audience) = shown_to(&effects) {
            if !self.run.takes(audience) {
                self.show_run();
            }
            // Answered where it stands in the run: after what was said before, and before what is said after.
            self.run.answer(settled);
            for effect in effects {
                self.take(effect);
            }
            return;
        }
        self.show_run();
        if !effects.iter().all(is_coming_or_going) {
            self.tell_news();
        }
        // Those who lose something have lost it before the one who asked for it hears that it is done.
        let (endings, rest): (Vec<Effect>, Vec<Effect>) = effects
            .into_iter()
            .partition(|effect| matches!(effect, Effect::End(..) | Effect::Lose(..)));
        for effect in endings {
            self.take(effect);
        }
        settled.job.finish(settled.refusal, &mut self.flushes);
        for effect in rest {
            self.take(effect);
        }
    }

    fn take(&mut self, effect: Effect) {
        match effect {
            // What can be shown together with what follows waits for it.
            Effect::Show(audience, post) => {
                self.tell_news();
                if !self.run.takes(&audience) {
                    self.show_run();
                }
                return self.run.add(audience, post);
            }
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
        match &effect {
            Effect::Tell(Audience::Everyone, Except::Agent(agent), event @ Event::Presence { .. }) => {
                if self.news.is_full() {
                    self.tell_news();
                }
                return self.news.add(*agent, &(self.encode)(event));
            }
            effect if is_coming_or_going(effect) => {}
            _ => self.tell_news(),
        }
        match effect {
            Effect::Show(..) | Effect::Stored | Effect::Retired(_) => {}
            Effect::Tell(audience, except, event) => self.tell(&audience, except, &event),
            Effect::Rename(agent, sessions, presence) => {
                let renamed = (self.encode)(&presence);
                for session in sessions {
                    self.present.rename(agent, session, &renamed);
                }
            }
            Effect::Greet(session, agent) => self.greet(session, agent),
            Effect::Lose(room, agent) => self.lose(Source::Room(room), agent),
            Effect::Open(opened) => self.open(opened),
            Effect::Close(session) => {
                self.forget(session);
            }
            Effect::End(session, reason) => self.end(session, &reason),
        }
    }

    fn open(&mut self, opened: Opened) {
        let Opened {
            session,
            agent,
            scope,
            feed,
            presence,
        } = opened;
        self.version += 1;
        self.present.open(agent, session, (self.encode)(&presence));
        if !self.news.is_empty() {
            self.news.came(session);
        }
        feed.open(Caller::Session { session, agent });
        self.deliveries.open(session, agent, &feed);
        let target = Target {
            session,
            agent,
            scope,
            feed,
        };
        self.sessions.insert(session, target);
        self.by_agent.entry(agent).or_default().push(session);
    }

    fn forget(&mut self, session: SessionId) -> Option<Target> {
        let target = self.sessions.remove(&session)?;
        self.deliveries.close(session, target.agent);
        self.present.close(target.agent, session);
        self.version += 1;
        // What is resolved is void with the version. Kept, it would hold the sockets of those who left, in every room that
        // stays quiet.
        self.rooms.clear();
        if let Some(open) = self.by_agent.get_mut(&target.agent) {
            open.retain(|other| *other != session);
            if open.is_empty() {
                self.by_agent.remove(&target.agent);
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
        let changed = match event {
            Event::MessageRemoved { is_direct: true, .. } => Some(Source::Mailbox),
            Event::MessageRemoved { message, .. } => Some(Source::Room(message.row.stream())),
            _ => None,
        };
        self.each(audience, event.topic(), |target, flushes| {
            if let Some(source) = changed {
                target.feed.reread(source);
            }
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
        let Some(target) = self.sessions.get(&session) else {
            return;
        };
        let mut flush = false;
        for piece in self.present.greeting(agent) {
            flush |= target.feed.link().push(&piece);
        }
        if flush {
            self.flushes.add(Arc::clone(target.feed.link()));
        }
        self.metrics.events_delivered.inc_by(self.present.others(agent));
    }

    /// Tells everybody who came and went.
    fn tell_news(&mut self) {
        if self.news.is_empty() {
            return;
        }
        let news = self.news.take();
        let mut delivered = 0;
        self.each(&Audience::Everyone, Topic::Neither, |target, flushes| {
            for (bytes, count) in news.pieces(target.session, target.agent) {
                delivered += count;
                if target.feed.link().push(&bytes) {
                    flushes.add(Arc::clone(target.feed.link()));
                }
            }
        });
        self.metrics.events_delivered.inc_by(delivered);
    }

    /// Shows the run to everybody, and answers those who sent it in between.
    fn show_run(&mut self) {
        let Pending {
            audience,
            posts,
            answers,
            bytes: _,
        } = std::mem::take(&mut self.run);
        let (Some(audience), Some(first)) = (&audience, posts.first()) else {
            return;
        };
        // All of it lies in one source, so the first says for all what it is about.
        let topic = first.event.topic();
        let encode = Arc::clone(&self.encode);
        let run = Run::new(&posts, &encode);
        let mut early: HashMap<SessionId, usize> = HashMap::new();
        let mut delivered = 0;
        for (place, Settled { job, refusal }) in answers {
            let sender = job.session().and_then(|session| self.sessions.get(&session));
            if let Some(target) = sender.filter(|target| place > 0 && target.is_told(audience, topic)) {
                let shown = early.insert(target.session, place).unwrap_or(0);
                delivered += offer(&run, shown..place, target, &mut self.flushes);
            }
            job.finish(refusal, &mut self.flushes);
        }
        let last = posts.len();
        self.each(audience, topic, |target, flushes| {
            let shown = early.get(&target.session).copied().unwrap_or(0);
            delivered += offer(&run, shown..last, target, flushes);
        });
        self.metrics.events_delivered.inc_by(delivered);
    }

    /// Runs `act` for every session of an audience whose scope `topic` is in.
    fn each(&mut self, audience: &Audience, topic: Topic, mut act: impl FnMut(&Target, &mut Flushes)) {
        let flushes = &mut self.flushes;
        let act = |target: &Target| {
            if target.scope.admits(topic) {
                act(target, flushes);
            }
        };
        match audience {
            Audience::Everyone => self.sessions.values().for_each(act),
            Audience::Agents(agents) => agents
                .iter()
                .filter_map(|agent| self.by_agent.get(agent))
                .flatten()
                .filter_map(|session| self.sessions.get(session))
                .for_each(act),
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
                resolved.targets.iter().for_each(act);
            }
        }
    }
}

/// Offers a part of a run to a session: how many events it took.
fn offer(run: &Run<'_>, part: Range<usize>, target: &Target, flushes: &mut Flushes) -> u64 {
    let shown = target.feed.offer(run, part, target.agent);
    if shown.flush {
        flushes.add(Arc::clone(target.feed.link()));
    }
    shown.count
}

/// Whether it leaves news waiting for more: a newcomer is told by its greeting what happened before, and who goes is told
/// nothing more.
fn is_coming_or_going(effect: &Effect) -> bool {
    match effect {
        Effect::Tell(Audience::Everyone, Except::Agent(_), event) => matches!(event, Event::Presence { .. }),
        Effect::Open(_) | Effect::Greet(..) | Effect::Close(_) => true,
        _ => false,
    }
}

/// Who is shown what follows from an act, if it is nothing but stored events for the same receivers.
fn shown_to(effects: &[Effect]) -> Option<&Audience> {
    let mut audience = None;
    for effect in effects {
        match effect {
            Effect::Stored | Effect::Retired(_) => {}
            Effect::Show(shown_to, _) if audience.is_none() => audience = Some(shown_to),
            _ => return None,
        }
    }
    audience
}

/// Stored events of one source that wait to be shown together, and who is answered at which place among them.
#[derive(Default)]
struct Pending {
    audience: Option<Audience>,
    posts: Vec<Post>,
    /// What they say.
    bytes: usize,
    answers: Vec<(usize, Settled)>,
}

impl Pending {
    /// Whether what goes to `audience` can be shown together with the rest.
    fn takes(&self, audience: &Audience) -> bool {
        match (&self.audience, audience) {
            (None, _) => true,
            (Some(Audience::Members(room, members)), Audience::Members(other, others)) => {
                room == other && Arc::ptr_eq(members, others) && !Run::is_full(self.posts.len(), self.bytes)
            }
            _ => false,
        }
    }

    fn add(&mut self, audience: Audience, post: Post) {
        self.audience.get_or_insert(audience);
        self.bytes += post.event.content_bytes();
        self.posts.push(post);
    }

    fn answer(&mut self, settled: Settled) {
        self.answers.push((self.posts.len(), settled));
    }
}
