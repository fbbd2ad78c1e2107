//! Idempotency keys are forgotten in time, and in nobody's way.

use wardroom::store::Connection;

use super::world::World;
use crate::support::soon;

/// Keys that are left when the server was asked to stop while it forgot them.
const MANY: u64 = 200_000;

fn open(world: &World) -> Connection {
    Connection::open(world.faults.data_dir().join("wardroom.db")).expect("it can be opened")
}

fn remember(connection: &Connection, name: &str, count: u64, sent_at_ms: i64) {
    let statement = format!(
        "WITH RECURSIVE numbers (number) AS \
         (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {count}) \
         INSERT INTO idempotency_keys (sender, key, request, message, sent_at) \
         SELECT 1, '{name} ' || number, zeroblob(32), 1, {sent_at_ms} FROM numbers"
    );
    connection.execute_batch(&statement).expect("it can be stored");
}

fn count(connection: &Connection) -> u64 {
    let count = connection.query_row("SELECT count(*) FROM idempotency_keys", [], |row| row.get::<_, i64>(0));
    count.expect("a number").unsigned_abs()
}

/// A stop waited until every old key was forgotten.
#[tokio::test]
async fn regression_a_stop_does_not_wait_until_all_old_keys_are_forgotten() {
    let mut world = World::new().await;
    world.stop();
    let connection = open(&world);
    remember(&connection, "old", MANY, 0);
    drop(connection);
    world.server.restart();
    world.stop();
    let left = count(&open(&world));
    assert!(left > 0, "it was waited for");
}

#[tokio::test]
async fn old_keys_are_forgotten_and_new_ones_are_kept() {
    let mut world = World::new().await;
    world.stop();
    let connection = open(&world);
    remember(&connection, "old", 2500, 0);
    remember(&connection, "new", 10, i64::MAX);
    drop(connection);
    world.server.restart();
    let connection = open(&world);
    soon("the old ones to be forgotten", async {
        while count(&connection) > 10 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    world.stop();
    assert_eq!(count(&connection), 10);
}
