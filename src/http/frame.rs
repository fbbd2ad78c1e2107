//! WebSocket frames as the server writes them (RFC 6455, section 5.2): never masked, never fragmented.
//!
//! Frames are made once and shared by all receivers, which a library that owns each socket's write buffer cannot do.

use bytes::{BufMut, Bytes, BytesMut};

use crate::protocol::CloseCode;

const FINAL: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;

/// Longest reason in a close frame: a control frame holds 125 bytes, the code takes two.
const REASON_BYTES: usize = 123;

/// A text frame.
pub fn text(payload: &[u8]) -> Bytes {
    frame(TEXT, payload)
}

/// A ping without a payload.
pub(super) fn ping() -> Bytes {
    frame(PING, &[])
}

/// A close frame. A reason that is too long is cut at a character.
pub(super) fn close(code: CloseCode, reason: &str) -> Bytes {
    let mut end = reason.len().min(REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = code.number().to_be_bytes().to_vec();
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    frame(CLOSE, &payload)
}

/// Where the frame ends in which byte `at` of `frames` lies, or before which it lies when it is the first of the next one.
pub(super) fn boundary(frames: &[u8], at: usize) -> usize {
    let mut end = 0;
    while end < at {
        let Some(header) = frames.get(end..end + 2) else { break };
        let (head, payload) = match header[1] {
            126 => (4, read_number(frames, end + 2, 2)),
            127 => (10, read_number(frames, end + 2, 8)),
            short => (2, usize::from(short)),
        };
        end = end.saturating_add(head).saturating_add(payload);
    }
    end.min(frames.len())
}

fn read_number(bytes: &[u8], at: usize, count: usize) -> usize {
    let digits = bytes.get(at..at + count).unwrap_or_default();
    digits.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(payload.len() + 10);
    bytes.put_u8(FINAL | opcode);
    let length = payload.len();
    if let Some(short) = u8::try_from(length).ok().filter(|short| *short <= 125) {
        bytes.put_u8(short);
    } else if let Ok(medium) = u16::try_from(length) {
        bytes.put_u8(126);
        bytes.put_u16(medium);
    } else {
        bytes.put_u8(127);
        bytes.put_u64(length as u64);
    }
    bytes.put_slice(payload);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketContext};
    use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode as Number};

    use super::*;

    /// What an independent implementation reads.
    fn read(bytes: &[u8]) -> Message {
        let mut client = WebSocketContext::new(Role::Client, None);
        client.read(&mut Cursor::new(bytes.to_vec())).expect("a frame")
    }

    proptest! {
        #[test]
        fn texts_of_any_length_are_read_as_they_are(length in prop_oneof![0_usize..300, 65_000_usize..66_000]) {
            let payload = "x".repeat(length);
            prop_assert_eq!(read(&text(payload.as_bytes())), Message::text(payload));
        }

        #[test]
        fn a_close_reason_is_cut_at_a_character(reason in "\\PC{0,200}") {
            let Message::Close(Some(frame)) = read(&close(CloseCode::Policy, &reason)) else {
                return Err(TestCaseError::fail("no close frame"));
            };
            prop_assert_eq!(frame.code, Number::Policy);
            prop_assert!(reason.starts_with(frame.reason.as_str()));
        }
    }

    proptest! {
        #[test]
        fn a_place_in_joined_frames_belongs_to_one_of_them(lengths in prop::collection::vec(prop_oneof![0_usize..300, 65_000_usize..66_000], 1..5), place in 0.0..1.0) {
            let frames: Vec<Bytes> = lengths.iter().map(|length| text(&vec![b'x'; *length])).collect();
            let joined = frames.concat();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place within the frames")]
            let at = (place * joined.len() as f64) as usize;
            let mut expected = 0;
            for frame in &frames {
                if expected >= at {
                    break;
                }
                expected += frame.len();
            }
            prop_assert_eq!(boundary(&joined, at), expected);
        }
    }

    #[test]
    fn a_ping_is_a_ping() {
        assert_eq!(read(&ping()), Message::Ping(Bytes::new()));
    }
}
