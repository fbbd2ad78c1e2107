//! What somebody looks for in messages.

/// Unicode code points of a search.
const LENGTH: usize = 1000;

/// Words and phrases of a search.
const TERMS: usize = 32;

/// Words and phrases that all have to be in a message. Upper and lower case and accents make no difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SearchText(Vec<String>);

/// Why a text is no search.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SearchProblem {
    /// It is too long.
    #[error("must have at most {LENGTH} characters")]
    TooLong,
    /// It has too many words.
    #[error("must have at most {TERMS} words and phrases")]
    TooMany,
    /// A phrase does not end.
    #[error("has a phrase without its closing `\"`")]
    OpenPhrase,
    /// There is nothing to look for.
    #[error("must have a word: letters or digits")]
    NoWord,
}

impl SearchText {
    /// Reads words, and phrases within quotation marks.
    pub fn parse(text: &str) -> Result<Self, SearchProblem> {
        if text.len() > LENGTH && text.chars().count() > LENGTH {
            return Err(SearchProblem::TooLong);
        }
        let pieces: Vec<&str> = text.split('"').collect();
        // Every other piece is a phrase, and the last one is none.
        if pieces.len().is_multiple_of(2) {
            return Err(SearchProblem::OpenPhrase);
        }
        let mut terms = Vec::new();
        for (index, piece) in pieces.into_iter().enumerate() {
            if index % 2 == 1 {
                terms.push(piece);
            } else {
                terms.extend(piece.split(|c: char| c.is_whitespace() || c.is_control()));
            }
        }
        // Punctuation alone is in no message.
        terms.retain(|term| term.chars().any(char::is_alphanumeric));
        if terms.is_empty() {
            return Err(SearchProblem::NoWord);
        }
        if terms.len() > TERMS {
            return Err(SearchProblem::TooMany);
        }
        let clean = |term: &str| term.replace(char::is_control, " ");
        Ok(Self(terms.into_iter().map(clean).collect()))
    }

    /// The words and phrases, of which none has a quotation mark or a control character in it.
    pub fn terms(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms(text: &str) -> Vec<String> {
        SearchText::parse(text).expect("a search").terms().to_vec()
    }

    #[test]
    fn words_and_phrases_are_told_apart() {
        assert_eq!(terms("red \"green blue\" c++"), ["red", "green blue", "c++"]);
        assert_eq!(terms("a\"b\"c"), ["a", "b", "c"]);
        assert_eq!(terms(" - \"\" \"...\" x AND NOT * "), ["x", "AND", "NOT"]);
        assert_eq!(terms("\"a\u{0}b\" c\u{0}d"), ["a b", "c", "d"]);
    }

    #[test]
    fn what_is_no_search_is_refused() {
        assert_eq!(SearchText::parse(""), Err(SearchProblem::NoWord));
        assert_eq!(SearchText::parse("\"\" * ^ -"), Err(SearchProblem::NoWord));
        assert_eq!(SearchText::parse("a \"b c"), Err(SearchProblem::OpenPhrase));
        assert_eq!(SearchText::parse(&"a ".repeat(33)), Err(SearchProblem::TooMany));
        assert_eq!(SearchText::parse(&"a".repeat(1001)), Err(SearchProblem::TooLong));
        assert!(SearchText::parse(&"😀a".repeat(500)).is_ok());
    }

    proptest! {
        #[test]
        fn no_term_ends_its_quotation(text in "[ab\"\\x00\\n *():^-]{0,40}") {
            if let Ok(search) = SearchText::parse(&text) {
                prop_assert!(search.terms().iter().all(|term| !term.contains(['"', '\0'])));
            }
        }
    }
}
