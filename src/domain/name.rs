//! Rules for the texts that people and agents choose.

use std::sync::Arc;

use crate::text::is_deceptive;

/// The name of a room or an agent: trimmed, not empty, of bounded length, without control characters.
///
/// Names do not identify (ids do), but they are shown everywhere; a control character in one could pose as another line.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Name(Arc<str>);

/// Why a text is no name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameProblem {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// More than the allowed number of characters.
    #[error("must have at most {0} characters")]
    TooLong(u32),
    /// A control character, or one that changes the direction of text.
    #[error("must not contain control characters")]
    Control,
}

impl Name {
    /// Checks and trims `text`; `limit` counts Unicode code points.
    pub fn parse(text: &str, limit: u32) -> Result<Self, NameProblem> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NameProblem::Empty);
        }
        if text.chars().count() > limit as usize {
            return Err(NameProblem::TooLong(limit));
        }
        if text.chars().any(is_deceptive) {
            return Err(NameProblem::Control);
        }
        Ok(Self(text.into()))
    }

    /// A name that the store vouches for.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a free text (a description, a reason, a document) is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must have at most {0} characters")]
pub struct TextProblem(pub u32);

/// Checks the length of a free text in Unicode code points.
pub fn check_text(text: &str, limit: u32) -> Result<(), TextProblem> {
    // A text of at most `limit` bytes has at most `limit` characters: most texts need no count.
    if text.len() > limit as usize && text.chars().count() > limit as usize {
        return Err(TextProblem(limit));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_bounded_and_printable() {
        let check = |text: &str| Name::parse(text, 5).map(|name| name.as_str().to_owned());
        assert_eq!(check("  Ops "), Ok("Ops".into()));
        assert_eq!(check("ééééé"), Ok("ééééé".into()));
        assert_eq!(check("éééééé"), Err(NameProblem::TooLong(5)));
        assert_eq!(check(" \t\n"), Err(NameProblem::Empty));
        assert_eq!(check("a\u{7}b"), Err(NameProblem::Control));
        for hidden in ["\u{202e}", "\u{200f}", "\u{61c}", "\u{2069}", "\u{2028}"] {
            assert_eq!(check(&format!("a{hidden}b")), Err(NameProblem::Control), "{hidden:?}");
        }
    }

    #[test]
    fn text_length_counts_characters_not_bytes() {
        assert_eq!(check_text("😀😀", 2), Ok(()));
        assert_eq!(check_text("😀😀😀", 2), Err(TextProblem(2)));
    }
}
