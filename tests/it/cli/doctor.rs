//! `doctor`: a verdict for everything, and nothing put right behind the operator's back.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::place::Place;

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
