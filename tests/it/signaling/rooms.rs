//! Who is what in a room, and what each is told of the other.

use serde_json::json;

use super::{ANSWER, ICE, OFFER, Peer, plain_servers};

#[tokio::test]
async fn a_meeting_is_word_for_word_that_of_link_agent() {
    for server in plain_servers() {
        let mut one = Peer::open(&server, "/signal/r1").await;
        assert_eq!(
            one.text().await,
            r#"{"type":"ready","payload":{"role":"offerer","roomId":"r1","message":"Waiting for peer..."}}"#
        );
        let mut two = Peer::open(&server, "/signal/r1").await;
        assert_eq!(
            two.text().await,
            r#"{"type":"ready","payload":{"role":"answerer","roomId":"r1","message":"Peer found!"}}"#
        );
        assert_eq!(one.text().await, r#"{"type":"peer-joined"}"#);
        for text in [OFFER, ICE] {
            one.send(text).await;
            assert_eq!(two.text().await, text);
        }
        for text in [ANSWER, ICE, OFFER] {
            two.send(text).await;
            assert_eq!(one.text().await, text);
        }
        drop(one);
        assert_eq!(two.text().await, r#"{"type":"peer-left"}"#);
    }
}

#[tokio::test]
async fn a_third_one_is_refused_and_harms_nobody() {
    for server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        for _ in 0..3 {
            let mut third = Peer::open(&server, "/signal/r").await;
            assert_eq!(third.refusal().await, ("Room is full".to_owned(), 1008));
        }
        one.assert_hears_next(&mut two).await;
        two.assert_hears_next(&mut one).await;
    }
}

#[tokio::test]
async fn rooms_do_not_hear_each_other_and_their_names_are_told_apart_by_case() {
    for server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/room").await;
        let mut other = Peer::open(&server, "/signal/Room").await;
        assert_eq!(other.ready().await, ("offerer".to_owned(), "Room".to_owned()));
        other.send(OFFER).await;
        drop(other);
        one.assert_hears_next(&mut two).await;
        two.assert_hears_next(&mut one).await;
    }
}

#[tokio::test]
async fn a_room_that_the_server_names_has_a_random_name_and_can_be_entered() {
    for server in plain_servers() {
        let mut one = Peer::open(&server, "/signal/").await;
        let (role, room) = one.ready().await;
        assert_eq!(role, "offerer");
        assert!(
            room.len() == 32 && room.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')),
            "{room}"
        );
        let mut other = Peer::open(&server, "/signal").await;
        assert_ne!(other.ready().await.1, room);
        let mut two = Peer::open(&server, &format!("/signal/{room}")).await;
        assert_eq!(two.ready().await, ("answerer".to_owned(), room));
        assert_eq!(one.hear().await, json!({ "type": "peer-joined" }));
    }
}

#[tokio::test]
async fn when_one_leaves_the_next_to_come_makes_the_offer() {
    for server in plain_servers() {
        let (one, mut survivor) = Peer::pair(&server, "/signal/r").await;
        drop(one);
        assert_eq!(survivor.hear().await, json!({ "type": "peer-left" }));
        // It comes back before the other one has noticed anything, as a restarted agent does.
        let mut back = Peer::open(&server, "/signal/r").await;
        assert_eq!(back.ready().await.0, "offerer");
        // The survivor's old connection is open and of no use, whatever it sends.
        survivor.send(OFFER).await;
        let mut again = Peer::open(&server, "/signal/r").await;
        assert_eq!(again.ready().await.0, "answerer");
        drop(survivor);
        assert_eq!(back.hear().await, json!({ "type": "peer-joined" }));
        back.assert_hears_next(&mut again).await;
        again.assert_hears_next(&mut back).await;
    }
}

#[tokio::test]
async fn a_survivor_can_enter_again_beside_its_old_connection() {
    for server in plain_servers() {
        let (mut survivor, two) = Peer::pair(&server, "/signal/r").await;
        drop(two);
        assert_eq!(survivor.hear().await, json!({ "type": "peer-left" }));
        let mut again = Peer::open(&server, "/signal/r").await;
        assert_eq!(again.ready().await.0, "offerer");
        drop(survivor);
        let mut back = Peer::open(&server, "/signal/r").await;
        assert_eq!(back.ready().await.0, "answerer");
        assert_eq!(again.hear().await, json!({ "type": "peer-joined" }));
    }
}

#[tokio::test]
async fn what_is_sent_while_alone_is_lost() {
    for server in plain_servers() {
        let mut one = Peer::enter(&server, "/signal/r").await;
        one.send(OFFER).await;
        // Behind the pong it has been dealt with.
        one.settle().await;
        let mut two = Peer::enter(&server, "/signal/r").await;
        assert_eq!(one.hear().await, json!({ "type": "peer-joined" }));
        two.assert_hears_next(&mut one).await;
    }
}
