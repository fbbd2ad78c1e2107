//! First-run setup without a start, the client libraries, and a new controller key.

use std::fs;

use wardroom::client::{Connection, Endpoint, Methods};
use wardroom::store::Connection as Database;

use super::place::Place;

#[test]
fn install_server_sets_everything_up_and_starts_nothing() {
    let place = Place::new();
    let first = place.run("install server").expect(0);
    first.key();
    for name in [
        "wardroom.json",
        "wardroom.db",
        "docs/CONSTITUTION.md",
        "docs/CONTROLLER.md",
        "clients/python",
    ] {
        assert!(place.file(name).exists(), "{name}");
    }
    place.run("status").expect(3);
    place.write("wardroom.json", "{\"port\": 0, \"lobby\": {\"name\": \"Atrium\"}}");
    let second = place.run("install server").expect(0);
    assert!(!second.stdout.contains("Controller key"), "{second:?}");
    assert_eq!(place.run("install server --json").expect(0).json()["created"], false);
    let started = place.run("serve").expect(0);
    assert!(!started.stdout.contains("Controller key"), "{started:?}");
    assert!(
        fs::read_to_string(place.file("wardroom.json"))
            .expect("there")
            .contains("Atrium")
    );
    place.run("install server").expect(4);
}

/// Everything that is stored was checked by the set-up that comes before each start, and then by the start again.
#[test]
fn regression_a_set_up_leaves_the_check_of_what_is_stored_to_the_start() {
    let place = Place::new();
    place.write(
        "wardroom.json",
        "{\"port\": 0, \"storage\": {\"integrityCheck\": \"full\"}}",
    );
    place.run("install server").expect(0).key();
    let database = Database::open(place.file("wardroom.db")).expect("it can be opened");
    database
        .execute_batch("PRAGMA foreign_keys = OFF; UPDATE rooms SET owner = 999;")
        .expect("it can be written");
    database.close().expect("it can be closed");
    let again = place.run("install server").expect(0);
    assert!(again.stdout.contains("set up already"), "{again:?}");
    for line in ["serve", "serve -f", "key rotate --controller"] {
        let ran = place.run(line).expect(6);
        assert!(ran.stderr.contains("is damaged"), "{line}: {ran:?}");
    }
}

#[test]
fn install_clients_writes_both_libraries() {
    let place = Place::new();
    let report = place.run("install clients --json").expect(0).json();
    let count = super::place::files_below(&place.file("clients")).len();
    assert_eq!(report["files"], count);
    for name in [
        "clients/python/broodlink_client/__init__.py",
        "clients/typescript/broodlink_client.js",
    ] {
        assert!(fs::metadata(place.file(name)).expect("there").len() > 0, "{name}");
    }
    assert!(!place.file("wardroom.db").exists(), "nothing else is set up");
}

#[test]
fn a_start_refreshes_the_client_libraries() {
    let place = Place::new();
    let name = "clients/python/broodlink_client/__init__.py";
    place.run("install clients").expect(0);
    let original = fs::read(place.file(name)).expect("there");
    fs::write(place.file(name), "an older version").expect("written");
    place.serve();
    assert_eq!(fs::read(place.file(name)).expect("there"), original);
}

#[test]
fn a_new_controller_key_voids_the_old_one() {
    let place = Place::new();
    let old = place.serve().key();
    let refused = place.run("key rotate --controller").expect(4);
    assert!(refused.stdout.is_empty(), "{refused:?}");
    place.run("stop").expect(0);
    let new = place.run("key rotate --controller").expect(0).key();
    assert_ne!(old, new);
    let started = place.run("serve --port 0 --json").expect(0).json();
    assert!(started.get("controllerKey").is_none());
    let endpoint = Endpoint::parse(started["addresses"][0].as_str().expect("an address")).expect("an address");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let connection = Connection::open(&endpoint).await.expect("connected");
        assert_eq!(
            connection.authenticate(&old, None).await.expect_err("void").code(),
            Some(4002)
        );
        assert_eq!(
            connection.authenticate(&new, None).await.expect("admitted").role,
            "controller"
        );
    });
}

#[test]
fn there_is_no_key_to_rotate_before_the_first_run() {
    let place = Place::new();
    let ran = place.run("key rotate --controller").expect(6);
    assert!(
        !ran.stdout.contains("Controller key") && !place.file("wardroom.db").exists(),
        "{ran:?}"
    );
}
