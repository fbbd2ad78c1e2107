//! Identifiers. The public ones are UUIDs; the numbers beside them are the store's own short keys.

use std::fmt;

use uuid::Uuid;

/// Bits of a [`RowId`] that hold the position within a stream.
const SEQ_BITS: u32 = 40;
const SEQ_MASK: u64 = (1 << SEQ_BITS) - 1;

macro_rules! public_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads the usual text form; `None` when `text` is no UUID.
            pub fn parse(text: &str) -> Option<Self> {
                read_uuid(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

public_id! {
    /// A durable agent, as everybody sees it.
    AgentId
}
public_id! {
    /// A room, as everybody sees it.
    RoomId
}
public_id! {
    /// An API key, as its agent and the controller see it. Says nothing about the key itself.
    KeyId
}
public_id! {
    /// The opening of a room to peers beyond the server, as those see it who may govern the room. No secret.
    OpeningId
}
public_id! {
    /// The incarnation of a database, minted with it: positions of one database are never mistaken for those of another.
    Epoch
}

/// The store's short key of an agent. Never leaves the process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug)]
pub struct AgentNumber(pub i64);

/// One live link of an agent. Unique within one run of the server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SessionId(pub u64);

/// The store's short key of a stream of messages: a room, or the conversation of two agents.
///
/// 23 random bits rather than a counter, because it is part of every [`MessageId`] and a counter would tell members how
/// many rooms exist that they cannot see.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct StreamNumber(u32);

impl StreamNumber {
    /// Numbers are below this.
    pub const LIMIT: u32 = 1 << 23;

    /// Makes a number of the low 23 bits of `bits`; `None` for zero, which is no stream.
    pub fn from_bits(bits: u32) -> Option<Self> {
        let number = bits % Self::LIMIT;
        (number != 0).then_some(Self(number))
    }

    /// Reads a stored number.
    pub fn from_stored(number: i64) -> Option<Self> {
        u32::try_from(number)
            .ok()
            .filter(|number| *number < Self::LIMIT)
            .and_then(Self::from_bits)
    }

    /// The number as it is stored.
    pub fn stored(self) -> i64 {
        i64::from(self.0)
    }
}

/// Where a message lies: its stream and its position in it, in one integer that sorts by both.
///
/// It is the key of the one table of messages, so a message needs no index beside it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RowId(u64);

impl RowId {
    /// The place of position `seq` of `stream`. Positions start at 1 and end at 2^40 - 1.
    pub fn new(stream: StreamNumber, seq: u64) -> Self {
        Self((u64::from(stream.0) << SEQ_BITS) | (seq & SEQ_MASK))
    }

    /// The last possible place of a stream.
    pub fn last_of(stream: StreamNumber) -> Self {
        Self::new(stream, SEQ_MASK)
    }

    /// Reads a stored place; `None` for one that this type never makes.
    pub fn from_stored(row: i64) -> Option<Self> {
        let row = u64::try_from(row).ok()?;
        StreamNumber::from_bits(u32::try_from(row >> SEQ_BITS).ok()?).map(|_| Self(row))
    }

    /// The place as it is stored.
    pub fn stored(self) -> i64 {
        self.0.cast_signed()
    }

    /// The stream.
    pub fn stream(self) -> StreamNumber {
        StreamNumber(u32::try_from(self.0 >> SEQ_BITS).unwrap_or(0))
    }

    /// The position in the stream.
    pub fn seq(self) -> u64 {
        self.0 & SEQ_MASK
    }
}

/// A message, as everybody sees it: a UUID of version 8 (RFC 9562) that sorts by time.
///
/// It is made of the time (48 bits, milliseconds) and the [`RowId`] (63 bits), so the store finds a message by its id
/// without an index and keeps no id at all. An id whose time does not match the stored message names no message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct MessageId {
    /// When the message was accepted, in milliseconds since 1970.
    pub at_ms: i64,
    /// Where it lies.
    pub row: RowId,
}

/// Reads the text form with hyphens only: one thing has one name.
fn read_uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text)
        .ok()
        .filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH)
}

impl MessageId {
    /// Reads the usual text form; `None` for any text that is not the id of a possible message.
    pub fn parse(text: &str) -> Option<Self> {
        let bits = read_uuid(text)?.as_u128();
        let at_ms = i64::try_from(bits >> 80).ok()?;
        let high = u64::try_from((bits >> 64) & 0xFFF).ok()?;
        let low = u64::try_from(bits & ((1 << 62) - 1)).ok()?;
        let row = RowId::from_stored(i64::try_from((high << 62) | low).ok()?)?;
        let id = Self { at_ms, row };
        (id.uuid().as_u128() == bits).then_some(id)
    }

    fn uuid(self) -> Uuid {
        let time = (self.at_ms.cast_unsigned() & ((1 << 48) - 1)) << 16;
        let high = time | 0x8000 | (self.row.0 >> 62);
        let low = (1 << 63) | (self.row.0 & ((1 << 62) - 1));
        Uuid::from_u64_pair(high, low)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_message_id_survives_its_text_form(at_ms in 0_i64..(1 << 48), stream in 1_u32..StreamNumber::LIMIT, seq in 1_u64..(1 << 40)) {
            let stream = StreamNumber::from_bits(stream).expect("not zero");
            let id = MessageId { at_ms, row: RowId::new(stream, seq) };
            prop_assert_eq!(MessageId::parse(&id.to_string()), Some(id));
            prop_assert_eq!((id.row.stream(), id.row.seq()), (stream, seq));
            prop_assert_eq!(RowId::from_stored(id.row.stored()), Some(id.row));
        }

        #[test]
        fn message_ids_sort_by_time(early in 0_i64..(1 << 47), gap in 1_i64..1000, a in 1_u32..StreamNumber::LIMIT, b in 1_u32..StreamNumber::LIMIT) {
            let text = |at_ms, stream| MessageId { at_ms, row: RowId::new(StreamNumber::from_bits(stream).expect("not zero"), 1) }.to_string();
            prop_assert!(text(early, a) < text(early + gap, b));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,40}") {
            let _ = MessageId::parse(&text);
        }
    }

    #[test]
    fn a_uuid_of_another_kind_is_no_message_id() {
        assert_eq!(MessageId::parse("0190c8a0-0000-7000-8000-000000000001"), None);
        assert_eq!(MessageId::parse("00000000-0000-0000-0000-000000000000"), None);
    }
}
