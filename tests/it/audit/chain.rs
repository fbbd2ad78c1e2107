//! Whatever is changed in the log from outside is found: by the server at every look, and by `doctor`.

use std::process::Command;

use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params_from_iter};
use serde_json::json;

use super::entries;
use crate::support::{Agent, Cast, TestServer};

/// Changes that are tried.
const TRIALS: u64 = 1000;

/// The columns of a row, `seq` first.
const COLUMNS: [&str; 11] = [
    "seq", "governs", "at", "actor", "method", "targets", "address", "gateway", "outcome", "count", "hash",
];

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        // The steps of SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((number ^ (number >> 31)) % limit as u64).expect("in range")
    }
}

type Row = Vec<Stored>;

fn read(database: &Connection) -> Vec<Row> {
    let mut statement = database
        .prepare(&format!("SELECT {} FROM audit ORDER BY seq", COLUMNS.join(", ")))
        .expect("a query");
    let rows = statement.query_map([], |row| (0..COLUMNS.len()).map(|place| row.get(place)).collect());
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}

/// Makes the log consist of these rows.
fn write(database: &Connection, rows: &[Row]) {
    database
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM audit")
        .expect("it is ours");
    let text = |column: &str| !matches!(column, "seq" | "governs" | "at" | "count" | "hash");
    let places: Vec<String> = COLUMNS
        .iter()
        .map(|column| if text(column) { "CAST(? AS TEXT)" } else { "?" }.to_owned())
        .collect();
    let sql = format!(
        "INSERT INTO audit ({}) VALUES ({})",
        COLUMNS.join(", "),
        places.join(", ")
    );
    for row in rows {
        database.execute(&sql, params_from_iter(row)).expect("a row");
    }
    database.execute_batch("COMMIT").expect("it is ours");
}

/// One change of what is stored: which.
fn change(rows: &mut Vec<Row>, numbers: &mut Numbers) -> String {
    let place = numbers.below(rows.len());
    match numbers.below(10) {
        0 => {
            rows.remove(place);
            format!("row {place} taken out")
        }
        1 => {
            let other = (place + 1 + numbers.below(rows.len() - 1)) % rows.len();
            let (one, two) = (rows[place][0].clone(), rows[other][0].clone());
            rows.swap(place, other);
            (rows[place][0], rows[other][0]) = (one, two);
            format!("rows {place} and {other} in each other's place")
        }
        _ => loop {
            let column = 1 + numbers.below(COLUMNS.len() - 1);
            match &mut rows[place][column] {
                Stored::Integer(number) => *number ^= 1 << numbers.below(63),
                Stored::Text(text) if !text.is_empty() => {
                    let mut bytes = std::mem::take(text).into_bytes();
                    let byte = numbers.below(bytes.len());
                    bytes[byte] ^= 1 << numbers.below(8);
                    rows[place][column] = Stored::Blob(bytes);
                }
                Stored::Blob(bytes) => {
                    let byte = numbers.below(bytes.len());
                    bytes[byte] ^= 1 << numbers.below(8);
                }
                _ => continue,
            }
            break format!("`{}` of row {place}", COLUMNS[column]);
        },
    }
}

/// A log of some length.
async fn filled() -> Cast {
    let cast = Cast::gather().await;
    for number in 0..20 {
        let key = cast.controller().invite(&format!("agent {number}")).await;
        let agent = Agent::enter(&cast.server, &key).await;
        agent.refused("agent.list", json!({})).await;
        cast.controller()
            .call("agent.ban", json!({ "agentId": agent.id() }))
            .await;
    }
    entries(cast.controller(), json!({})).await;
    cast
}

fn open(server: &TestServer) -> Connection {
    let database = Connection::open(server.data_dir().join("wardroom.db")).expect("a database");
    database.execute_batch("PRAGMA synchronous = OFF").expect("a setting");
    database
}

async fn broken_at(controller: &Agent) -> Option<i64> {
    let listed = controller.call("audit.list", json!({ "limit": 1 })).await;
    assert_eq!(listed["intact"], listed["brokenAt"].is_null());
    listed["brokenAt"].as_i64()
}

#[tokio::test]
async fn of_a_thousand_changes_each_is_found() {
    let cast = filled().await;
    let database = open(&cast.server);
    let whole = read(&database);
    assert!(whole.len() > 40);
    let mut numbers = Numbers(0x57AD);
    for _ in 0..TRIALS {
        let mut rows = whole.clone();
        let what = change(&mut rows, &mut numbers);
        assert_ne!(rows, whole, "{what}");
        write(&database, &rows);
        assert!(broken_at(cast.controller()).await.is_some(), "{what} was not found");
    }
    write(&database, &whole);
    assert_eq!(broken_at(cast.controller()).await, None);
}

#[tokio::test]
async fn an_end_that_was_cut_off_or_moved_is_found() {
    let cast = filled().await;
    let database = open(&cast.server);
    let whole = read(&database);
    for cut in [1, 2, whole.len() - 1, whole.len()] {
        write(&database, &whole[..whole.len() - cut]);
        assert!(broken_at(cast.controller()).await.is_some(), "the last {cut}");
        write(&database, &whole[cut..]);
        assert!(broken_at(cast.controller()).await.is_some(), "the first {cut}");
    }
    write(&database, &whole);
    for sql in [
        "UPDATE audit_ends SET kept = kept + 1",
        "UPDATE audit_ends SET head_seq = head_seq - 1",
        "UPDATE audit_ends SET base_hash = randomblob(32)",
        "UPDATE audit_ends SET head_hash = randomblob(32)",
        "DELETE FROM audit_ends",
    ] {
        database
            .execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM audit_ends")
            .expect("a copy");
        database.execute_batch(sql).expect("a change");
        assert!(broken_at(cast.controller()).await.is_some(), "{sql}");
        database
            .execute_batch("DELETE FROM audit_ends; INSERT INTO audit_ends SELECT * FROM kept; DROP TABLE kept")
            .expect("as it was");
        assert_eq!(broken_at(cast.controller()).await, None);
    }
}

#[tokio::test]
async fn doctor_finds_a_change_too() {
    let mut cast = filled().await;
    cast.server.signal("TERM");
    cast.server.wait();
    let doctor = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardroom"));
        command
            .args(["doctor", "--json", "--data-dir"])
            .arg(cast.server.data_dir());
        let output = command.output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(!doctor().contains("audit log"));
    let database = open(&cast.server);
    database
        .execute("UPDATE audit SET actor = 'nobody' WHERE seq = 7", [])
        .expect("a change");
    drop(database);
    let report = doctor();
    assert!(
        report.contains("the audit log was changed from outside: entry 7"),
        "{report}"
    );
}
