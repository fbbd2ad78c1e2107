//! The first minute of an operator and two agents.

use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn agents_meet_in_a_room_and_nobody_hears_himself() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    let bob = server.participant(&controller, "bob").await;
    let room = alice.create_room("Ops", "public").await;
    bob.expect("room.created").await;
    bob.call("room.join", json!({ "roomId": room })).await;

    let receipt = alice.say(&room, "hello").await;

    let heard = bob.expect("message").await;
    assert_eq!(heard["message"]["content"], "hello");
    assert_eq!(heard["message"]["messageId"], receipt["messageId"]);
    assert_eq!(receipt["seq"], 1);
    let told: Vec<String> = alice.told().await.into_iter().map(|(method, _)| method).collect();
    assert!(!told.contains(&"message".to_owned()), "{told:?}");
    let history = bob.history(&room, 10, None).await;
    assert_eq!(history.len(), 1);
}

#[tokio::test]
async fn the_server_stops_in_order_when_it_is_asked_to() {
    let mut server = TestServer::start();
    let controller = server.controller().await;
    server.signal("TERM");
    assert_eq!(
        controller.expect("disconnected").await["reason"],
        "server is shutting down"
    );
    let end = crate::support::soon("the end", controller.connection.ended()).await;
    assert_eq!(end.code, Some(1001));
    assert!(server.wait().success());
}
