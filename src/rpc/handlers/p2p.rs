//! `p2p.*`.

use super::checked;
use crate::config::is_signal_url;
use crate::domain::{OpeningId, P2pRoomId, Permission, Refusal, RoomId};
use crate::hub::acts::{CloseOpening, OpenRoom, Places, SetOpeningPermission};
use crate::protocol::methods::{
    OpeningObject, OpeningParams, P2pClose, P2pJoin, P2pJoinParams, P2pList, P2pListParams, P2pListResult, P2pOpen,
    P2pOpenParams, P2pOpenResult, P2pSetPermission, P2pSetPermissionParams,
};
use crate::protocol::types::{OK, Status};
use crate::rpc::Rpc;
use crate::rpc::table::{Call, Handler};

/// Most places of one opening, whatever the limits: more would make a large answer.
const PLACES: u32 = 1000;

/// What is refused while peers are not served.
fn enabled(rpc: &Rpc) -> Result<(), Refusal> {
    if rpc.peers.enabled {
        return Ok(());
    }
    Err(Refusal::Forbidden(
        "this server serves no peers: the operator turned `p2p.enabled` off, or `signaling.enabled` without another `p2p.signalUrl`",
    ))
}

impl Handler for P2pOpen {
    async fn handle(call: Call<P2pOpenParams, P2pOpenResult>) {
        checked!(call, enabled(&call.rpc));
        let params = &call.params;
        let count = params.max_uses.unwrap_or(1);
        if !(1..=PLACES).contains(&count) {
            let message = format!("`maxUses` must be from 1 to {PLACES}");
            return call.reply.send(Err(Refusal::InvalidParams(message)));
        }
        let act = OpenRoom {
            room: RoomId::parse(&params.room_id),
            permission: params.permission.into(),
            signal_url: None,
            expires_at_ms: params.expires_at,
            places: Places::New(count),
        };
        let own_url = call.rpc.peers.signal_url.clone();
        call.submit(act, move |opening| P2pOpenResult::new(&opening, &own_url))
            .await;
    }
}

impl Handler for P2pJoin {
    async fn handle(call: Call<P2pJoinParams, OpeningObject>) {
        checked!(call, enabled(&call.rpc));
        let params = &call.params;
        let p2p_room = P2pRoomId::parse(&params.p2p_room_id).ok_or_else(|| {
            Refusal::InvalidParams("`p2pRoomId` must be 1 to 64 letters, digits, hyphens and underscores".into())
        });
        let p2p_room = checked!(call, p2p_room);
        let own_url = call.rpc.peers.signal_url.clone();
        let signal_url = params.signal_url.clone().filter(|url| *url != own_url);
        if signal_url.as_deref().is_some_and(|url| !is_signal_url(url)) {
            let message = "`signalUrl` must be an address such as `wss://agents.example/signal/`";
            return call.reply.send(Err(Refusal::InvalidParams(message.into())));
        }
        let act = OpenRoom {
            room: RoomId::parse(&params.room_id),
            permission: params.permission.map_or(Permission::Helper, Into::into),
            signal_url,
            expires_at_ms: params.expires_at,
            places: Places::In(p2p_room),
        };
        call.submit(act, move |opening| OpeningObject::new(&opening, &own_url))
            .await;
    }
}

impl Handler for P2pList {
    async fn handle(call: Call<P2pListParams, P2pListResult>) {
        let room = call.params.room_id.as_deref().map(RoomId::parse);
        let openings = checked!(call, call.rpc.hub.openings(call.caller, room));
        let own_url = &call.rpc.peers.signal_url;
        let openings = openings.iter().map(|opening| OpeningObject::new(opening, own_url));
        let openings = openings.collect();
        call.reply.send(Ok(P2pListResult { openings }));
    }
}

impl Handler for P2pClose {
    async fn handle(call: Call<OpeningParams, Status>) {
        let opening = OpeningId::parse(&call.params.opening_id);
        call.submit(CloseOpening { opening }, |()| OK).await;
    }
}

impl Handler for P2pSetPermission {
    async fn handle(call: Call<P2pSetPermissionParams, Status>) {
        let act = SetOpeningPermission {
            opening: OpeningId::parse(&call.params.opening_id),
            permission: call.params.permission.into(),
        };
        call.submit(act, |()| OK).await;
    }
}
