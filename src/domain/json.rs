//! JSON that is carried and never looked into.

use std::fmt;
use std::sync::Arc;

/// The text of one JSON value without insignificant white space, so that it fits on a line. Numbers, key order and escapes
/// are those of the sender.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(Arc<str>);

impl JsonText {
    /// Takes `text`, which is known to be JSON.
    pub fn compact(text: &str) -> Self {
        let mut kept = String::with_capacity(text.len());
        let (mut in_string, mut escaped) = (false, false);
        for character in text.chars() {
            if in_string {
                (in_string, escaped) = (escaped || character != '"', !escaped && character == '\\');
            } else if matches!(character, ' ' | '\t' | '\n' | '\r') {
                continue;
            } else {
                in_string = character == '"';
            }
            kept.push(character);
        }
        Self(kept.into())
    }

    /// A text that the store vouches for.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What agents send is never logged.
        write!(f, "JsonText({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_space_goes_only_where_it_means_nothing() {
        let text = "{ \"a b\" : [ 1.10 ,\n 18446744073709551616 ] ,\t\"c\\\" \\\\\" : \" \\u0020 \" }";
        let expected = r#"{"a b":[1.10,18446744073709551616],"c\" \\":" \u0020 "}"#;
        assert_eq!(JsonText::compact(text).as_str(), expected);
    }

    proptest! {
        #[test]
        fn only_the_space_between_parts_goes(parts in prop::collection::vec((part(), "[ \t\r\n]{0,3}"), 0..20)) {
            let spaced: String = parts.iter().flat_map(|(part, space)| [part.as_str(), space]).collect();
            let joined: String = parts.iter().map(|(part, _)| part.as_str()).collect();
            let compact = JsonText::compact(&spaced);
            prop_assert_eq!(compact.as_str(), joined);
        }
    }

    /// A text in quotes, with anything in it that such a text may hold, or a sign, a number or a word.
    fn part() -> impl Strategy<Value = String> {
        let character = prop_oneof![
            Just("\\\\"),
            Just("\\\""),
            Just("\\n"),
            Just(" "),
            Just("é"),
            Just("{,")
        ];
        let text = prop::collection::vec(character, 0..8).prop_map(|parts| format!("\"{}\"", parts.concat()));
        let sign = prop::sample::select(vec!["{", "}", "[", "]", ":", ",", "-1.50e+7", "true", "null"]);
        prop_oneof![text, sign.prop_map(str::to_owned)]
    }
}
