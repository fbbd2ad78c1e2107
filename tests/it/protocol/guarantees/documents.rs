//! Documents and their files.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Cast, soon};

fn file(cast: &Cast, name: &str) -> PathBuf {
    cast.server.data_dir().join("docs").join(name)
}

async fn get(cast: &Cast, name: &str) -> (Value, Value) {
    let document = cast.controller().call("docs.get", json!({ "name": name })).await;
    (document["content"].clone(), document["version"].clone())
}

#[tokio::test]
async fn a_constitution_edited_by_hand_is_in_force_from_the_next_start_on() {
    let mut cast = Cast::gather().await;
    let path = file(&cast, "CONSTITUTION.md");
    let (first, version) = get(&cast, "constitution").await;
    assert_eq!(version, 1);
    assert_eq!(std::fs::read_to_string(&path).expect("the file is there"), first);
    std::fs::write(&path, "Edited by hand\n").expect("it can be edited");
    // Not before: a document does not change under those who are reading it.
    assert_eq!(get(&cast, "constitution").await.0, first);
    cast.restart().await;
    assert_eq!(get(&cast, "constitution").await, (json!("Edited by hand\n"), json!(2)));
    cast.restart().await;
    assert_eq!(
        get(&cast, "constitution").await.1,
        2,
        "a file that nobody touched is no new version"
    );
}

#[tokio::test]
async fn an_update_is_written_to_the_file() {
    let mut cast = Cast::gather().await;
    let path = file(&cast, "CONSTITUTION.md");
    let update = json!({ "name": "constitution", "content": "By the controller" });
    let updated = cast.controller().call("docs.update", update).await;
    assert_eq!(updated["version"], 2);
    soon("the file", async {
        while std::fs::read_to_string(&path).ok().as_deref() != Some("By the controller") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    cast.restart().await;
    assert_eq!(get(&cast, "constitution").await, (json!("By the controller"), json!(2)));
}

/// What the server was about to write once was remembered for ever, so that an edit by hand to that same text was taken for
/// its own writing and undone.
#[tokio::test]
async fn regression_a_file_edited_back_to_a_former_update_is_in_force() {
    let mut cast = Cast::gather().await;
    let path = file(&cast, "CONSTITUTION.md");
    let update = json!({ "name": "constitution", "content": "B" });
    cast.controller().call("docs.update", update).await;
    soon("the file", async {
        while std::fs::read_to_string(&path).ok().as_deref() != Some("B") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for (text, version) in [("E", 3), ("B", 4), ("E", 5)] {
        std::fs::write(&path, text).expect("it can be edited");
        cast.restart().await;
        assert_eq!(get(&cast, "constitution").await, (json!(text), json!(version)));
        assert_eq!(std::fs::read_to_string(&path).expect("the file is there"), text);
    }
}

#[tokio::test]
async fn an_update_that_could_not_be_written_to_the_file_wins_over_the_file() {
    let mut cast = Cast::gather().await;
    let path = file(&cast, "CONSTITUTION.md");
    let before = std::fs::read_to_string(&path).expect("the file is there");
    // The file is replaced by way of a new one, whose place is taken.
    let obstacle = file(&cast, "CONSTITUTION.md.new");
    std::fs::create_dir(&obstacle).expect("it can be made");
    let update = json!({ "name": "constitution", "content": "By the controller" });
    cast.controller().call("docs.update", update).await;
    cast.restart().await;
    assert_eq!(std::fs::read_to_string(&path).expect("the file is there"), before);
    assert_eq!(get(&cast, "constitution").await, (json!("By the controller"), json!(2)));
    std::fs::remove_dir(&obstacle).expect("it can be removed");
    cast.restart().await;
    assert_eq!(
        std::fs::read_to_string(&path).expect("the file is there"),
        "By the controller"
    );
    assert_eq!(get(&cast, "constitution").await, (json!("By the controller"), json!(2)));
}

#[tokio::test]
async fn versions_count_on_from_whatever_they_are() {
    let cast = Cast::gather().await;
    let update = async |version: Option<Value>| {
        let mut params = json!({ "name": "constitution", "content": "Rules" });
        if let Some(version) = version {
            params["version"] = version;
        }
        cast.controller().call("docs.update", params).await["version"].clone()
    };
    assert_eq!(update(None).await, 2);
    assert_eq!(update(Some(json!(40))).await, 40);
    assert_eq!(update(None).await, 41);
    assert_eq!(update(Some(json!("2.9"))).await, "2.9");
    assert_eq!(update(None).await, "2.10");
    let listed = cast.alice().call("docs.list", json!({})).await;
    let constitution = listed["docs"]
        .as_array()
        .expect("documents")
        .iter()
        .find(|entry| entry["name"] == "constitution");
    assert_eq!(constitution.expect("it is listed")["version"], "2.10");
}

#[tokio::test]
async fn the_directive_of_the_controller_is_read_on_demand_and_for_nobody_else() {
    let cast = Cast::gather().await;
    std::fs::write(file(&cast, "CONTROLLER.md"), "CANARY directive").expect("it can be edited");
    assert_eq!(get(&cast, "controller").await.0, "CANARY directive");
    assert_eq!(
        cast.alice().refused("docs.get", json!({ "name": "controller" })).await,
        4003
    );
    let listed = cast.alice().call("docs.list", json!({})).await;
    assert!(!listed.to_string().contains("controller"), "{listed}");
}

#[tokio::test]
async fn only_the_names_in_the_list_name_a_document() {
    let cast = Cast::gather().await;
    for name in [
        "",
        "Constitution",
        "constitution ",
        "constitution.md",
        "CONSTITUTION.md",
        "../wardroom.json",
        "docs/CONSTITUTION.md",
        "/etc/hostname",
        "constitution\u{0}",
    ] {
        assert_eq!(
            cast.controller().refused("docs.get", json!({ "name": name })).await,
            4070,
            "{name:?}"
        );
        let update = json!({ "name": name, "content": "x" });
        assert_eq!(cast.controller().refused("docs.update", update).await, 4070, "{name:?}");
    }
}

#[tokio::test]
async fn the_protocol_document_tells_of_every_method_event_and_code() {
    let cast = Cast::gather().await;
    let document = cast.alice().call("docs.get", json!({ "name": "protocol" })).await;
    let text = document["content"].as_str().expect("text");
    for method in wardroom::protocol::methods::all() {
        assert!(text.contains(&format!("`{}`", method.name)), "{}", method.name);
    }
    for event in wardroom::protocol::notifications::all() {
        assert!(text.contains(&format!("`{}`", event.name)), "{}", event.name);
    }
    for code in wardroom::protocol::Code::ALL {
        assert!(text.contains(&code.number().to_string()), "{code:?}");
    }
}

#[tokio::test]
async fn the_message_of_the_day_outlives_a_restart_and_so_does_its_absence() {
    let mut cast = Cast::gather().await;
    // Longer than a message may be.
    let long = "ü".repeat(65_536);
    cast.controller()
        .call("lobby.setMotd", json!({ "content": long }))
        .await;
    cast.restart().await;
    assert_eq!(cast.alice().welcome["motd"], long.as_str());
    let longer = json!({ "content": format!("{long}ü") });
    assert_eq!(cast.controller().refused("lobby.setMotd", longer).await, -32602);
    cast.controller()
        .call("lobby.setMotd", json!({ "content": null }))
        .await;
    cast.restart().await;
    assert_eq!(cast.alice().welcome["motd"], Value::Null);
}
