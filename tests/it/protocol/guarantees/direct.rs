//! Direct messages are for two, whatever anybody asks for, and whatever becomes of the two.

use serde_json::{Value, json};
use wardroom::client::Methods;

use crate::support::{Agent, Cast};

/// What is written to one agent only.
const SECRET: &str = "CANARY-SECRET";

/// Everything that an agent can get out of the server.
async fn everything(agent: &Agent, message: &str, parties: [&str; 2]) -> String {
    let mut answers = Vec::new();
    let rooms = agent.call("room.list", json!({})).await;
    for room in rooms["rooms"].as_array().expect("rooms") {
        let here = json!({ "roomId": room["roomId"] });
        answers.push(agent.call("room.info", here.clone()).await);
        let mut before = None;
        loop {
            let page = agent.history(room["roomId"].as_str().expect("an id"), 2, before).await;
            let Some(first) = page.first() else { break };
            before = first["timestamp"].as_i64();
            answers.push(json!(page));
        }
    }
    answers.push(rooms);
    let attempts = [
        ("message.remove", json!({ "messageId": message })),
        ("room.history", json!({ "roomId": parties[0] })),
        ("room.info", json!({ "roomId": parties[1] })),
        ("agent.list", json!({})),
        ("docs.list", json!({})),
        ("lobby.getMotd", json!({})),
    ];
    for (method, params) in attempts {
        // The controller may remove a message that it is told of; here it is to find none.
        if method == "message.remove" && agent.welcome["role"] == "controller" {
            continue;
        }
        let outcome = agent.connection.call(method, params).await;
        answers.push(outcome.unwrap_or_else(|error| json!(format!("{error:?}"))));
    }
    for (method, params) in agent.told().await {
        answers.push(json!([method, params]));
    }
    json!(answers).to_string()
}

#[tokio::test]
async fn nobody_but_the_two_sees_a_direct_message_before_or_after_they_are_revoked() {
    let mut cast = Cast::gather().await;
    let erin_key = cast.controller().invite("erin").await;
    let dm = json!({ "toAgentId": cast.bob().id(), "content": SECRET });
    let message = cast.alice().call("message.dm", dm).await["messageId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let ids = [cast.alice().id().to_owned(), cast.bob().id().to_owned()];
    let parties = [ids[0].as_str(), ids[1].as_str()];
    cast.carol().say(cast.carol().lobby(), "good morning").await;

    let outsiders = async |cast: &Cast| {
        // One that came later asks too.
        let erin = Agent::enter(&cast.server, &erin_key).await;
        let controller = cast.controller_again().await;
        for (name, agent) in [("carol", cast.carol()), ("erin", &erin), ("controller", &controller)] {
            let seen = everything(agent, &message, parties).await;
            assert!(!seen.contains(SECRET), "{name}: {seen}");
            assert!(!seen.contains(&message), "{name}: {seen}");
        }
    };
    outsiders(&cast).await;
    for party in [cast.alice(), cast.bob()] {
        assert!(everything(party, "none", parties).await.contains(SECRET));
    }

    cast.controller()
        .call("agent.revoke", json!({ "agentId": ids[0] }))
        .await;
    outsiders(&cast).await;
    let history = cast.bob().history(cast.bob().lobby(), 10, None).await;
    let found = history
        .iter()
        .find(|entry| entry["content"] == SECRET)
        .expect("the recipient still reads it");
    assert_eq!(found["senderId"], ids[0].as_str());
    assert_eq!(found["senderName"], "alice");
    assert_eq!(found["toAgentId"], ids[1].as_str());

    cast.controller()
        .call("agent.revoke", json!({ "agentId": ids[1] }))
        .await;
    outsiders(&cast).await;
    cast.restart().await;
    outsiders(&cast).await;
}

#[tokio::test]
async fn a_page_of_the_lobby_is_filled_with_what_the_reader_may_see() {
    let cast = Cast::gather().await;
    let (alice, bob, carol) = (cast.alice(), cast.bob(), cast.carol());
    let lobby = alice.lobby();
    for number in 0..10 {
        alice.say(lobby, &format!("open {number}")).await;
        for other in 0..5 {
            let dm = json!({ "toAgentId": bob.id(), "content": format!("for bob {number}.{other}") });
            alice.call("message.dm", dm).await;
        }
        let dm = json!({ "toAgentId": carol.id(), "content": format!("for carol {number}") });
        alice.call("message.dm", dm).await;
    }
    let contents = |page: Vec<Value>| -> Vec<String> {
        page.iter()
            .map(|entry| entry["content"].as_str().expect("text").to_owned())
            .collect()
    };
    let of_carol = contents(carol.history(lobby, 6, None).await);
    assert_eq!(
        of_carol,
        [
            "open 7",
            "for carol 7",
            "open 8",
            "for carol 8",
            "open 9",
            "for carol 9"
        ]
    );
    let of_controller = contents(cast.controller().history(lobby, 3, None).await);
    assert_eq!(of_controller, ["open 7", "open 8", "open 9"]);
    assert_eq!(alice.history(lobby, 100, None).await.len(), 70);
    assert_eq!(bob.history(lobby, 100, None).await.len(), 60);
}

#[tokio::test]
async fn a_direct_message_to_one_who_is_offline_or_banned_is_found_later() {
    let cast = Cast::gather().await;
    let (alice, controller) = (cast.alice(), cast.controller());
    let invited = controller.call("agent.invite", json!({ "displayName": "dave" })).await;
    let dave = json!({ "agentId": invited["agentId"] });
    let dm = |content: &str| json!({ "toAgentId": invited["agentId"], "content": content });
    alice.call("message.dm", dm("while offline")).await;
    controller.call("agent.ban", dave.clone()).await;
    alice.call("message.dm", dm("while banned")).await;
    controller.call("agent.unban", dave).await;
    let dave = Agent::enter(&cast.server, invited["apiKey"].as_str().expect("a key")).await;
    let history = dave.history(dave.lobby(), 10, None).await;
    let contents: Vec<&Value> = history.iter().map(|entry| &entry["content"]).collect();
    assert_eq!(contents, ["while offline", "while banned"]);
}

#[tokio::test]
async fn a_removed_direct_message_is_removed_for_both() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let dm = json!({ "toAgentId": bob.id(), "content": SECRET });
    let message = alice.call("message.dm", dm).await["messageId"].clone();
    cast.settle().await;
    let remove = json!({ "messageId": message, "reason": "wrong window" });
    assert_eq!(bob.refused("message.remove", remove.clone()).await, 4003);
    assert_eq!(cast.carol().refused("message.remove", remove.clone()).await, 4060);
    alice.call("message.remove", remove).await;
    let told = bob.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1["reason"], "wrong window");
    assert_eq!(cast.carol().told().await, []);
    assert_eq!(cast.controller().told().await, []);
    for party in [alice, bob] {
        let history = party.history(party.lobby(), 10, None).await;
        assert_eq!(history[0]["content"], "[removed]");
        assert_eq!(history[0]["removed"], true);
        assert_eq!(history[0]["messageId"], message);
    }
}
