use std::sync::Arc;

use serde_json::json;

use crate::runtime::clock::{SystemClock, SystemEntropy};

use super::*;

fn conversation(wanted: Permission) -> Conversation {
    let author = Author::new("A", Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
    Conversation::new(author, wanted, &LinkLimits::default())
}

/// One that has met a peer of link-agent that asks for `theirs`.
fn met(wanted: Permission, theirs: Permission) -> Conversation {
    let mut conversation = conversation(wanted);
    let said = conversation.take(handshake_of("B", theirs.as_str()));
    assert!(matches!(said, Said::Handshake { is_first: true, .. }), "{said:?}");
    conversation
}

fn handshake_of(name: &str, permission: &str) -> String {
    json!({"type": "handshake", "name": name, "requestedPermission": permission, "version": "0.1.0"}).to_string()
}

fn message(kind: &str, payload: &Value) -> String {
    format!(r#"{{"id":"i","type":"{kind}","payload":{payload},"from":"B","replyTo":null,"priority":1,"ts":1}}"#)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_handshake_is_that_of_link_agent_and_one_member_more() {
    let text = conversation(Permission::Intimate).handshake();
    let start = r#"{"type":"handshake","name":"A","requestedPermission":"intimate","version":"0.1.0","wardroom":{"#;
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn all_nine_pairs_give_the_more_restrictive_level_in_the_ack() {
    for mine in Permission::ALL {
        for theirs in Permission::ALL {
            let mut conversation = conversation(mine);
            let Said::Handshake {
                reply,
                is_first,
                changed,
            } = conversation.take(handshake_of("B", theirs.as_str()))
            else {
                panic!("a handshake");
            };
            let reply = parsed(&reply.expect("an ack"));
            assert_eq!(reply["type"], "handshake-ack");
            assert_eq!(reply["negotiatedPermission"], mine.negotiate(theirs).as_str());
            assert_eq!((is_first, changed), (true, None));
            assert_eq!(conversation.permission(), mine.negotiate(theirs));
        }
    }
}

#[test]
fn an_ack_connects_too_and_is_not_answered_and_its_verdict_is_ignored() {
    let mut conversation = conversation(Permission::Helper);
    let ack = r#"{"type":"handshake-ack","name":"B","requestedPermission":"chat","negotiatedPermission":"intimate"}"#;
    let expected = Said::Handshake {
        reply: None,
        is_first: true,
        changed: None,
    };
    assert_eq!(conversation.take(ack.to_owned()), expected);
    assert_eq!(conversation.permission(), Permission::Chat);
}

#[test]
fn later_handshakes_negotiate_anew_and_cannot_raise_the_own_level() {
    let mut conversation = met(Permission::Helper, Permission::Helper);
    let mut changed_by = |permission: &str| match conversation.take(handshake_of("B", permission)) {
        Said::Handshake { changed, is_first, .. } => {
            assert!(!is_first);
            changed
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(changed_by("chat"), Some(Permission::Chat));
    assert_eq!(changed_by("chat"), None);
    assert_eq!(changed_by("intimate"), Some(Permission::Helper));
    assert_eq!(changed_by("root"), Some(Permission::Chat));
    assert_eq!(conversation.set_wanted(Permission::Intimate), None);
}

#[test]
fn nothing_passes_before_a_handshake() {
    for text in [&message("chat", &json!({"content": "x"})), r#"{"type":"_ping"}"#, "1"] {
        let said = conversation(Permission::Intimate).take(text.to_owned());
        assert!(matches!(said, Said::Problem(_)), "{said:?}");
    }
}

#[test]
fn at_level_chat_only_talk_passes_and_the_rest_is_refused_by_name() {
    let mut conversation = met(Permission::Chat, Permission::Intimate);
    for (kind, passes) in [
        ("chat", true),
        ("ack", true),
        ("task", false),
        ("file", false),
        ("odd", false),
    ] {
        let said = conversation.take(message(kind, &json!({})));
        let Said::Message { refused, .. } = said else {
            panic!("{said:?}")
        };
        assert_eq!(refused.is_none(), passes, "{kind}");
    }
    for text in ["1", "[]", "\"x\"", "{}"] {
        let said = conversation.take(text.to_owned());
        assert!(matches!(said, Said::Message { refused: Some(_), .. }), "{said:?}");
    }
}

#[test]
fn any_json_is_a_message_at_higher_levels_and_keeps_its_text() {
    let mut conversation = met(Permission::Intimate, Permission::Intimate);
    for text in [
        "1",
        "[1.0]",
        "\"x\"",
        r#"{"z":1,"a":18446744073709551616}"#,
        r#"{"type":"_piece","of":"m"}"#,
    ] {
        let said = conversation.take(text.to_owned());
        let Said::Message {
            text: kept, refused, ..
        } = said
        else {
            panic!("{said:?}")
        };
        assert_eq!((kept.as_str(), refused), (text, None));
    }
}

#[test]
fn private_talk_is_redacted_at_level_helper_only() {
    for (level, is_filtered) in [
        (Permission::Intimate, false),
        (Permission::Helper, true),
        (Permission::Chat, false),
    ] {
        let mut conversation = met(level, level);
        let text = message("chat", &json!({"content": "my Password is x"}));
        let Said::Message { text: told, value, .. } = conversation.take(text.clone()) else {
            panic!()
        };
        assert_eq!(told != text, is_filtered, "{level}");
        assert_eq!(parsed(&told), value);
        assert!(told.starts_with(r#"{"id":"i","type":"chat","payload":"#), "{told}");
        assert_eq!(value["payload"]["content"] == REDACTED, is_filtered);
    }
}

#[test]
fn pings_are_answered_and_tell_that_the_peer_has_a_pulse() {
    let mut conversation = met(Permission::Chat, Permission::Chat);
    assert!(!conversation.peer().expect("met").has_pulse);
    let Said::Ping(reply) = conversation.take(r#"{"type":"_ping","ts":1}"#.to_owned()) else {
        panic!()
    };
    assert_eq!(parsed(&reply)["type"], "_pong");
    assert!(conversation.peer().expect("met").has_pulse);
    assert_eq!(conversation.take(r#"{"type":"_pong"}"#.to_owned()), Said::Pong);
}

#[test]
fn two_wardrooms_join_pieces_and_judge_the_whole() {
    let mut one = conversation(Permission::Chat);
    let two = conversation(Permission::Intimate);
    one.take(two.handshake());
    assert!(one.peer().expect("met").has_pulse);
    let whole = message("file", &json!({"name": "n", "content": "c".repeat(1000)}));
    let pieces = crate::p2p::pieces::cut(&whole, "m", 400);
    let (last, first) = pieces.split_last().expect("pieces");
    for piece in first {
        assert_eq!(one.take(piece.clone()), Said::Piece);
    }
    let said = one.take(last.clone());
    let Said::Message { text, refused, .. } = said else {
        panic!("{said:?}")
    };
    assert_eq!(text, whole);
    assert!(refused.is_some());
}

#[test]
fn names_of_peers_are_bounded_and_plain() {
    let mut conversation = conversation(Permission::Chat);
    conversation.take(handshake_of(&format!("\u{1b}[2J{}", "x".repeat(1000)), "chat"));
    let name = &conversation.peer().expect("met").name;
    assert!(name.starts_with("[2Jx") && name.len() == LONGEST_NAME, "{name}");
}
