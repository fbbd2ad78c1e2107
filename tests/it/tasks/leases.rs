//! Leases end by themselves, never early, and what comes after their end does not count.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{claim, comes_to, get, milliseconds, offer, room};
use crate::support::{Cast, TestServer, fault::Faults, soon};

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn a_lease_that_ends_gives_the_task_back_and_voids_what_its_holder_sends() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let task = offer(cast.alice(), &room, "slow").await;
    let began = Instant::now();
    cast.bob()
        .call("task.claim", json!({ "taskId": task, "leaseMs": 300 }))
        .await;
    let back = comes_to(cast.alice(), "submitted").await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!((&back["holder"], &back["leaseExpiresAt"]), (&json!(null), &json!(null)));
    assert_eq!(back["generation"], 1);
    // The holder is told like everybody else, and its claim is void although nobody else has claimed the task.
    comes_to(cast.bob(), "submitted").await;
    let stale = json!({ "taskId": task, "generation": 1 });
    for method in ["task.renew", "task.complete", "task.fail"] {
        assert_eq!(cast.bob().refused(method, stale.clone()).await, 4102, "{method}");
    }
    assert_eq!(claim(cast.carol(), &task).await, 2);
    assert_eq!(cast.bob().refused("task.complete", stale).await, 4102);
    cast.carol()
        .call("task.complete", json!({ "taskId": task, "generation": 2 }))
        .await;
    let results = cast.alice().history(&room, 50, None).await;
    let results = results.iter().filter(|message| message["type"] == "result");
    assert_eq!(results.count(), 1, "only the result of the live claim was posted");
}

#[tokio::test]
async fn a_lease_that_is_renewed_goes_on() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let task = offer(cast.alice(), &room, "slow").await;
    let first = cast
        .bob()
        .call("task.claim", json!({ "taskId": task, "leaseMs": 5000 }))
        .await;
    let renewed = cast
        .bob()
        .call(
            "task.renew",
            json!({ "taskId": task, "generation": 1, "leaseMs": HOUR_MS }),
        )
        .await;
    assert!(milliseconds(&renewed["leaseExpiresAt"]) > milliseconds(&first["leaseExpiresAt"]));
    // Another lease that began later and ends after the first one would have.
    let other = offer(cast.alice(), &room, "other").await;
    cast.carol()
        .call("task.claim", json!({ "taskId": other, "leaseMs": 5000 }))
        .await;
    let back = comes_to(cast.alice(), "submitted").await;
    assert_eq!(back["taskId"], json!(other));
    assert_eq!(get(cast.alice(), &task).await["holder"], cast.bob().id());
}

#[tokio::test]
async fn leases_survive_a_restart_and_run_on() {
    let mut cast = Cast::gather().await;
    let room = room(&cast).await;
    let (long, short) = (
        offer(cast.alice(), &room, "long").await,
        offer(cast.alice(), &room, "short").await,
    );
    claim(cast.bob(), &long).await;
    cast.bob()
        .call("task.claim", json!({ "taskId": short, "leaseMs": 1500 }))
        .await;
    cast.restart().await;
    let held = get(cast.alice(), &long).await;
    assert_eq!(
        (&held["state"], &held["holder"]),
        (&json!("accepted"), &json!(cast.bob().id()))
    );
    assert_eq!(
        cast.carol().refused("task.claim", json!({ "taskId": long })).await,
        4101
    );
    // It may end before, while or after everybody comes back.
    soon("the end of the lease", async {
        while get(cast.alice(), &short).await["state"] != "submitted" {}
    })
    .await;
    assert_eq!(claim(cast.carol(), &short).await, 2);
    cast.bob()
        .call("task.complete", json!({ "taskId": long, "generation": 1 }))
        .await;
}

#[tokio::test]
async fn no_lease_ends_early_when_the_clock_steps() {
    let faults = Faults::new();
    let mut cast = Cast::gather_on(faults.server(TestServer::builder())).await;
    let room = room(&cast).await;
    let task = offer(cast.alice(), &room, "slow").await;
    cast.bob()
        .call("task.claim", json!({ "taskId": task, "leaseMs": 60_000 }))
        .await;
    for step in [HOUR_MS, -HOUR_MS, HOUR_MS] {
        faults.shift_clock(step);
        let refused = cast.carol().refused("task.claim", json!({ "taskId": task })).await;
        assert_eq!(refused, 4101, "after a step of {step} ms");
        cast.bob()
            .call(
                "task.update",
                json!({ "taskId": task, "generation": 1, "note": "on it" }),
            )
            .await;
    }
    // The clock was set while the server was away.
    cast.server.kill();
    faults.shift_clock(-HOUR_MS);
    cast.server.restart();
    cast.restart().await;
    faults.shift_clock(HOUR_MS);
    assert_eq!(
        cast.carol().refused("task.claim", json!({ "taskId": task })).await,
        4101
    );
    cast.bob()
        .call("task.complete", json!({ "taskId": task, "generation": 1 }))
        .await;
    // And one that is to end ends, wherever the clock stands.
    let task = offer(cast.alice(), &room, "quick").await;
    faults.shift_clock(-HOUR_MS);
    cast.bob()
        .call("task.claim", json!({ "taskId": task, "leaseMs": 100 }))
        .await;
    comes_to(cast.alice(), "submitted").await;
}

#[tokio::test]
async fn how_long_a_lease_holds_is_bounded_by_the_configuration() {
    let config = json!({ "limits": { "taskLeaseMs": 200_000, "taskLeaseMaxMs": 400_000 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let room = room(&cast).await;
    let task = offer(cast.alice(), &room, "slow").await;
    for lease in [json!(0), json!(400_001), json!(-1), json!("1"), json!(1e300)] {
        let params = json!({ "taskId": task, "leaseMs": lease });
        assert_eq!(cast.bob().refused("task.claim", params).await, -32602, "{lease}");
    }
    let receipt = cast.bob().call("task.claim", json!({ "taskId": task })).await;
    let lease = milliseconds(&receipt["leaseExpiresAt"]) - milliseconds(&receipt["timestamp"]);
    assert_eq!(lease, 200_000);
    let params = json!({ "taskId": task, "generation": 1, "leaseMs": 400_000 });
    let receipt = cast.bob().call("task.renew", params).await;
    let lease = milliseconds(&receipt["leaseExpiresAt"]) - milliseconds(&receipt["timestamp"]);
    assert_eq!(lease, 400_000);
}
