//! `signal`: a server for nothing but signaling.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::place::Place;

#[test]
fn it_runs_until_a_signal_and_leaves_nothing() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new();
        let server = place.foreground("signal --port 0");
        assert!(
            server
                .printed
                .iter()
                .any(|line| line.contains(" listening on ws://127.0.0.1:")),
            "{:?}",
            server.printed
        );
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0));
        assert!(!place.data_dir().exists());
    }
}

#[test]
fn programs_are_told_in_one_object() {
    let place = Place::new();
    let mut child = place
        .command(["signal", "--port", "0", "--host", "127.0.0.1", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = lines.next().expect("a line").expect("UTF-8");
    let told: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(told["status"], "ok", "{told}");
    assert_eq!(told["pid"], child.id(), "{told}");
    let address = told["addresses"][0].as_str().expect("an address");
    assert!(address.starts_with("ws://127.0.0.1:"), "{told}");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("our own child");
    assert_eq!(child.wait().expect("our own child").code(), Some(0));
    assert!(lines.next().is_none());
}

#[test]
fn what_keeps_it_from_starting_has_its_exit_code() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let ran = place.run(&format!("signal --port {port} --json")).expect(1);
    assert_eq!(ran.json()["exitCode"], 1);
    assert!(ran.stdout.contains("is taken by another program"), "{ran:?}");
    place.run("signal --port 70000").expect(2);
    place.run("signal --room r").expect(2);
    place.write("wardroom.json", r#"{ "signaling": { "rooms": 0, "colour": 1 } }"#);
    let ran = place.run("signal --port 0").expect(5);
    assert!(
        ran.stderr.contains("signaling.rooms") && ran.stderr.contains("signaling.colour"),
        "{ran:?}"
    );
}
