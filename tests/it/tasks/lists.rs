//! Lists are whole, in a stable order, and show to each what it may see.

use serde_json::{Value, json};

use super::{claim, offer, room, text};
use crate::support::{Agent, Cast, TestServer};

/// Every task that a filter names, read in pages.
async fn read_all(agent: &Agent, filter: Value, limit: u64) -> Vec<Value> {
    let (mut all, mut params) = (Vec::new(), filter);
    params["limit"] = json!(limit);
    loop {
        let page = agent.call("task.list", params.clone()).await;
        let tasks = page["tasks"].as_array().expect("tasks");
        assert!(tasks.len() <= usize::try_from(limit).expect("small"));
        all.extend(tasks.iter().cloned());
        match page.get("nextCursor") {
            Some(cursor) => params["cursor"] = cursor.clone(),
            None => return all,
        }
    }
}

fn titles(tasks: &[Value]) -> Vec<String> {
    tasks.iter().map(|task| text(&task["title"])).collect()
}

#[tokio::test]
async fn pages_give_each_task_once_while_tasks_are_made_and_move() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    for number in 0..30 {
        offer(cast.alice(), &room, &number.to_string()).await;
        cast.bob().say(&room, "in between").await;
    }
    let of_room = json!({ "roomId": room });
    let expected: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    for limit in [1, 7, 30, 31, 1000] {
        assert_eq!(titles(&read_all(cast.bob(), of_room.clone(), limit).await), expected);
    }
    // A reader who is half through is not confused by what happens meanwhile.
    let first = cast
        .carol()
        .call("task.list", json!({ "roomId": room, "limit": 20 }))
        .await;
    let seen = first["tasks"].as_array().expect("tasks");
    for task in seen.iter().step_by(3) {
        cast.alice()
            .call("task.cancel", json!({ "taskId": task["taskId"] }))
            .await;
    }
    offer(cast.alice(), &room, "late").await;
    let rest = json!({ "roomId": room, "cursor": first["nextCursor"] });
    let rest = titles(&read_all(cast.carol(), rest, 4).await);
    assert_eq!(rest[..10], expected[20..]);
    assert_eq!(rest[10..], ["late"]);
}

#[tokio::test]
async fn a_list_is_of_the_rooms_that_the_reader_is_in() {
    let cast = Cast::gather().await;
    let shared = room(&cast).await;
    let secret = cast.alice().create_room("Secret", "private").await;
    let lobby = cast.alice().lobby().to_owned();
    for (room, title) in [(&shared, "shared"), (&secret, "secret"), (&lobby, "open")] {
        offer(cast.alice(), room, title).await;
    }
    let sorted = async |agent: &Agent| {
        let mut titles = titles(&read_all(agent, json!({}), 2).await);
        titles.sort();
        titles
    };
    assert_eq!(sorted(cast.alice()).await, ["open", "secret", "shared"]);
    assert_eq!(sorted(cast.controller()).await, ["open", "secret", "shared"]);
    assert_eq!(sorted(cast.bob()).await, ["open", "shared"]);
    cast.bob().call("room.leave", json!({ "roomId": shared })).await;
    assert_eq!(sorted(cast.bob()).await, ["open"]);
}

#[tokio::test]
async fn filters_can_be_joined() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    for number in 0..12 {
        let mut params = json!({ "roomId": room, "title": number.to_string() });
        if number % 2 == 0 {
            params["assignee"] = json!(cast.bob().id());
        }
        let task = text(&cast.alice().call("task.create", params).await["taskId"]);
        if number % 3 == 0 {
            let holder = if number % 2 == 0 { cast.bob() } else { cast.carol() };
            claim(holder, &task).await;
        }
    }
    let mut filter = json!({ "state": "accepted" });
    assert_eq!(
        titles(&read_all(cast.alice(), filter.clone(), 2).await),
        ["0", "3", "6", "9"]
    );
    filter["assignee"] = json!(cast.bob().id());
    assert_eq!(titles(&read_all(cast.alice(), filter.clone(), 1).await), ["0", "6"]);
    filter["state"] = json!("submitted");
    assert_eq!(titles(&read_all(cast.alice(), filter, 5).await), ["2", "4", "8", "10"]);
}

#[tokio::test]
async fn finished_tasks_go_with_the_messages_that_opened_them_and_open_ones_stay() {
    let config = json!({ "roomHistoryLimit": 10 });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let room = room(&cast).await;
    let stays = offer(cast.alice(), &room, "stays").await;
    let goes = offer(cast.alice(), &room, "goes").await;
    cast.alice().call("task.cancel", json!({ "taskId": goes })).await;
    for number in 0..10 {
        cast.bob().say(&room, &number.to_string()).await;
    }
    offer(cast.alice(), &room, "new").await;
    assert_eq!(
        titles(&read_all(cast.bob(), json!({ "roomId": room }), 50).await),
        ["stays", "new"]
    );
    assert_eq!(cast.bob().refused("task.get", json!({ "taskId": goes })).await, 4100);
    // It can still be done, although what it replies to is not kept.
    claim(cast.bob(), &stays).await;
    let done = json!({ "taskId": stays, "generation": 1, "content": "done" });
    let result = cast.bob().call("task.complete", done).await["resultMessageId"].clone();
    let thread = cast
        .alice()
        .call("room.history", json!({ "roomId": room, "replyTo": stays }))
        .await;
    assert_eq!(thread["messages"][0]["messageId"], result);
}

#[tokio::test]
async fn a_page_that_would_be_too_large_in_bytes_ends_earlier() {
    let config = json!({ "limits": { "historyAnswerBytes": 65_536, "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let room = room(&cast).await;
    for number in 0..8 {
        let params = json!({ "roomId": room, "title": number.to_string(), "data": "x".repeat(30_000) });
        cast.alice().call("task.create", params).await;
    }
    let page = cast.bob().call("task.list", json!({ "roomId": room })).await;
    assert!(page.to_string().len() < 100_000 && page["nextCursor"].is_string());
    let all = read_all(cast.bob(), json!({ "roomId": room }), 50).await;
    assert_eq!(all.len(), 8);
}
