//! A client that others wrote: jsonrpsee's, which knows JSON-RPC 2.0 and nothing of us.

use jsonrpsee::core::client::{ClientT, SubscriptionClientT};
use jsonrpsee::core::params::{BatchRequestBuilder, ObjectParams};
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use serde_json::{Value, json};

use crate::support::{Cast, soon};

fn params(members: &[(&str, &str)]) -> ObjectParams {
    let mut params = ObjectParams::new();
    for (name, value) in members {
        params.insert(name, value).expect("text");
    }
    params
}

async fn enter(cast: &Cast, key: &str) -> WsClient {
    let building = WsClientBuilder::default().build(cast.server.url());
    let client = soon("a connection", building).await.expect("a connection");
    let welcome: Value = soon("an answer", client.request("auth", params(&[("apiKey", key)])))
        .await
        .expect("the key is good");
    assert_eq!(welcome["status"], "ok");
    client
}

#[tokio::test]
async fn jsonrpsees_client_calls_and_is_refused() {
    let cast = Cast::gather().await;
    let client = enter(&cast, &cast.alice().key).await;
    let made: Value = soon("an answer", client.request("room.create", params(&[("name", "Ops")])))
        .await
        .expect("anybody may make a room");
    assert_eq!(made["room"]["name"], "Ops");
    let refused: Result<Value, _> = soon("an answer", client.request("agent.list", ObjectParams::new())).await;
    let Err(jsonrpsee::core::ClientError::Call(error)) = refused else {
        panic!("not refused: {refused:?}")
    };
    assert_eq!(error.code(), 4003);
    let by_position: Result<Value, _> = soon("an answer", client.request("room.info", rpc_params!["x"])).await;
    let Err(jsonrpsee::core::ClientError::Call(error)) = by_position else {
        panic!("not refused: {by_position:?}")
    };
    assert_eq!(error.code(), -32602);
}

#[tokio::test]
async fn jsonrpsees_client_sends_batches() {
    let cast = Cast::gather().await;
    let client = enter(&cast, &cast.alice().key).await;
    let lobby = cast.alice().lobby();
    let mut batch = BatchRequestBuilder::new();
    for content in ["one", "two"] {
        let send = params(&[("roomId", lobby), ("content", content)]);
        batch.insert("message.send", send).expect("params");
    }
    batch.insert("no.such.method", ObjectParams::new()).expect("params");
    batch
        .insert("room.history", params(&[("roomId", lobby)]))
        .expect("params");
    let answers = soon("answers", client.batch_request::<Value>(batch))
        .await
        .expect("answers");
    assert_eq!((answers.num_successful_calls(), answers.num_failed_calls()), (3, 1));
    let answers: Vec<_> = answers.into_iter().collect();
    assert_eq!(answers[1].as_ref().expect("sent")["seq"], 2);
    assert_eq!(answers[2].as_ref().expect_err("there is none").code(), -32601);
    let history = answers[3].as_ref().expect("a page");
    assert_eq!(history["messages"][1]["content"], "two");
}

#[tokio::test]
async fn jsonrpsees_client_hears_events_and_sends_notifications() {
    let cast = Cast::gather().await;
    let client = enter(&cast, &cast.bob().key).await;
    let subscribing = client.subscribe_to_method::<Value>("message");
    let mut messages = soon("a subscription", subscribing).await.expect("a subscription");
    let lobby = cast.alice().lobby();
    for number in 0..100 {
        cast.alice().say(lobby, &number.to_string()).await;
    }
    for number in 0..100 {
        let event = soon("a message", messages.next())
            .await
            .expect("it goes on")
            .expect("an object");
        assert_eq!(event["message"]["content"], number.to_string());
    }
    let told = params(&[("roomId", lobby), ("content", "by notification")]);
    client.notification("message.send", told).await.expect("it is open");
    let heard = cast.alice().expect("message").await;
    assert_eq!(heard["message"]["content"], "by notification");
    assert_eq!(heard["message"]["senderId"], json!(cast.bob().id()));
}
