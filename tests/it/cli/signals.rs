//! Signals: the first asks for an orderly end, the second ends at once.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::place::Place;

#[test]
fn one_signal_is_an_orderly_end() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new();
        let server = place.foreground("serve -f --port 0");
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0));
        assert!(!place.file("wardroom.pid").exists() && !place.file("wardroom.sock").exists());
        place.run("status").expect(3);
    }
}

#[test]
fn a_server_in_the_background_takes_a_signal_too() {
    let place = Place::new();
    place.serve();
    let pid = place.status()["pid"]
        .as_i64()
        .and_then(|pid| i32::try_from(pid).ok())
        .expect("a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("not zero");
    // The status has just named it, so it is the server.
    rustix::process::kill_process(pid, Signal::TERM).expect("running");
    // It is not our child; that it has ended shows in its lock, which this waits for.
    let lock = fs::File::open(place.file("wardroom.lock")).expect("there");
    lock.lock_shared().expect("released");
    drop(lock);
    place.run("status").expect(3);
    let log = fs::read_to_string(place.file("wardroom.log")).expect("there");
    assert!(log.contains("SIGTERM"), "{log}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let place = Place::new();
    let drain = Duration::from_secs(60);
    place.write(
        "wardroom.json",
        &format!("{{\"port\": 0, \"shutdown\": {{\"drainMs\": {}}}}}", drain.as_millis()),
    );
    let mut server = place.foreground("serve -f");
    let address = server
        .printed
        .iter()
        .find_map(|line| line.split("ws://").nth(1))
        .expect("an address")
        .to_owned();
    // A client that never answers the closing handshake is waited for.
    let mut client = TcpStream::connect(&address).expect("connected");
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    client.set_read_timeout(Some(drain)).expect("set");
    client.write_all(request.as_bytes()).expect("sent");
    let mut first = [0; 12];
    client.read_exact(&mut first).expect("answered");
    assert_eq!(&first, b"HTTP/1.1 101");
    server.signal(Signal::TERM);
    server.wait_for_log("stopping");
    let asked = Instant::now();
    server.signal(Signal::TERM);
    server.wait();
    assert!(
        asked.elapsed() < drain / 2,
        "it waited for the client: {:?}",
        asked.elapsed()
    );
    drop(client);
    place.run("status").expect(3);
}
