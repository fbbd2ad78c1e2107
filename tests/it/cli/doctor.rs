//! `doctor`: a verdict for everything, and nothing put right behind the operator's back.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use wardroom::store::Connection;

use super::place::{Place, files_below};

/// A set-up data directory whose port is free.
fn healthy() -> Place {
    let place = Place::new();
    place.run("install server").expect(0);
    place.write("wardroom.json", "{\"port\": 0}");
    place
}

/// The verdicts on a subject.
fn verdicts<'a>(report: &'a Value, subject: &str) -> Vec<&'a str> {
    report["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|check| check["subject"] == subject)
        .filter_map(|check| check["verdict"].as_str())
        .collect()
}

/// Runs it and expects exactly one thing to be wrong, with advice.
#[track_caller]
fn expect_wrong(place: &Place, subject: &str) {
    let report = place.run("doctor --json").expect(1).json();
    assert_eq!(report["status"], "wrong");
    let wrong: Vec<&Value> = report["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|check| check["verdict"] == "wrong")
        .collect();
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert_eq!(wrong[0]["subject"], subject);
    assert!(
        wrong[0]["advice"].as_str().is_some_and(|advice| !advice.is_empty()),
        "{wrong:#?}"
    );
}

#[test]
fn a_healthy_installation_is_fine_stopped_and_running() {
    let place = healthy();
    let report = place.run("doctor --json").expect(0).json();
    assert_eq!(report["status"], "ok");
    for subject in [
        "data directory",
        "directory mode",
        "file modes",
        "server",
        "configuration",
        "port",
        "database",
        "disk space",
        "clock",
        "stale files",
    ] {
        assert_eq!(verdicts(&report, subject), ["ok"], "{subject}: {report:#}");
    }
    let text = place.run("doctor").expect(0).stdout;
    assert!(text.lines().all(|line| line.starts_with("ok ")), "{text}");
    assert!(!text.contains('\u{1b}'), "no colour for pipes");
    place.run("serve").expect(0);
    place.run("doctor").expect(0);
}

#[test]
fn the_disk_of_a_database_elsewhere_is_looked_at_too() {
    let place = Place::new();
    let elsewhere = place.path("elsewhere");
    fs::create_dir(&elsewhere).expect("made");
    let config = json!({ "port": 0, "database": elsewhere.join("hub.db") });
    place.write("wardroom.json", &config.to_string());
    place.run("install server").expect(0);
    let report = place.run("doctor --json").json();
    assert_eq!(verdicts(&report, "disk space"), ["ok"]);
    assert_eq!(verdicts(&report, "disk space of the database"), ["ok"], "{report:#}");
}

#[test]
fn a_missing_data_directory_is_told_and_not_made() {
    let place = Place::new();
    let ran = place.run("doctor --port 0").expect(1);
    assert!(ran.stdout.contains("install server"), "{ran:?}");
    assert!(!place.data_dir().exists());
}

#[test]
fn open_modes_are_wrong() {
    let place = healthy();
    fs::set_permissions(place.file("wardroom.db"), fs::Permissions::from_mode(0o644)).expect("changed");
    expect_wrong(&place, "file modes");
    fs::set_permissions(place.file("wardroom.db"), fs::Permissions::from_mode(0o600)).expect("changed");
    fs::set_permissions(place.data_dir(), fs::Permissions::from_mode(0o755)).expect("changed");
    expect_wrong(&place, "directory mode");
}

#[test]
fn a_bad_configuration_is_wrong() {
    let place = healthy();
    place.write("wardroom.json", "{\"prot\": 0}");
    expect_wrong(&place, "configuration");
}

#[test]
fn a_taken_port_is_wrong() {
    let place = healthy();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    place.write("wardroom.json", &format!("{{\"port\": {port}}}"));
    expect_wrong(&place, "port");
}

#[test]
fn the_flags_of_the_last_start_are_taken_into_account() {
    let place = healthy();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    place.write("wardroom.start.json", &format!("{{\"port\": {port}}}"));
    expect_wrong(&place, "port");
    place.run("doctor --port 0").expect(0);
}

#[test]
fn a_damaged_database_is_wrong() {
    let place = healthy();
    // A whole run folds the write-ahead log into the database: what is in the log alone would survive this.
    place.run("serve").expect(0);
    place.run("stop").expect(0);
    fs::write(place.file("wardroom.db"), "this was a database once").expect("written");
    expect_wrong(&place, "database");
    assert_eq!(
        fs::read_to_string(place.file("wardroom.db")).expect("there"),
        "this was a database once"
    );
}

#[test]
fn a_certificate_that_cannot_be_read_is_wrong() {
    let place = healthy();
    place.write("here.pem", "");
    place.write(
        "wardroom.json",
        "{\"port\": 0, \"tls\": {\"cert\": \"here.pem\", \"key\": \"missing.pem\"}}",
    );
    expect_wrong(&place, "tls");
    place.write("missing.pem", "no key");
    expect_wrong(&place, "tls");
}

#[test]
fn a_clock_behind_the_files_is_wrong() {
    let place = healthy();
    let file = fs::File::options()
        .write(true)
        .open(place.file("wardroom.json"))
        .expect("opened");
    let modified = file.metadata().expect("there").modified().expect("a time");
    file.set_modified(modified + std::time::Duration::from_secs(86_400))
        .expect("changed");
    expect_wrong(&place, "clock");
}

#[test]
fn what_a_killed_server_left_is_noticed_and_harmless() {
    let place = healthy();
    place.foreground("serve -f").kill();
    let report = place.run("doctor --json").expect(0).json();
    assert_eq!(verdicts(&report, "stale files"), ["notice"], "{report:#}");
    assert!(place.file("wardroom.pid").exists(), "nothing is changed");
}

#[test]
fn a_database_that_vanished_or_is_not_ours_is_wrong() {
    let place = healthy();
    let database = place.file("wardroom.db");
    fs::remove_file(&database).expect("removed");
    expect_wrong(&place, "database");
    assert!(!database.exists(), "looking makes nothing");
    fs::write(
        &database,
        "no database at all, but a text that is long enough to be read as one".repeat(100),
    )
    .expect("written");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o600)).expect("changed");
    expect_wrong(&place, "database");
}

/// Makes a database as another program would, and closes it in order.
fn make_database(place: &Place, name: &str, sql: &str) {
    place.write(name, "");
    let connection = Connection::open(place.file(name)).expect("it can be made");
    connection.execute_batch(sql).expect("it can be written");
    connection.close().expect("it can be closed");
}

/// What `doctor` finds of a subject, and its advice.
#[track_caller]
fn found(place: &Place, subject: &str) -> Value {
    let report = place.run("doctor --json").json();
    let checks = report["checks"].as_array().expect("a list");
    let found = checks.iter().find(|check| check["subject"] == subject);
    found
        .unwrap_or_else(|| panic!("nothing on `{subject}`: {report:#}"))
        .clone()
}

/// Looking left a lock in somebody's directory, and the next start took that for a sign that the directory is its own.
#[test]
fn regression_a_directory_of_somebody_else_is_not_taken_over_after_a_look() {
    let place = Place::new();
    let names = ["notes.txt", "wardroom.tar.gz", "broodlink.txt"];
    for name in names {
        place.write(name, "not a wardroom's");
    }
    fs::set_permissions(place.data_dir(), fs::Permissions::from_mode(0o755)).expect("changed");
    for line in ["doctor --port 0", "status", "check-config", "doctor --port 0"] {
        place.run(line);
    }
    assert_eq!(
        files_below(&place.data_dir()).len(),
        names.len(),
        "looking leaves nothing"
    );
    let ran = place.run("serve --port 0").expect(6);
    assert!(ran.stderr.contains("holds other things than wardroom's"), "{ran:?}");
    let mode = fs::metadata(place.data_dir()).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    assert_eq!(files_below(&place.data_dir()).len(), names.len());
}

/// A look at a database with a write-ahead log left the log and its index beside it.
#[test]
fn regression_a_database_of_another_program_is_left_as_it_is() {
    let place = Place::new();
    place.write("wardroom.json", "{\"port\": 0, \"database\": \"other.db\"}");
    make_database(
        &place,
        "other.db",
        "PRAGMA journal_mode = WAL; CREATE TABLE notes (text TEXT);",
    );
    let before = fs::read(place.file("other.db")).expect("there");
    for line in ["doctor", "serve"] {
        place.run(line);
        let mut left = files_below(&place.data_dir());
        left.retain(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("other.db-"))
        });
        assert!(left.is_empty(), "`{line}` has left {left:?}");
        assert_eq!(fs::read(place.file("other.db")).expect("there"), before, "{line}");
    }
    let database = found(&place, "database");
    assert_eq!(database["verdict"], "wrong");
    let advice = database["advice"].as_str().expect("an advice");
    assert!(advice.contains("another file"), "{advice}");

    // A log that its program left is not folded by somebody else.
    let connection = Connection::open(place.file("other.db")).expect("it can be opened");
    connection
        .execute_batch("INSERT INTO notes VALUES ('mine')")
        .expect("it can be written");
    let log = fs::read(place.file("other.db-wal")).expect("there");
    place.run("doctor").expect(1);
    assert_eq!(fs::read(place.file("other.db-wal")).expect("there"), log);
}

/// A start takes a database without tables for a new one; `doctor` called it damaged.
#[test]
fn regression_a_database_that_is_still_to_be_filled_is_none_yet() {
    let place = Place::new();
    place.write("wardroom.json", "{\"port\": 0}");
    make_database(
        &place,
        "wardroom.db",
        "PRAGMA journal_mode = WAL; CREATE TABLE gone (x); DROP TABLE gone;",
    );
    assert_eq!(found(&place, "database")["verdict"], "notice");
    place.run("serve").expect(0).key();
}

#[test]
fn a_database_of_a_newer_version_needs_that_version() {
    let place = healthy();
    let connection = Connection::open(place.file("wardroom.db")).expect("it can be opened");
    connection
        .execute_batch("PRAGMA user_version = 99;")
        .expect("it can be written");
    connection.close().expect("it can be closed");
    let advice = found(&place, "database")["advice"].clone();
    assert_eq!(advice, "run the newer version; nothing was done to the database");
}

/// The lock was let go before the look began, so that a server could start and write meanwhile.
// Locks are listed below `/proc` on Linux.
#[cfg(target_os = "linux")]
#[test]
fn regression_nobody_starts_while_the_database_is_looked_at() {
    use std::os::unix::fs::MetadataExt;

    let place = healthy();
    let inode = fs::metadata(place.file("wardroom.lock")).expect("there").ino();
    let is_held = || {
        let locks = fs::read_to_string("/proc/locks").expect("read");
        let inode = format!(":{inode} ");
        locks
            .lines()
            .any(|line| line.contains("FLOCK") && line.contains(&inode))
    };
    // The look waits for whoever has the database to itself.
    let other = Connection::open(place.file("wardroom.db")).expect("it can be opened");
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;")
        .expect("nobody else has it");
    assert!(!is_held());
    std::thread::scope(|scope| {
        let doctor = scope.spawn(|| found(&place, "database"));
        // Held once may be held for a moment; held again and again is held while it waits.
        let mut times = 0;
        while times < 20 && !doctor.is_finished() {
            times = if is_held() { times + 1 } else { 0 };
        }
        assert_eq!(times, 20, "not held while it looks");
        let database = doctor.join().expect("no panic");
        assert_eq!(database["verdict"], json!("wrong"));
        let finding = database["finding"].as_str().expect("a finding");
        assert!(finding.starts_with("another program is using"), "{finding}");
        assert_eq!(database["advice"], "end that program, then run `doctor` again");
    });
    drop(other);
    assert_eq!(found(&place, "database")["verdict"], "ok");
}

/// The error named the lock in the data directory, whichever file it was that could not be made.
#[test]
fn regression_a_missing_directory_of_the_database_is_named() {
    let place = Place::new();
    place.write("wardroom.json", "{\"port\": 0, \"database\": \"missing/wardroom.db\"}");
    let ran = place.run("serve").expect(6);
    assert!(ran.stderr.contains("missing/wardroom.db.lock"), "{ran:?}");
    assert_eq!(found(&place, "database")["verdict"], "notice");
}
