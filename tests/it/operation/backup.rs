//! `wardroom backup` and `wardroom restore`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use wardroom::client::Methods;

use super::program::run;
use crate::support::fault::{Fate, Fault, Faults, calls, files};
use crate::support::{Agent, Cast, TestServer};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A file beside the data directory, which goes with it.
fn beside(cast: &Cast, name: &str) -> PathBuf {
    cast.server.data_dir().parent().expect("a directory").join(name)
}

fn stop(cast: &mut Cast) {
    cast.server.signal("TERM");
    let server = &mut cast.server;
    tokio::task::block_in_place(|| server.wait());
}

/// Every message of a room, in order.
async fn everything(agent: &Agent, room: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let params = json!({ "roomId": room, "afterSeq": after, "limit": 500 });
        let page = agent.call("room.history", params).await["messages"].clone();
        let page = page.as_array().expect("messages").clone();
        let Some(last) = page.last() else { return all };
        after = last["seq"].as_u64().expect("a position");
        all.extend(page);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_everything_that_was_acknowledged_before_it_began() {
    let mut cast = Cast::gather().await;
    let lobby = cast.alice().lobby().to_owned();
    let (epoch, data_dir) = (cast.alice().welcome["epoch"].clone(), cast.server.data_dir().to_owned());
    let backup = beside(&cast, "under-load.db");
    let over = Arc::new(AtomicBool::new(false));
    let (mut senders, mut sending) = (Vec::new(), tokio::task::JoinSet::new());
    for number in 0..4 {
        let agent = cast
            .server
            .participant(cast.controller(), &format!("sender {number}"))
            .await;
        let (lobby, over) = (lobby.clone(), Arc::clone(&over));
        // More than are ever sent; a sender would wait.
        let (receipts, acknowledged) = tokio::sync::mpsc::channel(1_000_000);
        sending.spawn(async move {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                let content = format!("{number}/{count} {}", "x".repeat(count % 700));
                let params = json!({ "roomId": lobby, "content": content });
                let Ok(receipt) = agent.connection.call("message.send", params).await else {
                    return;
                };
                let seq = receipt["seq"].as_u64().expect("a position");
                if receipts.send((seq, content)).await.is_err() {
                    return;
                }
                count += 1;
            }
        });
        senders.push(acknowledged);
    }
    // The load is on: each has had answers.
    let mut before = Vec::new();
    for acknowledged in &mut senders {
        for _ in 0..50 {
            before.push(acknowledged.recv().await.expect("a receipt"));
        }
        while let Ok(receipt) = acknowledged.try_recv() {
            before.push(receipt);
        }
    }
    let made = run(&data_dir, &["backup", text(&backup), "--json"]).await.expect(0);
    over.store(true, Ordering::Relaxed);
    let mut all = before.clone();
    sending.join_all().await;
    for mut acknowledged in senders {
        while let Some(receipt) = acknowledged.recv().await {
            all.push(receipt);
        }
    }
    let made = made.lines().remove(0);
    assert_eq!(made["status"], json!("ok"));
    assert_eq!(
        fs::metadata(&backup).expect("there").permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(made["bytes"], json!(fs::metadata(&backup).expect("there").len()));
    assert!(!beside(&cast, "under-load.db-wal").exists());

    stop(&mut cast);
    let restored = run(&data_dir, &["restore", text(&backup), "--json"])
        .await
        .expect(0)
        .lines()
        .remove(0);
    assert_ne!(restored["epoch"], epoch);
    let former = restored["formerDatabase"].as_str().expect("a path");
    assert!(Path::new(former).is_file(), "{former}");
    tokio::task::block_in_place(|| cast.server.restart());
    let alice = Agent::enter(&cast.server, &cast.alice().key).await;
    assert_eq!(alice.welcome["epoch"], restored["epoch"]);
    let kept = everything(&alice, &lobby).await;
    assert_eq!(json!(kept.len()), made["messages"]);
    for (place, message) in kept.iter().enumerate() {
        assert_eq!(message["seq"], json!(place + 1));
    }
    for (seq, content) in &before {
        let place = usize::try_from(seq - 1).expect("a place");
        let message = kept.get(place).unwrap_or_else(|| panic!("{seq} is missing"));
        assert_eq!(message["content"], json!(content));
    }
    // What came after its moment is whole too, as far as it is there.
    for (seq, content) in &all {
        if let Some(message) = kept.get(usize::try_from(seq - 1).expect("a place")) {
            assert_eq!(message["content"], json!(content));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_resumes_from_before_a_restore_is_told_of_the_gap() {
    let mut cast = Cast::gather().await;
    let lobby = cast.alice().lobby().to_owned();
    let (epoch, key) = (cast.alice().welcome["epoch"].clone(), cast.alice().key.clone());
    cast.bob().say(&lobby, "before").await;
    let (data_dir, backup) = (cast.server.data_dir().to_owned(), beside(&cast, "b.db"));
    run(&data_dir, &["backup", text(&backup)]).await.expect(0);
    cast.bob().say(&lobby, "forgotten").await;
    cast.controller()
        .call(
            "docs.update",
            json!({ "name": "constitution", "content": "a later one" }),
        )
        .await;
    stop(&mut cast);
    run(&data_dir, &["restore", text(&backup)]).await.expect(0);
    tokio::task::block_in_place(|| cast.server.restart());
    let resume = json!({ "apiKey": key, "resume": { &lobby: { "epoch": epoch, "seq": 2 } } });
    let alice = Agent::try_enter(&cast.server, resume).await.expect("let in");
    assert!(
        alice.welcome["resumed"][&lobby]["reset"].is_object(),
        "{}",
        alice.welcome
    );
    let shown: Vec<Value> = everything(&alice, &lobby).await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    // The documents are those of the backup too, and the file that was there is kept.
    let document = alice.call("docs.get", json!({ "name": "constitution" })).await;
    assert_ne!(document["content"], json!("a later one"));
    let kept = fs::read_dir(data_dir.join("docs")).expect("readable").flatten();
    let kept: Vec<String> = kept
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(
        kept.iter()
            .any(|name| name.starts_with("CONSTITUTION.md.before-restore-")),
        "{kept:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_without_a_server_and_after_a_crash_too() {
    let mut cast = Cast::gather().await;
    let lobby = cast.alice().lobby().to_owned();
    for _ in 0..10 {
        cast.alice().say(&lobby, "x").await;
    }
    cast.server.kill();
    let (data_dir, backup) = (cast.server.data_dir().to_owned(), beside(&cast, "b.db"));
    let made = run(&data_dir, &["backup", text(&backup), "--json"]).await.expect(0);
    assert_eq!(made.lines()[0]["messages"], json!(10));
    // Onto a machine that has nothing yet.
    let elsewhere = beside(&cast, "elsewhere");
    let restored = run(&elsewhere, &["restore", text(&backup), "--json"]).await.expect(0);
    assert_eq!(restored.lines()[0]["formerDatabase"], Value::Null);
    let doctor = run(&elsewhere, &["doctor", "--json"]).await;
    let checks = doctor.lines()[0]["checks"].clone();
    let database = checks
        .as_array()
        .expect("checks")
        .iter()
        .find(|check| check["subject"] == "database");
    assert_eq!(database.expect("a check")["verdict"], json!("ok"), "{checks:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_is_not_overwritten() {
    let mut cast = Cast::gather().await;
    let (data_dir, backup) = (cast.server.data_dir().to_owned(), beside(&cast, "b.db"));
    let (other, nowhere) = (beside(&cast, "letter.txt"), beside(&cast, "no/where.db"));
    let (database, log) = (data_dir.join("wardroom.db"), data_dir.join("wardroom.db-wal"));
    fs::write(&other, "dear all").expect("written");
    run(&data_dir, &["backup", text(&backup)]).await.expect(0);
    for running in [true, false] {
        if !running {
            stop(&mut cast);
        }
        for (words, said) in [
            (vec!["backup", text(&backup)], "--force"),
            (vec!["backup", text(&other), "--force"], "not a backup"),
            (vec!["backup", text(&database), "--force"], "the database itself"),
            (vec!["backup", text(&log)], "the database itself"),
            (vec!["backup", text(&nowhere)], "cannot write"),
        ] {
            let ran = run(&data_dir, &words).await.expect(1);
            assert!(ran.stderr.contains(said), "{words:?}: {ran:#?}");
        }
        run(&data_dir, &["backup", text(&backup), "--force"]).await.expect(0);
        assert_eq!(fs::read_to_string(&other).expect("there"), "dear all");
    }
    let left = fs::read_dir(beside(&cast, "")).expect("readable").flatten();
    let left: Vec<PathBuf> = left.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// While it was made an empty file held its name, which was left there when the server was killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_a_backup_appears_when_it_is_complete_or_not_at_all() {
    let faults = Faults::new();
    let mut cast = Cast::gather_on(faults.server(TestServer::builder())).await;
    let data_dir = cast.server.data_dir().to_owned();
    let backup = data_dir.join("b.db");
    let words = ["backup", text(&backup)];
    // The copy, before it has its name.
    let copy = files::ALL & !files::SQLITE;
    faults.set(Fault::nth(calls::SYNC, copy, 1, Fate::Hold));
    let killing = async {
        while faults.failed() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!backup.exists());
        cast.server.signal("KILL");
    };
    let (ran, ()) = tokio::join!(run(&data_dir, &words), killing);
    assert_ne!(ran.code, Some(0), "{ran:#?}");
    assert!(!backup.exists());
    faults.clear();
    tokio::task::block_in_place(|| cast.server.restart());
    // Whatever appears under its name meanwhile stays.
    faults.set(Fault::nth(calls::SYNC, copy, 1, Fate::Hold));
    let meanwhile = async {
        while faults.failed() == 0 {
            tokio::task::yield_now().await;
        }
        fs::write(&backup, "dear all").expect("written");
        faults.change(Fate::Pass);
    };
    let (ran, ()) = tokio::join!(run(&data_dir, &words), meanwhile);
    assert!(ran.expect(1).stderr.contains("is there already"));
    assert_eq!(fs::read_to_string(&backup).expect("there"), "dear all");
    fs::remove_file(&backup).expect("removed");
    run(&data_dir, &words).await.expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_not_whole_changes_nothing() {
    let mut cast = Cast::gather().await;
    let lobby = cast.alice().lobby().to_owned();
    for _ in 0..300 {
        cast.alice().say(&lobby, &"needle ".repeat(30)).await;
    }
    let (data_dir, backup) = (cast.server.data_dir().to_owned(), beside(&cast, "b.db"));
    run(&data_dir, &["backup", text(&backup)]).await.expect(0);
    // A server that runs is left alone.
    run(&data_dir, &["restore", text(&backup)]).await.expect(4);
    stop(&mut cast);
    let before = fs::read(data_dir.join("wardroom.db")).expect("there");
    let whole = fs::read(&backup).expect("there");
    let mut flipped = whole.clone();
    // All of them: some lie where nothing is any longer, and nobody misses those.
    let places = whole.windows(6).enumerate().filter(|(_, bytes)| bytes == b"needle");
    for (place, _) in places {
        flipped[place] ^= 1;
    }
    let mut foreign = whole.clone();
    foreign[68..72].fill(0);
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&999_u32.to_be_bytes());
    for (what, bytes) in [
        ("cut short", whole[..whole.len() / 2].to_vec()),
        ("flipped", flipped),
        ("foreign", foreign),
        ("newer", newer),
        ("text", b"dear all".to_vec()),
        ("empty", Vec::new()),
    ] {
        fs::write(&backup, bytes).expect("written");
        let ran = run(&data_dir, &["restore", text(&backup), "--json"]).await.expect(1);
        let message = ran.lines()[0]["message"].to_string();
        assert!(message.contains("nothing was changed"), "{what}: {message}");
        assert_eq!(fs::read(data_dir.join("wardroom.db")).expect("there"), before, "{what}");
    }
    fs::write(&backup, whole).expect("written");
    run(&data_dir, &["restore", text(&backup)]).await.expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_and_its_log_make_way_and_are_kept() {
    let mut cast = Cast::gather().await;
    let lobby = cast.alice().lobby().to_owned();
    cast.alice().say(&lobby, "kept").await;
    let (data_dir, backup) = (cast.server.data_dir().to_owned(), beside(&cast, "b.db"));
    run(&data_dir, &["backup", text(&backup)]).await.expect(0);
    for _ in 0..50 {
        cast.alice().say(&lobby, "in the log").await;
    }
    cast.server.kill();
    let database = data_dir.join("wardroom.db");
    let mut bytes = fs::read(&database).expect("there");
    bytes[..4096].fill(0xA5);
    fs::write(&database, &bytes).expect("written");
    let restored = run(&data_dir, &["restore", text(&backup), "--json"])
        .await
        .expect(0)
        .lines()
        .remove(0);
    let former = restored["formerDatabase"].as_str().expect("a path");
    assert_eq!(fs::read(former).expect("there"), bytes);
    assert!(Path::new(&format!("{former}-wal")).is_file());
    tokio::task::block_in_place(|| cast.server.restart());
    let alice = Agent::enter(&cast.server, &cast.alice().key).await;
    assert_eq!(everything(&alice, &lobby).await.len(), 1);
}
