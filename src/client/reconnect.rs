//! One agent that stays connected.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::methods::Methods;
use super::results::Authenticated;
use super::supervisor::{State, Supervisor, connect};
use super::{ClientError, ClientOptions, Event};

/// The event that this client puts into the stream where its connection ended: `{code, reason}`. Events may be missing
/// from here on, up to [`RECONNECTED`].
pub const DISCONNECTED: &str = "client.disconnected";

/// The event that this client puts into the stream where it is connected again; its params are the result of `auth`. What
/// happened in between is in the rooms' histories.
pub const RECONNECTED: &str = "client.reconnected";

/// One agent that stays connected until it is dropped or its key is refused.
pub struct Client {
    state: watch::Receiver<State>,
    events: Mutex<mpsc::Receiver<Event>>,
    options: ClientOptions,
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
        let (connection, authenticated, _) = connect(&options).await?;
        let (event_sender, events) = mpsc::channel(options.connect.event_capacity.max(1));
        let (state_sender, state) = watch::channel(State::Connected {
            connection: Arc::clone(&connection),
            authenticated,
        });
        let supervisor = Supervisor {
            options: options.clone(),
            state: state_sender,
            events: event_sender,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(supervisor.run(connection));
        Ok(Self {
            state,
            events: Mutex::new(events),
            options,
            tasks,
        })
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
        self.events.lock().await.recv().await
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

impl Methods for Client {
    /// Calls over the present connection; while there is none, the call waits for the next one within its time limit. A
    /// call is never sent twice.
    async fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        let connection = self.connected(|connection, _| Arc::clone(connection)).await?;
        connection.call(method, params).await
    }
}
