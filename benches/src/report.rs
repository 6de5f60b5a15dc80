//! Parts → docs/BENCHMARKS.md.

use std::time::Instant;

use crate::part::{self, Part};
use crate::scenario::{QUEUE_SPANS, Scenario};
use crate::side::Side;
use crate::table::count;
use crate::text::Text;
use crate::{Result, callgrind, child, machine, mark};

/// The document: all of `parts`, and how they were measured.
pub fn document(parts: &[&Part]) -> Result<String> {
    let before = machine::load();
    let measured = measured(parts)?;
    let (machine, after) = (machine::line(), machine::load());
    let mut text = Text::default();
    text.heading(1, "Benchmarks");
    text.paragraph("What mlflow-tracing costs, beside the stock path, in the same run. Written by");
    text.code("sh", "cargo run --release --manifest-path benches/Cargo.toml -- --write");
    text.paragraph(&format!(
        "which takes about twenty minutes, and more when nothing is built yet; without `--write` it prints, and \
         with `--only PART` no more than one of the parts {}. Do not edit by hand.",
        part::names("`")
    ));
    text.paragraph(&format!(
        "{machine}. Load, one-minute average: {before} before, {after} at the end, this run included."
    ));
    text.add(&measured);
    text.add(&method());
    Ok(text.finish())
}

/// The marks, and what each of `parts` found.
pub fn measured(parts: &[&Part]) -> Result<Text> {
    callgrind::require()?;
    let (mut findings, mut found) = (Vec::new(), Text::default());
    for part in parts {
        let start = Instant::now();
        eprint!("{} … ", part.name);
        let section = (part.measure)()?;
        eprintln!("{} s", start.elapsed().as_secs());
        findings.extend(section.findings);
        found.heading(2, part.title);
        found.add(&section.text);
    }
    let mut text = Text::default();
    if !findings.is_empty() {
        text.table(mark::table(&findings));
    }
    text.add(&found);
    Ok(text)
}

fn method() -> Text {
    let mut text = Text::default();
    text.heading(2, "Method");
    text.paragraph(
        "**Work** (`benches/src/work/`). A trace is one `AGENT` span and four `CHAT_MODEL` children, made on one \
         thread as fast as they come. Each has about 0.3 KB of inputs and of outputs, children also a model name \
         and two token counts. It is told in three ways: *dotted fields*, everything at the start of \
         `info_span!`, inputs and outputs as JSON text; *`#[instrument(ret)]`*, inputs and outputs as argument and \
         result of a function, formatted by `Debug`; *setters*, as structured values, ours by `MlflowSpanExt`, \
         stock by `serde_json` and `OpenTelemetrySpanExt::set_attribute`.",
    );
    sides(&mut text);
    measures(&mut text);
    text
}

fn sides(text: &mut Text) {
    text.paragraph(
        "**Sides** (`benches/src/side.rs`). All are compiled into one program, so crates have the same features \
         for all:",
    );
    text.list([
        "*ours*: `mlflow_tracing`'s layer and its OTLP/HTTP destination, at their defaults but the queue.",
        "*stock*: `tracing_opentelemetry::layer()`, `BatchSpanProcessor` and `opentelemetry-otlp` over HTTP with \
         its own client, at their defaults but the queue.",
        "*stock, dropped*: the same layer and SDK without a processor, which is what capture alone costs.",
        "*slim, dropped*: the same with location, threads, target, level and inactivity off.",
        "*registry*: `tracing_subscriber::registry()` with a layer that does nothing, the floor.",
    ]);
    text.paragraph(&format!(
        "Either queue holds {} spans (with payloads of 1 MB as many as 1 GiB holds), but in the parts on outage, \
         set-up and Python, where either has its default. Nothing is compressed. Each run is a process of its own \
         with an empty environment. The receiver is a thread of the process that started it, on the loopback, the \
         same for both: it counts spans and bytes and answers 200.",
        count(QUEUE_SPANS as u64)
    ));
}

fn measures(text: &mut Text) {
    let standard = Scenario::of(Side::Ours);
    let spans = |turns: u64| count(turns * standard.spans());
    let [few, many] = callgrind::turns(&standard).map(spans);
    let turns = child::turns(&standard);
    let (burst, counted) = (spans(turns.timed), spans(turns.counted));
    let (sustained, window) = (spans(child::sustained_turns(&standard)), count(standard.window()));
    text.paragraph(
        "**Zero loss** is checked in every run: the receiver has counted as many spans as ended, and our `stats()` \
         says that all were delivered and none is missing; else there is no report.",
    );
    text.paragraph(&format!(
        "**Instructions**: the program under `valgrind --tool=callgrind --separate-threads=yes --fair-sched=yes`, \
         once with {few} spans and once with {many}, fewer with large payloads; the difference is divided by the \
         difference in spans, so that start and end cancel. The caller's share is that of the first thread, which \
         makes the spans and then waits. The receiver is not in it. The C library is told not to copy by `rep \
         movsb`, which would count once a byte."
    ));
    text.paragraph(&format!(
        "**Time**: {burst} spans after a warm-up, fewer with large payloads. The caller's figures end with its \
         last span, those of the process with the last acknowledgement; CPU is user and system time of the thread \
         or the process. Sides in turn. On a machine with few cores the receiver and a side's own threads compete \
         with the caller, and other work with all of them: trust instructions before time."
    ));
    text.paragraph(&format!(
        "**Allocations**: a counting allocator, over {counted} spans; a reallocation counts as one, with the bytes \
         it adds. The process's are counted until the last acknowledgement."
    ));
    text.paragraph(&format!(
        "**Spans per second**: {sustained} spans until the last acknowledgement; callers wait whenever they are \
         more than {window} ahead of the receiver."
    ));
    text.paragraph(
        "**Budget**: `--check` counts instructions, allocations and crates again, and fails when one of them is \
         more than 5 % over what `benches/budget.json` says, or when there is one crate more; `tests/all.sh` runs it.",
    );
}
