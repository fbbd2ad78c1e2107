//! The index is fed behind the messages, and still forgets none.

use serde_json::json;

use super::{contents, find};
use crate::support::{Agent, TestServer};

#[tokio::test]
async fn what_was_acknowledged_just_before_a_crash_is_found_after_it() {
    let mut server = TestServer::start();
    let controller = server.controller().await;
    let key = controller.invite("alice").await;
    let mut alice = Agent::enter(&server, &key).await;
    let lobby = alice.lobby().to_owned();
    drop(controller);
    let mut expected = Vec::new();
    for round in 0..5 {
        // More than go into the index at once, and the last one right before the end.
        for number in 0..40 {
            alice.say(&lobby, &format!("needle {round} {number}")).await;
            expected.insert(0, format!("needle {round} {number}"));
        }
        server.kill();
        drop(alice);
        server.restart();
        alice = Agent::enter(&server, &key).await;
        let result = alice
            .call("message.search", json!({ "query": "needle", "limit": 1000 }))
            .await;
        assert_eq!(result.get("incomplete"), None);
        assert_eq!(contents(&result), expected);
    }
    assert_eq!(find(&alice, "\"needle 3 39\"").await, ["needle 3 39"]);
}
