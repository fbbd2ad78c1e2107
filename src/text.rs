//! What may not stand in a name, in a line of the log, or on a terminal.

/// Whether a character ends lines, moves the cursor, or reorders what stands beside it without being seen.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
