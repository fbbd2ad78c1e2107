//! What goes out into a room of a hub.

use std::sync::Arc;

use super::Room;
use super::hub::{Hub, Leave};
use super::leaving::Outcome;
use super::translate::{self, Outbound};
use crate::bridge::store::outbox::Outgoing;
use crate::bridge::store::tasks::state;
use crate::bridge::store::{Unavailable, digest, outbox, tasks};
use crate::client::{Client, ClientError, Methods as _, SendOptions};

/// Sends what is in the outbox, in order.
pub(super) async fn pump(room: &Arc<Room>, hub: &Hub, client: &Client) -> Leave {
    loop {
        let waiting = match room.waiting_after(0).await {
            Ok(waiting) => waiting,
            Err(error) => return error.into(),
        };
        if waiting.is_empty() {
            room.wants_sending.notified().await;
            continue;
        }
        for outgoing in waiting {
            if let Err(left) = send(room, hub, client, &outgoing).await {
                return left;
            }
        }
    }
}

async fn send(room: &Arc<Room>, hub: &Hub, client: &Client, outgoing: &Outgoing) -> Result<(), Leave> {
    let outbound = match translate::outbound(&outgoing.text) {
        Ok(outbound) => outbound,
        Err(why) => return Ok(room.give_up(outgoing, why).await?),
    };
    let _sending = hub.sending.lock().await;
    let reply_to = match &outbound.reply_to {
        Some(id) => Some(hubs_or_same(room, id).await?),
        None => None,
    };
    match deliver(room, client, outgoing, &outbound, reply_to.as_deref()).await {
        Ok(hub_id) => {
            let (number, row, id) = (room.number, outgoing.number, outgoing.id.clone());
            room.store
                .call(move |connection| {
                    outbox::remove(connection, row)?;
                    outbox::set_hub_id(connection, number, &id, &hub_id)?;
                    tasks::advance(connection, number, &id, state::SENT, state::ACKED)
                })
                .await?;
            room.outcomes.tell(outgoing.number, Outcome::Sent);
            Ok(())
        }
        Err(ClientError::Rpc(refused)) if !refused.is_retryable() => {
            Ok(room.give_up(outgoing, refused.message).await?)
        }
        Err(error) => match client.ended() {
            Some(ended) => Err(ended.into()),
            None => Err(Leave::Again(error.to_string())),
        },
    }
}

async fn deliver(
    room: &Room,
    client: &Client,
    outgoing: &Outgoing,
    outbound: &Outbound,
    reply_to: Option<&str>,
) -> Result<String, ClientError> {
    let key = format!("bridge:{}", hex::encode(digest(&outgoing.text)));
    let options = SendOptions {
        kind: Some(outbound.kind),
        data: outbound.data.clone(),
        reply_to,
        idempotency_key: Some(&key),
        want_read: false,
    };
    client
        .send(&room.id, &outbound.content, options)
        .await
        .map(|receipt| receipt.message_id)
}

/// What a message of ours is called by the hub.
async fn hubs_or_same(room: &Room, id: &str) -> Result<String, Unavailable> {
    let (number, asked) = (room.number, id.to_owned());
    let hubs = room
        .store
        .call(move |connection| outbox::hub_id(connection, number, &asked))
        .await?;
    Ok(hubs.unwrap_or_else(|| id.to_owned()))
}
