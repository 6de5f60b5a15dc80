//! `docs/PARITY.md`, made of the scenario and of the differences that are meant.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::parity::difference::{Differences, Meant};
use crate::parity::scenario::{self, Trace};

pub(super) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PARITY.md")
}

pub(super) fn text() -> String {
    let (traces, meant) = (scenario::traces(), Differences::meant());
    let mut text = include_str!("introduction.md").to_owned();
    section(&mut text, "What is stored", include_str!("stored.md"));
    differences(&mut text, ["Python", "this crate"], &meant.stored);
    section(&mut text, "Without the trace-info call", include_str!("auto.md"));
    differences(&mut text, ["`always`", "`auto`"], &meant.auto);
    section(&mut text, "Requests to an MLflow server", include_str!("requests.md"));
    requests(&mut text, &traces, |trace| &trace.golden);
    differences(&mut text, ["Python", "this crate"], &meant.golden);
    section(&mut text, "Requests to other receivers", "");
    requests(&mut text, &traces, |trace| &trace.golden_of_collectors);
    differences(&mut text, ["Python", "this crate"], &meant.golden_of_collectors);
    section(&mut text, "Requests that are not made", "");
    let left_out = meant.golden_left_out.iter();
    let left_out = left_out.map(|out| vec![code(&out.golden), out.reason.clone()]);
    table(&mut text, &["request", "why"], left_out);
    section(&mut text, "The traces", "");
    table(&mut text, &["trace", "what happens in it"], traces.iter().map(described));
    text
}

fn described(trace: &Trace) -> Vec<String> {
    let lost = if trace.spoils { " Python loses what is sent along with it." } else { "" };
    vec![code(&trace.name), format!("{}{lost}", trace.about)]
}

fn section(text: &mut String, title: &str, about: &str) {
    let _ = write!(text, "\n## {title}\n\n{about}");
    if !about.is_empty() {
        text.push('\n');
    }
}

fn differences(text: &mut String, [python, ours]: [&str; 2], meant: &[Meant]) {
    let rows = meant
        .iter()
        .map(|it| vec![code(&it.place), value(&it.python), value(&it.ours), it.reason.clone()]);
    table(text, &["where", python, ours, "why"], rows);
}

fn requests(text: &mut String, traces: &[Trace], files: impl Fn(&Trace) -> &[Vec<String>]) {
    let rows = traces.iter().filter(|trace| !files(trace).is_empty()).map(|trace| {
        let files = files(trace).iter().flatten().map(|file| code(file));
        vec![files.collect::<Vec<_>>().join(", "), code(&trace.name)]
    });
    table(text, &["request", "trace"], rows);
    text.push('\n');
}

fn table(text: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let _ = writeln!(text, "| {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
}

fn value(value: &Value) -> String {
    match value.as_str() {
        Some("(absent)") => "nothing".to_owned(),
        Some("(anything)") => "anything".to_owned(),
        _ => code(&value.to_string()),
    }
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}
