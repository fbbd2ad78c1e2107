//! Connections that are of no use to anybody end by themselves.

use serde_json::{Value, json};

use super::{OFFER, Peer, servers};

/// So short that a test can wait for it.
fn soon_over(key: &str) -> Value {
    json!({ "signaling": { key: 1000 } })
}

#[tokio::test]
async fn whoever_waits_alone_for_long_is_closed() {
    for server in servers(&soon_over("waitTimeoutMs")) {
        let mut one = Peer::enter(&server, "/signal/r").await;
        let (code, reason) = one.ending().await.expect("a close frame");
        assert_eq!((code, reason.as_str()), (1001, "nobody came: enter again"));
        let mut again = Peer::open(&server, "/signal/r").await;
        assert_eq!(again.ready().await.0, "offerer");
    }
}

#[tokio::test]
async fn two_who_send_nothing_for_long_are_closed_together_and_not_told_of_anybody_leaving() {
    for server in servers(&soon_over("idleTimeoutMs")) {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        for peer in [&mut one, &mut two] {
            let (code, reason) = peer.ending().await.expect("a close frame");
            assert_eq!(
                (code, reason.as_str()),
                (1001, "nothing was sent for long: enter again")
            );
        }
    }
}

#[tokio::test]
async fn a_survivor_that_does_not_come_back_is_closed() {
    for server in servers(&soon_over("strandedTimeoutMs")) {
        let (one, mut survivor) = Peer::pair(&server, "/signal/r").await;
        drop(one);
        assert_eq!(survivor.hear().await["type"], "peer-left");
        let (code, reason) = survivor.ending().await.expect("a close frame");
        assert_eq!((code, reason.as_str()), (1001, "the other one has left: enter again"));
    }
}

#[tokio::test]
async fn whoever_answers_no_pings_is_found_dead() {
    for server in servers(&json!({ "limits": { "pingIntervalMs": 500, "missedPongs": 2 } })) {
        let mut alive = Peer::enter(&server, "/signal/r").await;
        let mut dead = Peer::enter(&server, "/signal/r").await;
        dead.play_dead();
        assert_eq!(alive.hear().await["type"], "peer-joined");
        let news = async {
            // Answers pings while it listens.
            let told = alive.hear().await;
            (told, alive)
        };
        let (end, (told, _alive)) = tokio::join!(dead.ending(), news);
        assert_eq!(end.map(|(code, _)| code), Some(1013));
        assert_eq!(told["type"], "peer-left");
    }
}

#[tokio::test]
async fn who_wants_to_enter_a_full_room_finds_the_place_of_a_dead_one_free_soon() {
    for server in servers(&json!({ "limits": { "pingIntervalMs": 3_600_000 } })) {
        let (mut alive, mut dead) = Peer::pair(&server, "/signal/r").await;
        dead.play_dead();
        let mut back = Peer::open(&server, "/signal/r").await;
        assert_eq!(back.refusal().await.0, "Room is full");
        let listening = async {
            assert_eq!(alive.hear().await["type"], "peer-left");
            alive
        };
        let (end, _alive) = tokio::join!(dead.ending(), listening);
        assert_eq!(end.map(|(code, _)| code), Some(1013));
        let mut back = Peer::open(&server, "/signal/r").await;
        assert_eq!(back.ready().await.0, "offerer");
        back.send(OFFER).await;
    }
}
