//! A clock that steps by an hour, forwards and backwards, while the server runs and while it does not.

use serde_json::json;

use super::ledger::{Stream, check_times};
use super::world::{Outcome, Speaker, World, read_all};
use crate::support::{Agent, soon};

const HOUR_MS: i64 = 3_600_000;

/// Some messages to all and some to one.
async fn talk(world: &World, alice: &Speaker, bob: &Speaker) {
    for _ in 0..10 {
        let room = Stream::Room(world.room.clone());
        assert_eq!(alice.say(room, 10).await, Outcome::Acknowledged);
        let direct = Stream::Direct(bob.agent.id().to_owned());
        assert_eq!(alice.say(direct, 10).await, Outcome::Acknowledged);
        let lobby = Stream::Room(alice.agent.lobby().to_owned());
        assert_eq!(bob.say(lobby, 10).await, Outcome::Acknowledged);
    }
}

/// Small pages reach everything once and in order.
async fn check_paging(agent: &Agent, room: &str) {
    let whole = read_all(agent, room).await;
    check_times(&whole);
    let mut parts = Vec::new();
    let mut before = None;
    loop {
        let page = agent.history(room, 7, before).await;
        let Some(oldest) = page.first() else { break };
        before = oldest["timestamp"].as_i64();
        parts.push(page);
    }
    let paged: Vec<_> = parts.into_iter().rev().flatten().collect();
    assert_eq!(paged, whole);
}

#[tokio::test]
async fn times_increase_and_everything_is_reached_whatever_the_clock_does() {
    let mut world = World::new().await;
    for restart in [false, true] {
        for step in [HOUR_MS, 0, -HOUR_MS, 0] {
            if restart {
                world.server.kill();
                world.faults.shift_clock(step);
                world.server.restart();
            }
            let alice = world.enter("alice").await;
            let bob = world.enter("bob").await;
            talk(&world, &alice, &bob).await;
            world.faults.shift_clock(step);
            talk(&world, &alice, &bob).await;
        }
    }
    let bob = world.enter("bob").await;
    check_paging(&bob.agent, &world.room).await;
    check_paging(&bob.agent, bob.agent.lobby()).await;
    world.check().await;
    let lobby = read_all(&bob.agent, bob.agent.lobby()).await;
    let open: Vec<_> = lobby
        .into_iter()
        .filter(|message| message.get("toAgentId").is_none())
        .collect();
    world.ledger.check_room(bob.agent.lobby(), &open);
}

#[tokio::test]
async fn no_timer_fires_early_when_the_clock_steps() {
    let world = World::new().await;
    let alice = world.enter("alice").await;
    let stranger = world.server.connect().await;
    for step in [HOUR_MS, -HOUR_MS, 0] {
        world.faults.shift_clock(step);
        alice.agent.call("lobby.getMotd", json!({})).await;
    }
    // Neither the one who has still to authenticate nor the one who is idle was cut off.
    assert!(stranger.end().is_none());
    assert!(alice.agent.connection.end().is_none());
    let params = json!({ "apiKey": world.key("bob") });
    let answer = wardroom::client::Methods::call(&stranger, "auth", params).await;
    assert!(answer.is_ok(), "{answer:?}");
}

/// Many messages of one millisecond: a page ends before any of them, and the next one begins there.
#[tokio::test]
async fn small_pages_reach_everything_once_when_the_clock_stands_still() {
    let world = World::new().await;
    let alice = world.enter("alice").await;
    let bob = world.enter("bob").await;
    talk(&world, &alice, &bob).await;
    let lobby = bob.agent.lobby().to_owned();
    let newest = bob.agent.history(&lobby, 1, None).await[0]["timestamp"].as_i64();
    // Later than anything, so that the server has no reason of its own to give each message another time.
    let at_ms = newest.expect("a time") + HOUR_MS;
    world.faults.freeze_clock(Some(at_ms));
    for _ in 0..4 {
        talk(&world, &alice, &bob).await;
    }
    let first = read_all(&bob.agent, &world.room).await[10]["timestamp"].as_i64();
    assert_eq!(first, Some(at_ms), "the clock stands still");
    check_paging(&bob.agent, &world.room).await;
    check_paging(&bob.agent, &lobby).await;
    world.faults.freeze_clock(None);
    talk(&world, &alice, &bob).await;
    check_paging(&bob.agent, &world.room).await;
    check_paging(&bob.agent, &lobby).await;
    world.check().await;
}

#[tokio::test]
async fn timers_fire_after_the_clock_stepped_back() {
    let world = World::with(json!({ "limits": { "authTimeoutMs": 3000 } })).await;
    let before = world.server.connect().await;
    world.faults.shift_clock(-HOUR_MS);
    let after = world.server.connect().await;
    // Neither says who it is: one began before the step, one after it.
    for stranger in [before, after] {
        let end = soon("the end of a stranger", stranger.ended()).await;
        assert_eq!(end.code, Some(1008), "{end:?}");
    }
}
