//! A disk without space: changes are refused, everything else goes on, and so do changes when there is space again.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use wardroom::client::{ClientError, Methods};

use super::ledger::Stream;
use super::load::Load;
use super::world::{NAMES, Outcome, Speaker, UNAVAILABLE, World, read_all};
use crate::support::fault::{Fate, Fault, calls, files};
use crate::support::{Agent, TestServer, soon};

/// What needs no disk goes on: reading, and coming in.
async fn check_reading(world: &World, alice: &Speaker) {
    let history = read_all(&alice.agent, &world.room).await;
    world.ledger.check_room(&world.room, &history);
    for name in NAMES {
        let newcomer = world.enter(name).await;
        newcomer.agent.call("room.list", json!({})).await;
    }
    assert!(!world.is_writable().await);
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_nothing_else() {
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    let bob = world.enter("bob").await;
    let controller = Agent::enter(&world.server, world.key("controller")).await;
    let room = Stream::Room(world.room.clone());
    let direct = Stream::Direct(bob.agent.id().to_owned());
    for _ in 0..20 {
        assert_eq!(alice.say(room.clone(), 500).await, Outcome::Acknowledged);
    }
    bob.note_events().await;

    world
        .faults
        .set(Fault::always(calls::WRITE | calls::TRUNCATE, files::ALL, Fate::Full));
    for stream in [&room, &direct, &room, &direct] {
        assert_eq!(alice.say(stream.clone(), 500).await, Outcome::Refused);
    }
    for (method, params) in [
        ("room.create", json!({ "name": "no room" })),
        ("lobby.setMotd", json!({ "content": "no space" })),
        ("agent.invite", json!({ "displayName": "nobody" })),
        ("room.leave", json!({ "roomId": world.room })),
        ("docs.update", json!({ "name": "constitution", "content": "none" })),
    ] {
        let agent = if method == "room.leave" {
            &alice.agent
        } else {
            &controller
        };
        match soon(method, agent.connection.call(method, params)).await {
            Err(ClientError::Rpc(error)) => {
                assert_eq!(error.code, UNAVAILABLE, "`{method}`: {error}");
                assert!(error.message.contains("the disk is full"), "{error}");
            }
            other => panic!("`{method}` was not refused: {other:?}"),
        }
    }
    check_reading(&world, &alice).await;
    let told: Vec<String> = bob.agent.told().await.into_iter().map(|(method, _)| method).collect();
    assert!(
        told.iter().all(|method| method == "presence"),
        "told of what was refused: {told:?}"
    );

    world.faults.clear();
    assert_eq!(alice.say(room.clone(), 500).await, Outcome::Acknowledged);
    assert_eq!(alice.say(direct, 500).await, Outcome::Acknowledged);
    bob.note_events().await;
    assert!(world.is_writable().await);
    world.check().await;
    world.kill_and_restart();
    world.check().await;
}

/// How long it may take to notice that there is space again; the server looks every five seconds.
const NOTICED: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_disk_with_space_again_is_noticed_without_anybody_asking() {
    let world = World::new().await;
    let alice = world.enter("alice").await;
    let room = Stream::Room(world.room.clone());
    world
        .faults
        .set(Fault::always(calls::WRITE | calls::TRUNCATE, files::ALL, Fate::Full));
    assert_eq!(alice.say(room.clone(), 500).await, Outcome::Refused);
    assert_eq!(world.server.get("/ready").await.0, 503);
    let began = Instant::now();
    world.faults.clear();
    soon("the space to be noticed", async {
        while world.server.get("/ready").await.0 != 200 {}
    })
    .await;
    assert!(began.elapsed() <= NOTICED, "{:?}", began.elapsed());
    assert_eq!(alice.say(room, 500).await, Outcome::Acknowledged);
    world.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn space_that_comes_and_goes_under_load_loses_nothing() {
    let mut world = World::new().await;
    let load = Load::start(&world, 0).await;
    for round in 1..=5 {
        load.reach(load.acknowledged() + 100).await;
        let place = round * 3;
        let files = if round % 2 == 0 { files::SQLITE } else { files::LOG };
        world.faults.set(Fault {
            calls: calls::WRITE,
            files,
            first: place,
            last: place + 40,
            fate: Fate::Full,
        });
        while world.faults.failed() < 10 {
            tokio::task::yield_now().await;
        }
    }
    load.reach(load.acknowledged() + 100).await;
    world.server.kill();
    load.end().await;
    world.kill_and_restart();
    world.check().await;
}

/// A small file system of its own. Unmounted when the test is over, however it ends.
struct SmallDisk {
    place: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` when this process may not mount.
    fn mount(bytes: u64) -> Option<Self> {
        let place = tempfile::tempdir().expect("a temporary directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "wardroom-test"])
            .arg(place.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { place }),
            _ => None,
        }
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    /// Takes all space that is left.
    fn fill(&self) {
        let mut file = File::create(self.path().join("filler")).expect("a file");
        for size in [65_536, 4096] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn make_space(&self) {
        fs::remove_file(self.path().join("filler")).expect("it is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("`{}` could not be unmounted", self.path().display());
        }
    }
}

#[tokio::test]
async fn a_small_disk_that_is_really_full_refuses_changes_and_recovers() {
    let Some(disk) = SmallDisk::mount(16 * 1024 * 1024) else {
        println!("skipped: this process may not mount a file system of its own");
        return;
    };
    let builder = TestServer::builder().data_dir(&disk.path().join("data"));
    let mut server = builder.start();
    let controller = server.controller().await;
    let room = controller.create_room("work", "public").await;
    disk.fill();

    // The log may have room left for some.
    let (mut stored, mut refused) = (Vec::new(), 0);
    let mut number = 0;
    while refused < 20 {
        number += 1;
        let content = format!("{number} {}", "x".repeat(4000));
        let params = json!({ "roomId": room, "content": content });
        match soon("message.send", controller.connection.call("message.send", params)).await {
            Ok(_) => stored.push(content),
            Err(error) => {
                assert_eq!(error.code(), Some(UNAVAILABLE), "{error}");
                refused += 1;
            }
        }
        assert!(number < 20_000, "the disk is never full");
    }
    let contents = |history: Vec<serde_json::Value>| -> Vec<String> {
        let text = |message: &serde_json::Value| message["content"].as_str().expect("a content").to_owned();
        history.iter().map(text).collect()
    };
    assert_eq!(contents(read_all(&controller, &room).await), stored);
    server.controller().await;

    disk.make_space();
    controller.say(&room, "there is space").await;
    stored.push("there is space".to_owned());
    server.restart();
    let controller = server.controller().await;
    assert_eq!(contents(read_all(&controller, &room).await), stored);
    drop(server);
}
