//! Collects what the sections find wrong.

use std::collections::BTreeMap;

use super::error::{Origin, Problem};

/// Gathers the problems of a whole configuration, each with the place where the setting was made.
pub(super) struct Checks<'origins> {
    origins: &'origins BTreeMap<String, Origin>,
    problems: Vec<Problem>,
    /// How many problems were there before the sections were asked.
    refused: usize,
}

impl<'origins> Checks<'origins> {
    /// Starts from the problems that single settings have; `origins` tells where each key was set.
    pub(super) fn new(origins: &'origins BTreeMap<String, Origin>, problems: Vec<Problem>) -> Self {
        Self {
            origins,
            refused: problems.len(),
            problems,
        }
    }

    /// Reports that the first of `keys` is wrong; the others take part in the rule.
    ///
    /// Nothing is added when one of them was refused by itself: its default stands in for it, and a rule that is broken
    /// by a stand-in would only mislead.
    pub(super) fn report(&mut self, keys: &[&str], message: impl Into<String>) {
        let Some(key) = keys.first() else { return };
        if self
            .problems
            .iter()
            .take(self.refused)
            .any(|problem| keys.contains(&problem.key.as_str()))
        {
            return;
        }
        let origin = self.origins.get(*key).cloned().unwrap_or(Origin::Default);
        self.problems.push(Problem {
            origin,
            key: (*key).to_owned(),
            message: message.into(),
        });
    }

    /// Everything that is wrong.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}
