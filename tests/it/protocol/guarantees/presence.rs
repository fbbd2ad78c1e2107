//! Who learns that an agent came or went, and when.

use serde_json::{Value, json};

use crate::support::{Agent, Cast, Frames, TestServer, soon};

fn online(agent: &Agent, name: &str, online: bool) -> (String, Value) {
    let params = json!({ "agentId": agent.id(), "displayName": name, "online": online });
    ("presence".to_owned(), params)
}

#[tokio::test]
async fn others_are_told_of_the_first_session_and_the_last_and_of_none_between() {
    let cast = Cast::gather().await;
    let key = cast.controller().invite("dave").await;
    let first = Agent::enter(&cast.server, &key).await;
    assert_eq!(cast.alice().told().await, [online(&first, "dave", true)]);
    let second = Agent::enter(&cast.server, &key).await;
    first.connection.close(1000, "").await;
    // What the second session does comes after the first is gone, or it is not told of either.
    second.say(second.lobby(), "still here").await;
    assert_eq!(cast.alice().expect("message").await["message"]["content"], "still here");
    second.connection.close(1000, "").await;
    assert_eq!(cast.alice().expect("presence").await, online(&first, "dave", false).1);
    assert_eq!(cast.alice().told().await, []);
}

#[tokio::test]
async fn a_newcomer_is_told_who_is_there_by_the_names_they_go_by() {
    let cast = Cast::gather().await;
    let named = json!({ "apiKey": cast.controller().invite("dave").await, "displayName": "Dave of Ops" });
    let dave = Agent::try_enter(&cast.server, named).await.expect("the key is good");
    let erin = Agent::enter(&cast.server, &cast.controller().invite("erin").await).await;
    let mut told = erin.told().await;
    told.sort_by_key(|(_, params)| params["displayName"].to_string());
    let expected = [
        online(&dave, "Dave of Ops", true),
        online(cast.alice(), "alice", true),
        online(cast.bob(), "bob", true),
        online(cast.carol(), "carol", true),
        online(cast.controller(), "controller", true),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_agent_that_vanishes_without_a_word_goes_offline() {
    let cast = Cast::gather().await;
    let key = cast.controller().invite("dave").await;
    let dave = Agent::enter(&cast.server, &key).await;
    cast.settle().await;
    let expected = online(&dave, "dave", false).1;
    // Its socket is cut: no closing handshake.
    drop(dave);
    assert_eq!(cast.alice().expect("presence").await, expected);
    let listed = cast.controller().call("agent.list", json!({})).await;
    let agents = listed["agents"].as_array().expect("agents");
    let found = agents
        .iter()
        .find(|agent| agent["displayName"] == "dave")
        .expect("it is listed");
    assert_eq!(found["online"], false);
    assert!(found["lastSeen"].is_i64(), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_to_auth_comes_before_every_event() {
    let cast = Cast::gather().await;
    let key = cast.controller().invite("dave").await;
    let lobby = cast.alice().lobby();
    let flood = async {
        for number in 0.. {
            cast.alice().say(lobby, &number.to_string()).await;
        }
    };
    let entries = async {
        for _ in 0..30 {
            let mut socket = Frames::open(&cast.server).await;
            let auth = json!({ "jsonrpc": "2.0", "method": "auth", "params": { "apiKey": key }, "id": 1 });
            socket.send(&auth).await;
            let first = socket.next().await.expect("an answer");
            assert_eq!(first["id"], 1, "{first}");
            let frames = socket.up_to(|frame| frame["method"] == "message").await;
            let presence = frames.iter().filter(|frame| frame["method"] == "presence").count();
            assert_eq!(presence, 4, "who is there is told before what is said: {frames:?}");
        }
    };
    tokio::select! {
        () = flood => {}
        () = entries => {}
    }
}

#[tokio::test]
async fn an_agent_is_in_the_lobby_once_it_has_authenticated_and_stays_in_it() {
    let cast = Cast::gather().await;
    let key = cast.controller().invite("dave").await;
    let members = async || {
        let info = cast
            .alice()
            .call("room.info", json!({ "roomId": cast.alice().lobby() }))
            .await;
        let members = info["members"].as_array().expect("members").clone();
        members
            .iter()
            .map(|member| member["displayName"].to_string())
            .collect::<Vec<_>>()
    };
    assert!(!members().await.contains(&"\"dave\"".to_owned()));
    let dave = Agent::enter(&cast.server, &key).await;
    assert!(members().await.contains(&"\"dave\"".to_owned()));
    soon("the end", dave.connection.close(1000, "")).await;
    cast.alice().expect("presence").await;
    assert!(members().await.contains(&"\"dave\"".to_owned()));
}

/// Whoever replaced the only session it may have was not among those of whom newcomers are told.
#[tokio::test]
async fn regression_an_agent_that_replaces_its_only_session_is_there_for_newcomers() {
    let config = json!({ "limits": { "sessionsPerAgent": 1 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let again = Agent::enter(&cast.server, &cast.alice().key).await;
    let dave = Agent::enter(&cast.server, &cast.controller().invite("dave").await).await;
    let told = dave.told().await;
    assert!(told.contains(&online(&again, "alice", true)), "{told:?}");
}

/// Newcomers were told the name that an agent had when it came, also after it was renamed.
#[tokio::test]
async fn regression_a_newcomer_is_told_of_a_renamed_agent_by_its_new_name() {
    let cast = Cast::gather().await;
    cast.alice()
        .call("agent.rename", json!({ "displayName": "alicia" }))
        .await;
    let dave = Agent::enter(&cast.server, &cast.controller().invite("dave").await).await;
    let told = dave.told().await;
    assert!(told.contains(&online(cast.alice(), "alicia", true)), "{told:?}");
}

/// Newcomers were told the name of the first session of an agent, also after that session was gone and another remained.
#[tokio::test]
async fn regression_a_newcomer_is_told_the_name_of_a_session_that_is_still_there() {
    let config = json!({ "limits": { "sessionsPerAgent": 2 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let mut sessions = Vec::new();
    for name in ["Bob of Ops", "Bob at night"] {
        let named = json!({ "apiKey": cast.bob().key, "displayName": name });
        sessions.push(Agent::try_enter(&cast.server, named).await.expect("the key is good"));
    }
    let dave = Agent::enter(&cast.server, &cast.controller().invite("dave").await).await;
    let told = dave.told().await;
    assert!(told.contains(&online(&sessions[0], "Bob of Ops", true)), "{told:?}");
}
