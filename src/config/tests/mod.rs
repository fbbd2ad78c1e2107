//! The configuration as a whole, through [`Config::load`]: what holds here, what is refused in `refusals`.

mod refusals;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn options(directory: &TempDir) -> LoadOptions {
    LoadOptions {
        data_dir: directory.path().to_owned(),
        ..LoadOptions::default()
    }
}

fn environment(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Loads with `text` as the file and the given environment.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let directory = directory();
    fs::write(directory.path().join("wardroom.json"), text).expect("written");
    let options = LoadOptions {
        environment: environment(variables),
        ..options(&directory)
    };
    Config::load(&options).map(|loaded| loaded.config)
}

/// The problems as they are shown, without the directory of the file.
fn problems(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let error = load(text, variables).expect_err("refused");
    assert!(!error.problems().is_empty(), "{error}");
    let shown = |problem: &Problem| {
        let text = problem.to_string();
        match (&problem.origin, text.split_once("wardroom.json:")) {
            (Origin::File { .. }, Some((_, rest))) => rest.to_owned(),
            _ => text,
        }
    };
    error.problems().iter().map(shown).collect()
}

#[test]
fn without_any_source_the_defaults_hold() {
    let loaded = Config::load(&options(&directory())).expect("loaded");
    assert_eq!(
        loaded,
        Loaded {
            config: Config::default(),
            source: None
        }
    );
    Config::default().validate().expect("sound");
}

#[test]
fn the_annotated_file_is_the_defaults() {
    assert_eq!(load(DEFAULT_FILE, &[]).expect("loaded"), Config::default());
    for key in &keys::KEYS.keys {
        let name = key.path.rsplit('.').next().unwrap_or_default();
        assert!(
            DEFAULT_FILE.contains(&format!("\"{name}\": ")),
            "{} is missing",
            key.path
        );
    }
}

#[test]
fn a_broodlink_configuration_works_as_it_is() {
    let text = r#"{
        // Where to listen
        "host": "0.0.0.0",
        "port": 18800,
        "database": "./broodlink.db", // SQLite
        /* Bind to the Tailscale
           interface only */
        "tailscale": {
            "enabled": false,
            "interfaceName": "",
        },
        "lobby": { "name": "Lobby", "historyLimit": 500 },
        "maxRooms": 100,
        "maxMessageLength": 8192,
        "maxHistoryPerRoom": 1000,
    }"#;
    let directory = directory();
    fs::write(directory.path().join("broodlink.json"), text).expect("written");
    let loaded = Config::load(&options(&directory)).expect("loaded");
    assert_eq!(loaded.source, Some(directory.path().join("broodlink.json")));
    let expected = Config {
        host: "0.0.0.0".to_owned(),
        database: "./broodlink.db".into(),
        ..Config::default()
    };
    assert_eq!(loaded.config, expected);
    assert_eq!(
        loaded.config.database_path(Path::new("/data")),
        Path::new("/data/broodlink.db")
    );
}

#[test]
fn flags_beat_environment_beats_file_beats_defaults() {
    let file = r#"{"host": "10.0.0.1", "port": 1}"#;
    let variables = [("WARDROOM_HOST", "10.0.0.2"), ("WARDROOM_PORT", "2")];
    for (text, variables, host, port, expected) in [
        ("{}", &variables[..0], None, None, ("127.0.0.1", 18_800)),
        (file, &variables[..0], None, None, ("10.0.0.1", 1)),
        (file, &variables, None, None, ("10.0.0.2", 2)),
        (file, &variables[1..], None, None, ("10.0.0.1", 2)),
        (file, &variables, Some("10.0.0.3"), Some(3), ("10.0.0.3", 3)),
        (file, &variables, None, Some(0), ("10.0.0.2", 0)),
    ] {
        let directory = directory();
        fs::write(directory.path().join("wardroom.json"), text).expect("written");
        let options = LoadOptions {
            environment: environment(variables),
            host: host.map(str::to_owned),
            port,
            ..options(&directory)
        };
        let config = Config::load(&options).expect("loaded").config;
        assert_eq!((config.host.as_str(), config.port), expected, "{text} {variables:?}");
    }
}

#[test]
fn every_key_can_be_set_by_its_variable_and_by_the_file() {
    let changed = |key: &keys::Key| match &key.kind {
        keys::Kind::Boolean => Value::from(key.default.as_bool() != Some(true)),
        keys::Kind::Integer { minimum, maximum } => {
            let default = key.default.as_u64().unwrap_or_default();
            Value::from(if default < *maximum { default + 1 } else { *minimum })
        }
        // Half of a pair is refused, so both are set in both ways.
        keys::Kind::OptionalText if key.path == "p2p.signalUrl" => Value::from("wss://a.example/signal/"),
        keys::Kind::OptionalText => Value::from("file.pem"),
        keys::Kind::Text if key.path == "log.level" => Value::from("debug"),
        keys::Kind::Text => Value::from("other"),
        keys::Kind::TextList if key.path == "http.allowedOrigins" => Value::from(vec!["https://a.example"]),
        keys::Kind::TextList if key.path == "p2p.iceServers" => Value::from(vec!["stun:a.example:3478"]),
        keys::Kind::TextList => Value::from(vec!["a.example"]),
        keys::Kind::Choice(choices) => choices
            .iter()
            .map(|choice| Value::from(choice.name.as_str()))
            .find(|name| *name != key.default)
            .expect("a choice"),
    };
    for key in &keys::KEYS.keys {
        let wanted = changed(key);
        assert_ne!(wanted, key.default, "{}", key.path);
        let text = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
        let nested = match key.path.split_once('.') {
            Some((section, name)) => format!(r#"{{"{section}": {{"{name}": {wanted}}}}}"#),
            None => format!(r#"{{"{}": {wanted}}}"#, key.path),
        };
        let variable = key.variable();
        let pair = [("WARDROOM_TLS__CERT", "file.pem"), ("WARDROOM_TLS__KEY", "file.pem")];
        let pair: &[_] = if key.path.starts_with("tls.") { &pair } else { &[] };
        let by_variable: Vec<_> = pair
            .iter()
            .copied()
            .chain([(variable.as_str(), text.as_str())])
            .collect();
        for config in [load("{}", &by_variable), load(&nested, pair)] {
            let config = serde_json::to_value(config.expect("loaded")).expect("serialised");
            let pointer = format!("/{}", key.path.replace('.', "/"));
            assert_eq!(config.pointer(&pointer), Some(&wanted), "{}", key.path);
        }
    }
}

#[test]
fn variables_that_are_no_settings_are_passed_over() {
    let variables = [
        ("WARDROOM_DATA_DIR", "/elsewhere"),
        ("WARDROOM_CONFIG", "/elsewhere.json"),
        ("WARDROOM_URL", "ws://127.0.0.1:1"),
        ("WARDROOM_API_KEY", "key"),
        ("WARDROOM_DISPLAY_NAME", "name"),
        ("WARDROOM_BIN", "wardroom"),
        ("BROODLINK_URL", "ws://127.0.0.1:1"),
        ("PORT", "x"),
        ("HOME", "/home"),
        ("WARDROOM_TLS__CERT", ""),
    ];
    assert_eq!(load("{}", &variables).expect("loaded"), Config::default());
}

#[test]
fn the_file_is_the_named_one_else_that_of_the_data_directory() {
    let directory = directory();
    let write = |name: &str, port: u16| {
        let path = directory.path().join(name);
        fs::write(&path, format!("{{\"port\": {port}}}")).expect("written");
        path
    };
    let load = |named: Option<PathBuf>| {
        let loaded = Config::load(&LoadOptions {
            config_file: named,
            ..options(&directory)
        });
        loaded.map(|loaded| (loaded.config.port, loaded.source))
    };
    let broodlink = write("broodlink.json", 1);
    assert_eq!(load(None).expect("loaded"), (1, Some(broodlink)));
    let wardroom = write("wardroom.json", 2);
    assert_eq!(load(None).expect("loaded"), (2, Some(wardroom)));
    let other = write("other.json", 3);
    assert_eq!(load(Some(other.clone())).expect("loaded"), (3, Some(other)));
    let missing = directory.path().join("missing.json");
    let error = load(Some(missing.clone())).expect_err("missing");
    assert!(
        matches!(&error, ConfigError::Missing(path) if *path == missing),
        "{error}"
    );
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(load("\u{feff}{\"port\": 7}", &[]).expect("loaded").port, 7);
}

#[test]
fn the_first_run_writes_the_file_and_never_again() {
    let directory = directory();
    let path = directory.path().join("wardroom.json");
    assert_eq!(
        Config::write_default(directory.path()).expect("written"),
        Some(path.clone())
    );
    assert_eq!(fs::read_to_string(&path).expect("read"), DEFAULT_FILE);
    assert_eq!(
        fs::metadata(&path).expect("metadata").permissions().mode() & 0o777,
        0o600
    );
    fs::write(&path, "{}").expect("edited");
    assert_eq!(Config::write_default(directory.path()).expect("left alone"), None);
    assert_eq!(fs::read_to_string(&path).expect("read"), "{}");
}

#[test]
fn the_first_run_beside_a_broodlink_configuration_writes_nothing() {
    let directory = directory();
    fs::write(directory.path().join("broodlink.json"), "{}").expect("written");
    assert_eq!(Config::write_default(directory.path()).expect("left alone"), None);
    assert!(!directory.path().join("wardroom.json").exists());
    Config::write_default(&directory.path().join("missing")).expect_err("no such directory");
}

#[test]
fn a_configuration_made_in_code_is_checked_by_the_same_rules() {
    let mut config = Config {
        max_rooms: 0,
        host: String::new(),
        ..Config::default()
    };
    config.limits.nesting_depth = 1000;
    let error = config.validate().expect_err("refused");
    let mut keys: Vec<_> = error.problems().iter().map(|problem| problem.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["host", "limits.nestingDepth", "maxRooms"]);
}

#[test]
fn the_frame_admits_a_full_message_in_escapes() {
    let frame = |frame_bytes: u32, max_message_length: u32| {
        let mut config = Config {
            max_message_length,
            ..Config::default()
        };
        config.limits.frame_bytes = frame_bytes;
        config.frame_bytes()
    };
    assert_eq!(frame(1_048_576, 8192), 1_048_576);
    assert_eq!(frame(1, 8192), 1_048_576);
    assert_eq!(frame(2_000_000, 8192), 2_000_000);
    // Twelve bytes for each character, the data of a message, and the rest of the request.
    assert_eq!(frame(1_048_576, 100_000), 1_200_000 + 65_536 + 65_536);
    assert!(frame(1, u32::MAX) > 1_048_576);
}

#[test]
fn files_are_relative_to_the_data_directory() {
    let data = Path::new("/data");
    let mut config = Config::default();
    assert_eq!(config.database_path(data), Path::new("/data/wardroom.db"));
    assert_eq!(config.tls.files(data), None);
    config.database = "/elsewhere/x.db".into();
    config.tls = Tls {
        cert: Some("c.pem".into()),
        key: Some("/k.pem".into()),
    };
    assert_eq!(config.database_path(data), Path::new("/elsewhere/x.db"));
    assert_eq!(config.tls.files(data), Some(("/data/c.pem".into(), "/k.pem".into())));
}

#[test]
fn only_relevant_variables_are_picked_and_none_panics() {
    let variable = |name: &[u8], value: &[u8]| (OsString::from_vec(name.to_vec()), OsString::from_vec(value.to_vec()));
    let picked = environment::relevant([
        variable(b"WARDROOM_PORT", b"1"),
        variable(b"WARDROOM_DATABASE", b"\xff"),
        variable(b"BROODLINK_DATA_DIR", b"/b"),
        variable(b"HOME", b"/h"),
        variable(b"SECRET", b"s"),
        variable(b"\xff", b"x"),
    ]);
    let names: Vec<_> = picked.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["WARDROOM_PORT", "WARDROOM_DATABASE", "BROODLINK_DATA_DIR", "HOME"]
    );
    assert_eq!(picked[1].1, "\u{fffd}");
}
