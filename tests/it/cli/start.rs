//! Starts: what they print, what they leave, and when they are refused.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::json;

use super::place::{Place, files_below, key_of, run};

/// The lines of a start after that of the key.
#[track_caller]
fn check_lines(lines: &[String], place: &Place) {
    let listening = format!("wardroom {} listening on ws://127.0.0.1:", env!("CARGO_PKG_VERSION"));
    assert!(lines[0].starts_with(&listening), "{lines:#?}");
    let port: u16 = lines[0][listening.len()..]
        .parse()
        .expect("a port and nothing behind it");
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(
        lines[1].contains(place.data_dir().to_str().expect("UTF-8")),
        "{lines:#?}"
    );
    assert!(lines[2].contains(&format!("ws://127.0.0.1:{port}")), "{lines:#?}");
    assert!(lines[3].starts_with("Stop: wardroom stop"), "{lines:#?}");
}

fn own(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_first_start_shows_the_key_once_and_later_ones_never() {
    let place = Place::new();
    let first = place.serve();
    let key = first.key();
    check_lines(&own(&first.stdout)[1..], &place);
    assert!(first.stderr.is_empty(), "{first:?}");
    assert_eq!(first.stdout.matches("bl_k_").count(), 1);

    let again = place.run("serve --port 0").expect(4);
    assert!(again.stderr.contains("running"), "{again:?}");
    place.run("stop").expect(0);
    let second = place.serve();
    check_lines(&own(&second.stdout), &place);
    place.run("stop").expect(0);

    for path in files_below(&place.data_dir()) {
        let content = fs::read(&path).expect("readable");
        let hidden = content.windows(key.len()).all(|window| window != key.as_bytes());
        assert!(hidden, "the key is in `{}`", path.display());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_key_is_in_no_argument_and_no_environment_of_the_server() {
    let place = Place::new();
    let key = place.serve().key();
    let pid = place.status()["pid"].as_u64().expect("a number");
    for name in ["cmdline", "environ"] {
        let content = fs::read(format!("/proc/{pid}/{name}")).expect("our own process");
        assert!(
            !content.is_empty() && !String::from_utf8_lossy(&content).contains(&key),
            "{name}"
        );
    }
}

#[test]
fn the_foreground_prints_the_same_lines_as_the_background() {
    let place = Place::new();
    let server = place.foreground("serve -f --port 0");
    key_of(&server.printed[0]);
    check_lines(&server.printed[1..], &place);
    assert_eq!(place.status()["pid"], server.pid());
    place.run("serve -f --port 0").expect(4);
    place.run("stop").expect(0);
    assert_eq!(server.wait().code(), Some(0));
    check_lines(&place.foreground("serve --foreground --port 0").printed, &place);
}

#[test]
fn only_the_owner_can_read_what_a_server_leaves() {
    let place = Place::new();
    place.serve();
    let mode = |path: &Path| fs::symlink_metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&place.data_dir()), 0o700);
    for name in [
        "wardroom.json",
        "wardroom.db",
        "wardroom.pid",
        "wardroom.log",
        "wardroom.lock",
        "wardroom.start.json",
        "wardroom.sock",
    ] {
        assert_eq!(mode(&place.file(name)), 0o600, "{name}");
    }
    for path in files_below(&place.data_dir()) {
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
    let pid = fs::read_to_string(place.file("wardroom.pid")).expect("there");
    assert_eq!(pid, format!("{}\n", place.status()["pid"]));
    place.run("stop").expect(0);
    assert!(!place.file("wardroom.pid").exists() && !place.file("wardroom.sock").exists());
}

#[test]
fn the_object_of_a_start_holds_what_the_lines_do() {
    let place = Place::new();
    let report = place.run("serve --port 0 --json").expect(0).json();
    assert_eq!(
        (&report["status"], &report["version"]),
        (&json!("ok"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert!(
        report["controllerKey"]
            .as_str()
            .expect("a key")
            .starts_with("bl_k_ctrl_")
    );
    assert!(
        report["addresses"][0]
            .as_str()
            .expect("an address")
            .starts_with("ws://127.0.0.1:")
    );
    assert_eq!(report["pid"], place.status()["pid"]);
    assert_eq!(place.run("stop --json").expect(0).json()["pid"], report["pid"]);
    assert!(
        place
            .run("serve --port 0 --json")
            .expect(0)
            .json()
            .get("controllerKey")
            .is_none()
    );
}

#[test]
fn a_taken_port_is_reported_before_anything_is_made() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let ran = place.run(&format!("serve --port {port}")).expect(1);
    assert!(ran.stderr.contains(&port.to_string()), "{ran:?}");
    assert!(!place.data_dir().exists());
    place.run("status").expect(3);
    place.run(&format!("serve -f --port {port}")).expect(1);
    assert!(!place.data_dir().exists());
    drop(taken);
    place.serve().key();
}

#[test]
fn a_key_made_before_a_start_failed_is_not_lost() {
    let place = Place::new();
    place.write("wardroom.json", "{}");
    fs::create_dir(place.file("wardroom.log")).expect("a directory where the log should be");
    place.run("serve --port 0").expect(1).key();

    let place = Place::new();
    place.write("wardroom.json", "{}");
    fs::create_dir(place.file("wardroom.log")).expect("a directory where the log should be");
    let report = place.run("serve --json --port 0").expect(1).json();
    assert_eq!(report["status"], "error");
    assert!(
        report["controllerKey"]
            .as_str()
            .expect("the key")
            .starts_with("bl_k_ctrl_")
    );
}

#[test]
fn a_damaged_database_is_refused_and_left_alone() {
    let place = Place::new();
    place.write("wardroom.db", "this was a database once");
    for line in ["serve --port 0", "serve -f --port 0"] {
        let ran = place.run(line).expect(6);
        assert!(
            !ran.stderr.is_empty() && !ran.stdout.contains("Controller key"),
            "{ran:?}"
        );
    }
    assert_eq!(
        fs::read_to_string(place.file("wardroom.db")).expect("there"),
        "this was a database once"
    );
}

#[test]
fn a_data_directory_that_cannot_be_one_is_refused() {
    let place = Place::new();
    fs::write(place.data_dir(), "a file").expect("written");
    place.run("serve --port 0").expect(6);
    fs::remove_file(place.data_dir()).expect("removed");
}

#[test]
fn of_two_first_starts_at_once_one_wins_and_one_key_is_shown() {
    let place = Place::new();
    let mut runs: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| place.run("serve --port 0"))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    runs.sort_by_key(|ran| ran.code);
    assert_eq!((runs[0].code, runs[1].code), (Some(0), Some(4)), "{runs:#?}");
    let keys = runs
        .iter()
        .filter(|ran| ran.stdout.contains("Controller key: "))
        .count();
    assert_eq!(keys, 1, "{runs:#?}");
}

#[test]
fn relative_paths_hold_for_a_server_in_the_background() {
    let place = Place::new();
    fs::write(
        place.path("mine.json"),
        "{\"port\": 0, \"lobby\": {\"name\": \"Atrium\"}}",
    )
    .expect("written");
    let mut command = place.bare_command();
    run(command.args(["serve", "--data-dir", "data", "--config", "mine.json"])).expect(0);
    assert_eq!(place.status()["running"], true);
    let stored = fs::read_to_string(place.file("wardroom.start.json")).expect("there");
    assert!(
        stored.contains(place.path("mine.json").to_str().expect("UTF-8")),
        "{stored}"
    );
}

// Processes show what they hold below `/proc` on Linux.
#[cfg(target_os = "linux")]
#[test]
fn a_server_in_the_background_keeps_neither_keys_nor_descriptors_of_who_started_it() {
    let place = Place::new();
    let path = place.path("held");
    let held = fs::File::create(&path).expect("created");
    rustix::io::fcntl_setfd(&held, rustix::io::FdFlags::empty()).expect("left open to children");
    let started = run(place
        .command(["serve", "--port", "0", "--json"])
        .env("WARDROOM_API_KEY", "bl_k_one")
        .env("BROODLINK_API_KEY", "bl_k_other")
        .env("WARDROOM_LOG__LEVEL", "debug"))
    .expect(0)
    .json();
    let process = PathBuf::from(format!("/proc/{}", started["pid"]));
    let environment = fs::read(process.join("environ")).expect("read");
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("WARDROOM_LOG__LEVEL=debug"), "the rest is kept");
    assert!(!environment.contains("bl_k_"), "no key");
    let descriptors = fs::read_dir(process.join("fd")).expect("listed");
    for descriptor in descriptors.flatten() {
        assert_ne!(fs::read_link(descriptor.path()).ok().as_ref(), Some(&path));
    }
}
