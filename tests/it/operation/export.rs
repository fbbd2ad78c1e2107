//! `wardroom export`.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::program::{lines, run};
use crate::support::Cast;

/// A room with talk of every kind, and its name.
async fn talk(cast: &Cast) -> String {
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "private").await;
    alice
        .call("room.invite", json!({ "roomId": room, "agentId": bob.id() }))
        .await;
    bob.call("room.join", json!({ "roomId": room })).await;
    let first = alice.say(&room, "hello\n\"you\" \u{1f600}").await;
    let query = json!({
        "roomId": room, "content": "why?", "type": "query", "data": {"a": [1, 2]}, "replyTo": first["messageId"],
    });
    bob.call("message.send", query).await;
    let secret = alice.say(&room, "a secret").await;
    let removal = json!({ "messageId": secret["messageId"], "reason": "not for here" });
    alice.call("message.remove", removal).await;
    room
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_written_line_by_line_the_same_with_a_server_and_without() {
    let mut cast = Cast::gather().await;
    let room = talk(&cast).await;
    let data_dir = cast.server.data_dir().to_owned();
    let running = run(&data_dir, &["export", "Ops"]).await.expect(0);
    let lines = running.lines();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let head = &lines[0];
    assert_eq!(
        (&head["format"], &head["version"]),
        (&json!("wardroom-room"), &json!(1))
    );
    assert_eq!(head["room"]["roomId"], json!(room));
    assert_eq!(head["room"]["ownerId"], json!(cast.alice().id()));
    assert_eq!(head["room"]["epoch"], cast.alice().welcome["epoch"]);
    let members: Vec<&Value> = head["room"]["members"].as_array().expect("members").iter().collect();
    assert_eq!(members.len(), 2, "{head}");
    let shown = cast.alice().history(&room, 50, None).await;
    for (line, message) in lines[1..].iter().zip(&shown) {
        for (name, value) in message.as_object().expect("an object") {
            assert_eq!(&line[name], value, "`{name}` of {line}");
        }
    }
    assert_eq!(lines[3]["removedBy"], json!(cast.alice().id()));
    assert_eq!(lines[3]["reason"], json!("not for here"));
    assert!(lines[3]["removedAt"].is_i64(), "{}", lines[3]);
    assert!(!running.stdout.contains("a secret"), "{}", running.stdout);

    cast.server.signal("TERM");
    cast.server.wait();
    let resting = run(&data_dir, &["export", &room, "--json"]).await.expect(0);
    assert_eq!(resting.stdout, running.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_room_is_written_whole_and_in_order_to_a_private_file() {
    let cast = Cast::gather().await;
    let room = cast.alice().create_room("Ops", "public").await;
    for number in 1..=2100 {
        cast.alice().say(&room, &number.to_string()).await;
    }
    let dm = json!({ "toAgentId": cast.bob().id(), "content": "between us" });
    cast.alice().call("message.dm", dm).await;
    let out = cast.server.data_dir().join("ops.ndjson");
    let words = ["export", &room, "--out", out.to_str().expect("UTF-8"), "--json"];
    let report = run(cast.server.data_dir(), &words).await.expect(0).lines().remove(0);
    assert_eq!(
        (&report["status"], &report["messages"]),
        (&json!("ok"), &json!(2100)),
        "{report}"
    );
    let text = std::fs::read_to_string(&out).expect("written");
    let written = lines(&text);
    assert_eq!(written.len(), 2101);
    for (position, line) in written[1..].iter().enumerate() {
        let seq = position + 1;
        assert_eq!((&line["seq"], &line["content"]), (&json!(seq), &json!(seq.to_string())));
    }
    assert!(!text.contains("between us"));
    let mode = std::fs::metadata(&out).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    // What is there is not replaced unless that is said.
    let refused = run(cast.server.data_dir(), &words).await.expect(1);
    assert_eq!(refused.lines()[0]["status"], json!("error"));
    let mut forced = words.to_vec();
    forced.push("--force");
    run(cast.server.data_dir(), &forced).await.expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_not_one_is_told() {
    let cast = Cast::gather().await;
    for name in ["Twin", "Twin", "Gone"] {
        let room = cast.alice().create_room(name, "public").await;
        if name == "Gone" {
            cast.alice().call("room.delete", json!({ "roomId": room })).await;
            // Deleted rooms have their record still; only their name is free.
            run(cast.server.data_dir(), &["export", &room]).await.expect(0);
        }
    }
    for (room, said) in [
        ("Gone", "room not found"),
        ("None", "room not found"),
        ("Twin", "give an id"),
    ] {
        let ran = run(cast.server.data_dir(), &["export", room]).await.expect(1);
        assert!(ran.stderr.contains(said), "{ran:#?}");
        assert_eq!(ran.stdout, "");
    }
}
