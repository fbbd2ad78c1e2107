//! Hundreds of sessions in one room.

use serde_json::json;
use tokio::task::JoinSet;
use wardroom::client::{ConnectOptions, Connection, Endpoint, Methods as _};

use super::process::size;
use crate::support::{TestServer, soon};

const SESSIONS_EACH: usize = 4;
const MESSAGES: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_sessions_hear_everything_once_and_in_order() {
    let sessions = size("SESSIONS", 500);
    let server = TestServer::start();
    let controller = server.controller().await;
    let room = controller.create_room("Assembly", "public").await;
    let endpoint = Endpoint::parse(server.url()).expect("an address");
    let options = ConnectOptions::default();
    let mut members = JoinSet::new();
    let (ready, mut all_ready) = tokio::sync::mpsc::channel::<()>(1);
    for number in 0..sessions / SESSIONS_EACH {
        let key = controller.invite(&format!("agent {number}")).await;
        for session in 0..SESSIONS_EACH {
            let opened = soon("a connection", Connection::open_with(&endpoint, &options)).await;
            let connection = opened.expect("a connection");
            let welcome = soon("a welcome", connection.call("auth", json!({ "apiKey": key }))).await;
            welcome.expect("it is let in");
            if session == 0 {
                let joined = soon("an answer", connection.call("room.join", json!({ "roomId": room }))).await;
                joined.expect("it joins");
            }
            let ready = ready.clone();
            members.spawn(async move {
                drop(ready);
                let mut heard = Vec::new();
                while heard.len() < usize::try_from(MESSAGES).expect("a number") {
                    let event = soon("an event", connection.next_event())
                        .await
                        .expect("the connection goes on");
                    if event.method == "message" {
                        heard.push(event.params["message"]["seq"].as_u64().expect("a position"));
                    }
                }
                // Nothing is left over: each came once.
                connection.call("lobby.getMotd", json!({})).await.expect("an answer");
                while let Some(event) = connection.poll_event() {
                    assert_ne!(event.method, "message");
                }
                heard
            });
        }
    }
    drop(ready);
    assert!(soon("all to be there", all_ready.recv()).await.is_none());
    for number in 1..=MESSAGES {
        assert_eq!(controller.say(&room, "hear, hear").await["seq"], number);
    }
    let expected: Vec<u64> = (1..=MESSAGES).collect();
    let mut count = 0;
    while let Some(member) = soon("everybody to hear", members.join_next()).await {
        assert_eq!(member.expect("a member"), expected);
        count += 1;
    }
    assert_eq!(count, sessions / SESSIONS_EACH * SESSIONS_EACH);
}
