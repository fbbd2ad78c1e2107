//! Of any number of claimers exactly one wins.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use wardroom::client::{ClientError, Methods};

use super::{get, offer, room, text};
use crate::support::{Agent, Cast, soon};

const CLAIMERS: usize = 50;

/// Sessions of as many agents, all of them in `room`.
async fn crowd(cast: &Cast, room: &str) -> Vec<Agent> {
    let mut crowd = Vec::new();
    for number in 0..CLAIMERS {
        let key = cast.controller().invite(&format!("worker {number}")).await;
        let agent = Agent::enter(&cast.server, &key).await;
        agent.call("room.join", json!({ "roomId": room })).await;
        crowd.push(agent);
    }
    crowd
}

#[tokio::test]
async fn of_fifty_claimers_at_once_one_wins_and_the_others_learn_who_and_until_when() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let crowd = crowd(&cast, &room).await;
    let mut winners = BTreeSet::new();
    for round in 0..10 {
        let task = offer(cast.alice(), &room, &format!("round {round}")).await;
        let claims = crowd.iter().map(|agent| {
            let params = json!({ "taskId": task });
            agent.connection.call("task.claim", params)
        });
        let outcomes = soon("claims", join_all(claims)).await;
        let won: Vec<(&Agent, &Value)> = crowd
            .iter()
            .zip(&outcomes)
            .filter_map(|(agent, outcome)| Some((agent, outcome.as_ref().ok()?)))
            .collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        let (winner, receipt) = won[0];
        assert_eq!(receipt["generation"], 1);
        for refusal in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            let ClientError::Rpc(error) = refusal else {
                panic!("{refusal}")
            };
            assert_eq!(error.code, 4101);
            let data = error.data.as_ref().expect("it says who");
            assert_eq!(data["holder"], winner.id());
            assert_eq!(data["leaseExpiresAt"], receipt["leaseExpiresAt"]);
        }
        let seen = get(cast.alice(), &task).await;
        assert_eq!((&seen["holder"], &seen["generation"]), (&json!(winner.id()), &json!(1)));
        winners.insert(winner.id().to_owned());
    }
    assert!(!winners.is_empty());
}

#[tokio::test]
async fn a_task_that_is_meant_for_one_goes_to_that_one_alone() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let params = json!({ "roomId": room, "title": "for carol", "assignee": cast.carol().id() });
    let task = text(&cast.alice().call("task.create", params).await["taskId"]);
    let claim = json!({ "taskId": task });
    for agent in [cast.alice(), cast.bob()] {
        assert_eq!(agent.refused("task.claim", claim.clone()).await, 4003);
    }
    cast.carol().call("task.claim", claim.clone()).await;
    // Who holds it is no secret, so what the others are told from here on is that.
    assert_eq!(cast.bob().refused("task.claim", claim).await, 4101);
}

#[tokio::test]
async fn every_change_counts_and_events_come_in_its_order() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let task = offer(cast.alice(), &room, "count").await;
    let call = async |method: &str, more: Value| {
        let mut params = json!({ "taskId": task, "generation": 1 });
        params
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        cast.bob().call(method, params).await
    };
    cast.bob().call("task.claim", json!({ "taskId": task })).await;
    call("task.update", json!({ "state": "working" })).await;
    for note in ["a", "b", "c"] {
        call("task.update", json!({ "note": note })).await;
    }
    call("task.renew", json!({})).await;
    call("task.complete", json!({ "content": "7" })).await;
    let told: Vec<(String, u64)> = cast
        .carol()
        .told()
        .await
        .into_iter()
        .filter(|(method, _)| method.starts_with("task."))
        .map(|(_, params)| {
            let task = &params["task"];
            (text(&task["state"]), task["revision"].as_u64().expect("a number"))
        })
        .collect();
    let states = [
        "submitted",
        "accepted",
        "working",
        "working",
        "working",
        "working",
        "working",
        "completed",
    ];
    let expected: Vec<(String, u64)> = states.iter().map(|state| (*state).to_owned()).zip(1..).collect();
    assert_eq!(told, expected);
}
