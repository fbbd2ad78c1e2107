//! What becomes of the tasks of an agent that is gone, and of a room that is.

use serde_json::{Value, json};

use super::{claim, comes_to, get, offer, room};
use crate::support::{Agent, Cast, TestServer};

#[tokio::test]
async fn whoever_is_gone_holds_nothing() {
    for way in ["room.leave", "room.kick", "agent.kick", "agent.ban", "agent.revoke"] {
        let cast = Cast::gather().await;
        let room = room(&cast).await;
        let (first, second) = (
            offer(cast.alice(), &room, "first").await,
            offer(cast.alice(), &room, "second").await,
        );
        for task in [&first, &second] {
            claim(cast.bob(), task).await;
        }
        let of_carol = offer(cast.alice(), &room, "third").await;
        claim(cast.carol(), &of_carol).await;
        cast.settle().await;
        let bob = cast.bob().id();
        let (who, params): (&Agent, Value) = match way {
            "room.leave" => (cast.bob(), json!({ "roomId": room })),
            "room.kick" => (cast.alice(), json!({ "roomId": room, "agentId": bob })),
            _ => (cast.controller(), json!({ "agentId": bob })),
        };
        who.call(way, params).await;
        // In force before the call returned.
        for task in [&first, &second] {
            assert_eq!(get(cast.alice(), task).await["state"], "submitted", "{way}");
            comes_to(cast.carol(), "submitted").await;
            assert_eq!(claim(cast.carol(), task).await, 2, "{way}");
        }
        assert_eq!(get(cast.alice(), &of_carol).await["holder"], cast.carol().id(), "{way}");
    }
}

#[tokio::test]
async fn a_room_that_is_deleted_takes_its_tasks_with_it() {
    let mut cast = Cast::gather().await;
    let room = room(&cast).await;
    let (held, open, done) = (
        offer(cast.alice(), &room, "held").await,
        offer(cast.alice(), &room, "open").await,
        offer(cast.alice(), &room, "done").await,
    );
    cast.bob()
        .call("task.claim", json!({ "taskId": held, "leaseMs": 60_000 }))
        .await;
    claim(cast.bob(), &done).await;
    cast.bob()
        .call("task.complete", json!({ "taskId": done, "generation": 1 }))
        .await;
    cast.alice().call("room.delete", json!({ "roomId": room })).await;
    for restarted in [false, true] {
        if restarted {
            cast.restart().await;
        }
        for (task, state) in [(&held, "canceled"), (&open, "canceled"), (&done, "completed")] {
            assert_eq!(get(cast.controller(), task).await["state"], state);
            assert_eq!(cast.alice().refused("task.get", json!({ "taskId": task })).await, 4100);
        }
        let late = json!({ "taskId": held, "generation": 1 });
        assert_eq!(cast.bob().refused("task.complete", late).await, 4100);
        let all = cast.alice().call("task.list", json!({})).await;
        assert_eq!(all["tasks"], json!([]));
    }
}

#[tokio::test]
async fn a_room_has_so_many_open_tasks_and_not_more() {
    let config = json!({ "limits": { "tasksPerRoom": 3 } });
    let mut cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let room = room(&cast).await;
    let one_more = json!({ "roomId": room, "title": "one more" });
    let first = offer(cast.alice(), &room, "first").await;
    for _ in 0..2 {
        offer(cast.bob(), &room, "another").await;
    }
    assert_eq!(cast.carol().refused("task.create", one_more.clone()).await, 4104);
    // Claimed ones count, also after a restart.
    claim(cast.bob(), &first).await;
    cast.restart().await;
    assert_eq!(cast.carol().refused("task.create", one_more.clone()).await, 4104);
    cast.bob()
        .call("task.fail", json!({ "taskId": first, "generation": 1 }))
        .await;
    let second = offer(cast.carol(), &room, "one more").await;
    assert_eq!(cast.carol().refused("task.create", one_more.clone()).await, 4104);
    cast.carol().call("task.cancel", json!({ "taskId": second })).await;
    // Another room has a limit of its own.
    let lobby = cast.alice().lobby().to_owned();
    offer(cast.alice(), &lobby, "elsewhere").await;
    cast.carol().call("task.create", one_more).await;
}

#[tokio::test]
async fn a_refused_change_changes_nothing_and_tells_nobody() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let task = offer(cast.alice(), &room, "count").await;
    claim(cast.bob(), &task).await;
    let before = get(cast.alice(), &task).await;
    cast.settle().await;
    let long = "x".repeat(100_000);
    for (who, method, params, code) in [
        (cast.carol(), "task.cancel", json!({ "taskId": task }), 4003),
        (
            cast.bob(),
            "task.complete",
            json!({ "taskId": task, "generation": 1, "content": long }),
            4050,
        ),
        (
            cast.bob(),
            "task.complete",
            json!({ "taskId": task, "generation": 1, "data": long }),
            4050,
        ),
        (
            cast.bob(),
            "task.update",
            json!({ "taskId": task, "generation": 1, "note": long }),
            -32602,
        ),
        (
            cast.bob(),
            "task.fail",
            json!({ "taskId": task, "generation": 2 }),
            4102,
        ),
        (
            cast.bob(),
            "task.fail",
            json!({ "taskId": task, "generation": 0 }),
            4102,
        ),
        (
            cast.bob(),
            "task.update",
            json!({ "taskId": task, "generation": 1, "state": "completed" }),
            -32602,
        ),
        (
            cast.alice(),
            "task.create",
            json!({ "roomId": room, "title": "x", "description": long }),
            4050,
        ),
        (
            cast.alice(),
            "task.create",
            json!({ "roomId": room, "title": "x", "data": long }),
            4050,
        ),
    ] {
        assert_eq!(who.refused(method, params).await, code, "{method}");
    }
    assert_eq!(get(cast.alice(), &task).await, before);
    assert_eq!(cast.alice().told().await, []);
    assert_eq!(cast.alice().history(&room, 50, None).await.len(), 1);
}
