//! Messages larger than the channel takes, cut into pieces and joined again.
//!
//! Between wardroom peers only: a peer says in its handshake how many bytes it joins. A piece is
//! `{"type":"_piece","of":"<id>","index":0,"count":3,"text":"…"}`; its text is a part of the JSON text of the message.
//! The channel keeps the order, so pieces of one message arrive one after the other, perhaps with others in between.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// The type of a piece.
pub(super) const PIECE: &str = "_piece";

/// Messages that may be in the middle of arriving.
const MOST_BEGUN: usize = 8;

/// Bytes of a piece beside its text.
const FRAME_BYTES: usize = 160;

/// The smallest text that is worth a piece.
const LEAST_TEXT: usize = 64;

#[derive(Serialize, Deserialize)]
struct Piece<'a> {
    r#type: &'a str,
    of: &'a str,
    index: usize,
    count: usize,
    text: std::borrow::Cow<'a, str>,
}

/// Cuts a text into messages of at most `largest` bytes each. `of` is new for each text.
pub(super) fn cut(text: &str, of: &str, largest: usize) -> Vec<String> {
    // Between quotation marks a text doubles at the worst: JSON holds no control characters but blanks, tabs and ends of
    // lines, which take two bytes like quotation marks do.
    let most = (largest.saturating_sub(FRAME_BYTES) / 2).max(LEAST_TEXT);
    let mut parts = Vec::with_capacity(text.len() / most + 1);
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = most.min(rest.len());
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    let count = parts.len();
    let piece = |(index, part): (usize, &str)| {
        let piece = Piece {
            r#type: PIECE,
            of,
            index,
            count,
            text: part.into(),
        };
        // Strings and numbers can always be written.
        serde_json::to_string(&piece).unwrap_or_default()
    };
    parts.into_iter().enumerate().map(piece).collect()
}

/// Joins what the other side has cut.
#[derive(Debug)]
pub(super) struct Joiner {
    begun: HashMap<String, Begun>,
    bytes: usize,
    most_bytes: usize,
}

#[derive(Debug)]
struct Begun {
    text: String,
    next: usize,
    count: usize,
}

/// Why pieces are thrown away.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum PieceProblem {
    #[error("a piece of a message is not understood")]
    Form,
    #[error("a piece of a message is out of its order")]
    Order,
    #[error("too many messages arrive in pieces at a time")]
    TooMany,
    #[error("a message in pieces is larger than allowed")]
    TooLarge,
}

impl Joiner {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            begun: HashMap::new(),
            bytes: 0,
            most_bytes,
        }
    }

    /// Takes a piece; gives the whole text with the last one. After a problem nothing of that message is kept.
    pub(super) fn take(&mut self, piece: &str) -> Result<Option<String>, PieceProblem> {
        let piece: Piece<'_> = serde_json::from_str(piece).map_err(|_| PieceProblem::Form)?;
        let taken = self.add(&piece);
        if taken.is_err() {
            self.forget(piece.of);
        }
        taken
    }

    fn add(&mut self, piece: &Piece<'_>) -> Result<Option<String>, PieceProblem> {
        if piece.of.is_empty() || piece.of.len() > 64 || piece.count == 0 || piece.text.is_empty() {
            return Err(PieceProblem::Form);
        }
        if !self.begun.contains_key(piece.of) {
            if piece.index != 0 {
                return Err(PieceProblem::Order);
            }
            if self.begun.len() >= MOST_BEGUN {
                return Err(PieceProblem::TooMany);
            }
            let begun = Begun {
                text: String::new(),
                next: 0,
                count: piece.count,
            };
            self.begun.insert(piece.of.to_owned(), begun);
        }
        let begun = self.begun.get_mut(piece.of).ok_or(PieceProblem::Order)?;
        if piece.index != begun.next || piece.count != begun.count || piece.index >= piece.count {
            return Err(PieceProblem::Order);
        }
        if self.bytes + piece.text.len() > self.most_bytes {
            return Err(PieceProblem::TooLarge);
        }
        begun.text.push_str(&piece.text);
        begun.next += 1;
        self.bytes += piece.text.len();
        if begun.next < begun.count {
            return Ok(None);
        }
        Ok(self.forget(piece.of))
    }

    fn forget(&mut self, of: &str) -> Option<String> {
        let begun = self.begun.remove(of)?;
        self.bytes -= begun.text.len();
        Some(begun.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fit_and_join_to_what_was_cut() {
        let mut joiner = Joiner::new(100_000);
        for text in [
            "\"\\\n".repeat(1000),
            "ü€𝄞".repeat(700),
            "x".to_owned(),
            "a".repeat(50_000),
        ] {
            let pieces = cut(&text, "m", 400);
            let (last, first) = pieces.split_last().expect("at least one");
            for piece in first {
                assert!(piece.len() <= 400, "{}", piece.len());
                assert_eq!(joiner.take(piece), Ok(None));
            }
            assert_eq!(joiner.take(last), Ok(Some(text)));
        }
        assert_eq!((joiner.bytes, joiner.begun.len()), (0, 0));
    }

    #[test]
    fn messages_may_arrive_side_by_side() {
        let mut joiner = Joiner::new(10_000);
        let (one, two) = (cut(&"1".repeat(150), "one", 300), cut(&"2".repeat(150), "two", 300));
        assert_eq!((one.len(), two.len()), (3, 3));
        let mut whole = Vec::new();
        for (one, two) in one.iter().zip(&two) {
            whole.extend(
                [joiner.take(one), joiner.take(two)]
                    .into_iter()
                    .filter_map(Result::unwrap),
            );
        }
        assert_eq!(whole, ["1".repeat(150), "2".repeat(150)]);
    }

    #[test]
    fn what_does_not_fit_is_thrown_away() {
        let mut joiner = Joiner::new(200);
        let pieces = cut(&"x".repeat(300), "m", 300);
        assert_eq!(joiner.take("{}"), Err(PieceProblem::Form));
        assert_eq!(joiner.take(&pieces[1]), Err(PieceProblem::Order));
        assert_eq!(joiner.take(&pieces[0]), Ok(None));
        assert_eq!(joiner.take(&pieces[0]), Err(PieceProblem::Order), "a repeat");
        assert_eq!(joiner.take(&pieces[0]), Ok(None));
        assert_eq!(joiner.take(&pieces[1]), Ok(None));
        assert_eq!(joiner.take(&pieces[2]), Err(PieceProblem::TooLarge));
        assert_eq!((joiner.bytes, joiner.begun.len()), (0, 0));
        for number in 0..MOST_BEGUN {
            assert_eq!(
                joiner
                    .take(&cut(&"x".repeat(65), &number.to_string(), 0)[0].replace('x', ""))
                    .err(),
                Some(PieceProblem::Form)
            );
            let first = format!(r#"{{"type":"_piece","of":"{number}","index":0,"count":2,"text":"x"}}"#);
            assert_eq!(joiner.take(&first), Ok(None));
        }
        let one_more = r#"{"type":"_piece","of":"more","index":0,"count":2,"text":"x"}"#;
        assert_eq!(joiner.take(one_more), Err(PieceProblem::TooMany));
    }
}
