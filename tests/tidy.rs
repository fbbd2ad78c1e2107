//! What the compiler does not check: which folder may import which, where outside libraries stay, and what may not be
//! left lying in a source file. One crate has no wall between its folders; this test is the wall. And what the README must not
//! forget.

#[path = "tidy/reading.rs"]
mod reading;

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use reading::{code_only, imports};

/// Each folder of `src/` (or file directly in it) and the folders it may import. What is not listed may not be imported.
const LAYERS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("domain", &["text"]),
    ("config", &["text"]),
    ("runtime", &["text"]),
    ("store", &["domain", "config", "runtime"]),
    ("hub", &["domain", "store", "config", "runtime"]),
    ("protocol", &["domain"]),
    ("client", &["protocol"]),
    ("signaling", &["domain", "config", "runtime"]),
    // `client` dials WebSockets and knows whose certificates to trust.
    ("p2p", &["domain", "signaling", "client", "runtime", "text"]),
    ("notify", &["domain", "client", "config", "runtime"]),
    ("rpc", &["domain", "store", "hub", "protocol", "config", "runtime"]),
    (
        "http",
        &[
            "domain",
            "store",
            "hub",
            "protocol",
            "rpc",
            "signaling",
            "config",
            "runtime",
        ],
    ),
    // `store` for the writer's thread, which is the hub's own.
    (
        "bridge",
        &[
            "domain", "store", "p2p", "notify", "client", "protocol", "config", "runtime",
        ],
    ),
    // `client` says whose certificates to trust.
    (
        "gateways",
        &["domain", "hub", "p2p", "protocol", "client", "config", "runtime"],
    ),
    (
        "server",
        &[
            "domain",
            "store",
            "hub",
            "protocol",
            "rpc",
            "signaling",
            "http",
            "gateways",
            "p2p",
            "client",
            "config",
            "runtime",
        ],
    ),
    (
        "cli",
        &[
            "domain", "store", "hub", "protocol", "rpc", "http", "gateways", "server", "client", "p2p", "notify",
            "bridge", "config", "runtime",
        ],
    ),
    ("main", &["cli"]),
];

/// Outside libraries and the only folders that may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["store", "bridge"]),
    ("r2d2", &["store"]),
    ("r2d2_sqlite", &["store"]),
    ("axum", &["http", "client"]),
    ("hyper", &["http", "client", "bridge", "notify"]),
    ("hyper_util", &["http", "client", "bridge", "notify"]),
    ("http_body_util", &["notify"]),
    ("ring", &["notify", "p2p"]),
    ("tower", &["http", "client"]),
    ("tungstenite", &["http", "client"]),
    ("tokio_tungstenite", &["http", "client"]),
    ("webrtc", &["p2p"]),
    ("rtc", &["p2p"]),
    ("jsonrpsee", &["protocol", "rpc"]),
    ("jsonrpsee_types", &["protocol", "rpc"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("anyhow", &["cli", "main"]),
];

/// Libraries that would give the domain an outside: serialising is a promise, and I/O waits.
const NOT_IN_DOMAIN: &[&str] = &["serde", "serde_json", "schemars", "tokio"];

/// Past this many lines a file holds two ideas.
const LONGEST_FILE_LINES: usize = 500;

#[test]
fn source_files_keep_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut offences = Vec::new();
    let files = files_below(&root.join("src"), &["rs"]);
    assert!(!files.is_empty(), "no source file was found below `{}`", root.display());
    for file in files {
        let (path, text) = load(root, &file);
        offences.extend(layering(&path, &text));
        offences.extend(length(&path, &text));
        offences.extend(forbidden_phrases(&path, &text, &[ALLOW, UNFINISHED]));
    }
    report(&offences);
}

#[test]
fn tests_and_clients_keep_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut offences = Vec::new();
    let mut files = files_below(&root.join("tests"), &["rs"]);
    files.extend(files_below(&root.join("benches"), &["rs"]));
    for file in files {
        let (path, text) = load(root, &file);
        offences.extend(forbidden_phrases(&path, &text, &[ALLOW, UNFINISHED, SLEEP, IGNORED]));
    }
    for file in files_below(&root.join("clients"), &["py", "ts", "mjs"]) {
        let (path, text) = load(root, &file);
        offences.extend(forbidden_phrases(&path, &text, &[UNFINISHED]));
    }
    report(&offences);
}

/// Whoever comes from BroodLink finds in the README what there is, and what of it is new.
#[test]
fn the_readme_names_every_method_event_and_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).expect("a document");
    let (readme, protocol) = (read("README.md"), read("docs/protocol.md"));
    let tables = between(&readme, "## Compatibility with BroodLink", "### Deliberate deviations");
    let mut missing = Vec::new();
    for heading in protocol.lines().filter_map(|line| line.strip_prefix("### `")) {
        let name = heading.split('`').next().unwrap_or_default();
        if !name.starts_with("operator.") && !tables.contains(&format!("`{name}`")) {
            missing.push(name);
        }
    }
    let ranges = numbers(tables);
    for row in between(&protocol, "## Error codes", "## Close codes").lines() {
        let code = row.split('|').nth(1).unwrap_or_default().trim();
        if let Ok(number) = code.parse()
            && !ranges.iter().any(|range| range.contains(&number))
        {
            missing.push(code);
        }
    }
    assert!(missing.is_empty(), "README.md does not name {missing:?}");
}

/// The part of a document from one heading to another.
fn between<'a>(document: &'a str, from: &str, to: &str) -> &'a str {
    let (_, part) = document.split_once(from).expect("the heading");
    part.split_once(to).expect("the heading").0
}

/// The numbers of a text, and those between two with `to` in between.
fn numbers(text: &str) -> Vec<RangeInclusive<i32>> {
    let words: Vec<&str> = text
        .split([' ', ',', '|', '\n'])
        .filter(|word| !word.is_empty())
        .collect();
    let number = |index: usize| words.get(index).and_then(|word: &&str| word.parse::<i32>().ok());
    let first = |index| Some((index, number(index)?));
    let ranges = (0..words.len()).filter_map(first).map(|(index, first)| {
        let last = (words.get(index + 1) == Some(&"to"))
            .then(|| number(index + 2))
            .flatten();
        first..=last.unwrap_or(first)
    });
    ranges.collect()
}

fn report(offences: &[String]) {
    assert!(
        offences.is_empty(),
        "{} found:\n{}",
        offences.len(),
        offences.join("\n")
    );
}

// The rules

/// Says where `path` imports what its folder may not.
fn layering(path: &str, text: &str) -> Vec<String> {
    let module = module_path(path);
    let Some((layer, allowed)) = LAYERS
        .iter()
        .find(|(layer, _)| module.first().is_some_and(|first| first == layer))
    else {
        // The crate's root only declares its modules; any other file needs its place in the table.
        return if module.is_empty() {
            Vec::new()
        } else {
            vec![format!("{path}:1: the folder has no row in `LAYERS`")]
        };
    };
    let mut offences = Vec::new();
    for import in imports(text, &module) {
        let line = import.line;
        let first = import.first.as_str();
        if import.inside {
            if first != *layer && !allowed.contains(&first) {
                offences.push(format!(
                    "{path}:{line}: `{layer}` may not import `{first}`, only {allowed:?}"
                ));
            }
        } else if let Some((_, homes)) = HOMES
            .iter()
            .find(|(library, homes)| *library == first && !homes.contains(layer))
        {
            offences.push(format!(
                "{path}:{line}: `{first}` stays in {homes:?}, this is `{layer}`"
            ));
        } else if *layer == "domain" && NOT_IN_DOMAIN.contains(&first) {
            offences.push(format!(
                "{path}:{line}: `domain` does no I/O and is not serialised, so it may not use `{first}`"
            ));
        }
    }
    offences
}

fn length(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > LONGEST_FILE_LINES).then(|| {
        format!("{path}:{LONGEST_FILE_LINES}: {lines} lines, more than {LONGEST_FILE_LINES}: does it hold two ideas?")
    })
}

/// Text that may not stand in a file, and what to do instead.
struct Phrases {
    any_of: &'static [&'static str],
    /// Whether the text counts in comments and strings as well.
    everywhere: bool,
    instead: &'static str,
}

const ALLOW: Phrases = Phrases {
    any_of: &["[allow("],
    everywhere: false,
    instead: "use `#[expect(..., reason = \"...\")]`",
};
const UNFINISHED: Phrases = Phrases {
    any_of: &[
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
    ],
    everywhere: true,
    instead: "finish it, or say in an issue what is left",
};
const SLEEP: Phrases = Phrases {
    any_of: &["thread::sleep", "time::sleep"],
    everywhere: false,
    instead: "await the event the test is about",
};
const IGNORED: Phrases = Phrases {
    any_of: &["[ignore"],
    everywhere: false,
    instead: "a test that does not run proves nothing",
};

fn forbidden_phrases(path: &str, text: &str, rules: &[Phrases]) -> Vec<String> {
    let code = code_only(text);
    let mut offences = Vec::new();
    for rule in rules {
        let searched = if rule.everywhere { text } else { code.as_str() };
        for (number, line) in searched.lines().enumerate() {
            for phrase in rule.any_of.iter().filter(|phrase| line.contains(**phrase)) {
                offences.push(format!("{path}:{}: `{phrase}`: {}", number + 1, rule.instead));
            }
        }
    }
    offences
}

// Files

/// All files below `folder` with one of the extensions, without what a tool has put there.
fn files_below(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        // A part of the project that does not exist holds no offence.
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a folder of the project can be listed").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if !name.starts_with('.') && name != "node_modules" && name != "__pycache__" {
                    folders.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn load(root: &Path, file: &Path) -> (String, String) {
    let text = fs::read_to_string(file).expect("a source file can be read");
    let path = file
        .strip_prefix(root)
        .unwrap_or(file)
        .to_string_lossy()
        .replace('\\', "/");
    (path, text)
}

/// `src/store/open.rs` is the module `store::open`; the crate's root is the empty path.
fn module_path(path: &str) -> Vec<String> {
    let inner = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") || parts == ["lib"] {
        parts.pop();
    }
    parts
}

// The rules themselves

#[test]
fn an_import_against_the_direction_is_named_with_its_line() {
    let found = layering(
        "src/store/rooms.rs",
        "use crate::domain::RoomId;\nuse crate::hub::Rooms;\n",
    );
    assert_eq!(
        found,
        ["src/store/rooms.rs:2: `store` may not import `hub`, only [\"domain\", \"config\", \"runtime\"]"]
    );
}

#[test]
fn each_branch_of_a_group_is_judged() {
    let found = layering(
        "src/hub/room.rs",
        "use crate::{\n    domain::{RoomId, position::Position},\n    rpc::Session,\n};\n",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("`rpc`"), "{found:?}");
}

#[test]
fn a_path_without_use_counts_too() {
    let found = layering(
        "src/protocol/codes.rs",
        "fn code(error: &crate::store::StoreError) -> i32 { 0 }\n",
    );
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_way_round_by_super_is_seen() {
    assert_eq!(layering("src/domain/mod.rs", "use super::store::Store;").len(), 1);
    assert_eq!(
        layering("src/domain/room.rs", "use super::super::store::Store;").len(),
        1
    );
    assert_eq!(
        layering(
            "src/domain/room.rs",
            "mod tests { use super::super::super::store::Store; }"
        )
        .len(),
        1
    );
}

#[test]
fn the_own_folder_is_open() {
    let own =
        "use super::Store;\nuse crate::store::open;\nmod tests {\n    use super::*;\n    use super::super::open;\n}\n";
    assert_eq!(layering("src/store/rooms.rs", own), [""; 0]);
}

#[test]
fn comments_and_literals_are_not_code() {
    let prose = "//! See [`crate::hub`].\n/* crate::hub::Rooms /* axum::Router */ */\nconst A: &str = \"crate::hub::x\";\nconst B: &str = r#\"a \" axum::b\"#;\nfn c<'a>(d: &'a str) -> char { '\"' }\n";
    assert_eq!(layering("src/store/rooms.rs", prose), [""; 0]);
    let code = format!("{prose}use crate::hub::Rooms;\n");
    assert_eq!(layering("src/store/rooms.rs", &code).len(), 1);
}

#[test]
fn a_library_outside_its_folder_is_named() {
    for (path, code) in [
        ("src/hub/mod.rs", "use rusqlite::Connection;"),
        ("src/hub/mod.rs", "use r2d2;"),
        ("src/hub/mod.rs", "fn run() -> ::rusqlite::Result<()> { Ok(()) }"),
        ("src/rpc/session.rs", "use axum::extract::ws::Message;"),
        ("src/hub/mod.rs", "use jsonrpsee_types::Id;"),
        ("src/config/mod.rs", "#[derive(clap::Parser)] struct Flags;"),
        ("src/store/open.rs", "use anyhow::Context as _;"),
        ("src/domain/room.rs", "use serde::Serialize;"),
    ] {
        assert_eq!(layering(path, code).len(), 1, "{path}: {code}");
    }
    assert_eq!(
        layering(
            "src/store/mod.rs",
            "use rusqlite::{Connection, types::Value};\nuse serde::Serialize;"
        ),
        [""; 0]
    );
    assert_eq!(layering("src/http/ws.rs", "use axum::extract::ws::Message;"), [""; 0]);
}

#[test]
fn a_folder_without_a_row_is_reported_and_the_root_is_not() {
    assert_eq!(layering("src/helpers/mod.rs", "").len(), 1);
    assert_eq!(
        layering("src/lib.rs", "pub mod domain;\npub use domain::RoomId;"),
        [""; 0]
    );
}

#[test]
fn the_program_only_calls_the_command_line() {
    assert_eq!(
        layering(
            "src/main.rs",
            "fn main() -> std::process::ExitCode { wardroom::cli::run() }"
        ),
        [""; 0]
    );
    assert_eq!(
        layering("src/main.rs", "fn main() { wardroom::store::open(); }").len(),
        1
    );
}

#[test]
fn forbidden_phrases_are_found_where_they_count() {
    let allow =
        "#![allow(dead_code)]\n// #[allow(dead_code)] is only spoken of\n#[expect(dead_code, reason = \"none\")]\n";
    assert_eq!(forbidden_phrases("a.rs", allow, &[ALLOW]).len(), 1);
    let unfinished = format!("// {}: later\nlet a = 1;\n", concat!("TO", "DO"));
    assert_eq!(forbidden_phrases("a.rs", &unfinished, &[UNFINISHED]).len(), 1);
    let sleeping = "std::thread::sleep(duration);\ntokio::time::sleep(duration).await;\n#[ignore = \"slow\"]\n";
    assert_eq!(forbidden_phrases("a.rs", sleeping, &[SLEEP, IGNORED]).len(), 3);
}

#[test]
fn a_file_is_too_long_only_past_the_limit() {
    assert_eq!(length("src/a.rs", &"\n".repeat(LONGEST_FILE_LINES)), None);
    assert!(length("src/a.rs", &"\n".repeat(LONGEST_FILE_LINES + 1)).is_some());
}
