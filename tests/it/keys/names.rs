//! Other names.

use serde_json::json;

use crate::support::Cast;

#[tokio::test]
async fn a_new_name_is_told_listed_and_kept() {
    let mut cast = Cast::gather().await;
    let id = cast.bob().id().to_owned();
    let renamed = cast
        .bob()
        .call("agent.rename", json!({ "displayName": " robert " }))
        .await;
    assert_eq!(
        renamed,
        json!({ "status": "ok", "agentId": id, "displayName": "robert" })
    );
    let told = json!({ "agentId": id, "displayName": "robert", "previousName": "bob" });
    for agent in [cast.controller(), cast.alice()] {
        assert_eq!(agent.told().await, [("agent.renamed".to_owned(), told.clone())]);
    }
    assert_eq!(cast.bob().told().await, []);
    // He goes by it at once, and after a restart.
    let lobby = cast.alice().lobby().to_owned();
    cast.bob().say(&lobby, "hello").await;
    assert_eq!(cast.alice().expect("message").await["message"]["senderName"], "robert");
    cast.restart().await;
    let listed = cast.controller().call("agent.list", json!({})).await;
    assert_eq!(listed["agents"][2]["displayName"], "robert");
    // Nothing changes, so nobody is told.
    cast.bob()
        .call("agent.rename", json!({ "displayName": "robert" }))
        .await;
    assert_eq!(cast.alice().told().await, []);
}

#[tokio::test]
async fn the_controller_renames_anybody_and_others_only_themselves() {
    let cast = Cast::gather().await;
    let bob = cast.bob().id();
    let name = json!({ "agentId": bob, "displayName": "robert" });
    assert_eq!(cast.alice().refused("agent.rename", name.clone()).await, 4003);
    let nobody = json!({ "agentId": "00000000-0000-4000-8000-000000000000", "displayName": "x" });
    assert_eq!(cast.alice().refused("agent.rename", nobody.clone()).await, 4003);
    assert_eq!(cast.controller().refused("agent.rename", nobody).await, 4020);
    cast.controller().call("agent.rename", name).await;
    assert_eq!(cast.bob().expect("agent.renamed").await["displayName"], "robert");
    for wrong in ["", " ", "a\nb"] {
        assert_eq!(
            cast.bob()
                .refused("agent.rename", json!({ "displayName": wrong }))
                .await,
            -32602
        );
    }
}
