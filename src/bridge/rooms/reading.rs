//! Reading: agents and their queues, and what becomes of what was taken out of them.

use std::path::PathBuf;

use tokio::task::JoinHandle;

use super::{MOST_AGENTS, Room, Rooms};
use crate::bridge::mailboxes::{Lease, Place, QueueKey};
use crate::bridge::store::{Unavailable, agents, inbox, queues};

impl Rooms {
    /// Gives an agent its queue in a room. None when the room has too many agents.
    pub(in crate::bridge) async fn register(&self, room: &Room, agent: &str) -> Result<Option<i64>, Unavailable> {
        let (number, name) = (room.number, agent.to_owned());
        self.0
            .store
            .call(move |connection| {
                let is_full = agents::count(connection, number)? >= MOST_AGENTS;
                if is_full && !agents::list(connection, number)?.iter().any(|agent| agent.name == name) {
                    return Ok(None);
                }
                agents::register(connection, number, &name).map(Some)
            })
            .await
    }

    /// The notification file of an agent.
    pub(in crate::bridge) async fn notice_path(&self, agent: &str) -> Result<PathBuf, Unavailable> {
        let agent = agent.to_owned();
        self.0
            .store
            .call_then(|_| Ok(()), move |(), beside| beside.notices.path(&agent))
            .await
    }

    /// Takes what waits in a queue, at most `limit` unless that is 0. It stays there until the lease is settled.
    pub(in crate::bridge) async fn take(
        &self,
        room: &Room,
        agent: i64,
        limit: usize,
    ) -> Result<(Vec<String>, Lease), Unavailable> {
        let (mailboxes, key) = (self.0.mailboxes.clone(), room.queue(agent));
        self.0
            .store
            .call(move |connection| queues::take(connection, &mailboxes, key, limit))
            .await
    }

    /// Notes that a reader got what it was sent; in a task of its own, so that nothing waits for it.
    pub(in crate::bridge) fn settle(&self, lease: Lease) -> JoinHandle<()> {
        let store = self.0.store.clone();
        self.0.lifecycle.spawn("bridge reading", async move {
            let (key, places) = (lease.key(), lease.places().to_vec());
            match store
                .call(move |connection| queues::remove(connection, key, &places))
                .await
            {
                Ok(()) => lease.settle(),
                // It is shown once more, rather than never.
                Err(error) => tracing::error!(%error, "what was read stays in its queue"),
            }
        })
    }

    /// Puts back what a reader turned out not to have got after all, once `removing` has taken it out.
    pub(in crate::bridge) fn put_back(&self, key: QueueKey, places: Vec<Place>, removing: JoinHandle<()>) {
        let (store, mailboxes) = (self.0.store.clone(), self.0.mailboxes.clone());
        self.0.lifecycle.spawn("bridge reading", async move {
            // However it ended, it is over.
            let _ = removing.await;
            let put = move |connection: &_| places.iter().try_for_each(|place| queues::put(connection, key, *place));
            match store.call(put).await {
                Ok(()) => mailboxes.nudge(key),
                Err(error) => tracing::error!(%error, "what was not read is in the inbox only"),
            }
        });
    }

    /// A page of everything that a room ever received.
    pub(in crate::bridge) async fn history(
        &self,
        room: &Room,
        after: i64,
        most: usize,
    ) -> Result<Vec<(i64, String)>, Unavailable> {
        let number = room.number;
        self.0
            .store
            .call(move |connection| inbox::after(connection, number, after, most))
            .await
    }
}
