//! Messages with a type and data, and the threads that they make.

use serde_json::{Value, json};

use super::{room, text};
use crate::support::{Agent, Cast, TestServer};

/// Says something in answer to a message: its id.
async fn reply(agent: &Agent, room: &str, to: &str, content: &str) -> String {
    let params = json!({ "roomId": room, "content": content, "replyTo": to });
    text(&agent.call("message.send", params).await["messageId"])
}

/// A whole thread, read in pages of `limit`, the oldest reply first.
async fn thread(agent: &Agent, room: &str, to: &str, limit: u64) -> Vec<String> {
    let (mut all, mut before) = (Vec::new(), Value::Null);
    loop {
        let params = json!({ "roomId": room, "replyTo": to, "limit": limit, "before": before });
        let page = agent.call("room.history", params).await;
        let messages = page["messages"].as_array().expect("messages");
        let Some(first) = messages.first() else { return all };
        before = first["timestamp"].clone();
        let contents = messages.iter().map(|message| text(&message["content"])).collect();
        all = [contents, all].concat();
    }
}

#[tokio::test]
async fn data_is_kept_as_it_was_sent_also_after_a_restart() {
    let mut cast = Cast::gather().await;
    let room = room(&cast).await;
    let values = [
        json!(true),
        json!(0),
        json!("text with \" and \\ and \u{1F600}"),
        json!([]),
        json!({}),
        json!({ "b": 1, "a": [null, { "deep": [1.5, -0.25, u64::MAX, i64::MIN] }] }),
    ];
    for value in &values {
        let params = json!({ "roomId": room, "content": "data", "data": value });
        cast.alice().call("message.send", params).await;
        let told = cast.bob().expect("message").await;
        assert_eq!(&told["message"]["data"], value);
    }
    let dm = json!({ "toAgentId": cast.bob().id(), "content": "data", "data": values });
    cast.alice().call("message.dm", dm).await;
    cast.restart().await;
    let history = cast.carol().history(&room, 50, None).await;
    let kept: Vec<&Value> = history.iter().map(|message| &message["data"]).collect();
    assert_eq!(kept, values.iter().collect::<Vec<_>>());
    let lobby = cast.bob().lobby().to_owned();
    assert_eq!(cast.bob().history(&lobby, 1, None).await[0]["data"], json!(values));
    // Null is no data at all.
    let params = json!({ "roomId": room, "content": "none", "data": null, "type": null, "replyTo": null });
    cast.alice().call("message.send", params).await;
    let last = &cast.carol().history(&room, 1, None).await[0];
    assert!(
        ["data", "type", "replyTo"].iter().all(|name| last.get(*name).is_none()),
        "{last}"
    );
}

#[tokio::test]
async fn data_is_bounded_without_its_white_space() {
    let config = json!({ "limits": { "messageDataBytes": 100 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let room = room(&cast).await;
    // With its quotes, 100 bytes.
    let fits = json!({ "roomId": room, "content": "x", "data": "x".repeat(98) });
    cast.alice().call("message.send", fits).await;
    for data in [json!("x".repeat(99)), json!("é".repeat(50)), json!([vec![1; 60]])] {
        let params = json!({ "roomId": room, "content": "x", "data": data });
        assert_eq!(cast.alice().refused("message.send", params).await, 4050, "{data}");
        let params = json!({ "toAgentId": cast.bob().id(), "content": "x", "data": data });
        assert_eq!(cast.alice().refused("message.dm", params).await, 4050, "{data}");
    }
    let spaced = format!("[{}]", vec!["1"; 49].join(",      \n"));
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"message.send","params":{{"roomId":"{room}","content":"x","data":{spaced}}}}}"#
    );
    let answer = crate::support::Raw(&cast.alice().connection).ask(&request).await;
    assert!(answer.get("result").is_some(), "{answer}");
}

#[tokio::test]
async fn a_thread_is_read_in_pages_each_reply_once_and_nothing_else() {
    let mut cast = Cast::gather().await;
    let room = room(&cast).await;
    let question = text(&cast.alice().say(&room, "question").await["messageId"]);
    let other = text(&cast.alice().say(&room, "other").await["messageId"]);
    let mut expected = Vec::new();
    for number in 0..25 {
        let first = reply(cast.bob(), &room, &question, &number.to_string()).await;
        reply(cast.carol(), &room, &other, "elsewhere").await;
        // A reply to a reply belongs to that reply's thread.
        reply(cast.carol(), &room, &first, "deeper").await;
        expected.push(number.to_string());
    }
    for restarted in [false, true] {
        if restarted {
            cast.restart().await;
        }
        for limit in [1, 7, 25, 100] {
            assert_eq!(thread(cast.alice(), &room, &question, limit).await, expected);
        }
        assert_eq!(thread(cast.alice(), &room, &other, 10).await.len(), 25);
        assert_eq!(cast.alice().history(&room, 100, None).await.len(), 77);
    }
    // A question that nobody answered has no replies; one that was never asked is not found.
    let lonely = text(&cast.alice().say(&room, "lonely").await["messageId"]);
    assert!(thread(cast.alice(), &room, &lonely, 5).await.is_empty());
    let nothing = json!({ "roomId": room, "replyTo": cast.alice().id() });
    assert_eq!(cast.alice().refused("room.history", nothing).await, 4060);
}

#[tokio::test]
async fn a_reply_stays_within_its_conversation() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let private = cast.alice().create_room("Secret", "private").await;
    let lobby = cast.alice().lobby().to_owned();
    let secret = text(&cast.alice().say(&private, "secret").await["messageId"]);
    let dm = json!({ "toAgentId": cast.bob().id(), "content": "for you" });
    let whisper = text(&cast.alice().call("message.dm", dm).await["messageId"]);
    for target in [&secret, &whisper] {
        for room in [&room, &lobby] {
            let params = json!({ "roomId": room, "content": "x", "replyTo": target });
            assert_eq!(cast.carol().refused("message.send", params).await, 4060);
            let params = json!({ "roomId": room, "replyTo": target });
            assert_eq!(cast.carol().refused("room.history", params).await, 4060);
        }
        let params = json!({ "toAgentId": cast.alice().id(), "content": "x", "replyTo": target });
        assert_eq!(cast.carol().refused("message.dm", params).await, 4060);
    }
    let params = json!({ "toAgentId": cast.alice().id(), "content": "thanks", "replyTo": whisper });
    cast.bob().call("message.dm", params).await;
    for party in [cast.alice(), cast.bob()] {
        assert_eq!(thread(party, &lobby, &whisper, 7).await, ["thanks"]);
    }
}
