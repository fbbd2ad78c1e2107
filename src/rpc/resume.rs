//! Going on in many rooms at once, as a part of `auth`.

use std::collections::BTreeMap;

use super::handlers::follow::{position, result};
use crate::domain::{Refusal, RoomId};
use crate::hub::{Beginning, Caller, Feed, Hub, Prepared, Target};
use crate::protocol::codes::error_of;
use crate::protocol::methods::{PositionParam, Resumed, ResumedRooms};

/// What a newcomer wants to go on with. How many rooms that can be is bounded by the size of a frame before `auth`.
pub(super) struct Resuming {
    rooms: Option<Vec<(String, Option<Prepared>, PositionParam)>>,
    direct: Option<(Option<Prepared>, PositionParam)>,
}

impl Resuming {
    /// Holds back everything that is asked for.
    pub(super) fn prepare(
        hub: &Hub,
        feed: &Feed,
        rooms: Option<BTreeMap<String, PositionParam>>,
        direct: Option<PositionParam>,
    ) -> Self {
        let room = |(id, since): (String, PositionParam)| {
            let prepared = hub.prepare(feed, Target::Room(RoomId::parse(&id)));
            (id, prepared, since)
        };
        Self {
            rooms: rooms.map(|rooms| rooms.into_iter().map(room).collect()),
            direct: direct.map(|since| (hub.prepare(feed, Target::Direct), since)),
        }
    }

    /// Finds out from where on each is shown.
    pub(super) async fn find(
        self,
        hub: &Hub,
        caller: Caller,
        feed: &Feed,
        beginnings: &mut Vec<Beginning>,
    ) -> (Option<ResumedRooms>, Option<Resumed>) {
        let mut find = async |prepared: Option<Prepared>, since: &PositionParam| {
            let found = match prepared {
                Some(prepared) => hub.follow(caller, feed, prepared, Some(position(since))).await,
                None => Err(Refusal::RoomNotFound),
            };
            match found {
                Ok((followed, beginning)) => {
                    beginnings.push(beginning);
                    Resumed::Followed(result(hub.epoch(), followed))
                }
                Err(refusal) => Resumed::Refused {
                    error: serde_json::to_value(error_of(&refusal, "")).unwrap_or_default(),
                },
            }
        };
        let mut rooms = None;
        for (id, prepared, since) in self.rooms.into_iter().flatten() {
            let resumed = find(prepared, &since).await;
            rooms.get_or_insert_with(ResumedRooms::new).insert(id, resumed);
        }
        let direct = match self.direct {
            Some((prepared, since)) => Some(find(prepared, &since).await),
            None => None,
        };
        (rooms, direct)
    }
}
