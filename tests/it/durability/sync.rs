//! The disk has confirmed a change before it is acknowledged.

use serde_json::{Value, json};

use super::ledger::Stream;
use super::size;
use super::world::{Outcome, World};
use crate::support::fault::{Fate, Fault, calls, files};

/// How many of `count` messages, sent one after the other, were synced between request and answer.
async fn synced(world: &World, count: u64) -> u64 {
    let alice = world.enter("alice").await;
    let bob = world.enter("bob").await;
    let mut synced = 0;
    for number in 0..count {
        let stream = if number % 4 == 0 {
            Stream::Direct(bob.agent.id().to_owned())
        } else {
            Stream::Room(world.room.clone())
        };
        // Syncs come one after the other, so more of them ended than had begun is one that lies in between.
        let begun = world.faults.syncs_begun();
        assert_eq!(alice.say(stream, 100).await, Outcome::Acknowledged);
        synced += u64::from(world.faults.syncs_ended() > begun);
    }
    synced
}

#[tokio::test]
async fn a_message_is_synced_before_it_is_acknowledged() {
    let world = World::new().await;
    let count = size("WARDROOM_TEST_SENDS", 400);
    let synced = synced(&world, count).await;
    println!("{synced} of {count} messages were synced before they were acknowledged");
    assert!(synced * 100 >= count * 95, "{synced} of {count}");
}

#[tokio::test]
async fn what_the_disk_has_not_confirmed_is_neither_acknowledged_nor_shown() {
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    let bob = world.enter("bob").await;
    let room = Stream::Room(world.room.clone());
    for speaker in [&alice, &bob] {
        assert_eq!(speaker.say(room.clone(), 10).await, Outcome::Acknowledged);
    }
    let shown = |told: Vec<(String, Value)>| told.iter().filter(|(method, _)| method == "message").count();
    assert_eq!(shown(bob.agent.told().await), 1);

    world.faults.set(Fault::nth(calls::SYNC, files::LOG, 1, Fate::Hold));
    let saying = alice.say(room.clone(), 10);
    let mut saying = std::pin::pin!(saying);
    let held = async {
        while world.faults.failed() == 0 {
            tokio::task::yield_now().await;
        }
        // Reading goes on while the writer waits for the disk, and shows nothing that is not confirmed.
        assert_eq!(bob.agent.history(&world.room, 10, None).await.len(), 2);
        while let Some(event) = bob.agent.connection.poll_event() {
            assert_ne!(event.method, "message", "{event:?}");
        }
    };
    tokio::select! {
        outcome = &mut saying => panic!("{outcome:?} before it was synced"),
        () = held => {}
    }
    world.faults.change(Fate::Pass);
    assert_eq!(saying.await, Outcome::Acknowledged);
    assert_eq!(shown(bob.agent.told().await), 1);

    // Killed before it is confirmed, it was never promised.
    world.faults.set(Fault::nth(calls::SYNC, files::LOG, 1, Fate::Hold));
    let saying = alice.say(room, 10);
    let killing = async {
        while world.faults.failed() == 0 {
            tokio::task::yield_now().await;
        }
        world.server.signal("KILL");
    };
    let (outcome, ()) = tokio::join!(saying, killing);
    assert_eq!(outcome, Outcome::Unanswered);
    world.kill_and_restart();
    world.check().await;
    world.enter("alice").await.retry().await;
    world.check().await;
}

#[tokio::test]
async fn the_relaxed_mode_does_not_sync_and_says_so() {
    let world = World::with(json!({ "storage": { "durability": "relaxed" } })).await;
    assert_eq!(world.enter("alice").await.agent.welcome["durability"], "relaxed");
    let synced = synced(&world, 100).await;
    assert!(synced < 20, "{synced} of 100");
}
