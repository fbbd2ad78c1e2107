//! What the operator takes out of a data directory and puts into it is remembered, with a server and without.

use serde_json::{Value, json};

use super::program::run;
use crate::support::{Agent, Cast};

/// What the operator did, the oldest first: the methods and what they were about.
async fn operators(controller: &Agent) -> Vec<(String, Value)> {
    let listed = controller
        .call("audit.list", json!({ "agentId": null, "limit": 1000 }))
        .await;
    assert_eq!(listed["intact"], json!(true));
    let entries = listed["entries"].as_array().expect("entries");
    let mut found: Vec<(String, Value)> = entries
        .iter()
        .filter(|entry| entry["actor"] == "operator" && entry["gateway"] == "command line")
        .map(|entry| {
            (
                entry["method"].as_str().unwrap_or_default().to_owned(),
                entry["targets"].clone(),
            )
        })
        .collect();
    found.reverse();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_backups_exports_and_a_restore_are_remembered() {
    let mut cast = Cast::gather().await;
    let room = cast.alice().create_room("Ops", "public").await;
    cast.alice().say(&room, "hello").await;
    let data_dir = cast.server.data_dir().to_owned();
    let beside = |name: &str| data_dir.with_file_name(name).to_str().expect("UTF-8").to_owned();
    let (online, resting) = (beside("online.db"), beside("resting.db"));
    run(&data_dir, &["backup", &online]).await.expect(0);
    run(&data_dir, &["export", "Ops"]).await.expect(0);
    let backup = ("operator.backup".to_owned(), json!([]));
    let export = ("operator.export".to_owned(), json!([room]));
    assert_eq!(operators(cast.controller()).await, [backup.clone(), export.clone()]);

    cast.server.signal("TERM");
    tokio::task::block_in_place(|| cast.server.wait());
    run(&data_dir, &["export", &room]).await.expect(0);
    run(&data_dir, &["backup", &resting]).await.expect(0);
    run(&data_dir, &["doctor"]).await;
    tokio::task::block_in_place(|| cast.server.restart());
    let controller = Agent::enter(&cast.server, cast.controller().key.as_str()).await;
    let done = [backup.clone(), export.clone(), export.clone(), backup];
    assert_eq!(operators(&controller).await, done);

    cast.server.signal("TERM");
    tokio::task::block_in_place(|| cast.server.wait());
    run(&data_dir, &["restore", &resting]).await.expect(0);
    tokio::task::block_in_place(|| cast.server.restart());
    let controller = Agent::enter(&cast.server, cast.controller().key.as_str()).await;
    // The backup does not know of itself.
    let restored = [
        done[0].clone(),
        export.clone(),
        export,
        ("restore".to_owned(), json!([])),
    ];
    assert_eq!(operators(&controller).await, restored);
}
