//! Rooms that are opened to peers beyond the server: who may open them, how long they stay open, and what peers do in them.

mod carried;
mod guests;
mod hubs;
mod openings;
mod returning;
mod strangers;
mod three;

use serde_json::{Value, json};
use wardroom::domain::Permission;

use crate::support::peer::Peer;
use crate::support::{Agent, Cast};

/// A room of alice that bob is in.
async fn room(cast: &Cast) -> String {
    let room = cast.alice().create_room("Ops", "private").await;
    let bob = json!({ "roomId": room, "agentId": cast.bob().id() });
    cast.alice().call("room.invite", bob).await;
    cast.bob().call("room.join", json!({ "roomId": room })).await;
    cast.settle().await;
    room
}

/// Opens a room to one peer.
async fn open(agent: &Agent, room: &str, permission: &str) -> Value {
    agent
        .call("p2p.open", json!({ "roomId": room, "permission": permission }))
        .await
}

/// The peer of an opening's first place, linked.
async fn peer(opening: &Value, name: &str) -> Peer {
    peer_at(opening, 0, name).await
}

/// The peer of one of an opening's places, linked. It lets everything through, so the opening decides.
async fn peer_at(opening: &Value, place: usize, name: &str) -> Peer {
    let p2p_room = text(&opening["places"][place]["p2pRoomId"]);
    Peer::enter(&text(&opening["signalUrl"]), &p2p_room, name, Permission::Intimate).await
}

/// The member of a room that has this name, as `room.info` shows it.
async fn member(agent: &Agent, room: &str, name: &str) -> Option<Value> {
    let info = agent.call("room.info", json!({ "roomId": room })).await;
    let members = info["members"].as_array().expect("a list");
    members.iter().find(|member| member["displayName"] == name).cloned()
}

/// The openings of a room.
async fn openings(agent: &Agent, room: &str) -> Vec<Value> {
    let listed = agent.call("p2p.list", json!({ "roomId": room })).await;
    listed["openings"].as_array().expect("a list").clone()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
