//! The costliest groups of functions, thread by thread.

use std::collections::{BTreeMap, HashMap};

use super::Section;
use crate::callgrind;
use crate::scenario::Scenario;
use crate::side::Side;
use crate::table::{Table, count, grouped};
use crate::text::Text;
use crate::{Result, child};

/// Groups that are shown of a thread.
const SHOWN: usize = 12;
/// A thread that does less than this, per span, is left out.
const LEAST: f64 = 50.0;

/// Functions that have no path, by how their names begin.
const MALLOC: &str = "malloc and free";
const PLAIN: [(&str, &[&str]); 3] = [
    (
        MALLOC,
        &[
            "_int_free",
            "_int_malloc",
            "_int_realloc",
            "_int_memalign",
            "malloc",
            "free",
            "realloc",
            "calloc",
            "unlink_chunk",
            "tcache",
            "systrim",
            "sysmalloc",
            "cfree",
            "memalign",
        ],
    ),
    ("memory copied, set, compared", &["mem", "__mem", "bcmp", "__bcmp"]),
    (
        "system calls and locks",
        &[
            "syscall",
            "pthread",
            "__pthread",
            "clock_gettime",
            "__vdso",
            "send",
            "recv",
            "poll",
            "read",
            "write",
            "__send",
            "__recv",
        ],
    ),
];
/// Functions whose path says little.
const GENERAL: [(&str, &str); 2] =
    [("core::ptr::drop_in_place", "values dropped"), ("__rustc::", MALLOC)];
/// How many parts of a path name a group; one where nothing is said.
const DEPTHS: [(&str, usize); 5] =
    [("mlflow_tracing", 3), ("core", 2), ("alloc", 2), ("std", 2), ("opentelemetry_sdk", 2)];

pub fn measure() -> Result<Section> {
    let mut text = Text::of(&format!(
        "Instructions per span in the functions themselves, without those they call, by module; dotted fields, {} \
         spans. What was inlined counts for the function it went into. `benches profile SIDE [SCENARIO]` prints the \
         same for any side.",
        count(turns(&Scenario::default()) * Scenario::default().spans())
    ));
    for side in Side::BOTH {
        text.heading(3, side.title());
        text.add(&threads(&Scenario::of(side))?);
    }
    text.block(include_str!("../notes.md"));
    Ok(Section { text, findings: Vec::new() })
}

fn turns(scenario: &Scenario) -> u64 {
    callgrind::turns(scenario)[1]
}

/// A table for each thread of a side.
pub fn threads(scenario: &Scenario) -> Result<Text> {
    let turns = turns(scenario);
    let profiles = callgrind::profiles(scenario, turns)?;
    let spans = ((turns + child::turns(scenario).warm_up) * scenario.spans()) as f64;
    let mut text = Text::default();
    for (index, profile) in profiles.iter().enumerate() {
        let mut groups = BTreeMap::<String, f64>::new();
        for (function, cost) in self_costs(profile) {
            *groups.entry(group(&function)).or_default() += cost / spans;
        }
        let total: f64 = groups.values().sum();
        if total < LEAST {
            continue;
        }
        let mut groups: Vec<(String, f64)> = groups.into_iter().collect();
        groups.sort_by(|a, b| b.1.total_cmp(&a.1));
        let name = if index == 0 {
            "the caller's thread".to_owned()
        } else {
            format!("thread {}", index + 1)
        };
        let rest: f64 = groups.iter().skip(SHOWN).map(|(_, cost)| cost).sum();
        let rest = (format!("{} others", groups.len().saturating_sub(SHOWN)), rest);
        let mut table = Table::new([name.as_str(), "instructions", "%"]);
        for (group, cost) in groups.iter().take(SHOWN).chain([&rest]) {
            table.row(group, [grouped(*cost, 0), grouped(cost * 100.0 / total, 1)]);
        }
        table.row("**all**", [format!("**{}**", grouped(total, 0)), String::new()]);
        text.table(table);
    }
    Ok(text)
}

/// What each function of a callgrind profile costs by itself.
fn self_costs(profile: &str) -> HashMap<String, f64> {
    let mut names = HashMap::new();
    let mut costs = HashMap::new();
    let mut function = String::new();
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = named(&mut names, name);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            named(&mut names, name);
        } else if line.starts_with("calls=") {
            // What the call cost, all in all.
            lines.next();
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<f64>().ok());
            *costs.entry(function.clone()).or_default() += cost.unwrap_or(0.0);
        }
    }
    costs
}

/// The name in `(7) name`, which later is written `(7)`.
fn named(names: &mut HashMap<String, String>, text: &str) -> String {
    match text.split_once(' ') {
        Some((number, name)) => {
            names.insert(number.to_owned(), name.to_owned());
            name.to_owned()
        }
        None => names.get(text).cloned().unwrap_or_else(|| text.to_owned()),
    }
}

/// The module a function belongs to, or what it does.
fn group(function: &str) -> String {
    for (start, name) in GENERAL {
        if function.starts_with(start) {
            return name.to_owned();
        }
    }
    let path = function.trim_start_matches(['<', '&', '[', '(']);
    let path = path.strip_prefix("dyn ").unwrap_or(path);
    if !path.contains("::") {
        let begins =
            |starts: &&(&str, &[&str])| starts.1.iter().any(|start| path.starts_with(start));
        let found =
            PLAIN.iter().find(begins).map_or("other functions of the C library", |known| known.0);
        return found.to_owned();
    }
    let path: String =
        path.chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
    let mut parts = path.split("::").filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or("");
    let depth = DEPTHS.iter().find(|(name, _)| *name == first).map_or(1, |(_, depth)| *depth);
    // A type's name is not a module.
    let modules = parts.take(depth - 1).filter(|part| part.starts_with(char::is_lowercase));
    modules.fold(first.to_owned(), |path, part| format!("{path}::{part}"))
}
