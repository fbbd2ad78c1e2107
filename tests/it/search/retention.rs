//! What is not kept any longer is in the index no more.

use serde_json::json;

use super::find;
use crate::support::{Agent, TestServer};

#[tokio::test]
async fn retired_messages_are_found_no_more_and_leave_the_index() {
    let mut server = TestServer::builder()
        .config(json!({ "lobby": { "historyLimit": 10 }, "limits": { "messagesPerSecond": 0 } }))
        .start();
    let controller = server.controller().await;
    let key = controller.invite("alice").await;
    let alice = Agent::enter(&server, &key).await;
    let lobby = alice.lobby().to_owned();
    for number in 0..300 {
        alice.say(&lobby, &format!("word number{number}")).await;
        if number % 50 == 0 {
            assert_eq!(find(&alice, &format!("number{number}")).await.len(), 1);
        }
    }
    let newest: Vec<String> = (290..300).rev().map(|number| format!("word number{number}")).collect();
    assert_eq!(find(&alice, "word").await, newest);
    assert_eq!(find(&alice, "number0").await, [""; 0]);
    drop((alice, controller));
    server.kill();
    let database = rusqlite::Connection::open(server.data_dir().join("wardroom.db")).expect("a database");
    let count = |word: &str| -> i64 {
        let sql = "SELECT count(*) FROM message_index WHERE message_index MATCH ?1";
        database.query_row(sql, [word], |row| row.get(0)).expect("a count")
    };
    assert_eq!((count("number0"), count("number289"), count("word")), (0, 0, 10));
}
