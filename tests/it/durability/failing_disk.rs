//! A disk that fails, at each place in turn at which a start and a conversation touch it.

use std::process::ExitStatus;

use super::ledger::Stream;
use super::size;
use super::world::{Outcome, World};
use crate::support::TestServer;
use crate::support::fault::{Fate, Fault, Faults, calls, files};
use crate::support::server::TestServerBuilder;

/// File calls that fail, one after the other.
const PLACES: u64 = 200;

/// How the server says that it had to stop.
const STOPPED: &str = "the disk cannot say whether changes were saved";

fn places() -> impl Iterator<Item = u64> {
    let step = if size("WARDROOM_TEST_EVERY_FAULT", 0) == 0 {
        8
    } else {
        1
    };
    (1..=PLACES).step_by(step)
}

/// A server that cannot run says why, in words.
fn check_refusal(place: u64, status: ExitStatus, output: &str) {
    assert!(
        status.code().is_some_and(|code| code != 0),
        "place {place}: {status}\n{output}"
    );
    assert!(!output.contains("panicked"), "place {place}: {output}");
    let explains = ["disk", "cannot", "damaged"].iter().any(|word| output.contains(word));
    assert!(explains, "place {place}: {output}");
}

/// Starts the server with a fault and lets two agents talk, then starts it without and compares.
async fn run(world: &mut World, place: u64, fault: Fault) {
    world.faults.set(fault);
    if let Err((status, output)) = world.server.try_restart() {
        check_refusal(place, status, &output);
    } else {
        if !talk(world).await {
            let status = world.server.wait();
            let output = world.server.output();
            assert!(!status.success(), "place {place}: {status}\n{output}");
            assert!(output.contains(STOPPED), "place {place}: {output}");
        }
        world.server.kill();
        let output = world.server.output();
        assert!(!output.contains("panicked"), "place {place}: {output}");
    }
    world.faults.clear();
    world.server.restart();
    world.check().await;
    world.stop();
}

/// False when the server ended meanwhile.
async fn talk(world: &World) -> bool {
    let (Ok(alice), Ok(bob)) = (world.try_enter("alice").await, world.try_enter("bob").await) else {
        return false;
    };
    let room = Stream::Room(world.room.clone());
    let direct = Stream::Direct(bob.agent.id().to_owned());
    for stream in [&room, &direct, &room, &room, &direct, &room] {
        if alice.say(stream.clone(), 3000).await == Outcome::Unanswered {
            return false;
        }
    }
    while let Some(event) = bob.agent.connection.poll_event() {
        if event.method == "message" || event.method == "dm" {
            world.ledger.shown(&event.params);
        }
    }
    true
}

#[tokio::test]
async fn one_failed_file_call_loses_nothing_wherever_it_is() {
    let mut world = World::new().await;
    world.stop();
    for place in places() {
        let fault = Fault::nth(calls::ALL, files::ALL, place, Fate::Broken);
        run(&mut world, place, fault).await;
    }
}

#[tokio::test]
async fn a_disk_that_fails_for_good_loses_nothing_wherever_it_begins() {
    let mut world = World::new().await;
    world.stop();
    for place in places() {
        let fault = Fault {
            first: place,
            ..Fault::always(calls::CHANGES, files::ALL, Fate::Broken)
        };
        run(&mut world, place, fault).await;
    }
}

#[test]
fn a_first_start_that_fails_is_made_up_for_by_the_next() {
    for place in places() {
        let faults = Faults::new();
        faults.set(Fault::nth(calls::ALL, files::ALL, place, Fate::Broken));
        let (mut shown, said) = match faults.server(TestServer::builder()).try_start() {
            Ok(mut server) => {
                server.kill();
                (server.has_controller_key(), String::new())
            }
            Err((status, output)) => {
                check_refusal(place, status, &output);
                (output.contains("Controller key: "), output)
            }
        };
        faults.clear();
        let server = faults.server(TestServerBuilder::default()).start();
        shown |= server.has_controller_key();
        assert!(shown, "place {place}: nobody knows the controller's key\n{said}");
    }
}
