//! Peers as agents: how they are shown, what is up to those who govern, and how they go.

use serde_json::{Value, json};
use wardroom::domain::Permission;

use super::{member, open, openings, peer, peer_at, room, text};
use crate::support::{Agent, Cast};

/// An agent by its name, as the controller sees it.
async fn listed(controller: &Agent, name: &str) -> Option<Value> {
    let agents = controller.call("agent.list", json!({})).await;
    let agents = agents["agents"].as_array().expect("a list");
    agents.iter().find(|agent| agent["displayName"] == name).cloned()
}

#[tokio::test]
async fn a_peer_becomes_a_member_that_shows_where_it_came_from() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let peer = peer(&opening, "Far Away").await;
    let joined = cast.bob().expect("room.joined").await;
    assert_eq!(joined["displayName"], "Far Away");
    let presence = cast.bob().expect("presence").await;
    assert_eq!(
        presence,
        json!({ "agentId": joined["agentId"], "displayName": "Far Away", "online": true })
    );

    let shown = member(cast.bob(), &room, "Far Away").await.expect("a member");
    let expected = json!({ "agentId": joined["agentId"], "displayName": "Far Away", "origin": "p2p", "permission": "helper", "online": true, "joinedAt": shown["joinedAt"] });
    assert_eq!(shown, expected);
    let shown = listed(cast.controller(), "Far Away").await.expect("an agent");
    assert_eq!(
        (&shown["origin"], &shown["permission"], &shown["role"]),
        (&json!("p2p"), &json!("helper"), &json!("participant"))
    );
    // Agents of the server look as they always did.
    let bob = member(cast.bob(), &room, "bob").await.expect("a member");
    assert!(bob.get("origin").is_none() && bob.get("permission").is_none());

    let places = openings(cast.alice(), &room).await;
    assert_eq!(
        (&places[0]["uses"], &places[0]["places"][0]["guest"]["displayName"]),
        (&json!(1), &json!("Far Away"))
    );
    peer.leave().await;
    let presence = cast.bob().expect("presence").await;
    assert_eq!(presence["online"], false);
    // It may come back.
    let shown = member(cast.bob(), &room, "Far Away").await.expect("still a member");
    assert_eq!(shown["online"], false);
}

#[tokio::test]
async fn a_peer_is_in_its_room_and_nowhere_else() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let lobby = cast.alice().lobby().to_owned();
    let before = cast.alice().call("room.info", json!({ "roomId": lobby })).await["room"]["memberCount"].clone();
    let opening = open(cast.alice(), &room, "intimate").await;
    let mut peer = peer(&opening, "Far Away").await;
    let guest = text(&cast.bob().expect("room.joined").await["agentId"]);
    let after = cast.alice().call("room.info", json!({ "roomId": lobby })).await["room"]["memberCount"].clone();
    assert_eq!(before, after);

    let other = cast.alice().create_room("Other", "public").await;
    let invitation = json!({ "roomId": other, "agentId": guest });
    assert_eq!(cast.alice().refused("room.invite", invitation).await, 4003);
    let direct = json!({ "toAgentId": guest, "content": "for you" });
    assert_eq!(cast.alice().refused("message.dm", direct).await, 4003);
    let key = json!({ "agentId": guest, "keyName": "main" });
    assert_eq!(cast.controller().refused("agent.createKey", key).await, 4003);

    cast.alice().say(&lobby, "elsewhere").await;
    cast.alice().say(&other, "elsewhere").await;
    cast.alice().say(&room, "here").await;
    assert_eq!(peer.next().await["payload"]["content"], "here");
}

/// A method that sends a peer away, whether only the controller may call it, and its params.
type Way = (&'static str, bool, fn(&str, &str, &Value) -> Value);

#[tokio::test]
async fn whoever_sends_a_peer_away_has_it_gone_when_it_is_answered() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let ways: [Way; 6] = [
        (
            "agent.kick",
            true,
            |_, guest, _| json!({ "agentId": guest, "reason": "enough" }),
        ),
        ("agent.ban", true, |_, guest, _| json!({ "agentId": guest })),
        ("agent.revoke", true, |_, guest, _| json!({ "agentId": guest })),
        (
            "room.kick",
            false,
            |room, guest, _| json!({ "roomId": room, "agentId": guest }),
        ),
        (
            "p2p.close",
            false,
            |_, _, opening| json!({ "openingId": opening["openingId"] }),
        ),
        ("room.delete", false, |room, _, _| json!({ "roomId": room })),
    ];
    for (method, by_controller, params) in ways {
        let opening = open(cast.alice(), &room, "helper").await;
        let mut peer = peer(&opening, method).await;
        let guest = text(&cast.bob().expect("room.joined").await["agentId"]);
        let governor = if by_controller { cast.controller() } else { cast.alice() };
        governor.call(method, params(&room, &guest, &opening)).await;
        assert!(
            listed(cast.controller(), method).await.is_none(),
            "`{method}` leaves the agent"
        );
        if method != "room.delete" {
            assert!(
                member(cast.bob(), &room, method).await.is_none(),
                "`{method}` leaves the member"
            );
            assert!(
                openings(cast.alice(), &room).await.is_empty(),
                "`{method}` leaves the place"
            );
        }
        peer.disconnected().await;
        cast.settle().await;
    }
}

/// The ids of its P2P rooms would be a way back in.
#[tokio::test]
async fn regression_what_an_agent_opened_ends_with_its_rights() {
    for method in ["agent.ban", "agent.revoke", "room.takeOwnership"] {
        let cast = Cast::gather().await;
        let room = room(&cast).await;
        let opening = open(cast.alice(), &room, "helper").await;
        let mut peer = peer(&opening, "left behind").await;
        let params = match method {
            "room.takeOwnership" => json!({ "roomId": room }),
            _ => json!({ "agentId": cast.alice().id() }),
        };
        cast.controller().call(method, params).await;
        assert!(
            openings(cast.controller(), &room).await.is_empty(),
            "`{method}` leaves the opening"
        );
        assert!(
            listed(cast.controller(), "left behind").await.is_none(),
            "`{method}` leaves the peer"
        );
        peer.disconnected().await;
    }
}

#[tokio::test]
async fn each_of_several_peers_has_a_place_of_its_own() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let params = json!({ "roomId": room, "permission": "helper", "maxUses": 2 });
    let opening = cast.alice().call("p2p.open", params).await;
    let mut first = peer_at(&opening, 0, "first").await;
    let mut second = peer_at(&opening, 1, "second").await;
    for _ in 0..2 {
        cast.bob().expect("room.joined").await;
    }
    first.say("one").await;
    assert_eq!(second.next().await["payload"]["content"], "one");
    let guest = member(cast.bob(), &room, "first").await.expect("a member")["agentId"].clone();
    cast.controller().call("agent.kick", json!({ "agentId": guest })).await;
    first.disconnected().await;
    second.say("two").await;
    let listed = openings(cast.alice(), &room).await;
    assert_eq!((&listed[0]["uses"], &listed[0]["maxUses"]), (&json!(2), &json!(2)));
    assert_eq!(listed[0]["places"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn the_level_follows_those_who_govern_the_room() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let mut peer = peer(&opening, "Far Away").await;
    cast.bob().expect("room.joined").await;
    let params = |level: &str| json!({ "openingId": opening["openingId"], "permission": level });
    cast.alice().call("p2p.setPermission", params("chat")).await;
    // At once, whatever the peer makes of it.
    let shown = member(cast.bob(), &room, "Far Away").await.expect("a member");
    assert_eq!(shown["permission"], "chat");
    assert_eq!(peer.permission_changed().await, Permission::Chat);
    cast.alice().call("p2p.setPermission", params("intimate")).await;
    assert_eq!(peer.permission_changed().await, Permission::Intimate);
}

#[tokio::test]
async fn a_name_that_no_agent_may_have_is_replaced() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let _peer = peer(&opening, "a\u{1b}[2Jb").await;
    let joined = cast.bob().expect("room.joined").await;
    assert!(!text(&joined["displayName"]).contains('\u{1b}'), "{joined}");
}
