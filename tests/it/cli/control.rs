//! Commands to a running server.

use std::net::TcpListener;

use serde_json::json;
use wardroom::client::{Connection, Endpoint, Methods};

use super::place::{Place, run};

/// The port in the only address of a status.
#[track_caller]
fn port(status: &serde_json::Value) -> u16 {
    let address = status["addresses"][0].as_str().expect("an address");
    address
        .rsplit(':')
        .next()
        .and_then(|port| port.trim_end_matches('/').parse().ok())
        .expect("a port")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(future)
}

#[test]
fn status_tells_what_is_running() {
    let place = Place::new();
    place.serve();
    let status = place.status();
    for member in [
        "version",
        "pid",
        "addresses",
        "uptimeMs",
        "agents",
        "sessions",
        "rooms",
        "messages",
        "durability",
    ] {
        assert!(!status[member].is_null(), "`{member}` is missing: {status}");
    }
    assert_eq!((&status["running"], &status["locked"]), (&json!(true), &json!(false)));
    let text = place.run("status").expect(0).stdout;
    assert!(text.contains(&format!("process {}", status["pid"])), "{text}");
}

#[test]
fn lock_refuses_participants_until_unlock_and_outlives_a_restart() {
    let place = Place::new();
    let key = place.serve().key();
    let login = |key: &str| {
        let endpoint = Endpoint::parse(&format!("ws://127.0.0.1:{}/", port(&place.status()))).expect("an address");
        block_on(async {
            let connection = Connection::open(&endpoint).await.expect("connected");
            connection.authenticate(key, None).await.map_err(|error| error.code())
        })
    };
    let endpoint = Endpoint::parse(&format!("ws://127.0.0.1:{}/", port(&place.status()))).expect("an address");
    let participant = block_on(async {
        let connection = Connection::open(&endpoint).await.expect("connected");
        connection.authenticate(&key, None).await.expect("the controller");
        connection.invite_agent("Scout").await.expect("invited").api_key
    });
    login(&participant).expect("admitted");
    assert!(place.run("lock").expect(0).stdout.starts_with("locked"));
    assert_eq!(place.status()["locked"], true);
    assert_eq!(login(&participant).expect_err("locked out"), Some(4003));
    login(&key).expect("the controller is admitted");

    place.run("restart").expect(0);
    assert_eq!(place.status()["locked"], true);
    assert_eq!(place.run("unlock --json").expect(0).json()["locked"], false);
    login(&participant).expect("admitted again");
}

#[test]
fn kick_disconnects_everybody_but_the_controller() {
    let place = Place::new();
    let key = place.serve().key();
    let endpoint = Endpoint::parse(&format!("ws://127.0.0.1:{}/", port(&place.status()))).expect("an address");
    block_on(async {
        let controller = Connection::open(&endpoint).await.expect("connected");
        controller.authenticate(&key, None).await.expect("the controller");
        let participant = controller.invite_agent("Scout").await.expect("invited").api_key;
        let scout = Connection::open(&endpoint).await.expect("connected");
        scout.authenticate(&participant, None).await.expect("admitted");
        assert_eq!(place.run("kick --json").expect(0).json()["disconnected"], 1);
        assert_eq!(scout.ended().await.code, Some(1008));
        controller.list_rooms().await.expect("still there");
    });
}

#[test]
fn a_restart_comes_back_with_the_flags_of_the_start() {
    let place = Place::new();
    // Without the flags the server would come back on another port.
    place.write("wardroom.json", "{\"port\": 1, \"host\": \"localhost\"}");
    place.run("serve --host 127.0.0.1 --port 0").expect(0);
    let before = place.status();
    place.run("restart").expect(0);
    let after = place.status();
    assert_ne!(before["pid"], after["pid"]);
    assert_ne!(port(&after), 1);
    place.run("restart").expect(0);
    assert_ne!(port(&place.status()), 1);

    place.run("stop").expect(0);
    let ran = place.run("restart").expect(0);
    assert!(ran.stdout.contains("listening on ws://127.0.0.1:"), "{ran:?}");
    assert_ne!(
        port(&place.status()),
        1,
        "a restart without a running server has the same flags"
    );
}

#[test]
fn a_restart_takes_over_from_the_foreground() {
    let place = Place::new();
    place.write("wardroom.json", "{\"port\": 1}");
    let server = place.foreground("serve --foreground --port 0");
    let pid = server.pid();
    place.run("restart").expect(0);
    assert_eq!(server.wait().code(), Some(0));
    let status = place.status();
    assert_ne!(status["pid"], pid);
    assert_ne!(port(&status), 1);
}

#[test]
fn a_restart_with_a_bad_configuration_leaves_the_server_alone() {
    let place = Place::new();
    place.serve();
    let pid = place.status()["pid"].clone();
    place.write("wardroom.json", "{\"prot\": 1}");
    place.run("restart").expect(5);
    assert_eq!(place.status()["pid"], pid);
    place.write("wardroom.start.json", "junk");
    place.run("restart").expect(1);
    assert_eq!(place.status()["pid"], pid);
}

#[test]
fn a_restart_that_cannot_succeed_leaves_the_server_alone() {
    let place = Place::new();
    place.serve();
    let pid = place.status()["pid"].clone();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let ran = place.run(&format!("restart --port {port}")).expect(1);
    assert!(ran.stderr.contains(&port.to_string()), "{ran:?}");
    assert_eq!(place.status()["pid"], pid, "the port is taken");
    // An address for documentation: no machine has it.
    place.run("restart --host 192.0.2.1").expect(1);
    assert_eq!(place.status()["pid"], pid, "the address is another machine's");
    place.write("junk.pem", "junk");
    place.write(
        "wardroom.json",
        "{\"tls\": {\"cert\": \"junk.pem\", \"key\": \"junk.pem\"}}",
    );
    let ran = place.run("restart").expect(5);
    assert!(ran.stderr.contains("junk.pem"), "{ran:?}");
    assert_eq!(place.status()["pid"], pid, "the certificate is none");
    place.run("check-config").expect(5);
}

#[test]
fn a_restart_may_keep_the_port_and_change_the_address() {
    let place = Place::new();
    place.serve();
    let former = port(&place.status());
    place.run(&format!("restart --port {former}")).expect(0);
    place.run(&format!("restart --host 0.0.0.0 --port {former}")).expect(0);
    assert_eq!(port(&place.status()), former);
}

#[test]
fn stop_returns_when_the_directory_is_free() {
    let place = Place::new();
    for _ in 0..3 {
        place.serve();
        assert_eq!(place.run("stop").expect(0).stdout, "stopped\n");
        place.run("stop").expect(3);
    }
}

#[test]
fn the_server_leaves_the_session_that_started_it() {
    let place = Place::new();
    place.serve();
    let pid = place.status()["pid"]
        .as_i64()
        .and_then(|pid| i32::try_from(pid).ok())
        .expect("a number");
    let pid = rustix::process::Pid::from_raw(pid);
    let session = rustix::process::getsid(pid).expect("running");
    assert_eq!(Some(session), pid, "it leads a session of its own");
    run(place
        .bare_command()
        .args(["status"])
        .env("WARDROOM_DATA_DIR", place.data_dir()))
    .expect(0);
}
