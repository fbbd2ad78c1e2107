//! The table: what was measured, beside what could be had.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What a row has to reach.
#[derive(Clone, Copy)]
pub enum Target {
    /// The ratio of wardroom to its reference, at most.
    RatioAtMost(f64),
    /// The ratio of wardroom to its reference, at least.
    RatioAtLeast(f64),
    /// The figure of wardroom itself, at most.
    AtMost(f64),
}

/// One measurement.
pub struct Row {
    /// What was measured.
    pub name: &'static str,
    /// Of both figures.
    pub unit: &'static str,
    /// The figure of wardroom.
    pub wardroom: f64,
    /// The figure of the reference, where there is one.
    pub reference: Option<f64>,
    /// What has to be reached.
    pub target: Target,
}

impl Row {
    /// The figure of wardroom over that of the reference.
    fn ratio(&self) -> Option<f64> {
        self.reference.map(|reference| self.wardroom / reference)
    }

    fn is_met(&self) -> bool {
        match (self.target, self.ratio()) {
            (Target::RatioAtMost(most), Some(ratio)) => ratio <= most,
            (Target::RatioAtLeast(least), Some(ratio)) => ratio >= least,
            (Target::AtMost(most), _) => self.wardroom <= most,
            (_, None) => false,
        }
    }

    fn cells(&self) -> [String; 7] {
        let target = match self.target {
            Target::RatioAtMost(most) => format!("<= {most} x"),
            Target::RatioAtLeast(least) => format!(">= {least} x"),
            Target::AtMost(most) => format!("<= {}", figure(most)),
        };
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        [
            self.name.to_owned(),
            self.unit.to_owned(),
            figure(self.wardroom),
            or_dash(self.reference.map(figure)),
            or_dash(self.ratio().map(|ratio| format!("{ratio:.2}"))),
            target,
            if self.is_met() { "yes" } else { "no" }.to_owned(),
        ]
    }
}

/// Three digits that matter.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

const HEAD: [&str; 7] = ["measured", "unit", "wardroom", "reference", "ratio", "target", "met"];

/// The table as text, which is Markdown as well.
pub fn text(rows: &[Row]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let widths: [usize; 7] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or_default());
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            let is_number = (2..=4).contains(&column);
            // Writing into a string cannot fail.
            let _ = if is_number {
                write!(text, "| {cell:>width$} ")
            } else {
                write!(text, "| {cell:<width$} ")
            };
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let end = if (2..=4).contains(&column) { ":" } else { "-" };
                let _ = write!(text, "|{}{end}", "-".repeat(width + 1));
            }
            text.push_str("|\n");
        }
    }
    text
}

/// The table as an array of objects.
pub fn json(rows: &[Row]) -> Value {
    let object = |row: &Row| {
        let (kind, bound) = match row.target {
            Target::RatioAtMost(most) => ("ratioAtMost", most),
            Target::RatioAtLeast(least) => ("ratioAtLeast", least),
            Target::AtMost(most) => ("atMost", most),
        };
        json!({
            "name": row.name,
            "unit": row.unit,
            "wardroom": row.wardroom,
            "reference": row.reference,
            "ratio": row.ratio(),
            "target": { kind: bound },
            "met": row.is_met(),
        })
    };
    Value::Array(rows.iter().map(object).collect())
}

/// The value in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The smallest value: what a busy machine adds to CPU time only ever adds.
pub fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::min)
}
