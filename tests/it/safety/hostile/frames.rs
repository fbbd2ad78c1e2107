//! WebSocket frames of every malformation, before and after authentication.

use crate::safety::abuse::Abuse;
use crate::safety::raw::{
    BINARY, CLOSE, CONTINUATION, FINAL, Frame, PING, PONG, Raw, TEXT, frame, frame_of_length, request,
};

/// Bytes on a connection, and the close codes that are proper.
struct Case {
    name: String,
    bytes: Vec<u8>,
    codes: &'static [u16],
}

fn case(name: impl Into<String>, bytes: Vec<u8>, codes: &'static [u16]) -> Case {
    Case {
        name: name.into(),
        bytes,
        codes,
    }
}

const VIOLATION: &[u16] = &[1002];
const NOT_UTF8: &[u16] = &[1007];
const TOO_BIG: &[u16] = &[1009];

/// Byte sequences that are not UTF-8: lone and missing continuations, overlong forms, surrogates, too high, never valid.
const NOT_TEXT: &[&[u8]] = &[
    b"\x80",
    b"\xbf",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xc3",
    b"\xc3\x28",
    b"\xe2\x82",
    b"\xe2\x28\xa1",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xf0\x90\x80",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xfe",
    b"\xff",
    b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}",
    b"\xef\xbb",
    b"ok then\xff",
    b"\xffok then",
];

fn malformed() -> Vec<Case> {
    let mut cases = Vec::new();
    for opcode in (3..=7).chain(11..=15) {
        for fin in [0, FINAL] {
            for length in [0, 1, 125] {
                let bytes = frame(fin | opcode, &vec![b'x'; length]);
                cases.push(case(
                    format!("opcode {opcode:#x}, fin {fin:#x}, {length} bytes"),
                    bytes,
                    VIOLATION,
                ));
            }
        }
    }
    for reserved in 1..=7_u8 {
        for opcode in [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] {
            let bytes = frame(FINAL | reserved << 4 | opcode, b"{}");
            cases.push(case(
                format!("reserved bits {reserved} of opcode {opcode:#x}"),
                bytes,
                VIOLATION,
            ));
        }
    }
    for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
        for length in [0_u8, 2, 125] {
            let mut bytes = vec![FINAL | opcode, length];
            bytes.extend(std::iter::repeat_n(b'x', length.into()));
            cases.push(case(
                format!("unmasked opcode {opcode:#x}, {length} bytes"),
                bytes,
                VIOLATION,
            ));
        }
    }
    for opcode in [CLOSE, PING, PONG] {
        cases.push(case(
            format!("fragmented control {opcode:#x}"),
            frame(opcode, b"\x03\xe8"),
            VIOLATION,
        ));
        for length in [126, 1000, 65_000] {
            let bytes = frame(FINAL | opcode, &vec![b'x'; length]);
            cases.push(case(format!("control {opcode:#x} of {length} bytes"), bytes, VIOLATION));
        }
    }
    for first in [FINAL | CONTINUATION, CONTINUATION] {
        cases.push(case(
            format!("continuation of nothing {first:#x}"),
            frame(first, b"{}"),
            VIOLATION,
        ));
    }
    for second in [TEXT, BINARY, FINAL | TEXT, FINAL | BINARY] {
        let bytes = [frame(TEXT, b"{"), frame(second, b"}")].concat();
        cases.push(case(format!("a message inside another {second:#x}"), bytes, VIOLATION));
    }
    for code in [
        0_u16, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        let bytes = frame(FINAL | CLOSE, &code.to_be_bytes());
        cases.push(case(format!("close code {code}"), bytes, VIOLATION));
    }
    cases.push(case("a close of one byte", frame(FINAL | CLOSE, b"\x03"), VIOLATION));
    cases.push(case(
        "a close that is not UTF-8",
        frame(FINAL | CLOSE, b"\x03\xe8\xff\xfe"),
        &[1002, 1007],
    ));
    cases
}

fn not_text() -> Vec<Case> {
    let mut cases = Vec::new();
    for bytes in NOT_TEXT {
        cases.push(case(format!("text {bytes:?}"), frame(FINAL | TEXT, bytes), NOT_UTF8));
        cases.push(case(format!("binary {bytes:?}"), frame(FINAL | BINARY, bytes), &[1003]));
        let halves = [
            frame(TEXT, &bytes[..bytes.len() / 2]),
            frame(FINAL | PING, b"between"),
            frame(FINAL | CONTINUATION, &bytes[bytes.len() / 2..]),
        ];
        cases.push(case(format!("fragments {bytes:?}"), halves.concat(), NOT_UTF8));
    }
    cases
}

fn too_big(limit: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    for length in [
        limit + 1,
        limit * 2,
        1 << 31,
        (1 << 32) + 1,
        1 << 40,
        (1 << 62) + 5,
        i64::MAX.unsigned_abs(),
    ] {
        for opcode in [TEXT, BINARY] {
            let bytes = frame_of_length(FINAL | opcode, length, b"{}");
            cases.push(case(format!("{length} bytes announced"), bytes, TOO_BIG));
        }
    }
    for length in [1 << 63, u64::MAX] {
        let bytes = frame_of_length(FINAL | TEXT, length, b"{}");
        cases.push(case(format!("{length} bytes announced"), bytes, &[1002, 1009]));
    }
    let mut bytes = frame(TEXT, b"[");
    for _ in 0..=limit / 16_384 {
        bytes.extend(frame(CONTINUATION, &vec![b' '; 16_384]));
    }
    cases.push(case("fragments that add up", bytes, TOO_BIG));
    cases
}

async fn check(abuse: &Abuse, key: Option<&str>, cases: &[Case]) {
    for Case { name, bytes, codes } in cases {
        let socket = Raw::open(&abuse.server).await;
        let mut socket = match key {
            Some(key) => socket.enter(key).await,
            None => socket.upgrade().await,
        };
        socket.send(bytes).await;
        let (code, reason) = socket
            .ending()
            .await
            .unwrap_or_else(|| panic!("{name}: no close frame"));
        assert!(codes.contains(&code), "{name}: closed with {code} {reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_frames_are_answered_with_their_close_code() {
    let (malformed, not_text) = (malformed(), not_text());
    assert!(malformed.len() + not_text.len() >= 200);
    let abuse = Abuse::begin().await;
    let key = abuse.controller.invite("mallory").await;
    check(&abuse, None, &malformed).await;
    check(&abuse, None, &not_text).await;
    check(&abuse, None, &too_big(65_536)).await;
    check(&abuse, Some(&key), &malformed).await;
    check(&abuse, Some(&key), &not_text).await;
    check(&abuse, Some(&key), &too_big(1 << 20)).await;
    abuse.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_breaks_off_ends_the_connection_and_nothing_else() {
    let abuse = Abuse::begin().await;
    let key = abuse.controller.invite("mallory").await;
    let room = abuse.controller.create_room("Target", "public").await;
    let whole = frame(
        FINAL | TEXT,
        request(1, "room.join", &serde_json::json!({ "roomId": room })).as_bytes(),
    );
    for length in (0..whole.len()).step_by(3) {
        let mut socket = Raw::open(&abuse.server).await.enter(&key).await;
        socket.send(&whole[..length]).await;
        socket.finish().await;
        while socket.frame().await.is_some() {}
    }
    // Nothing that was not said to the end has been done.
    let info = abuse
        .controller
        .call("room.info", serde_json::json!({ "roomId": room }))
        .await;
    assert_eq!(info["members"].as_array().map(Vec::len), Some(1));
    abuse.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unusual_frames_that_are_right_are_understood() {
    let abuse = Abuse::begin().await;
    let mut socket = Raw::open(&abuse.server).await.upgrade().await;
    let text = request(7, "room.list", &serde_json::json!({}));
    let answer = async |socket: &mut Raw| {
        loop {
            let frame = socket.frame().await.expect("an answer");
            if frame.opcode == TEXT {
                let answer = frame.json();
                assert_eq!((&answer["id"], &answer["error"]["code"]), (&7.into(), &4001.into()));
                return;
            }
        }
    };
    // One byte a frame, pings between them.
    for (index, byte) in text.bytes().enumerate() {
        let first = if index == 0 { TEXT } else { CONTINUATION };
        socket.send(&frame(first, &[byte])).await;
        socket.send(&frame(FINAL | PING, b"still here")).await;
        let pong = socket.frame().await;
        let payload = b"still here".to_vec();
        assert_eq!(pong, Some(Frame { opcode: PONG, payload }));
    }
    socket.send(&frame(FINAL | CONTINUATION, b"")).await;
    answer(&mut socket).await;
    // Binary frames that hold text, empty fragments, pongs that nobody asked for, one byte at a time.
    socket.send(&frame(FINAL | BINARY, text.as_bytes())).await;
    answer(&mut socket).await;
    let fragments = [
        frame(TEXT, b""),
        frame(CONTINUATION, b""),
        frame(FINAL | PONG, b"unasked"),
        frame(FINAL | CONTINUATION, text.as_bytes()),
    ];
    for byte in fragments.concat() {
        socket.send(&[byte]).await;
    }
    answer(&mut socket).await;
    for code in [1000_u16, 1001, 1008, 3000, 4999] {
        let mut socket = Raw::open(&abuse.server).await.upgrade().await;
        let payload = [&code.to_be_bytes()[..], b"bye"].concat();
        socket.send(&frame(FINAL | CLOSE, &payload)).await;
        assert_eq!(socket.ending().await.map(|(code, _)| code), Some(code));
    }
    abuse.end().await;
}
