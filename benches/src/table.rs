//! Tables of the document.

use std::fmt::Write as _;

use crate::measure::Measure;
use crate::runs::{Ratio, Runs};
use crate::scenario::Scenario;

/// What stands where there is no figure.
const NOTHING: &str = "–";

/// A table whose first column is text and whose others are figures.
pub struct Table {
    text: String,
}

impl Table {
    pub fn new<'a>(titles: impl IntoIterator<Item = &'a str>) -> Self {
        let mut rule = String::from("|---|");
        let mut text = String::from("|");
        for (index, title) in titles.into_iter().enumerate() {
            let _ = write!(text, " {title} |");
            rule.push_str(if index == 0 { "" } else { "--:|" });
        }
        Self { text: format!("{text}\n{rule}\n") }
    }

    pub fn row(&mut self, title: &str, cells: impl IntoIterator<Item = String>) {
        let _ = write!(self.text, "| {title} |");
        for cell in cells {
            let _ = write!(self.text, " {cell} |");
        }
        self.text.push('\n');
    }

    pub fn finish(self) -> String {
        self.text
    }
}

/// Ours, stock, their ratio and then others, for each measure that was taken.
pub fn compared(
    runs: &Runs,
    ours: &Scenario,
    stock: &Scenario,
    others: &[Scenario],
    measures: &[Measure],
) -> Table {
    let head = ["", ours.side.title(), stock.side.title(), "**ours / stock**"];
    let mut table = Table::new(head.into_iter().chain(others.iter().map(|s| s.side.title())));
    for &measure in measures {
        let mut cells = vec![
            cell(runs, ours, measure),
            cell(runs, stock, measure),
            ratio(runs.ratio([ours, stock], measure)),
        ];
        cells.extend(others.iter().map(|other| cell(runs, other, measure)));
        table.row(measure.title(), cells);
    }
    table
}

/// The median of a scenario's runs, as it is shown.
pub fn cell(runs: &Runs, scenario: &Scenario, measure: Measure) -> String {
    figure(runs.median(scenario, measure).map(|figure| figure / measure.unit()), measure.decimals())
}

pub fn figure(figure: Option<f64>, decimals: usize) -> String {
    figure.map_or_else(|| NOTHING.to_owned(), |figure| grouped(figure, decimals))
}

/// A ratio with its ends, where they differ.
pub fn ratio(ratio: Option<Ratio>) -> String {
    let Some(Ratio { median, least, greatest }) = ratio else { return NOTHING.to_owned() };
    let [median, least, greatest] = [median, least, greatest].map(|figure| format!("{figure:.2}"));
    if least == greatest { median } else { format!("{median} ({least}–{greatest})") }
}

/// Thousands apart.
pub fn grouped(figure: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", figure.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    if figure < 0.0 && text.contains(|digit: char| ('1'..='9').contains(&digit)) {
        grouped.push('−');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped = format!("{grouped}.{fraction}");
    }
    grouped
}

/// A count as it is shown.
pub fn count(count: u64) -> String {
    grouped(count as f64, 0)
}
