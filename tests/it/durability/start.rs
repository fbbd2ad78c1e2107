//! Starting on what is there: a directory in use, a log that a kill left, a large database.

use std::time::{Duration, Instant};

use wardroom::domain::{AgentNumber, MessageKind, Name, RowId, StreamNumber};
use wardroom::store::messages::{MessageRow, append};
use wardroom::store::{Connection, inspect};

use super::ledger::Stream;
use super::size;
use super::world::{Outcome, World};
use crate::support::server::TestServerBuilder;

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused_and_the_first_goes_on() {
    let world = World::new().await;
    let second = TestServerBuilder::default().data_dir(&world.faults.data_dir());
    let Err((status, output)) = second.try_start() else {
        panic!("two servers share one directory");
    };
    assert_eq!(status.code(), Some(4), "{output}");
    assert!(output.contains("wardroom stop"), "{output}");
    let alice = world.enter("alice").await;
    let outcome = alice.say(Stream::Room(world.room.clone()), 10).await;
    assert_eq!(outcome, Outcome::Acknowledged);
    world.check().await;
}

#[tokio::test]
async fn what_lies_in_the_log_after_a_kill_is_recovered() {
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    for _ in 0..20 {
        let outcome = alice.say(Stream::Room(world.room.clone()), 100).await;
        assert_eq!(outcome, Outcome::Acknowledged);
    }
    world.server.kill();
    let log = std::fs::metadata(world.faults.data_dir().join("wardroom.db-wal")).expect("there is a log");
    assert!(log.len() > 0);
    world.server.restart();
    world.check().await;
    world.stop();
    let data_dir = world.faults.data_dir();
    assert!(inspect(&data_dir, &data_dir.join("wardroom.db")).expect("it is whole"));
}

/// How long a start may take, with so many messages too. Usually it takes a tenth of a second.
const START: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_start_with_many_messages_takes_no_longer_than_five_seconds() {
    let count = size("WARDROOM_TEST_START_MESSAGES", 100_000);
    let mut world = World::new().await;
    world.stop();
    let mut connection = Connection::open(world.faults.data_dir().join("wardroom.db")).expect("it can be opened");
    let number: i64 = connection
        .query_row("SELECT number FROM rooms WHERE name = 'work'", [], |row| row.get(0))
        .expect("the room is stored");
    let stream = StreamNumber::from_stored(number).expect("a stream");
    let transaction = connection.transaction().expect("nobody else writes");
    for seq in 1..=count {
        let message = MessageRow {
            id: RowId::new(stream, seq),
            sent_at_ms: i64::try_from(seq).expect("a small number"),
            sender: AgentNumber(1),
            sender_name: Name::from_stored("controller"),
            content: "one of very many messages, and of the usual length. ".repeat(3),
            kind: MessageKind::Chat,
            data: None,
            reply_to: None,
            direct: None,
            removal: None,
        };
        append(&transaction, &message).expect("it can be stored");
    }
    transaction.commit().expect("it can be stored");
    connection.close().expect("it can be closed");

    let mut starts = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        world.server.restart();
        starts.push(began.elapsed());
        world.server.kill();
    }
    starts.sort();
    println!(
        "with {count} messages a start takes {:?}, at most {:?}",
        starts[2], starts[4]
    );
    assert!(starts[4] <= START, "{starts:?}");
    world.server.restart();
    let alice = world.enter("alice").await;
    let newest = alice.agent.history(&world.room, 1, None).await;
    assert_eq!(newest[0]["seq"], count);
}
