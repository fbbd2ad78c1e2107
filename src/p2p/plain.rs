//! Texts of a peer on a terminal.

/// A text without what moves the cursor, changes colours or hides what stands beside it. Ends of lines and tabs become blanks.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            // A sequence for the terminal: up to the letter that ends it.
            '\u{1b}' if letters.peek() == Some(&'[') => {
                letters.next();
                while letters
                    .next_if(|letter| matches!(letter, '0'..='?' | ' '..='/'))
                    .is_some()
                {}
                letters.next_if(|letter| matches!(letter, '@'..='~'));
            }
            '\n' | '\r' | '\t' => out.push(' '),
            letter if crate::text::is_deceptive(letter) => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        for (text, expected) in [
            ("hello", "hello"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[2J\u{1b}[1;1Hgone", "gone"),
            ("a\u{1b}]0;title\u{7}b", "a]0;titleb"),
            ("one\r\ntwo\tthree", "one  two three"),
            ("\u{202e}txet\u{9b}31m", "txet31m"),
            ("\u{1b}[", ""),
            ("ü€𝄞", "ü€𝄞"),
        ] {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }
}
