//! Positions that do not all follow each other.

/// Ranges that are kept. Beyond that the oldest one is forgotten.
const MOST: usize = 32;

/// A set of positions of one stream, as ranges: nearly always a single one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spans(Vec<(u64, u64)>);

impl Spans {
    /// Adds the positions from `first` to `last`. When there are too many ranges, the lowest is forgotten: the set never
    /// holds a position that was not added.
    pub fn add(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        // Those that overlap it or touch it become one with it.
        let start = self.0.partition_point(|(_, end)| end.saturating_add(1) < first);
        let end = self.0.partition_point(|(begin, _)| *begin <= last.saturating_add(1));
        let joined = self.0[start..end]
            .iter()
            .fold((first, last), |(low, high), (begin, end)| {
                (low.min(*begin), high.max(*end))
            });
        self.0.splice(start..end, [joined]);
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }

    /// Adds everything that `other` has. Returns whether anything was new.
    pub fn join(&mut self, other: &Self) -> bool {
        let before = self.clone();
        other.0.iter().for_each(|(first, last)| self.add(*first, *last));
        *self != before
    }

    /// Whether a position is in it.
    pub fn contains(&self, seq: u64) -> bool {
        let index = self.0.partition_point(|(_, end)| *end < seq);
        self.0.get(index).is_some_and(|(begin, _)| *begin <= seq)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the stored form; `None` for a text that is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut spans = Self::default();
        for span in text.split(',').filter(|span| !span.is_empty()) {
            let (first, last) = span.split_once('-')?;
            spans.add(first.parse().ok()?, last.parse().ok()?);
        }
        Some(spans)
    }
}

impl std::fmt::Display for Spans {
    /// The stored form: `1-5,9-20`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{first}-{last}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_was_added_and_survives_its_text_form(added in prop::collection::vec((0_u64..60, 0_u64..6), 0..20)) {
            let (mut spans, mut set) = (Spans::default(), BTreeSet::new());
            for (first, count) in added {
                spans.add(first, first + count);
                set.extend(first..=first + count);
            }
            for seq in 0..80 {
                prop_assert_eq!(spans.contains(seq), set.contains(&seq));
            }
            prop_assert!(spans.0.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            prop_assert_eq!(Spans::parse(&spans.to_string()), Some(spans));
        }
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut spans = Spans::default();
        (0..1000).for_each(|number| spans.add(number * 3, number * 3));
        assert_eq!(spans.0.len(), MOST);
        assert!(spans.contains(2997) && !spans.contains(0) && !spans.contains(2996));
        assert!(!spans.clone().join(&spans.clone()));
    }
}
