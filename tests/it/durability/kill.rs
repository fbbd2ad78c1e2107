//! Killing the server under load, again and again, at times while it recovers from the last kill.

use std::time::{Duration, Instant};

use super::load::Load;
use super::world::{NAMES, World};
use super::{Dice, size};
use crate::support::at_most;
use crate::support::fault::{Fate, Fault, calls, files};

/// Acknowledged messages of a cycle, on average at least.
const ACKNOWLEDGED: u64 = 300;

/// How long a start may take after a kill.
const START: Duration = Duration::from_secs(5);

/// How long half of them may take where nothing else runs; there they take a tenth of that.
const MEDIAN: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_or_shown_is_lost_when_the_server_is_killed_under_load() {
    let cycles = size("WARDROOM_TEST_KILL_CYCLES", 30);
    let mut dice = Dice(size("WARDROOM_TEST_SEED", 1));
    let mut world = World::new().await;
    let (mut acknowledged, mut killed_while_starting) = (0, 0);
    let mut starts = Vec::new();
    let mut calls_of_a_start = 40;
    for cycle in 0..cycles {
        let load = Load::start(&world, cycle).await;
        load.reach(ACKNOWLEDGED + dice.below(ACKNOWLEDGED)).await;
        world.server.kill();
        acknowledged += load.end().await;

        if cycle % 3 == 0 {
            // Killed in place of one of the file calls by which it recovers.
            let place = 1 + dice.below(calls_of_a_start);
            world.faults.set(Fault::nth(calls::ALL, files::ALL, place, Fate::Kill));
            if let Err((status, _)) = world.server.try_restart() {
                assert_eq!(status.code(), None, "killed, and not ended by itself");
                killed_while_starting += 1;
            }
            world.server.kill();
        }
        world.faults.set(Fault::always(calls::ALL, files::ALL, Fate::Pass));
        let began = Instant::now();
        world.server.restart();
        starts.push(began.elapsed());
        calls_of_a_start = world.faults.count();
        world.faults.clear();
        world.check().await;
        // Whatever the kill left open is there once after it was sent again.
        for name in NAMES {
            world.enter(name).await.retry().await;
        }
    }
    world.check().await;
    starts.sort();
    let (slowest, median) = (starts[starts.len() - 1], starts[starts.len() / 2]);
    println!(
        "{cycles} kills, {acknowledged} messages acknowledged, {killed_while_starting} kills while starting, \
         starts: median {median:?}, slowest {slowest:?}"
    );
    assert!(acknowledged >= ACKNOWLEDGED * cycles, "{acknowledged}");
    assert!(killed_while_starting * 4 >= cycles, "{killed_while_starting}");
    assert!(slowest <= START, "{slowest:?}");
    assert!(median <= at_most(MEDIAN), "{median:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_stop_under_load_keeps_what_was_acknowledged() {
    let mut world = World::new().await;
    for cycle in 0..3 {
        let load = Load::start(&world, cycle).await;
        load.reach(ACKNOWLEDGED).await;
        world.server.signal("TERM");
        load.end().await;
        assert!(world.server.wait().success());
        // An orderly end leaves nothing to recover.
        let log = std::fs::metadata(world.faults.data_dir().join("wardroom.db-wal"));
        assert!(log.map_or(true, |log| log.len() == 0));
        world.server.restart();
        world.check().await;
    }
}
