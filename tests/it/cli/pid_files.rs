//! A pid file never passes for a server, never blocks a start and never leads to a signal.

use std::fs;
use std::process::{Command, Stdio};

use super::place::Place;

#[track_caller]
fn check(content: &str) {
    let place = Place::new();
    place.run("install server").expect(0);
    place.write("wardroom.pid", content);
    place.run("status").expect(3);
    for line in ["stop", "kick", "lock"] {
        place.run(line).expect(3);
    }
    place.serve();
    let pid = fs::read_to_string(place.file("wardroom.pid")).expect("there");
    assert_eq!(pid.trim(), place.status()["pid"].to_string());
    // Whatever stands in the file while the server runs, it is the server that is reached.
    place.write("wardroom.pid", content);
    place.run("status").expect(0);
    place.run("serve --port 0").expect(4);
    place.run("restart").expect(0);
    place.run("stop").expect(0);
}

#[test]
fn junk_in_it_is_nobody() {
    check("");
    check("junk\n");
    check("-1\n");
}

#[test]
fn a_number_of_somebody_else_is_nobody_and_nobody_is_hurt() {
    let mut innocent = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a harmless process");
    check(&format!("{}\n", innocent.id()));
    assert!(
        innocent.try_wait().expect("our own child").is_none(),
        "a signal was sent to a process that is not ours"
    );
    drop(innocent.stdin.take());
    assert!(innocent.wait().expect("our own child").success());
}

#[test]
fn what_a_killed_server_leaves_does_not_block_a_start() {
    let place = Place::new();
    let server = place.foreground("serve -f --port 0");
    server.kill();
    assert!(place.file("wardroom.pid").exists() && place.file("wardroom.sock").exists());
    place.run("status").expect(3);
    place.run("stop").expect(3);
    place.serve();
    assert_eq!(place.status()["running"], true);
}
