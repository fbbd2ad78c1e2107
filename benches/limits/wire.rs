//! WebSocket frames and the little of JSON-RPC that a load program has to see.

use serde_json::{Value, json};

const TEXT: u8 = 0x81;
const MASKED: u8 = 0x80;

/// Says in place of a length that it follows in two bytes.
const MEDIUM: u8 = 0x7e;

/// Says in place of a length that it follows in eight bytes.
const LONG: u8 = 0x7f;

/// Bits of the first byte that say what a frame is for.
const OPCODE: u8 = 0x0f;

/// The opcode of a close frame.
pub const CLOSE: u8 = 0x8;

/// The opcode of a text frame.
pub const TEXT_OPCODE: u8 = 0x1;

/// A frame as a client sends it. The masking key is zero, which masks nothing and costs the server the same.
pub fn masked(text: &str) -> Vec<u8> {
    frame(text.as_bytes(), true)
}

/// A frame as a server sends it.
pub fn plain(text: &[u8]) -> Vec<u8> {
    frame(text, false)
}

fn frame(payload: &[u8], masked: bool) -> Vec<u8> {
    let mask = if masked { MASKED } else { 0 };
    let mut bytes = vec![TEXT];
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short <= 125 => bytes.push(mask | short),
        (_, Ok(medium)) => {
            bytes.push(mask | MEDIUM);
            bytes.extend(medium.to_be_bytes());
        }
        _ => {
            bytes.push(mask | LONG);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    if masked {
        bytes.extend([0; 4]);
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// A whole frame at the start of some bytes.
pub struct Frame<'a> {
    /// What it is for.
    pub opcode: u8,
    /// What it carries; masked with zeros, if at all.
    pub payload: &'a [u8],
    /// Its length.
    pub bytes: usize,
}

/// The frame at the start of `bytes`, if it is all there.
pub fn first_frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (mut head, length): (usize, usize) = match second & !MASKED {
        MEDIUM => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        LONG => {
            let length = u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
            (10, usize::try_from(length).ok()?)
        }
        short => (2, usize::from(short)),
    };
    if second & MASKED != 0 {
        head += 4;
    }
    let payload = bytes.get(head..head.checked_add(length)?)?;
    Some(Frame {
        opcode: first & OPCODE,
        payload,
        bytes: head + length,
    })
}

/// A request as its text.
pub fn request(id: usize, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

/// What a text from the server is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An answer that something was done.
    Result,
    /// An answer that something was refused.
    Error,
    /// An event.
    Event,
}

/// What a text from the server is, by its second member. Parsing each one would cost more than sending it.
pub fn kind(text: &[u8]) -> anyhow::Result<Kind> {
    const START: &[u8] = br#"{"jsonrpc":"2.0",""#;
    match text.strip_prefix(START).and_then(|rest| rest.first()) {
        Some(b'r') => Ok(Kind::Result),
        Some(b'e') => Ok(Kind::Error),
        Some(b'm') => Ok(Kind::Event),
        _ => anyhow::bail!("an unexpected text: {}", String::from_utf8_lossy(text)),
    }
}

/// The bytes behind the first `needle`.
pub fn behind<'a>(text: &'a [u8], needle: &[u8]) -> Option<&'a [u8]> {
    let first = *needle.first()?;
    let mut rest = text;
    loop {
        let place = rest.iter().position(|byte| *byte == first)?;
        rest = &rest[place..];
        if let Some(found) = rest.strip_prefix(needle) {
            return Some(found);
        }
        rest = &rest[1..];
    }
}

/// The number at the start of some bytes.
pub fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .map_while(|byte| byte.is_ascii_digit().then(|| u64::from(byte - b'0')))
        .fold(0, |number, digit| number.wrapping_mul(10).wrapping_add(digit))
}

/// The position that an event or a receipt tells.
pub fn seq(text: &[u8]) -> Option<u64> {
    behind(text, br#""seq":"#).map(number)
}
