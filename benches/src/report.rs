//! Figures → docs/BENCHMARKS.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::child::{BURST_TRACES, COUNTED_TRACES, SUSTAINED_TRACES};
use crate::measure::{ALLOCATION_TRACES, Measure, Sample, WINDOW};
use crate::sides::{QUEUE_SPANS, SPAN_BYTES, Side};
use crate::size::Size;
use crate::work;

/// Every run of every side, in the order they were made.
#[derive(Default)]
pub struct Runs(BTreeMap<&'static str, Vec<Sample>>);

impl Runs {
    pub fn add(&mut self, side: Side, sample: Sample) {
        self.0.entry(side.name()).or_default().push(sample);
    }

    fn figures(&self, side: Side, measure: Measure) -> Vec<f64> {
        let samples = self.0.get(side.name()).into_iter().flatten();
        samples.filter_map(|sample| sample.get(&measure).copied()).collect()
    }

    /// Ours to stock, in each repetition.
    fn ratios(&self, measure: Measure) -> Vec<f64> {
        let stock = self.figures(Side::Stock, measure);
        let ours = self.figures(Side::Ours, measure);
        ours.into_iter().zip(stock).map(|(ours, stock)| ours / stock).collect()
    }
}

/// What the table stands under.
pub struct Setting {
    pub machine: String,
    pub load: [String; 2],
    pub repetitions: usize,
    pub counted_repetitions: usize,
    pub valgrind: bool,
}

pub fn document(runs: &Runs, sizes: &[Size; 2], setting: &Setting) -> String {
    let Setting { machine, load: [before, after], .. } = setting;
    let head = format!(
        "# Benchmarks\n\n\
         What mlflow-tracing costs, beside the stock path, in the same run. Written by\n\n\
         ```sh\ncargo run --release --manifest-path benches/Cargo.toml -- --write\n```\n\n\
         which takes some minutes; without `-- --write` it prints. Do not edit by hand.\n\n\
         {machine}.\nLoad, one-minute average: {before} before, {after} at the end, this run included.\n\n\
         ## Cost of a span\n\n"
    );
    head + &table(runs, setting) + &size_table(sizes) + &method(setting)
}

fn table(runs: &Runs, setting: &Setting) -> String {
    let mut text = String::from(
        "Medians; per span, and lower is better, unless said otherwise. The ratio is the median of the ratios of\n\
         each repetition, with the least and the greatest.\n\n\
         | | ours | stock | **ours / stock** | stock, dropped | slim, dropped | registry |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
    );
    for measure in Measure::ALL {
        let _ = write!(text, "| {} ", measure.title());
        let cell = |side| figure(runs.figures(side, measure), measure.decimals());
        let _ = write!(text, "| {} | {} ", cell(Side::Ours), cell(Side::Stock));
        let _ = write!(text, "| {} ", ratio(runs.ratios(measure)));
        for side in [Side::StockDropped, Side::SlimDropped, Side::Registry] {
            let _ = write!(text, "| {} ", cell(side));
        }
        text.push_str("|\n");
    }
    if !setting.valgrind {
        text.push_str("\nvalgrind is not installed here: instructions were not counted.\n");
    }
    text
}

fn size_table([light, full]: &[Size; 2]) -> String {
    let kilobytes = |bytes: u64| grouped(bytes as f64 / 1_000.0, 0);
    let row = |title: &str, light: &dyn ToString, full: &dyn ToString| {
        format!("| {title} | {} | {} |\n", light.to_string(), full.to_string())
    };
    "\n## Size\n\n\
     Light is `default-features = false, features = [\"mlflow\"]`. Crates include this one. Kilobytes are what a\n\
     program that makes one trace (`benches/hello`) has more than an empty one.\n\n\
     | | light | default |\n|---|--:|--:|\n"
        .to_owned()
        + &row(
            "crates, `cargo tree -e normal --prefix none --no-dedupe \\| sort -u \\| wc -l`",
            &light.crates,
            &full.crates,
        )
        + &row(
            "the same without `--no-dedupe`, which counts a crate again when it is shown again as `(*)`",
            &light.lines,
            &full.lines,
        )
        + &row("direct dependencies", &light.direct, &full.direct)
        + &row(
            "kB added, `--release`, stripped",
            &kilobytes(light.stripped),
            &kilobytes(full.stripped),
        )
        + &row(
            "kB added, the same with fat LTO and one codegen unit",
            &kilobytes(light.small),
            &kilobytes(full.small),
        )
}

fn method(setting: &Setting) -> String {
    let paragraphs = [sides(), measures(setting)].concat();
    let mut text = String::from("\n## Method\n");
    let mut in_list = false;
    for paragraph in paragraphs {
        let is_item = paragraph.starts_with("- ");
        text.push_str(if is_item && in_list { "" } else { "\n" });
        text.push_str(&wrapped(&paragraph));
        in_list = is_item;
    }
    text + "
To see where instructions go, run one side by hand; without an address it has a receiver of its own:

```sh
cargo build --release --manifest-path benches/Cargo.toml
valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file=profile \\
  benches/target/release/benches burst ours 2000
callgrind_annotate profile-01 | head -40   # 01 is the caller's thread
```
"
}

fn sides() -> Vec<String> {
    let [queue, bytes] = [QUEUE_SPANS, SPAN_BYTES].map(|number| grouped(number as f64, 0));
    vec![
        "**Work.** A trace is one `AGENT` span and four `CHAT_MODEL` children, made with `info_span!` on one \
         thread as fast as they come. Each has about 0.3 KB of inputs and of outputs, children also a model name \
         and two token counts, all of it given at the start as dotted fields (`benches/src/work.rs`)."
            .to_owned(),
        "**Sides** (`benches/src/sides.rs`). All are compiled into one program, so crates have the same \
         features for all:"
            .to_owned(),
        "- *ours*: `mlflow_tracing`'s layer and its OTLP/HTTP destination, at their defaults but the queue."
            .to_owned(),
        "- *stock*: `tracing_opentelemetry::layer()`, `BatchSpanProcessor` and `opentelemetry-otlp` over HTTP \
         with its own client, at their defaults but the queue."
            .to_owned(),
        "- *stock, dropped*: the same layer and SDK without a processor, which is what capture alone costs."
            .to_owned(),
        "- *slim, dropped*: the same with location, threads, target, level and inactivity off.".to_owned(),
        "- *registry*: `tracing_subscriber::registry()` with a layer that does nothing, the floor.".to_owned(),
        format!(
            "Either queue holds {queue} spans: stock's is set to that number, ours, which is bounded in bytes, to \
             {bytes} bytes for each. Nothing is compressed. Each run is a process of its own with an empty \
             environment. The receiver is a thread of the process that started it, on the loopback, the same for \
             both: it counts spans and bytes and answers 200."
        ),
    ]
}

fn measures(setting: &Setting) -> Vec<String> {
    let spans = |traces: u64| grouped((traces * work::SPANS) as f64, 0);
    let [few, many] = COUNTED_TRACES.map(spans);
    let (burst, sustained) = (spans(BURST_TRACES), spans(SUSTAINED_TRACES));
    let window = grouped(WINDOW as f64, 0);
    let Setting { repetitions, counted_repetitions, .. } = setting;
    vec![
        "**Zero loss** is checked in every run: the receiver has counted as many spans as ended, and our \
         `stats()` says that all were delivered and none is missing; else there is no report."
            .to_owned(),
        format!(
            "**Instructions**: the program under `valgrind --tool=callgrind --separate-threads=yes`, once with \
             {few} spans and once with {many}; the difference is divided by the difference in spans, so that start \
             and end cancel. The caller's share is that of the first thread, which makes the spans and then waits. \
             The receiver is not in it. {counted_repetitions} repetitions."
        ),
        format!(
            "**Time**: {burst} spans after a warm-up. The caller's figures end with its last span, those of the \
             process with the last acknowledgement; CPU is user and system time of the thread or the process. \
             {repetitions} repetitions, sides in turn. On a machine with few cores the receiver and a side's own \
             threads compete with the caller, and other work with all of them: trust instructions before time."
        ),
        format!(
            "**Allocations**: a counting allocator on the caller's thread, over {} spans; a reallocation counts as \
             one, with the bytes it adds.",
            spans(ALLOCATION_TRACES)
        ),
        format!(
            "**Spans per second**: {sustained} spans until the last acknowledgement; the caller waits whenever it \
             is more than {window} ahead of the receiver."
        ),
    ]
}

/// Breaks lines before they get long; the second line of a list's item is indented.
fn wrapped(paragraph: &str) -> String {
    const WIDTH: usize = 110;
    let indent = if paragraph.starts_with("- ") { "\n  " } else { "\n" };
    let (mut text, mut column) = (String::new(), 0);
    for word in paragraph.split_whitespace() {
        if column + word.chars().count() > WIDTH {
            text.push_str(indent);
            column = 0;
        } else if column > 0 {
            text.push(' ');
        }
        text.push_str(word);
        column += word.chars().count() + 1;
    }
    text + "\n"
}

fn ratio(ratios: Vec<f64>) -> String {
    let ends = (ratios.iter().copied().reduce(f64::min), ratios.iter().copied().reduce(f64::max));
    match (median(ratios), ends) {
        (Some(median), (Some(least), Some(greatest))) => {
            format!("**{median:.2}** ({least:.2}–{greatest:.2})")
        }
        _ => "–".to_owned(),
    }
}

fn figure(figures: Vec<f64>, decimals: usize) -> String {
    median(figures).map_or_else(|| "–".to_owned(), |figure| grouped(figure, decimals))
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// Thousands apart.
fn grouped(figure: f64, decimals: usize) -> String {
    let text = format!("{figure:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
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
