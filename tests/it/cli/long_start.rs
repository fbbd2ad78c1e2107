//! A start that takes long: it is told from a server that does not answer, and it is not begun twice.

use std::fs;
use std::process::Command;
use std::thread;

use super::place::{Place, run};

/// `status` and `stop` called it a process that does not answer.
#[test]
fn regression_a_start_that_takes_long_is_told_as_what_it_is() {
    let place = Place::new();
    place.run("install server").expect(0);
    // A start reads the constitution's file. From a pipe it reads until the other end is closed.
    let pipe = place.file("docs/CONSTITUTION.md");
    fs::remove_file(&pipe).expect("removed");
    run(Command::new("mkfifo").arg(&pipe)).expect(0);
    thread::scope(|scope| {
        let starting = scope.spawn(|| place.foreground("serve -f --port 0"));
        // Returns when the start reads.
        let writer = fs::File::options().write(true).open(&pipe).expect("opened");
        let status = place.run("status --json").expect(7).json();
        assert_eq!(status["status"], "starting", "{status}");
        assert!(place.run("stop").expect(7).stderr.contains("is still starting"));
        place.run("restart").expect(1);
        let report = place.run("doctor --json").json();
        let checks = report["checks"].as_array().expect("a list");
        let server = checks.iter().find(|check| check["subject"] == "server");
        assert_eq!(server.expect("it is looked for")["verdict"], "notice", "{report:#}");
        drop(writer);

        let server = starting.join().expect("it starts");
        assert_eq!(status["pid"], server.pid());
        assert_eq!(place.status()["pid"], server.pid());
        let named = fs::read_to_string(place.file("wardroom.pid")).expect("there");
        assert_eq!(named, format!("{}\n", server.pid()));
        place.run("stop").expect(0);
        assert_eq!(server.wait().code(), Some(0));
    });
    assert!(!place.file("wardroom.pid").exists());
}

/// What a killed start leaves is nobody.
#[test]
fn a_start_that_was_killed_is_no_start() {
    let place = Place::new();
    place.run("install server").expect(0);
    place.write("wardroom.pid", &format!("{} starting\n", std::process::id()));
    place.run("status").expect(3);
    place.run("stop").expect(3);
    place.serve();
    assert_eq!(place.status()["running"], true);
}
