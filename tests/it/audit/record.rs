//! Every governing act, with who, what, whom, when and from where.

use serde_json::{Value, json};
use wardroom::client::Methods;

use super::entries;
use crate::support::{Agent, Cast, TestServer};

/// Texts that must not be in it.
const CONTENT: &str = "CANARY";

#[tokio::test]
async fn each_governing_act_is_remembered_with_everything_about_it() {
    let cast = Cast::gather().await;
    let (controller, alice) = (cast.controller(), cast.alice());
    let bob = cast.bob().id();
    let room = alice.create_room(CONTENT, "private").await;
    let said = alice.say(&room, CONTENT).await;
    let spare = alice.call("agent.createKey", json!({ "keyName": CONTENT })).await;
    let key = spare["key"]["keyId"].clone();
    let acts: Vec<(&Agent, &str, Value, Vec<Value>)> = vec![
        (alice, "agent.revokeKey", json!({ "keyId": key }), vec![key]),
        (
            alice,
            "room.invite",
            json!({ "roomId": room, "agentId": bob }),
            vec![json!(bob), json!(room)],
        ),
        (
            alice,
            "room.update",
            json!({ "roomId": room, "description": CONTENT }),
            vec![json!(room)],
        ),
        (
            alice,
            "room.kick",
            json!({ "roomId": room, "agentId": alice.id() }),
            vec![json!(alice.id()), json!(room)],
        ),
        (
            alice,
            "message.remove",
            json!({ "messageId": said["messageId"], "reason": CONTENT }),
            vec![said["messageId"].clone()],
        ),
        (
            controller,
            "room.takeOwnership",
            json!({ "roomId": room }),
            vec![json!(room)],
        ),
        (
            controller,
            "room.visibility",
            json!({ "roomId": room, "visibility": "public" }),
            vec![json!(room)],
        ),
        (controller, "room.delete", json!({ "roomId": room }), vec![json!(room)]),
        (controller, "lobby.setMotd", json!({ "content": CONTENT }), vec![]),
        (
            controller,
            "docs.update",
            json!({ "name": "constitution", "content": CONTENT }),
            vec![],
        ),
        (
            controller,
            "agent.rename",
            json!({ "agentId": bob, "displayName": CONTENT }),
            vec![json!(bob)],
        ),
        (
            controller,
            "agent.kick",
            json!({ "agentId": bob, "reason": CONTENT }),
            vec![json!(bob)],
        ),
        (
            controller,
            "agent.ban",
            json!({ "agentId": bob, "reason": CONTENT }),
            vec![json!(bob)],
        ),
        (controller, "agent.unban", json!({ "agentId": bob }), vec![json!(bob)]),
        (controller, "agent.revoke", json!({ "agentId": bob }), vec![json!(bob)]),
    ];
    for (agent, method, params, targets) in acts {
        agent.call(method, params).await;
        let found = entries(controller, json!({ "method": method })).await;
        assert_eq!(found.len(), 1, "`{method}`: {found:?}");
        let entry = &found[0];
        let about = (&entry["actor"], &entry["targets"], &entry["outcome"], &entry["count"]);
        assert_eq!(
            about,
            (&json!(agent.id()), &json!(targets), &json!("ok"), &json!(1)),
            "`{method}`"
        );
        assert_eq!(
            (&entry["address"], &entry["gateway"]),
            (&json!("127.0.0.1"), &json!("websocket"))
        );
        assert!(entry["at"].as_i64().is_some_and(|at| at > 1_577_836_800_000));
    }
    let all = entries(controller, json!({})).await;
    assert!(!json!(all).to_string().contains(CONTENT));
    // Numbered without a gap, and what governs nothing is not there.
    let numbers: Vec<u64> = all.iter().filter_map(|entry| entry["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=all.len() as u64).collect::<Vec<_>>());
    assert!(
        all.iter()
            .all(|entry| entry["method"] != "message.send" && entry["method"] != "room.create")
    );
}

#[tokio::test]
async fn an_invitation_and_an_enrolment_name_the_agent_and_no_secret() {
    let cast = Cast::gather().await;
    let params = json!({ "displayName": "dave", "enrol": true });
    let invited = cast.controller().call("agent.invite", params).await;
    let token = invited["enrolmentToken"].as_str().expect("a token");
    let stranger = cast.server.connect().await;
    let enrolled = stranger
        .call("agent.enrol", json!({ "token": token }))
        .await
        .expect("it is good");
    let dave = json!({ "agentId": invited["agentId"] });
    let found = entries(cast.controller(), dave).await;
    let methods: Vec<_> = found.iter().map(|entry| (&entry["method"], &entry["actor"])).collect();
    let controller = json!(cast.controller().id());
    assert_eq!(
        methods,
        [
            (&json!("agent.invite"), &controller),
            (&json!("agent.enrol"), &json!("stranger"))
        ]
    );
    assert_eq!(
        found[1]["targets"],
        json!([invited["agentId"], enrolled["key"]["keyId"]])
    );
    let all = json!(entries(cast.controller(), json!({})).await).to_string();
    for secret in [token, enrolled["apiKey"].as_str().expect("a key")] {
        assert!(!all.contains(&secret[secret.len() - 48..]));
    }
}

#[tokio::test]
async fn what_the_operator_does_is_remembered() {
    let mut cast = Cast::gather().await;
    let operator = cast.server.operator().await;
    for method in ["operator.lock", "operator.unlock", "operator.kick", "operator.stop"] {
        operator.call(method, json!({})).await.expect("the operator may");
    }
    cast.server.wait();
    cast.server.restart();
    let controller = Agent::enter(&cast.server, &cast.controller().key).await;
    let found = entries(&controller, json!({})).await;
    let acts: Vec<&Value> = found.iter().filter(|entry| entry["actor"] == "operator").collect();
    let methods: Vec<&Value> = acts.iter().map(|entry| &entry["method"]).collect();
    assert_eq!(
        methods,
        ["operator.lock", "operator.unlock", "operator.kick", "operator.stop"]
    );
    for act in acts {
        assert_eq!(
            (&act["gateway"], &act["address"]),
            (&json!("command line"), &json!(null))
        );
    }
}

#[tokio::test]
async fn pages_follow_one_another() {
    let cast = Cast::gather().await;
    for number in 0..10 {
        cast.controller()
            .call("lobby.setMotd", json!({ "content": number.to_string() }))
            .await;
    }
    let (mut before, mut numbers) = (Value::Null, Vec::new());
    loop {
        let page = json!({ "limit": 3, "before": before, "method": "lobby.setMotd" });
        let listed = cast.controller().call("audit.list", page).await;
        let page = listed["entries"].as_array().expect("entries");
        let Some(last) = page.last() else { break };
        before = last["seq"].clone();
        numbers.extend(page.iter().filter_map(|entry| entry["seq"].as_i64()));
    }
    assert_eq!(numbers.len(), 10);
    assert!(numbers.is_sorted_by(|one, other| one > other));
    for limit in [json!(0), json!(1001), json!(-1), json!("x")] {
        assert_eq!(
            cast.controller().refused("audit.list", json!({ "limit": limit })).await,
            -32602
        );
    }
    assert_eq!(
        entries(cast.controller(), json!({ "agentId": "x" })).await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn the_log_survives_a_kill_and_forgets_only_its_oldest_entries() {
    let config = json!({ "limits": { "auditRows": 100 } });
    let mut cast = Cast::gather_on(TestServer::builder().config(config)).await;
    for number in 0..120 {
        cast.controller()
            .call("lobby.setMotd", json!({ "content": number.to_string() }))
            .await;
    }
    let found = entries(cast.controller(), json!({})).await;
    assert_eq!(found.len(), 100);
    cast.server.kill();
    cast.server.restart();
    let controller = Agent::enter(&cast.server, &cast.controller().key).await;
    assert_eq!(entries(&controller, json!({})).await, found);
    controller.call("lobby.setMotd", json!({ "content": null })).await;
    let later = entries(&controller, json!({})).await;
    assert_eq!(later[..99], found[1..]);
}
