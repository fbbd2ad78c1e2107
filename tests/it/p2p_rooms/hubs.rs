//! Two servers whose rooms are joined to one another.

use serde_json::json;

use super::{open, room, text};
use crate::support::{Agent, Cast, soon};

/// Takes a room of one server into the P2P room that the other one opened.
async fn join(cast: &Cast, room: &str, opening: &serde_json::Value) {
    let params = json!({
        "roomId": room,
        "p2pRoomId": opening["p2pRoomId"],
        "signalUrl": opening["signalUrl"],
        "permission": "intimate",
    });
    cast.controller().call("p2p.join", params).await;
}

/// The next message that `agent` is shown: what it says, and as whose.
async fn next(agent: &Agent) -> (String, String) {
    let message = agent.expect("message").await["message"].clone();
    (text(&message["content"]), text(&message["senderName"]))
}

#[tokio::test]
async fn rooms_of_two_servers_are_one_conversation() {
    let (here, there) = tokio::join!(Cast::gather(), Cast::gather());
    let (ours, theirs) = (room(&here).await, room(&there).await);
    let opening = open(here.alice(), &ours, "intimate").await;
    join(&there, &theirs, &opening).await;
    here.bob().expect("room.joined").await;
    there.bob().expect("room.joined").await;
    let asked = here.alice().say(&ours, "anybody there?").await;
    // The peer is the other server's room; who spoke in it stands before it.
    assert_eq!(
        next(there.bob()).await,
        ("anybody there?".to_owned(), "alice (Ops)".to_owned())
    );
    let history = there.bob().history(&theirs, 1, None).await;
    let params = json!({ "roomId": theirs, "content": "bob is", "replyTo": history[0]["messageId"] });
    there.bob().call("message.send", params).await;
    let answer = here.alice().expect("message").await["message"].clone();
    assert_eq!(
        (&answer["content"], &answer["replyTo"]),
        (&json!("bob is"), &asked["messageId"])
    );

    // Work that is offered here is done there.
    let params = json!({ "roomId": ours, "title": "sweep" });
    let task = here.alice().call("task.create", params).await;
    let offered = there.bob().expect("task.created").await["task"].clone();
    let claim = there
        .bob()
        .call("task.claim", json!({ "taskId": offered["taskId"] }))
        .await;
    let done = json!({ "taskId": offered["taskId"], "generation": claim["generation"], "content": "swept" });
    there.bob().call("task.complete", done).await;
    let finished = here.alice().expect("task.updated").await["task"].clone();
    assert_eq!(
        (&finished["taskId"], &finished["state"]),
        (&task["taskId"], &json!("completed"))
    );
}

#[tokio::test]
async fn a_message_that_comes_back_over_a_loop_ends_there() {
    let (here, there) = tokio::join!(Cast::gather(), Cast::gather());
    let (ours, theirs) = (room(&here).await, room(&there).await);
    // Joined twice, so that what goes out by one link comes back by the other.
    for _ in 0..2 {
        let opening = open(here.alice(), &ours, "intimate").await;
        join(&there, &theirs, &opening).await;
        here.bob().expect("room.joined").await;
        there.bob().expect("room.joined").await;
    }
    for number in 0..10 {
        here.alice().say(&ours, &format!("here {number}")).await;
        there.alice().say(&theirs, &format!("there {number}")).await;
    }
    // Both rooms come to hold each message once. Had one gone round, it would be in front of the markers, which go over the
    // same links.
    for (cast, room) in [(&here, &ours), (&there, &theirs)] {
        let all = async { while cast.alice().history(room, 100, None).await.len() < 20 {} };
        soon("all messages", all).await;
    }
    here.alice().say(&ours, "marker").await;
    let marked = async { while there.alice().history(&theirs, 1, None).await[0]["content"] != "marker" {} };
    soon("the marker", marked).await;
    there.alice().say(&theirs, "marker back").await;
    let marked = async { while here.alice().history(&ours, 1, None).await[0]["content"] != "marker back" {} };
    soon("the marker", marked).await;
    for (cast, room) in [(&here, &ours), (&there, &theirs)] {
        let history = cast.alice().history(room, 100, None).await;
        let mut said: Vec<String> = history.iter().map(|message| text(&message["content"])).collect();
        assert_eq!(said.len(), 22, "{said:?}");
        said.sort_unstable();
        said.dedup();
        assert_eq!(said.len(), 22, "{said:?}");
    }
}
