//! One agent that stays connected.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::following::Following;
use super::items::Items;
use super::methods::Methods;
use super::positions::{FollowResult, Position, Positions};
use super::queue::EventQueue;
use super::results::Authenticated;
use super::retry::{new_key, until_answered};
use super::streams::Source;
use super::supervisor::{State, Supervisor, connect};
use super::{ClientError, ClientOptions, Event};

/// The event that this client puts into the stream where its connection ended: `{code, reason, replaced?}`. Events may be
/// missing from here on, up to [`RECONNECTED`]. `replaced` is true when the agent had more sessions than the server allows
/// and this was its oldest: the client waits as after many attempts, and coming back pushes out the next oldest. Programs
/// that run at the same time are better agents of their own.
pub const DISCONNECTED: &str = "client.disconnected";

/// The event that this client puts into the stream where it is connected again; its params are the result of `auth`. What
/// happened in between is told of what is followed, and is in the rooms' histories otherwise.
pub const RECONNECTED: &str = "client.reconnected";

/// The parameter that makes a call safe to repeat.
const KEY: &str = "idempotencyKey";

/// One agent that stays connected until it is dropped or its key is refused.
pub struct Client {
    state: watch::Receiver<State>,
    events: Arc<EventQueue>,
    options: ClientOptions,
    following: Arc<Following>,
    /// Holds the supervisor; dropping the set ends it, and with it the connection.
    tasks: JoinSet<()>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Connects and authenticates. The first attempt is the only one here: an address that nobody serves is reported at
    /// once. From then on the client reconnects by itself.
    ///
    /// # Errors
    ///
    /// What connecting or `auth` failed with.
    pub async fn connect(options: ClientOptions) -> Result<Self, ClientError> {
        let (connection, authenticated, _) = connect(&options, &Map::new()).await?;
        let events = Arc::new(EventQueue::new(options.connect.event_capacity));
        let following = Arc::new(Following::new(&options.positions, Arc::clone(&events)));
        following.adopt(&authenticated, &Map::new());
        let (state_sender, state) = watch::channel(State::Connected {
            connection: Arc::clone(&connection),
            authenticated: Box::new(authenticated),
        });
        let supervisor = Supervisor {
            options: options.clone(),
            state: state_sender,
            events: Arc::clone(&events),
            following: Arc::clone(&following),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(supervisor.run(connection));
        Ok(Self {
            state,
            events,
            options,
            following,
            tasks,
        })
    }

    /// Reads everything of a room after `since`: messages, this agent's own included, each once and in order, across lost
    /// connections; removals; and resets, where something is missing. Without `since` it begins where the options
    /// say or where the last iteration over the room came to, else now. Returns when the server follows.
    ///
    /// Besides, the client's events go on as before. A program that does not read them loses nothing here, and sets
    /// `event_capacity` to 0 so that none are kept.
    ///
    /// # Errors
    ///
    /// [`ClientError::Rpc`] when the room may not be followed, [`ClientError::Timeout`] without an answer, and the reason
    /// when the client has ended.
    pub async fn room(&self, room_id: &str, since: Option<Position>) -> Result<Items, ClientError> {
        self.read(Some(room_id.to_owned()), since).await
    }

    /// The same for the direct messages that this agent sends and gets.
    ///
    /// # Errors
    ///
    /// As [`Client::room`].
    pub async fn direct(&self, since: Option<Position>) -> Result<Items, ClientError> {
        self.read(None, since).await
    }

    async fn read(&self, source: Source, since: Option<Position>) -> Result<Items, ClientError> {
        let buffer = self.following.read(&source, since, self.options.iteration_capacity);
        // Made first, so that the reading ends with it if this is given up.
        let items = Items {
            following: Arc::clone(&self.following),
            source,
            buffer,
        };
        let limit = self.options.connect.request_timeout;
        match timeout(limit, items.buffer.begun()).await {
            Ok(begun) => begun.map(|()| items),
            Err(_) => Err(ClientError::Timeout(limit)),
        }
    }

    /// Up to where events and items were handed out, for everything that was followed. Kept, and given to the next client
    /// of the agent as [`ClientOptions::positions`], it goes on where this one stopped. Read it when what was handed out
    /// last is dealt with.
    #[must_use]
    pub fn positions(&self) -> Positions {
        self.following.positions()
    }

    /// Who this client is, by the latest `auth`; waits while it is reconnecting.
    ///
    /// # Errors
    ///
    /// [`ClientError::Timeout`] when it stays disconnected, and the reason when it has ended.
    pub async fn identity(&self) -> Result<Authenticated, ClientError> {
        self.connected(|_, authenticated| authenticated.clone()).await
    }

    /// The next event in the order of arrival, [`DISCONNECTED`] and [`RECONNECTED`] among them; none when the client has
    /// ended for good. Safe to cancel.
    pub async fn next_event(&self) -> Option<Event> {
        let taken = self.events.next().await?;
        if let Some((source, position)) = taken.queued.mark {
            self.following.handed_out(&source, &position);
        }
        if taken.has_room_again {
            self.following.room_among_events();
        }
        Some(taken.queued.event)
    }

    /// Why the client has ended for good, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<ClientError> {
        match &*self.state.borrow() {
            State::Ended(error) => Some(error.clone()),
            State::Connected { .. } | State::Waiting => None,
        }
    }

    /// Ends the client with a closing handshake.
    pub async fn close(mut self) {
        // First the supervisor, which would otherwise connect again.
        self.tasks.shutdown().await;
        let connection = match &*self.state.borrow() {
            State::Connected { connection, .. } => Some(Arc::clone(connection)),
            State::Waiting | State::Ended(_) => None,
        };
        if let Some(connection) = connection {
            connection.close(1000, "").await;
        }
    }

    /// Waits until there is a connection, at most as long as a call may take.
    async fn connected<T>(
        &self,
        take: impl Fn(&Arc<super::Connection>, &Authenticated) -> T,
    ) -> Result<T, ClientError> {
        let mut state = self.state.clone();
        let limit = self.options.connect.request_timeout;
        let settled = timeout(limit, state.wait_for(|state| !matches!(state, State::Waiting)))
            .await
            .map_err(|_| ClientError::Timeout(limit))?;
        match settled.as_deref() {
            Ok(State::Connected {
                connection,
                authenticated,
            }) => Ok(take(connection, authenticated)),
            Ok(State::Ended(error)) => Err(error.clone()),
            Ok(State::Waiting) | Err(_) => Err(ClientError::Timeout(limit)),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.following.end(None);
    }
}

impl Client {
    async fn follow(&self, source: Source, since: Option<Position>) -> Result<FollowResult, ClientError> {
        let limit = self.options.connect.request_timeout;
        match timeout(limit, self.following.follow(&source, since)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(self.ended().unwrap_or(ClientError::Timeout(limit))),
            Err(_) => Err(ClientError::Timeout(limit)),
        }
    }

    /// Calls over the present connection, which is waited for; all in all `limit` at the most.
    async fn call_within(&self, method: &str, params: Value, limit: Duration) -> Result<Value, ClientError> {
        let exchange = async {
            let connection = self.connected(|connection, _| Arc::clone(connection)).await?;
            connection.call_within(method, params, limit).await
        };
        timeout(limit, exchange)
            .await
            .unwrap_or(Err(ClientError::Timeout(limit)))
    }
}

impl Methods for Client {
    /// Calls over the present connection; while there is none, the call waits for the next one within its time limit. A
    /// call is never sent twice.
    async fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        self.call_within(method, params, self.options.connect.request_timeout)
            .await
    }

    /// Calls again and again under one key, of its own if `params` have none, until the call is known to be done or
    /// [`ClientOptions::retry_for`] has passed.
    async fn call_keyed(&self, method: &str, mut params: Value) -> Result<Value, ClientError> {
        // A server that does not know keys might do it twice.
        if self.options.retry_for.is_zero() || !self.following.server_knows_keys() {
            return self.call(method, params).await;
        }
        if params.get(KEY).is_none() {
            params[KEY] = json!(new_key());
        }
        let attempt = |left: Duration| {
            let limit = left.min(self.options.connect.request_timeout);
            self.call_within(method, params.clone(), limit)
        };
        let is_over = || self.ended().is_some();
        until_answered(self.options.retry_for, self.options.backoff, is_over, attempt).await
    }

    /// Kept up across lost connections: what is followed is told once and in order among the events, [`super::Reset`]s as
    /// `reset`, and its end as [`super::UNFOLLOWED`].
    async fn follow_room(&self, room_id: &str, since: Option<&Position>) -> Result<FollowResult, ClientError> {
        self.follow(Some(room_id.to_owned()), since.cloned()).await
    }

    async fn follow_direct(&self, since: Option<&Position>) -> Result<FollowResult, ClientError> {
        self.follow(None, since.cloned()).await
    }

    async fn leave_room(&self, room_id: &str) -> Result<(), ClientError> {
        self.call("room.leave", json!({"roomId": room_id})).await?;
        // Nobody is sent the events that he causes himself.
        self.following.recheck(room_id);
        Ok(())
    }

    async fn delete_room(&self, room_id: &str) -> Result<(), ClientError> {
        self.call("room.delete", json!({"roomId": room_id})).await?;
        self.following.recheck(room_id);
        Ok(())
    }
}
