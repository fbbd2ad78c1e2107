//! What is refused, and with which words.

use super::*;

/// Files and what is said about them.
const FILES: &[(&str, &str)] = &[
    ("", "1: is empty; the smallest configuration is `{}`"),
    ("// nothing", "1: is empty; the smallest configuration is `{}`"),
    ("[]", "1: must be an object, written in `{` and `}`"),
    ("{\n\"port\": 1", "1: is not JSON with comments: Unterminated object"),
    (
        r#"{"port" 1}"#,
        "1: is not JSON with comments: Expected colon after the string or word in object property",
    ),
    (
        "{} {}",
        "1: is not JSON with comments: Text cannot contain more than one JSON value",
    ),
    (
        r#"{"port": 1 "host": "h"}"#,
        "1: is not JSON with comments: Expected comma",
    ),
    (
        "{'port': 1}",
        "1: is not JSON with comments: Single-quoted strings are not allowed",
    ),
    (
        "{port: 1}",
        "1: is not JSON with comments: Expected string for object property",
    ),
    ("# no\n{}", "1: is not JSON with comments: Unexpected token"),
    (
        r#"{"port": 0x10}"#,
        "1: is not JSON with comments: Hexadecimal numbers are not allowed",
    ),
    (
        r#"{"port": +1}"#,
        "1: is not JSON with comments: Unary plus on numbers is not allowed",
    ),
    (r#"{"port": NaN}"#, "1: is not JSON with comments: Unexpected token"),
    (
        "{\n\n\"maxroom\": 1}",
        "3: `maxroom` is not a known key; the nearest is `maxRooms`",
    ),
    (r#"{"prot": 1}"#, "1: `prot` is not a known key; the nearest is `port`"),
    (
        "{\"lobby\": {\n\"nam\": \"x\"}}",
        "2: `lobby.nam` is not a known key; the nearest is `lobby.name`",
    ),
    (
        r#"{"lobby.name": "x"}"#,
        "1: `lobby.name` is not a known key; the nearest is `lobby.name`",
    ),
    (
        r#"{"historyLimit": 1}"#,
        "1: `historyLimit` is not a known key; the nearest is `lobby.historyLimit`",
    ),
    (r#"{"port": 1, "port": 2}"#, "1: `port` is given twice"),
    (r#"{"lobby": "x"}"#, "1: `lobby` is a section and must be an object"),
    (
        r#"{"port": "1"}"#,
        r#"1: `port` must be a whole number from 0 to 65535, not "1""#,
    ),
    (
        r#"{"port": -1}"#,
        "1: `port` must be a whole number from 0 to 65535, not -1",
    ),
    (
        r#"{"port": 65536}"#,
        "1: `port` must be a whole number from 0 to 65535, not 65536",
    ),
    (
        r#"{"port": 1.5}"#,
        "1: `port` must be a whole number from 0 to 65535, not 1.5",
    ),
    (
        r#"{"port": null}"#,
        "1: `port` must be a whole number from 0 to 65535, not null",
    ),
    (
        r#"{"maxRooms": -5}"#,
        "1: `maxRooms` must be a whole number from 1 to 4294967295, not -5",
    ),
    (
        r#"{"maxRooms": 0}"#,
        "1: `maxRooms` must be a whole number from 1 to 4294967295, not 0",
    ),
    (
        r#"{"maxRooms": 99999999999999999999999}"#,
        "1: `maxRooms` must be a whole number from 1 to 4294967295, not 1e+23",
    ),
    (r#"{"host": 1}"#, "1: `host` must be a text, not 1"),
    (r#"{"host": ""}"#, "1: `host` must not be empty"),
    (
        r#"{"host": "::1]:80"}"#,
        "1: `host` must be an address such as `127.0.0.1` or `::1`, or a host name, without port and brackets, not `::1]:80`",
    ),
    (r#"{"database": ""}"#, "1: `database` must name a file"),
    (
        r#"{"tailscale": {"enabled": "yes"}}"#,
        r#"1: `tailscale.enabled` must be true or false, not "yes""#,
    ),
    (
        r#"{"tailscale": {"interfaceName": "a b"}}"#,
        "1: `tailscale.interfaceName` must be the name of a network interface, such as `tailscale0`, or empty",
    ),
    (r#"{"lobby": {"name": " "}}"#, "1: `lobby.name` must not be empty"),
    (
        "{\"lobby\": {\"name\": \"a\\nb\"}}",
        "1: `lobby.name` must not contain control characters",
    ),
    (
        r#"{"lobby": {"name": "abcd"}, "limits": {"nameLength": 3}}"#,
        "1: `lobby.name` must have at most 3 characters, not 4",
    ),
    (
        r#"{"tls": {"cert": "c.pem"}}"#,
        "1: `tls.cert` needs `tls.key` beside it",
    ),
    (
        "{\"tls\": {\"cert\": null,\n\"key\": \"k.pem\"}}",
        "2: `tls.key` needs `tls.cert` beside it",
    ),
    (
        r#"{"http": {"allowedOrigins": "x"}}"#,
        r#"1: `http.allowedOrigins` must be a list of texts, not "x""#,
    ),
    (
        r#"{"http": {"allowedOrigins": [1]}}"#,
        "1: `http.allowedOrigins` must be a list of texts, not a list",
    ),
    (
        r#"{"storage": {"durability": "Full"}}"#,
        r#"1: `storage.durability` must be "full" or "relaxed", not "Full""#,
    ),
    (
        r#"{"limits": {"requestHeadBytes": 8191}}"#,
        "1: `limits.requestHeadBytes` must be a whole number from 8192 to 16777216, not 8191",
    ),
    (
        r#"{"limits": {"frameBytesBeforeAuth": 2000000}}"#,
        "1: `limits.frameBytesBeforeAuth` must not be more than `limits.frameBytes` (1048576)",
    ),
    (
        r#"{"log": {"level": "inof"}}"#,
        "1: `log.level` has the unknown level `inof`; the nearest is `info`",
    ),
];

#[test]
fn what_the_file_holds_wrong_is_refused_with_its_line() {
    for (text, expected) in FILES {
        assert_eq!(problems(text, &[]), [*expected], "{text}");
    }
}

#[test]
fn what_the_environment_holds_wrong_is_refused_with_its_name() {
    let cases: [(&str, &str, &str); 11] = [
        (
            "WARDROOM_PROT",
            "1",
            "`WARDROOM_PROT` is not a known setting; the nearest is `WARDROOM_PORT`",
        ),
        (
            "WARDROOM_LIMITS_MESSAGES_PER_SECOND",
            "1",
            "`WARDROOM_LIMITS_MESSAGES_PER_SECOND` is not a known setting; the nearest is `WARDROOM_LIMITS__MESSAGES_PER_SECOND`",
        ),
        (
            "WARDROOM_DATADIR",
            "/d",
            "`WARDROOM_DATADIR` is not a known setting; the nearest is `WARDROOM_DATA_DIR`",
        ),
        (
            "WARDROOM_PORT",
            "x",
            "`WARDROOM_PORT` must be a whole number from 0 to 65535, not \"x\"",
        ),
        (
            "WARDROOM_PORT",
            "",
            "`WARDROOM_PORT` must be a whole number from 0 to 65535, not \"\"",
        ),
        (
            "WARDROOM_PORT",
            "70000",
            "`WARDROOM_PORT` must be a whole number from 0 to 65535, not 70000",
        ),
        ("WARDROOM_HOST", "", "`WARDROOM_HOST` must not be empty"),
        ("WARDROOM_DATABASE", "a\u{fffd}", "`WARDROOM_DATABASE` is not UTF-8"),
        (
            "WARDROOM_TAILSCALE__ENABLED",
            "yes",
            "`WARDROOM_TAILSCALE__ENABLED` must be true or false, not \"yes\"",
        ),
        (
            "WARDROOM_HTTP__ALLOWED_HOSTS",
            "a.example",
            "`WARDROOM_HTTP__ALLOWED_HOSTS` must be a list of texts written as JSON, such as `[\"one\",\"two\"]`",
        ),
        (
            "WARDROOM_TLS__KEY",
            "k.pem",
            "`WARDROOM_TLS__KEY` needs `tls.cert` beside it",
        ),
    ];
    for (name, value, expected) in cases {
        assert_eq!(problems("{}", &[(name, value)]), [expected], "{name}={value}");
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = "{\n\"prot\": 1,\n\"port\": -1,\n\"lobby\": {\"name\": \"\"},\n\"log\": {\"level\": \"loud\"},\n}";
    let found = problems(text, &[("WARDROOM_MAX_ROOMS", "many"), ("WARDROOM_MAXROOM", "1")]);
    assert_eq!(
        found,
        [
            "2: `prot` is not a known key; the nearest is `port`",
            "3: `port` must be a whole number from 0 to 65535, not -1",
            "`WARDROOM_MAX_ROOMS` must be a whole number from 1 to 4294967295, not \"many\"",
            "`WARDROOM_MAXROOM` is not a known setting; the nearest is `WARDROOM_MAX_ROOMS`",
            "4: `lobby.name` must not be empty",
            "5: `log.level` has the unknown level `loud`; the nearest is `off`",
        ]
    );
    let error = load("{\"port\": -1, \"host\": \"\"}", &[])
        .expect_err("refused")
        .to_string();
    assert!(error.starts_with("the configuration has 2 problems\n  "), "{error}");
    assert_eq!(error.lines().count(), 3, "{error}");
}

#[test]
fn a_value_that_was_refused_causes_no_further_problem() {
    let text = r#"{"tls": {"cert": 5, "key": "k.pem"}, "limits": {"nameLength": 0}}"#;
    assert_eq!(problems(text, &[]).len(), 2);
}

#[test]
fn a_wrong_value_is_refused_even_where_a_stronger_source_covers_it() {
    assert_eq!(problems(r#"{"port": "x"}"#, &[("WARDROOM_PORT", "1")]).len(), 1);
}

#[test]
fn a_refused_flag_is_named() {
    let directory = directory();
    let options = LoadOptions {
        host: Some(String::new()),
        ..options(&directory)
    };
    let error = Config::load(&options).expect_err("refused");
    assert_eq!(
        error.problems().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["`--host` must not be empty"]
    );
}

#[test]
fn origins_and_hosts_that_could_never_match_are_refused() {
    let load_list = |key: &str, entry: &str| {
        let list = serde_json::json!({ "http": { key: [entry] } });
        load(&list.to_string(), &[])
    };
    for origin in [
        "https://a.example",
        "http://localhost:5173",
        "http://[::1]:8080",
        "http://[::1]",
        "https://10.0.0.1",
        "vscode-webview://abc",
    ] {
        load_list("allowedOrigins", origin).unwrap_or_else(|error| panic!("{origin}: {error}"));
    }
    for origin in [
        "*",
        "null",
        "",
        "a.example",
        "https://",
        "https://A.example",
        "https://a.example/",
        "http://a:99999",
        "http://a:",
    ] {
        load_list("allowedOrigins", origin).expect_err(origin);
    }
    for host in ["a.example", "localhost", "10.0.0.1", "[::1]", "my_host"] {
        load_list("allowedHosts", host).unwrap_or_else(|error| panic!("{host}: {error}"));
    }
    for host in [
        "*",
        "",
        "a.example:80",
        "A.example",
        "::1",
        "http://a.example",
        "a/b",
        "[x]",
    ] {
        load_list("allowedHosts", host).expect_err(host);
    }
}

#[test]
fn levels_are_understood() {
    for level in ["off", "ERROR", "info,wardroom::store=debug", "warn, hyper=off"] {
        load(&format!(r#"{{"log": {{"level": "{level}"}}}}"#), &[]).unwrap_or_else(|error| panic!("{level}: {error}"));
    }
    for level in [
        "",
        ",",
        "info,",
        "info,a=b=warn",
        "wardroom::store",
        "info,wardroom=",
        "verbose",
        "3",
    ] {
        load(&format!(r#"{{"log": {{"level": "{level}"}}}}"#), &[]).expect_err(level);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_fatal() {
    let directory = directory();
    let refused = |what: &str| {
        let error = Config::load(&options(&directory)).expect_err(what);
        assert!(matches!(error, ConfigError::Unreadable { .. }), "{what}: {error}");
    };
    let path = directory.path().join("wardroom.json");
    fs::write(&path, b"{\"host\": \"\xff\"}").expect("written");
    refused("not UTF-8");
    fs::write(&path, " ".repeat(1_048_577)).expect("written");
    refused("too large");
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("created");
    refused("a directory");
}

#[test]
fn deep_nesting_is_refused() {
    let text = format!("{{\"port\": {}", "[".repeat(100_000));
    assert_eq!(problems(&text, &[]).len(), 1);
}
