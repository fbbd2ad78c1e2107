//! What somebody who mistyped a name probably meant.

/// The one of `known` that is spelt most like `name`; `None` only when there are none.
///
/// Case, underscores and dashes do not count, so `max_rooms` is as near to `maxRooms` as can be.
pub(super) fn nearest<'known>(name: &str, known: impl IntoIterator<Item = &'known str>) -> Option<&'known str> {
    known.into_iter().min_by_key(|candidate| distance(name, candidate))
}

/// How many letters differ between the two names.
pub(super) fn distance(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(&folded(one), &folded(other))
}

fn folded(name: &str) -> String {
    name.chars()
        // Names come from files and the environment; the comparison is quadratic in their length.
        .take(128)
        .filter(|letter| letter.is_alphanumeric() || *letter == '.')
        .flat_map(char::to_lowercase)
        .collect()
}
