//! A file for each event.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use wardroom::notify::{Adapter, Event, NotifyOptions};

use super::{Teller, chat};

#[tokio::test]
async fn each_event_is_a_file_of_its_own_that_only_its_owner_reads() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("a/events");
    let teller = Teller::start(NotifyOptions {
        adapter: Some(Adapter::File { dir: dir.clone() }),
        ..NotifyOptions::default()
    });
    // Many of them in one millisecond.
    for number in 0..200 {
        teller.notifier.notify(chat(&number.to_string()));
    }
    teller.notifier.notify(Event::Disconnected {
        room: "../../r".into(),
        reason: "peer-left".into(),
        was_linked: true,
    });
    let began = std::time::Instant::now();
    let files = || fs::read_dir(&dir).map_or(0, Iterator::count);
    let drafts = || fs::read_dir(&dir).expect("a directory").filter(is_draft).count();
    while files() < 201 || drafts() > 0 {
        assert!(began.elapsed() < crate::support::PATIENCE, "{} files", files());
        tokio::task::yield_now().await;
    }
    teller.finish().await;
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let mut contents = Vec::new();
    for entry in fs::read_dir(&dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600);
        let text = fs::read_to_string(&path).expect("a text");
        assert!(
            text.starts_with("{\n  \"event\": ") && text.ends_with("\n}\n"),
            "{text}"
        );
        let told: Value = serde_json::from_str(&text).expect("JSON");
        let event = told["event"].as_str().expect("a word");
        let stem = format!("{}_{event}", told["ts"]);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let rest = name.strip_prefix(&stem).and_then(|rest| rest.strip_suffix(".json"));
        assert!(rest.is_some(), "{name}");
        contents.push(told["content"].as_str().unwrap_or("end").to_owned());
    }
    contents.sort_unstable();
    contents.dedup();
    assert_eq!(contents.len(), 201);
}

fn is_draft(entry: &std::io::Result<fs::DirEntry>) -> bool {
    entry
        .as_ref()
        .is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with('.'))
}
