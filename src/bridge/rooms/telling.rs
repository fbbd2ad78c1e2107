//! Telling what happens to a room: in its file, and to those who are not agents.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Happening, Room};
use crate::bridge::store::{events, files, rooms};
use crate::domain::Permission;
use crate::notify::Event;

impl Room {
    /// Writes down that another level holds, or is asked for; once for each.
    pub(super) async fn tell_level(&self, permission: Permission) {
        let before = {
            let mut told = self.told_level.lock().unwrap_or_else(PoisonError::into_inner);
            told.replace(permission)
        };
        if before != Some(permission) {
            self.tell(Happening::PermChanged {
                room_id: self.id.clone(),
                level: permission.to_string(),
            })
            .await;
        }
    }

    /// A peer is there: from now on what is sent while it is away is kept for it.
    pub(super) async fn connected_once(&self) {
        if self.had_peer.swap(true, Ordering::Relaxed) {
            return;
        }
        let number = self.number;
        if let Err(error) = self
            .store
            .call(move |connection| rooms::set_had_peer(connection, number))
            .await
        {
            tracing::error!(%error, "it was not noted that a peer was there");
        }
    }

    /// Writes down what happened, and tells whoever wants to know.
    pub(super) async fn tell(&self, happening: Happening) {
        if let Some(event) = self.event_of(&happening) {
            self.notifier.notify(event);
        }
        let (number, id) = (self.number, self.id.clone());
        let line = happening.line(self.clock.now_ms());
        let stored = line.clone();
        let told = self.store.call_then(
            move |connection| events::add(connection, number, &stored),
            move |(), beside| beside.append(&id, files::EVENTS, &line),
        );
        if let Err(error) = told.await {
            tracing::error!(%error, "an event of a room was not written down");
        }
    }

    /// What those are told who are not agents.
    fn event_of(&self, happening: &Happening) -> Option<Event> {
        let room = self.id.clone();
        match happening {
            Happening::Room { .. } => Some(Event::Room { room }),
            Happening::Connected { peer, permission } => {
                self.is_linked.store(true, Ordering::Relaxed);
                Some(Event::Connected {
                    room,
                    peer: peer.clone(),
                    permission: permission.clone(),
                })
            }
            Happening::Disconnected { reason } => Some(Event::Disconnected {
                room,
                reason: reason.clone(),
                was_linked: self.is_linked.swap(false, Ordering::Relaxed),
            }),
            Happening::GaveUp { attempts } => Some(Event::GaveUp {
                room,
                attempts: *attempts,
            }),
            _ => None,
        }
    }
}
