//! Page by page, nothing is left out and nothing comes twice.

use serde_json::{Value, json};

use super::contents;
use crate::support::Cast;

#[tokio::test]
async fn pages_over_rooms_and_direct_messages_follow_each_other_by_time() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let mut rooms = vec![alice.lobby().to_owned()];
    for name in ["Red", "Green", "Blue"] {
        rooms.push(alice.create_room(name, "public").await);
    }
    let mut said = Vec::new();
    for number in 0..60_usize {
        let content = format!("apple {number}");
        let receipt = if number % 5 == 4 {
            let params = json!({ "toAgentId": bob.id(), "content": content });
            alice.call("message.dm", params).await
        } else {
            alice.say(&rooms[number * 7 % 4], &content).await
        };
        let id = receipt["messageId"].as_str().expect("an id").to_owned();
        said.push((receipt["timestamp"].as_i64().expect("a time"), id, content));
        alice.say(&rooms[number % 4], "pear").await;
    }
    // Of the same millisecond, rooms have an order of their own.
    said.sort_by(|(a, ..), (b, ..)| b.cmp(a));
    for limit in [1, 7, 59, 60, 61] {
        let (mut found, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let params = json!({ "query": "apple", "limit": limit, "cursor": cursor });
            let page = alice.call("message.search", params).await;
            let count = page["found"].as_array().expect("a list").len();
            let times = page["found"].as_array().expect("a list").iter();
            found.extend(times.map(|found| {
                let id = found["message"]["messageId"].as_str().expect("an id").to_owned();
                (found["message"]["timestamp"].as_i64().expect("a time"), id)
            }));
            assert_eq!(contents(&page).len(), count);
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
            assert_eq!(count, limit);
        }
        assert!(found.is_sorted_by(|(a, _), (b, _)| a >= b));
        let mut ids: Vec<&String> = found.iter().map(|(_, id)| id).collect();
        let mut expected: Vec<&String> = said.iter().map(|(_, id, _)| id).collect();
        ids.sort();
        expected.sort();
        assert_eq!(ids, expected, "pages of {limit}");
    }
}
