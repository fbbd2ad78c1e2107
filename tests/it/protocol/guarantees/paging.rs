//! Paging through history finds every message once, however fast they came.

use serde_json::{Value, json};

use crate::support::{Agent, Cast, Raw};

/// Reads a whole history in small pages, the newest first.
async fn read_all(agent: &Agent, room: &str, limit: u64) -> Vec<Value> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = agent.history(room, limit, before).await;
        let Some(first) = page.first() else { return all };
        assert!(page.len() <= usize::try_from(limit).expect("small"));
        before = first["timestamp"].as_i64();
        all = [page, all].concat();
    }
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message["content"].as_str().expect("text"))
        .collect()
}

/// Sends `count` messages in as few milliseconds as possible.
async fn burst(agent: &Agent, count: usize, request: impl Fn(usize) -> Value) {
    let requests: Vec<Value> = (0..count).map(request).collect();
    for batch in requests.chunks(100) {
        let answer = Raw(&agent.connection).ask(&json!(batch).to_string()).await;
        let answers = answer.as_array().expect("answers");
        assert!(answers.iter().all(|answer| answer.get("result").is_some()), "{answer}");
    }
}

#[tokio::test]
async fn pages_of_seven_give_each_message_of_a_burst_once() {
    let mut cast = Cast::gather().await;
    let room = cast.alice().create_room("Ops", "public").await;
    burst(cast.alice(), 500, |number| {
        let params = json!({ "roomId": room, "content": number.to_string() });
        json!({ "jsonrpc": "2.0", "method": "message.send", "params": params, "id": number })
    })
    .await;
    let all = read_all(cast.alice(), &room, 7).await;
    let expected: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    assert_eq!(texts(&all), expected);
    let times: Vec<i64> = all.iter().filter_map(|message| message["timestamp"].as_i64()).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
    cast.restart().await;
    assert_eq!(read_all(cast.alice(), &room, 7).await, all);
}

#[tokio::test]
async fn pages_of_the_lobby_give_open_and_direct_messages_once_and_in_one_order() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let lobby = alice.lobby();
    burst(alice, 300, |number| {
        let content = number.to_string();
        let (method, params) = match number % 3 {
            0 => ("message.send", json!({ "roomId": lobby, "content": content })),
            1 => ("message.dm", json!({ "toAgentId": bob.id(), "content": content })),
            _ => (
                "message.dm",
                json!({ "toAgentId": cast.carol().id(), "content": content }),
            ),
        };
        json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": number })
    })
    .await;
    let expected = |keep: fn(usize) -> bool| -> Vec<String> {
        (0..300)
            .filter(|number| keep(*number))
            .map(|number| number.to_string())
            .collect()
    };
    assert_eq!(texts(&read_all(alice, lobby, 7).await), expected(|_| true));
    assert_eq!(
        texts(&read_all(bob, lobby, 7).await),
        expected(|number| number % 3 != 2)
    );
    assert_eq!(
        texts(&read_all(cast.controller(), lobby, 7).await),
        expected(|number| number % 3 == 0)
    );
}

#[tokio::test]
async fn the_limit_of_a_page_is_clamped_above_and_refused_below() {
    let builder = crate::support::TestServer::builder().config(json!({ "maxHistoryPerRoom": 20 }));
    let cast = Cast::gather_on(builder).await;
    let alice = cast.alice();
    let room = alice.create_room("Ops", "public").await;
    burst(alice, 60, |number| {
        let params = json!({ "roomId": room, "content": number.to_string() });
        json!({ "jsonrpc": "2.0", "method": "message.send", "params": params, "id": number })
    })
    .await;
    for limit in [21, 1_000_000, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(alice.history(&room, limit, None).await.len(), 20);
    }
    // The default of 50 is clamped as well.
    let page = alice.call("room.history", json!({ "roomId": room })).await;
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(20));
    assert_eq!(texts(&alice.history(&room, 1, None).await), ["59"]);
    for limit in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("7"),
        json!(-9_223_372_036_854_775_808_i64),
    ] {
        let params = json!({ "roomId": room, "limit": limit });
        assert_eq!(alice.refused("room.history", params).await, -32602, "{limit}");
    }
    for before in [i64::MIN, -1, 0, 1] {
        assert_eq!(alice.history(&room, 20, Some(before)).await.len(), 0);
    }
    assert_eq!(alice.history(&room, 20, Some(i64::MAX)).await.len(), 20);
}
