//! What a client does to keep followed rooms and direct messages complete, over one connection after the other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::items::{Buffer, removal_of};
use super::positions::{FollowResult, Position, Positions, Resumed};
use super::queue::EventQueue;
use super::results::Authenticated;
use super::streams::{Reader, Source, Stream, Target};
use super::{ClientError, Event, RpcError};

/// The event that tells that a room, or direct messages, cannot be followed any longer: `{roomId?, code, message}`.
pub const UNFOLLOWED: &str = "client.unfollowed";

/// Rooms that `auth` is asked to resume, so that it stays within what a server reads before it.
const RESUMED_ROOMS: usize = 400;

/// The refusal of what concerns a room that is not there or was deleted.
const NO_SUCH_ROOM: i64 = 4010;

/// How long to wait before a server that could not follow is asked again, if it does not say.
const PAUSE: Duration = Duration::from_millis(200);

/// What a client follows; shared by its handle, its task and its iterations.
pub(super) struct Following {
    state: Mutex<State>,
    /// The server must be asked for something.
    wanted: Notify,
}

struct State {
    streams: BTreeMap<Source, Stream>,
    events: Arc<EventQueue>,
    /// When a request that the server could not serve is to be made again.
    retry_at: Option<Instant>,
    own_id: String,
    /// The database of the latest server; none when it does not say one.
    epoch: Option<String>,
    count: u64,
    ended: bool,
    /// Why, if it was for good.
    error: Option<ClientError>,
}

/// A request to be made, whose answer comes in order with the events.
pub(super) struct Ask {
    pub(super) id: String,
    pub(super) method: &'static str,
    pub(super) params: Value,
}

/// What becomes of an event besides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sorted {
    /// It belongs among the client's events.
    ForAll,
    /// It does not.
    Done,
}

impl Following {
    pub(super) fn new(positions: &Positions, events: Arc<EventQueue>) -> Self {
        let mut streams = BTreeMap::new();
        let rooms = positions.rooms.iter().map(|(id, at)| (Some(id.clone()), at));
        for (source, position) in rooms.chain(positions.direct.as_ref().map(|at| (None, at))) {
            let mut stream = Stream::new(source.clone());
            stream.stored = Some(position.clone());
            streams.insert(source, stream);
        }
        Self {
            state: Mutex::new(State {
                streams,
                events,
                retry_at: None,
                own_id: String::new(),
                epoch: None,
                count: 0,
                ended: false,
                error: None,
            }),
            wanted: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, and the state is whole after every operation.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn positions(&self) -> Positions {
        let state = self.lock();
        let mut positions = Positions::default();
        for (source, stream) in &state.streams {
            match (source, stream.position()) {
                (Some(room), Some(position)) => drop(positions.rooms.insert(room.clone(), position)),
                (None, position) => positions.direct = position,
                (Some(_), None) => {}
            }
        }
        positions
    }

    /// Whether the server knows idempotency keys: those that do say an epoch.
    pub(super) fn server_knows_keys(&self) -> bool {
        self.lock().epoch.is_some()
    }

    // Readers

    /// Begins an iteration.
    pub(super) fn read(&self, source: &Source, since: Option<Position>, capacity: usize) -> Arc<Buffer> {
        let mut state = self.lock();
        let (ended, error) = (state.ended, state.error.clone());
        let stream = state.stream(source);
        let since = since.or_else(|| stream.stored.clone());
        let buffer = Arc::new(Buffer::new(since.clone(), capacity));
        if ended {
            buffer.end(error);
        } else {
            let target = Target::Buffer(Arc::clone(&buffer));
            stream.readers.push(Reader::new(since, target));
        }
        drop(state);
        self.check(source);
        buffer
    }

    /// Has what is followed told among the client's events. The answer comes when the server has given it.
    pub(super) fn follow(
        &self,
        source: &Source,
        since: Option<Position>,
    ) -> oneshot::Receiver<Result<FollowResult, ClientError>> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.lock();
        if state.ended {
            // The answer of a client that was closed is that there is none.
            drop(state.error.clone().map(|error| answer.send(Err(error))));
            return answered;
        }
        let target = Target::Events(Arc::clone(&state.events));
        let stream = state.stream(source);
        let earlier = stream.readers.iter().any(Reader::is_for_events);
        let since = since.or_else(|| stream.stored.clone().filter(|_| !earlier));
        stream.readers.retain(|reader| !reader.is_for_events());
        stream.readers.push(Reader::new(since, target));
        stream.waiting.push(answer);
        // Asked for anew in any case, since the caller waits for an answer.
        stream.follow_again();
        drop(state);
        self.wanted.notify_one();
        answered
    }

    /// Ends an iteration.
    pub(super) fn remove(&self, source: &Source, buffer: &Arc<Buffer>) {
        self.lock().stream(source).remove(|reader| reader.reads_into(buffer));
    }

    /// An event was handed out.
    pub(super) fn handed_out(&self, source: &Source, position: &Position) {
        let mut state = self.lock();
        let readers = state.stream(source).readers.iter_mut();
        for reader in readers.filter(|reader| reader.is_for_events()) {
            reader.done = Some(position.clone());
        }
    }

    /// Follows if somebody lacks something.
    pub(super) fn check(&self, source: &Source) {
        if self.lock().stream(source).needs_to_follow() {
            self.wanted.notify_one();
        }
    }

    /// There is room again among the client's events.
    pub(super) fn room_among_events(&self) {
        let state = self.lock();
        if state.streams.values().any(Stream::needs_to_follow) {
            self.wanted.notify_one();
        }
    }

    /// The room may have been lost: the server knows.
    pub(super) fn recheck(&self, room: &str) {
        if let Some(stream) = self.lock().streams.get_mut(&Some(room.to_owned())) {
            stream.follow_again();
        }
        self.wanted.notify_one();
    }

    // Connections

    /// What `auth` is asked to go on with, as params of it.
    pub(super) fn resume_params(&self) -> Map<String, Value> {
        let mut state = self.lock();
        let (mut params, mut rooms) = (Map::new(), Map::new());
        for (source, stream) in &mut state.streams {
            stream.lost();
            let Some(position) = stream.earliest() else { continue };
            match source {
                None => drop(params.insert("resumeDirect".to_owned(), json!(position))),
                Some(room) if rooms.len() < RESUMED_ROOMS => drop(rooms.insert(room.clone(), json!(position))),
                // Followed afterwards.
                Some(_) => {}
            }
        }
        if !rooms.is_empty() {
            params.insert("resume".to_owned(), Value::Object(rooms));
        }
        params
    }

    /// A new connection, before its first event; `asked` is what `auth` was asked with.
    pub(super) fn adopt(&self, authenticated: &Authenticated, asked: &Map<String, Value>) {
        let mut state = self.lock();
        state.own_id.clone_from(&authenticated.agent_id);
        if state.epoch != authenticated.epoch {
            state.streams.values_mut().for_each(Stream::other_epoch);
        }
        state.epoch.clone_from(&authenticated.epoch);
        let rooms = asked.get("resume").and_then(Value::as_object).into_iter().flatten();
        let rooms = rooms.map(|(room, since)| (Some(room.clone()), since, authenticated.resumed.get(room)));
        let direct = asked.get("resumeDirect");
        let direct = direct.map(|since| (None, since, authenticated.resumed_direct.as_ref()));
        for (source, since, resumed) in rooms.chain(direct) {
            let since = Position::deserialize(since).ok();
            match resumed {
                Some(Resumed::Followed(result)) => {
                    let stream = state.stream(&source);
                    stream.answered(since.as_ref(), result);
                    stream.tell_waiting(result);
                }
                Some(Resumed::Refused { error }) if !error.is_retryable() => state.fail(&source, error),
                Some(Resumed::Refused { .. }) | None => {}
            }
        }
        drop(state);
        self.wanted.notify_one();
    }

    /// The client has ended, for good if there is an error.
    pub(super) fn end(&self, error: Option<&ClientError>) {
        let mut state = self.lock();
        if !state.ended {
            (state.ended, state.error) = (true, error.cloned());
        }
        for stream in state.streams.values_mut() {
            for waiting in stream.waiting.drain(..) {
                drop(error.cloned().map(|error| waiting.send(Err(error))));
            }
            for reader in stream.remove(|reader| !reader.is_for_events()) {
                if let Target::Buffer(buffer) = reader.target {
                    buffer.end(error.cloned());
                }
            }
        }
    }

    // The task that owns the connection

    /// Waits until there may be something in [`Following::asks`]. Safe to cancel.
    pub(super) async fn wanted(&self) {
        let retry_at = self.lock().retry_at;
        match retry_at {
            Some(time) => tokio::select! {
                () = self.wanted.notified() => {}
                () = tokio::time::sleep_until(time) => {}
            },
            None => self.wanted.notified().await,
        }
    }

    /// What the server must be asked for now.
    pub(super) fn asks(&self) -> Vec<Ask> {
        let mut guard = self.lock();
        let State {
            streams,
            count,
            retry_at,
            ..
        } = &mut *guard;
        let (now, mut asks) = (Instant::now(), Vec::new());
        *retry_at = None;
        for stream in streams.values_mut() {
            if !stream.needs_to_follow() {
                continue;
            }
            if let Some(time) = stream.not_before.filter(|time| *time > now) {
                *retry_at = Some(retry_at.map_or(time, |earlier| earlier.min(time)));
                continue;
            }
            *count += 1;
            let (id, since) = (count.to_string(), stream.since());
            let (method, params) = stream.request(since.as_ref());
            stream.asked = Some((id.clone(), since));
            stream.not_before = None;
            asks.push(Ask { id, method, params });
        }
        asks
    }

    /// The server has answered an [`Ask`].
    pub(super) fn answered(&self, id: &str, answer: Result<Value, RpcError>) {
        let mut state = self.lock();
        let is_asked = |stream: &&mut Stream| stream.asked.as_ref().is_some_and(|(asked, _)| asked == id);
        // An answer that nobody waits for was overtaken by another request.
        let Some(stream) = state.streams.values_mut().find(is_asked) else {
            return;
        };
        let Some((_, since)) = stream.asked.take() else { return };
        let answer = answer.and_then(|result| {
            FollowResult::deserialize(result).map_err(|problem| RpcError {
                code: -32603,
                message: format!("the answer is not understood: {problem}"),
                data: None,
            })
        });
        match answer {
            Ok(result) => {
                stream.answered(since.as_ref(), &result);
                if std::mem::take(&mut stream.again) {
                    stream.cursor = None;
                } else {
                    stream.tell_waiting(&result);
                }
            }
            Err(error) if error.is_retryable() => {
                stream.not_before = Some(Instant::now() + error.retry_after().unwrap_or(PAUSE));
            }
            Err(error) => {
                let source = stream.source().clone();
                state.fail(&source, &error);
            }
        }
        drop(state);
        self.wanted.notify_one();
    }

    /// Sorts an event of the server in.
    pub(super) fn take(&self, event: &Event) -> Sorted {
        let room = event.params.get("roomId").and_then(Value::as_str);
        match (event.method.as_str(), room) {
            ("message.removed", Some(room)) => self.take_removal(event, room),
            ("kicked" | "room.deleted", Some(room)) => self.recheck(room),
            _ => {}
        }
        let Some(place) = place_of(event) else {
            return Sorted::ForAll;
        };
        let mut state = self.lock();
        let own_id = state.own_id.clone();
        let Some(stream) = state.streams.get_mut(&place.source) else {
            return Sorted::ForAll;
        };
        let is_for_all = if let Some(resumes_from) = place.resumes_from {
            stream.missed(place.seq, resumes_from);
            stream.readers.is_empty()
        } else {
            stream.shown(event, place.seq);
            stream.is_for_all(place.seq, place.sender == Some(&own_id))
        };
        let is_followed = stream.readers.iter().any(Reader::is_for_events);
        if stream.needs_to_follow() {
            self.wanted.notify_one();
        }
        if is_for_all && !is_followed {
            Sorted::ForAll
        } else {
            Sorted::Done
        }
    }

    fn take_removal(&self, event: &Event, room: &str) {
        let Some(removal) = removal_of(&event.params) else {
            return;
        };
        for (source, stream) in &self.lock().streams {
            // A removed direct message is said to be in the lobby.
            if source.as_ref().is_some_and(|source| source != room) {
                continue;
            }
            for reader in &stream.readers {
                if let Target::Buffer(buffer) = &reader.target {
                    buffer.put_removal(removal.clone());
                }
            }
        }
    }
}

impl State {
    fn stream(&mut self, source: &Source) -> &mut Stream {
        self.streams
            .entry(source.clone())
            .or_insert_with(|| Stream::new(source.clone()))
    }

    /// Nobody can follow it any longer.
    fn fail(&mut self, source: &Source, error: &RpcError) {
        let stream = self.stream(source);
        let is_told = stream.waiting.is_empty();
        for waiting in stream.waiting.drain(..) {
            drop(waiting.send(Err(ClientError::Rpc(error.clone()))));
        }
        let readers = stream.remove(|_| true);
        if error.code == NO_SUCH_ROOM {
            // A position there is worth nothing, and would be carried along for ever.
            stream.stored = None;
        }
        for reader in readers {
            match reader.target {
                Target::Buffer(buffer) => buffer.end(Some(ClientError::Rpc(error.clone()))),
                // Who waits for the answer knows already.
                Target::Events(queue) if is_told => {
                    let params = json!({"roomId": source, "code": error.code, "message": error.message});
                    let event = Event {
                        method: UNFOLLOWED.to_owned(),
                        params,
                    };
                    queue.put(event, None);
                }
                Target::Events(_) => {}
            }
        }
    }
}

/// Where an event lies.
struct Place<'a> {
    source: Source,
    seq: u64,
    sender: Option<&'a str>,
    /// Set for a reset: everything from `seq` up to it is missing.
    resumes_from: Option<u64>,
}

fn place_of(event: &Event) -> Option<Place<'_>> {
    let params = &event.params;
    let text = |value: &'static str| params.get(value).and_then(Value::as_str);
    let number = |name| params.get(name).and_then(Value::as_u64);
    match event.method.as_str() {
        "message" => Some(Place {
            source: Some(text("roomId")?.to_owned()),
            seq: params.get("message")?.get("seq")?.as_u64()?,
            sender: params.get("message")?.get("senderId").and_then(Value::as_str),
            resumes_from: None,
        }),
        "dm" => Some(Place {
            source: None,
            seq: number("seq")?,
            sender: text("fromAgentId"),
            resumes_from: None,
        }),
        "reset" => Some(Place {
            source: text("roomId").map(str::to_owned),
            seq: number("missedFrom")?,
            sender: None,
            resumes_from: Some(number("resumesFrom")?),
        }),
        _ => None,
    }
}
