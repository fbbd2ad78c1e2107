//! A data directory that cannot be written to.

use std::time::{Duration, Instant};

use super::ledger::Stream;
use super::world::{Outcome, World, read_all};
use crate::support::TestServer;
use crate::support::fault::{Fate, Fault, Faults, calls, files};

/// How long a server may take to find out that it cannot run.
const REFUSAL: Duration = Duration::from_secs(15);

fn read_only() -> Fault {
    Fault::always(calls::CHANGES, files::ALL, Fate::ReadOnly)
}

fn check(output: &str, began: Instant) {
    assert!(began.elapsed() < REFUSAL);
    assert!(output.to_lowercase().contains("read-only"), "{output}");
    assert!(!output.contains("panicked"), "{output}");
}

#[test]
fn a_first_start_on_a_read_only_disk_says_so_and_stops() {
    let faults = Faults::new();
    faults.set(read_only());
    let began = Instant::now();
    let Err((status, output)) = faults.server(TestServer::builder()).try_start() else {
        panic!("it runs where it can store nothing");
    };
    assert_eq!(status.code(), Some(6), "{output}");
    check(&output, began);
}

#[tokio::test]
async fn a_later_start_on_a_read_only_disk_says_so_and_stops() {
    let mut world = World::new().await;
    world.stop();
    world.faults.set(read_only());
    let began = Instant::now();
    let Err((status, output)) = world.server.try_restart() else {
        panic!("it runs where it can store nothing");
    };
    assert_eq!(status.code(), Some(6), "{output}");
    check(&output, began);
    world.faults.clear();
    world.server.restart();
    world.check().await;
}

#[tokio::test]
async fn a_disk_that_becomes_read_only_still_serves_what_it_has() {
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    let room = Stream::Room(world.room.clone());
    assert_eq!(alice.say(room.clone(), 10).await, Outcome::Acknowledged);
    world.faults.set(read_only());
    assert_eq!(alice.say(room.clone(), 10).await, Outcome::Refused);
    let bob = world.enter("bob").await;
    world
        .ledger
        .check_room(&world.room, &read_all(&bob.agent, &world.room).await);
    world.faults.clear();
    assert_eq!(alice.say(room, 10).await, Outcome::Acknowledged);
    world.kill_and_restart();
    world.check().await;
}
