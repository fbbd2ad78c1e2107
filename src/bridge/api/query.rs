//! The part of an address behind the question mark.

use std::collections::BTreeMap;

/// The values by name; of a name that stands there twice, the first.
pub(super) fn parse(query: Option<&str>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        values.entry(decoded(name)).or_insert_with(|| decoded(value));
    }
    values
}

/// A text as it was before it was put into an address; what is no escape stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let mut value = [0];
        if escaped.is_some_and(|digits| hex::decode_to_slice(digits, &mut value).is_ok()) {
            decoded.push(value[0]);
            at += 3;
        } else {
            decoded.push(if byte == b'+' { b' ' } else { byte });
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// What JavaScript's `parseInt` makes of a text: the whole number at its beginning.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    let digits = digits.get(..end).filter(|digits| !digits.is_empty())?;
    // Beyond what a number holds, any will do: whoever asks cuts it to his own bounds.
    Some(digits.parse::<i64>().map_or(sign * i64::MAX, |number| sign * number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_the_first_of_a_name_counts() {
        let values = parse(Some("room=a%20b+c&agent=%C3%A4&agent=x&all&=y&%zz=%4"));
        let expected = [("", "y"), ("%zz", "%4"), ("agent", "ä"), ("all", ""), ("room", "a b c")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(values.into_iter().collect::<Vec<_>>(), expected);
        assert!(parse(None).is_empty());
    }

    #[test]
    fn numbers_are_read_as_javascript_does() {
        for (text, number) in [
            ("30", Some(30)),
            ("1.9", Some(1)),
            (" 5s", Some(5)),
            ("-3", Some(-3)),
            ("", None),
            ("x", None),
            ("99999999999999999999", Some(i64::MAX)),
        ] {
            assert_eq!(whole_number(text), number, "{text}");
        }
    }
}
