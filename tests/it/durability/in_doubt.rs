//! Commits that the disk did not confirm: what was called "not saved" must not come back after a crash.

use std::path::Path;

use wardroom::store::Connection;

use super::ledger::Stream;
use super::load::Load;
use super::world::{Outcome, World};
use crate::support::fault::{Fate, Fault, calls, files};

#[tokio::test]
async fn what_one_failed_sync_refuses_does_not_come_back() {
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    let room = Stream::Room(world.room.clone());
    assert_eq!(alice.say(room.clone(), 10).await, Outcome::Acknowledged);
    // The log holds it complete when its sync fails.
    world.faults.set(Fault::nth(calls::SYNC, files::LOG, 1, Fate::Broken));
    assert_eq!(alice.say(room.clone(), 10).await, Outcome::Refused);
    assert_eq!(world.faults.failed(), 1);
    world.kill_and_restart();
    world.check().await;
}

#[tokio::test]
async fn writing_goes_on_after_a_failed_sync() {
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    let room = Stream::Room(world.room.clone());
    assert_eq!(alice.say(room.clone(), 10).await, Outcome::Acknowledged);
    world.faults.set(Fault::nth(calls::SYNC, files::LOG, 1, Fate::Broken));
    assert_eq!(alice.say(room.clone(), 10).await, Outcome::Refused);
    assert_eq!(alice.say(room, 10).await, Outcome::Acknowledged);
    world.check().await;
    world.kill_and_restart();
    world.check().await;
}

#[tokio::test]
async fn a_disk_that_never_confirms_stops_the_server_without_an_answer() {
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    world.faults.set(Fault::always(calls::SYNC, files::ALL, Fate::Broken));
    let outcome = alice.say(Stream::Room(world.room.clone()), 10).await;
    assert_eq!(outcome, Outcome::Unanswered);
    let status = world.server.wait();
    let output = world.server.output();
    assert!(status.code().is_some_and(|code| code != 0), "{status}\n{output}");
    assert!(
        output.contains("the disk cannot say whether changes were saved"),
        "{output}"
    );
    world.kill_and_restart();
    world.check().await;
}

/// Keeps the write-ahead log from being begun anew as long as it lives.
fn hold_log(database: &Path) -> Connection {
    let connection = Connection::open(database).expect("it can be opened");
    connection
        .execute_batch("BEGIN; SELECT count(*) FROM messages;")
        .expect("it can be read");
    connection
}

/// The index of the log grows after the log was written and synced: a failure there finds the commit complete on the
/// disk, and still is one.
#[tokio::test]
async fn regression_a_commit_that_fails_after_its_sync_does_not_come_back() {
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    let room = Stream::Room(world.room.clone());
    let reader = hold_log(&world.faults.data_dir().join("wardroom.db"));
    world.faults.set(Fault::always(calls::WRITE, files::INDEX, Fate::Full));
    let mut said = 0;
    while alice.say(room.clone(), 8000).await == Outcome::Acknowledged {
        said += 1;
        assert!(said < 5000, "the index never grew");
    }
    assert!(world.faults.failed() > 0);
    drop(reader);
    world.kill_and_restart();
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_syncs_under_load_lose_nothing() {
    let mut world = World::new().await;
    let load = Load::start(&world, 0).await;
    for round in 1..=6 {
        load.reach(load.acknowledged() + 100).await;
        let fault = Fault::nth(calls::SYNC, files::LOG, round, Fate::Broken);
        world.faults.set(fault);
        while world.faults.failed() == 0 {
            tokio::task::yield_now().await;
        }
    }
    load.reach(load.acknowledged() + 100).await;
    load.finish().await;
    world.check().await;
    world.kill_and_restart();
    world.check().await;
}

/// As long as the log takes what is written, nothing depends on the database file.
#[tokio::test]
async fn a_database_file_that_takes_nothing_loses_nothing() {
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    world
        .faults
        .set(Fault::always(calls::CHANGES, files::DATABASE, Fate::Broken));
    for _ in 0..600 {
        let outcome = alice.say(Stream::Room(world.room.clone()), 8000).await;
        assert_eq!(outcome, Outcome::Acknowledged);
    }
    assert!(world.faults.failed() > 0, "the log was never folded");
    world.kill_and_restart();
    world.check().await;
}
