use proptest::prelude::*;

use super::*;

/// A description as link-agent sends it.
const SDP: &str = "v=0\r\no=rtc 1 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP \
                   webrtc-datachannel\r\na=mid:0\r\na=max-message-size:262144\r\n";

fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a name")
}

#[test]
fn server_frames_are_written_as_link_agent_writes_them() {
    let ready = |role| ServerFrame::Ready {
        role,
        room: room("90168480"),
    };
    for (frame, expected) in [
        (
            ready(Role::Offerer),
            r#"{"type":"ready","payload":{"role":"offerer","roomId":"90168480","message":"Waiting for peer..."}}"#,
        ),
        (
            ready(Role::Answerer),
            r#"{"type":"ready","payload":{"role":"answerer","roomId":"90168480","message":"Peer found!"}}"#,
        ),
        (ServerFrame::PeerJoined, r#"{"type":"peer-joined"}"#),
        (ServerFrame::PeerLeft, r#"{"type":"peer-left"}"#),
        (
            ServerFrame::Error("Room is full".into()),
            r#"{"type":"error","payload":"Room is full"}"#,
        ),
    ] {
        assert_eq!(frame.to_text(), expected);
        assert_eq!(ServerFrame::parse(expected), Ok(Some(frame)));
    }
}

#[test]
fn frames_between_clients_are_written_as_link_agent_writes_them() {
    let text = r#"{"type":"ice","payload":{"candidate":"a=candidate:1 1 UDP 2122317823 192.0.2.2 43417 typ host","sdpMid":"0","sdpMLineIndex":0}}"#;
    let frame = PeerFrame::ice("a=candidate:1 1 UDP 2122317823 192.0.2.2 43417 typ host");
    assert_eq!(frame.to_text(), text);
    assert_eq!(PeerFrame::parse(text), Ok(frame.clone()));
    assert_eq!(ServerFrame::parse(text), Ok(Some(ServerFrame::Peer(frame))));
    for frame in [PeerFrame::offer(SDP), PeerFrame::answer(SDP)] {
        assert_eq!(PeerFrame::parse(&frame.to_text()), Ok(frame));
    }
}

#[test]
fn members_that_are_not_known_are_kept_and_of_two_the_last_counts() {
    let text = r#"{"more":1,"payload":"x","type":"answer","payload":"v=0","type":"offer"}"#;
    let frame = PeerFrame::parse(text).expect("a frame");
    assert_eq!(frame.to_text(), r#"{"type":"offer","payload":"v=0","more":1}"#);
    let text = r#"{"type":"ice","payload":{"candidate":"","sdpMid":"0","usernameFragment":"u"}}"#;
    assert_eq!(PeerFrame::parse(text).expect("a frame").to_text(), text);
}

#[test]
fn a_type_that_is_not_known_is_passed_over_by_clients_and_refused_by_the_server() {
    for text in [r#"{"type":"hello"}"#, r#"{"type":"__proto__","payload":{}}"#] {
        assert_eq!(ServerFrame::parse(text), Ok(None));
        assert_eq!(PeerFrame::parse(text), Err(FrameProblem::UnknownType));
    }
    for text in ["{}", r#"{"type":7}"#, r#"{"type":null}"#, r#"{"payload":"v=0"}"#] {
        assert_eq!(ServerFrame::parse(text), Err(FrameProblem::UnknownType), "{text}");
    }
    // A client cannot speak for the server.
    assert_eq!(
        PeerFrame::parse(r#"{"type":"peer-left"}"#),
        Err(FrameProblem::UnknownType)
    );
}

#[test]
fn what_is_no_object_is_no_frame() {
    let deep = "[".repeat(10_000);
    for text in ["", "null", "[]", "7", "\"offer\"", "{", "garbage", deep.as_str()] {
        assert_eq!(PeerFrame::parse(text), Err(FrameProblem::NotAnObject));
        assert_eq!(ServerFrame::parse(text), Err(FrameProblem::NotAnObject));
    }
    let large = format!("{{\"type\":\"offer\",\"x\":\"{}\"}}", "x".repeat(FRAME_BYTES));
    assert_eq!(PeerFrame::parse(&large), Err(FrameProblem::TooLarge));
}

#[test]
fn payloads_that_are_not_what_the_type_needs_are_refused() {
    let long = "x".repeat(2000);
    for text in [
        r#"{"type":"offer"}"#.to_owned(),
        r#"{"type":"offer","payload":null}"#.to_owned(),
        r#"{"type":"offer","payload":{"sdp":"v=0"}}"#.to_owned(),
        r#"{"type":"answer","payload":"garbage sdp"}"#.to_owned(),
        r#"{"type":"answer","payload":""}"#.to_owned(),
        r#"{"type":"ice","payload":null}"#.to_owned(),
        r#"{"type":"ice","payload":"candidate"}"#.to_owned(),
        r#"{"type":"ice","payload":{"candidate":"x"}}"#.to_owned(),
        r#"{"type":"ice","payload":{"candidate":7,"sdpMid":"0"}}"#.to_owned(),
        r#"{"type":"ice","payload":{"candidate":"x","sdpMid":0}}"#.to_owned(),
        r#"{"type":"ice","payload":{"candidate":"x","sdpMid":"0","sdpMLineIndex":-1}}"#.to_owned(),
        r#"{"type":"ice","payload":{"candidate":"x\ny","sdpMid":"0"}}"#.to_owned(),
        format!(r#"{{"type":"ice","payload":{{"candidate":"{long}","sdpMid":"0"}}}}"#),
        format!(r#"{{"type":"ice","payload":{{"candidate":"x","sdpMid":"{long}"}}}}"#),
        format!(r#"{{"type":"ice","payload":{{"candidate":"x","sdpMid":"0","y":"{long}"}}}}"#),
        r#"{"type":"ready","payload":{"role":"owner","roomId":"r"}}"#.to_owned(),
        r#"{"type":"ready","payload":{"role":"offerer","roomId":"../r"}}"#.to_owned(),
        r#"{"type":"ready"}"#.to_owned(),
    ] {
        let read = ServerFrame::parse(&text);
        assert!(matches!(read, Err(FrameProblem::Payload(_))), "{text}: {read:?}");
    }
}

#[test]
fn descriptions_are_bounded_and_for_data_channels_only() {
    assert_eq!(check_sdp(SDP), Ok(()));
    assert_eq!(check_sdp("v=0"), Ok(()));
    let (largest, larger) = (
        "v=".to_owned() + &"x".repeat(SDP_BYTES - 2),
        "v=".to_owned() + &"x".repeat(SDP_BYTES - 1),
    );
    assert_eq!(check_sdp(&largest), Ok(()));
    let twice = format!("{SDP}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
    let sound = format!("{SDP}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
    let hidden = SDP.replace("\r\nm=application", "\rm=video");
    for sdp in [
        "",
        "o=x",
        " v=0",
        "v=0\0",
        larger.as_str(),
        twice.as_str(),
        sound.as_str(),
        hidden.as_str(),
    ] {
        assert!(check_sdp(sdp).is_err(), "{sdp:.40}");
    }
}

#[test]
fn what_a_server_says_of_a_refusal_is_cut_at_a_character() {
    let told = "ä".repeat(1000);
    let text = format!(r#"{{"type":"error","payload":"x{told}"}}"#);
    let Ok(Some(ServerFrame::Error(kept))) = ServerFrame::parse(&text) else {
        panic!("no error");
    };
    assert!(kept.len() <= ERROR_BYTES && kept.starts_with("xä"), "{kept}");
    let odd = ServerFrame::parse(r#"{"type":"error","payload":{"code":1}}"#);
    assert_eq!(odd, Ok(Some(ServerFrame::Error(String::new()))));
}

#[test]
fn no_description_and_no_candidate_is_shown_in_a_log() {
    for frame in [
        PeerFrame::offer("v=0 secret"),
        PeerFrame::answer("v=0 secret"),
        PeerFrame::ice("secret"),
    ] {
        assert!(!format!("{frame:?}").contains("secret"));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = ServerFrame::parse(&text);
        let _ = PeerFrame::parse(&text);
    }

    #[test]
    fn whatever_is_passed_on_is_read_again(payload in "v=[ -~]{0,60}", candidate in "[ -~]{0,60}") {
        prop_assume!(!payload.contains("m="));
        for frame in [PeerFrame::offer(payload), PeerFrame::ice(candidate)] {
            prop_assert_eq!(PeerFrame::parse(&frame.to_text()), Ok(frame));
        }
    }
}
