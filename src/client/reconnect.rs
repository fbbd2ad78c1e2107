//! One agent that stays connected.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::following::Following;
use super::items::Items;
use super::methods::{Methods, with_options};
use super::positions::{FollowResult, Position, Positions};
use super::results::{Authenticated, Receipt, SendOptions};
use super::retry::{new_key, until_answered};
use super::streams::{Queued, Source};
use super::supervisor::{State, Supervisor, connect};
use super::{ClientError, ClientOptions, Event};

/// The event that this client puts into the stream where its connection ended: `{code, reason}`. Events may be missing
/// from here on, up to [`RECONNECTED`].
pub const DISCONNECTED: &str = "client.disconnected";

/// The event that this client puts into the stream where it is connected again; its params are the result of `auth`. What
/// happened in between is told of what is followed, and is in the rooms' histories otherwise.
pub const RECONNECTED: &str = "client.reconnected";

/// One agent that stays connected until it is dropped or its key is refused.
pub struct Client {
    state: watch::Receiver<State>,
    events: Mutex<mpsc::Receiver<Queued>>,
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
        let (event_sender, events) = mpsc::channel(options.connect.event_capacity.max(1));
        let following = Arc::new(Following::new(&options.positions, event_sender.downgrade()));
        following.adopt(&authenticated, &Map::new());
        let (state_sender, state) = watch::channel(State::Connected {
            connection: Arc::clone(&connection),
            authenticated: Box::new(authenticated),
        });
        let supervisor = Supervisor {
            options: options.clone(),
            state: state_sender,
            events: event_sender,
            following: Arc::clone(&following),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(supervisor.run(connection));
        Ok(Self {
            state,
            events: Mutex::new(events),
            options,
            following,
            tasks,
        })
    }

    /// Reads everything of a room after `since`: messages, this agent's own included, each once and in order, across lost
    /// connections; removals; and resets, where something is missing for good. Without `since` it begins where the options
    /// say or where the last iteration over the room came to, else now. Returns when the server follows.
    ///
    /// Besides, the client's events go on as before: a program that does not read them sets `event_capacity` to 0.
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
        let Queued { event, mark } = self.events.lock().await.recv().await?;
        if let Some((source, position)) = mark {
            self.following.handed_out(&source, &position);
        }
        Some(event)
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

    /// Sends a message, again and again under one key until it is known to be stored or `retry_for` has passed.
    async fn deliver(&self, method: &str, mut params: Value, key: Option<&str>) -> Result<Receipt, ClientError> {
        // A server that does not know keys might say it twice.
        let retries = !self.options.retry_for.is_zero() && self.following.server_knows_keys();
        match key {
            Some(key) => params["idempotencyKey"] = json!(key),
            None if retries => params["idempotencyKey"] = json!(new_key()),
            None => {}
        }
        let result = if retries {
            let attempt = || self.call(method, params.clone());
            let is_over = || self.ended().is_some();
            until_answered(self.options.retry_for, self.options.backoff, is_over, attempt).await?
        } else {
            self.call(method, params).await?
        };
        serde_json::from_value(result).map_err(|error| ClientError::Answer {
            method: method.to_owned(),
            problem: error.to_string(),
        })
    }
}

impl Methods for Client {
    /// Calls over the present connection; while there is none, the call waits for the next one within its time limit. A
    /// call is never sent twice.
    async fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        let connection = self.connected(|connection, _| Arc::clone(connection)).await?;
        connection.call(method, params).await
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

    /// Sent again by itself, under a key of its own, for up to [`ClientOptions::retry_for`]; so are the five below.
    async fn send_message(&self, room_id: &str, content: &str) -> Result<Receipt, ClientError> {
        let params = json!({"roomId": room_id, "content": content});
        self.deliver("message.send", params, None).await
    }

    async fn send_message_once(&self, room_id: &str, content: &str, key: &str) -> Result<Receipt, ClientError> {
        let params = json!({"roomId": room_id, "content": content});
        self.deliver("message.send", params, Some(key)).await
    }

    async fn send_dm(&self, to_agent_id: &str, content: &str) -> Result<Receipt, ClientError> {
        let params = json!({"toAgentId": to_agent_id, "content": content});
        self.deliver("message.dm", params, None).await
    }

    async fn send_dm_once(&self, to_agent_id: &str, content: &str, key: &str) -> Result<Receipt, ClientError> {
        let params = json!({"toAgentId": to_agent_id, "content": content});
        self.deliver("message.dm", params, Some(key)).await
    }

    async fn send(&self, room_id: &str, content: &str, options: SendOptions<'_>) -> Result<Receipt, ClientError> {
        let key = options.idempotency_key;
        let params = with_options(json!({"roomId": room_id, "content": content}), options);
        self.deliver("message.send", params, key).await
    }

    async fn send_direct(&self, to: &str, content: &str, options: SendOptions<'_>) -> Result<Receipt, ClientError> {
        let key = options.idempotency_key;
        let params = with_options(json!({"toAgentId": to, "content": content}), options);
        self.deliver("message.dm", params, key).await
    }
}
