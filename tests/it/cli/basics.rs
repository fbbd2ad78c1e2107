//! Help, usage, completions, the configuration, and the documents that are written from the code.

use std::fs;

use serde_json::json;

use super::place::{Place, run};

const COMMANDS: [&str; 13] = [
    "serve",
    "stop",
    "restart",
    "status",
    "lock",
    "unlock",
    "kick",
    "install",
    "update",
    "doctor",
    "key",
    "check-config",
    "completions",
];

#[test]
fn help_lists_the_commands_and_the_exit_codes_and_touches_nothing() {
    let place = Place::new();
    for line in ["", "--help", "help"] {
        let ran = run(place.bare_command().args(line.split_whitespace())).expect(0);
        for command in COMMANDS {
            assert!(
                ran.stdout.contains(&format!("\n  {command} ")),
                "`{command}` is missing: {}",
                ran.stdout
            );
        }
        assert!(ran.stdout.contains("3  no server is running"), "{}", ran.stdout);
        assert!(
            !ran.stdout.contains("detached-child") && !ran.stdout.contains("  docs "),
            "{}",
            ran.stdout
        );
    }
    let version = run(place.bare_command().arg("--version")).expect(0);
    assert_eq!(version.stdout, format!("wardroom {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(
        fs::read_dir(place.path("")).expect("readable").count(),
        0,
        "files were touched"
    );
}

#[test]
fn wrong_usage_has_its_own_code_and_touches_nothing() {
    let place = Place::new();
    for line in [
        "nonsense",
        "serve --nonsense",
        "serve --port 65536",
        "serve --port -1",
        "serve --port many",
        "install",
        "install nonsense",
        "key rotate",
        "completions nonsense",
        "serve --detached-child",
    ] {
        let ran = place.run(line).expect(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{line}: {ran:?}");
    }
    assert!(!place.data_dir().exists());
}

#[test]
fn commands_that_need_a_server_say_that_there_is_none() {
    let place = Place::new();
    for line in ["stop", "lock", "unlock", "kick"] {
        let ran = place.run(line).expect(3);
        assert!(
            ran.stderr.starts_with("error: no server is running on"),
            "{line}: {ran:?}"
        );
        let report = place.run(&format!("{line} --json")).expect(3).json();
        assert_eq!(
            (&report["status"], &report["exitCode"]),
            (&json!("error"), &json!(3)),
            "{line}"
        );
    }
    assert!(
        place
            .run("status")
            .expect(3)
            .stdout
            .starts_with("no server is running on")
    );
    assert_eq!(place.run("status --json").expect(3).json()["running"], false);
    assert!(!place.data_dir().exists(), "asking must not create anything");
}

#[test]
fn completions_know_the_commands() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = run(place.bare_command().args(["completions", shell])).expect(0);
        for command in COMMANDS {
            assert!(ran.stdout.contains(command), "{shell} does not complete `{command}`");
        }
    }
}

#[test]
fn every_problem_of_a_configuration_is_printed() {
    let place = Place::new();
    place.write(
        "wardroom.json",
        "{\"prot\": 1, \"maxRooms\": \"many\", \"lobby\": {\"historyLimit\": -1}}",
    );
    let ran = place.run("check-config").expect(5);
    for part in ["prot", "port", "maxRooms", "lobby.historyLimit"] {
        assert!(ran.stderr.contains(part), "`{part}` is not named: {}", ran.stderr);
    }
    let report = place.run("check-config --json").expect(5).json();
    assert_eq!(report["problems"].as_array().map(Vec::len), Some(3), "{report}");
    for line in ["serve", "serve -f", "install server", "restart"] {
        place.run(line).expect(5);
    }
    assert_eq!(
        fs::read_dir(place.data_dir()).expect("there").count(),
        1,
        "nothing was set up"
    );
    place.run("check-config --config missing.json").expect(5);
}

#[test]
fn the_effective_configuration_is_shown_with_its_precedence() {
    let place = Place::new();
    place.write(
        "wardroom.json",
        "{\"port\": 1, \"host\": \"::1\", \"maxRooms\": 7 /* a comment */,}",
    );
    let mut command = place.command(["check-config", "--json", "--port", "3"]);
    let report = run(command.env("WARDROOM_PORT", "2").env("WARDROOM_HOST", "127.0.0.1"))
        .expect(0)
        .json();
    let config = &report["config"];
    assert_eq!(
        (&config["port"], &config["host"], &config["maxRooms"]),
        (&json!(3), &json!("127.0.0.1"), &json!(7))
    );
    assert!(report["source"].as_str().expect("a path").ends_with("wardroom.json"));
    assert!(
        place
            .run("check-config")
            .expect(0)
            .stdout
            .contains("wardroom.json is valid")
    );
}

#[test]
fn a_broodlink_configuration_is_taken_as_it_is() {
    let place = Place::new();
    let text = "{\n  // where to listen\n  \"host\": \"127.0.0.1\",\n  \"port\": 0,\n  \"database\": \"./broodlink.db\",\n  \
                \"tailscale\": {\"enabled\": false, \"interfaceName\": \"\"},\n  \
                \"lobby\": {\"name\": \"Atrium\", \"historyLimit\": 500},\n  \"maxRooms\": 100,\n  \
                \"maxMessageLength\": 8192,\n  \"maxHistoryPerRoom\": 1000\n}\n";
    place.write("broodlink.json", text);
    place.run("serve").expect(0);
    place.run("stop").expect(0);
    assert!(place.file("broodlink.db").exists() && !place.file("wardroom.json").exists());
    assert_eq!(
        fs::read_to_string(place.file("broodlink.json")).expect("there"),
        text,
        "it is never overwritten"
    );
}

#[test]
fn the_data_directory_is_named_by_flag_then_environment_then_home() {
    let place = Place::new();
    let directory = |command: &mut std::process::Command| {
        let report = run(command.args(["status", "--json"])).expect(3).json();
        report["dataDir"].as_str().expect("a path").to_owned()
    };
    let named = |name: &str| place.path(name).to_str().expect("UTF-8").to_owned();
    assert_eq!(directory(&mut place.bare_command()), named(".wardroom"));
    let mut command = place.bare_command();
    command.env("BROODLINK_DATA_DIR", place.path("b"));
    assert_eq!(directory(&mut command), named("b"));
    let mut command = place.bare_command();
    command
        .env("BROODLINK_DATA_DIR", place.path("b"))
        .env("WARDROOM_DATA_DIR", place.path("w"));
    assert_eq!(directory(&mut command), named("w"));
    let mut command = place.command([""; 0]);
    command.env("WARDROOM_DATA_DIR", place.path("w"));
    assert_eq!(directory(&mut command), named("data"));
}

#[test]
fn the_generated_documents_are_what_the_code_says() {
    let place = Place::new();
    run(place
        .bare_command()
        .args(["docs", "check"])
        .current_dir(env!("CARGO_MANIFEST_DIR")))
    .expect(0);
    run(place.bare_command().args(["docs", "check"])).expect(2);
    fs::write(place.path("Cargo.toml"), "").expect("written");
    run(place.bare_command().args(["docs", "check"])).expect(1);
    run(place.bare_command().args(["docs", "write"])).expect(0);
    run(place.bare_command().args(["docs", "check"])).expect(0);
    fs::write(place.path("docs/config.md"), "edited").expect("written");
    assert!(
        run(place.bare_command().args(["docs", "check"]))
            .expect(1)
            .stderr
            .contains("docs/config.md")
    );
}
