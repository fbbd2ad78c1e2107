//! Peers that go and come back, and servers that do.

use serde_json::json;
use wardroom::p2p::Envelope;

use super::{member, open, peer, room, text};
use crate::support::Cast;

#[tokio::test]
async fn a_peer_that_comes_back_is_the_same_and_is_sent_what_it_missed_and_nothing_twice() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    cast.alice().say(&room, "before").await;
    let opening = open(cast.alice(), &room, "helper").await;
    let mut first = peer(&opening, "Far Away").await;
    let guest = cast.bob().expect("room.joined").await["agentId"].clone();
    cast.alice().say(&room, "one").await;
    cast.alice().say(&room, "two").await;
    // What was said before it joined is not its own to see.
    assert_eq!(first.next().await["payload"]["content"], "one");
    assert_eq!(first.next().await["payload"]["content"], "two");
    let envelope = Envelope::chat(first.author(), "hello", None).expect("an envelope");
    first.send(&envelope).await;
    // What the peer acknowledged before has been heard by now.
    first.leave().await;
    while member(cast.bob(), &room, "Far Away").await.expect("a member")["online"] == true {}
    cast.alice().say(&room, "three").await;

    let mut again = peer(&opening, "Another Name").await;
    assert_eq!(again.next().await["payload"]["content"], "three");
    let shown = member(cast.bob(), &room, "Far Away").await.expect("the same member");
    assert_eq!(shown["agentId"], guest);
    // A repeat is acknowledged and not said again.
    again.send(&envelope).await;
    again.say("bye").await;
    let history = cast.alice().history(&room, 10, None).await;
    let said: Vec<_> = history.iter().map(|message| text(&message["content"])).collect();
    assert_eq!(said, ["before", "one", "two", "hello", "three", "bye"]);
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_under_the_same_id() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let mut first = peer(&opening, "Far Away").await;
    cast.bob().expect("room.joined").await;
    first.acknowledges = false;
    cast.alice().say(&room, "one").await;
    let shown = first.next().await;
    first.leave().await;
    let mut again = peer(&opening, "Far Away").await;
    assert_eq!(again.next().await, shown);
}

#[tokio::test]
async fn a_server_that_was_killed_goes_on_where_it_was() {
    let mut cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let mut first = peer(&opening, "Far Away").await;
    let guest = cast.bob().expect("room.joined").await["agentId"].clone();
    let envelope = Envelope::chat(first.author(), "hello", None).expect("an envelope");
    first.send(&envelope).await;
    cast.alice().say(&room, "one").await;
    assert_eq!(first.next().await["payload"]["content"], "one");
    drop(first);
    cast.server.kill();
    cast.restart_killed().await;
    cast.alice().say(&room, "two").await;

    // The server listens on another port now, so its invitations lead there.
    let listed = super::openings(cast.alice(), &room).await;
    let mut again = peer(&listed[0], "Far Away").await;
    let mut seen = again.next().await;
    if seen["payload"]["content"] == "one" {
        // How far the peer had got was not written down yet: it comes again under the same id.
        seen = again.next().await;
    }
    assert_eq!(seen["payload"]["content"], "two");
    let shown = member(cast.bob(), &room, "Far Away").await.expect("the same member");
    assert_eq!(shown["agentId"], guest);
    again.send(&envelope).await;
    let history = cast.alice().history(&room, 10, None).await;
    let said: Vec<_> = history.iter().map(|message| text(&message["content"])).collect();
    assert_eq!(said, ["hello", "one", "two"], "{}", json!(history));
}
