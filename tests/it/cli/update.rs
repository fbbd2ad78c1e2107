//! `update`: a newer program takes the place of this one, or nothing changes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::place::{Place, run};

/// Writes a program. A process of its own does it: a file that is open for writing cannot be run, and processes that other
/// tests start at this moment would hold ours open.
fn write_script(path: &Path, text: &str) {
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"",
            "write",
            text,
        ])
        .arg(path);
    run(&mut shell).expect(0);
}

fn former(place: &Place) -> std::path::PathBuf {
    place.program().with_file_name("wardroom.previous")
}

#[test]
fn a_candidate_takes_the_place_of_the_program_which_is_kept() {
    let place = Place::with_own_program();
    let original = fs::read(place.program()).expect("there");
    let candidate = place.path("candidate");
    write_script(
        &candidate,
        "case $1 in --version) echo 'wardroom 9.9.9';; check-config) exit 0;; *) exit 9;; esac",
    );
    let report = place
        .run(&format!("update --json --from {}", candidate.display()))
        .expect(0)
        .json();
    assert_eq!(
        (report["version"].as_str(), report["restarted"].as_bool()),
        (Some("9.9.9"), Some(false))
    );
    assert_eq!(
        fs::read(place.program()).expect("there"),
        fs::read(&candidate).expect("there")
    );
    assert_eq!(fs::read(former(&place)).expect("there"), original);
    assert_eq!(
        fs::metadata(place.program()).expect("there").permissions().mode() & 0o111,
        0o111
    );
    let names = fs::read_dir(place.path("cargo/bin")).expect("readable").count();
    assert_eq!(names, 2, "nothing else is left");
    // The program is a script now, which cannot stop a server; there is none.
}

#[test]
fn a_running_server_is_restarted_with_its_flags() {
    let place = Place::with_own_program();
    place.write("wardroom.json", "{\"port\": 1}");
    place.serve();
    let before = place.status()["pid"].clone();
    let candidate = place.path("candidate");
    fs::copy(place.program(), &candidate).expect("copied");
    let report = place
        .run(&format!("update --json --from {}", candidate.display()))
        .expect(0)
        .json();
    assert_eq!(report["restarted"], true);
    let after = place.status();
    assert_ne!(before, after["pid"]);
    assert!(
        !after["addresses"][0].as_str().expect("an address").ends_with(":1"),
        "{after}"
    );
}

#[test]
fn what_is_no_candidate_changes_nothing() {
    let place = Place::with_own_program();
    let original = fs::read(place.program()).expect("there");
    let check = |name: &str, text: &str, code: i32| {
        let candidate = place.path(name);
        write_script(&candidate, text);
        let ran = place
            .run(&format!("update --from {}", candidate.display()))
            .expect(code);
        assert!(ran.stderr.starts_with("error: "), "{ran:?}");
        assert_eq!(fs::read(place.program()).expect("there"), original, "{name}");
        assert_eq!(
            fs::read_dir(place.path("cargo/bin")).expect("readable").count(),
            1,
            "{name}"
        );
    };
    check("other", "echo 'something 1.0'", 1);
    check("broken", "exit 1", 1);
    check(
        "picky",
        "case $1 in --version) echo 'wardroom 9.9.9';; *) echo 'error: no' >&2; exit 5;; esac",
        5,
    );
    place.run("update --from missing").expect(1);
    assert_eq!(fs::read(place.program()).expect("there"), original);
}

#[test]
fn a_source_tree_is_built_and_its_program_taken() {
    let place = Place::with_own_program();
    let (tools, tree) = (place.path("tools"), place.path("tree"));
    fs::create_dir(&tools).expect("made");
    fs::create_dir(&tree).expect("made");
    fs::write(tree.join("Cargo.toml"), "").expect("written");
    let new = place.path("new");
    write_script(&new, "case $1 in --version) echo 'wardroom 9.9.9';; esac");
    // What `cargo build` does as far as it matters here; the target folder is the ninth word.
    let build = format!(
        "mkdir -p \"$9/release\" && cp '{}' \"$9/release/wardroom\"",
        new.display()
    );
    write_script(&tools.join("cargo"), &build);
    let path = format!("{}:/usr/bin:/bin", tools.display());

    let update = ["update", "--json", "--source", tree.to_str().expect("text")];
    let report = run(place.command(update).env("PATH", &path)).expect(0).json();

    assert_eq!(report["version"], "9.9.9");
    assert!(former(&place).exists());
}

#[test]
fn a_tree_that_does_not_build_changes_nothing() {
    let place = Place::with_own_program();
    let original = fs::read(place.program()).expect("there");
    let (tools, tree) = (place.path("tools"), place.path("tree"));
    fs::create_dir(&tools).expect("made");
    fs::create_dir(&tree).expect("made");
    let update = ["update", "--source", tree.to_str().expect("text")];
    run(place.command(update).env("PATH", &tools)).expect(2);
    fs::write(tree.join("Cargo.toml"), "").expect("written");
    let ran = run(place.command(update).env("PATH", &tools)).expect(1);
    assert!(ran.stderr.contains("`cargo` is not there"), "{ran:?}");
    write_script(&tools.join("cargo"), "exit 101");
    run(place.command(update).env("PATH", &tools)).expect(1);
    assert_eq!(fs::read(place.program()).expect("there"), original);
    assert!(!former(&place).exists());
}

#[test]
fn without_a_program_it_says_what_to_name() {
    let ran = Place::new().run("update").expect(2);
    assert!(ran.stderr.contains("--from FILE"), "{ran:?}");
}
