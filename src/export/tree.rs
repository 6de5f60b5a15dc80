//! A finished trace as a tree for the terminal: bars for time, type, tokens, status.
//!
//! Pure: spans in, text out. Chunks of a long trace are kept until its root arrives.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanId, Status, TraceId};

use crate::export::TraceChunk;
use crate::model::id::mlflow_trace_id;
use crate::model::roll_up::{self, Node};
use crate::model::span::Span;
use crate::model::text::cut;
use crate::model::token_usage::TokenUsage;

/// Rows kept of one trace; the rest is counted.
const MAX_ROWS: usize = 200;
/// Unfinished traces kept; beyond that the rows of one of them go.
const MAX_TRACES: usize = 1000;
const BAR_WIDTH: usize = 24;
const MAX_NAME_WIDTH: usize = 40;
const MAX_MESSAGE_CHARS: usize = 60;

/// Collects rows until a trace can be drawn.
#[derive(Debug, Default)]
pub(crate) struct Trees {
    open: HashMap<TraceId, Rows>,
    colours: bool,
}

#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    left_out: usize,
}

#[derive(Debug)]
struct Row {
    id: SpanId,
    parent: SpanId,
    name: String,
    kind: String,
    start: SystemTime,
    end: SystemTime,
    usage: Option<TokenUsage>,
    /// The message of an error.
    error: Option<String>,
}

impl Trees {
    pub(crate) fn new(colours: bool) -> Self {
        Self { open: HashMap::new(), colours }
    }

    /// Takes the chunk's spans; the drawing when the trace is finished.
    pub(crate) fn add(&mut self, chunk: &TraceChunk<'_>) -> Option<String> {
        if self.open.len() >= MAX_TRACES && !self.open.contains_key(&chunk.trace_id) {
            let victim = self.open.keys().next().copied();
            victim.and_then(|trace_id| self.open.remove(&trace_id));
        }
        let rows = self.open.entry(chunk.trace_id).or_default();
        for (span, _) in chunk.all() {
            rows.add(span);
        }
        if !chunk.finished {
            return None;
        }
        let rows = self.open.remove(&chunk.trace_id)?;
        Some(draw(chunk.trace_id, rows, self.colours))
    }
}

impl Rows {
    /// A root comes last of all, and is what everything hangs on: the newest row makes room for it.
    fn add(&mut self, span: &Span) {
        if self.rows.len() >= MAX_ROWS {
            self.left_out += 1;
            if !span.is_root() && !span.data.parent_span_is_remote {
                return;
            }
            self.rows.pop();
        }
        self.rows.push(Row::new(span));
    }
}

impl Row {
    fn new(span: &Span) -> Self {
        Self {
            id: span.data.span_context.span_id(),
            parent: span.data.parent_span_id,
            name: one_line(&span.data.name),
            kind: one_line(span.span_type().as_str()),
            start: span.data.start_time,
            end: span.data.end_time,
            usage: span.token_usage(),
            error: match &span.data.status {
                Status::Error { description } => Some(one_line(description)),
                _ => None,
            },
        }
    }
}

/// A row with its place in the tree.
struct Line {
    branch: String,
    row: Row,
}

fn draw(trace_id: TraceId, rows: Rows, colours: bool) -> String {
    let Rows { rows, left_out } = rows;
    let span = Extent::of(&rows);
    let total = total_usage(&rows);
    let count = rows.len() + left_out;
    let lines = arrange(rows);
    let name_width = lines.iter().map(Line::width).max().unwrap_or(0).min(MAX_NAME_WIDTH);
    let kind_width = lines.iter().map(|line| line.row.kind.chars().count()).max().unwrap_or(0);

    let paint = Paint { colours };
    let mut text = String::new();
    let tokens = total.map(|usage| format!(" · {}", tokens(usage))).unwrap_or_default();
    let plural = if count == 1 { "" } else { "s" };
    let _ = writeln!(
        text,
        "{} {}",
        paint.bold(&format!("{} · {count} span{plural}{tokens}", duration(span.length()))),
        paint.dim(&mlflow_trace_id(trace_id)),
    );
    for line in &lines {
        line.write(&mut text, &span, name_width, kind_width, paint);
    }
    if left_out > 0 {
        let _ = writeln!(text, "  {}", paint.dim(&format!("… {left_out} more spans")));
    }
    text
}

impl Line {
    fn width(&self) -> usize {
        self.branch.chars().count() + self.row.name.chars().count()
    }

    fn write(
        &self,
        text: &mut String,
        span: &Extent,
        name_width: usize,
        kind_width: usize,
        paint: Paint,
    ) {
        let Self { branch, row } = self;
        let room = name_width.saturating_sub(branch.chars().count());
        let name = cut(&row.name, room.max(1));
        let gap = " ".repeat(room.saturating_sub(name.chars().count()));
        let kind = format!("{:<kind_width$}", row.kind);
        let length = duration(row.end.duration_since(row.start).unwrap_or_default());
        let status = match &row.error {
            Some(_) => paint.red("✗"),
            None => paint.green("✓"),
        };
        let note = match (&row.error, row.usage) {
            (Some(message), _) => format!("  {}", paint.red(cut(message, MAX_MESSAGE_CHARS))),
            (None, Some(usage)) => format!("  {}", tokens(usage)),
            (None, None) => String::new(),
        };
        let _ = writeln!(
            text,
            "  {}{name}{gap}  {}  {}  {length:>8}  {status}{note}",
            paint.dim(branch),
            paint.cyan(&kind),
            paint.blue(&span.bar(row)),
        );
    }
}

/// First start and last end of a trace.
struct Extent {
    start: SystemTime,
    end: SystemTime,
}

impl Extent {
    fn of(rows: &[Row]) -> Self {
        let start = rows.iter().map(|row| row.start).min().unwrap_or(SystemTime::UNIX_EPOCH);
        let end = rows.iter().map(|row| row.end).max().unwrap_or(start);
        Self { start, end }
    }

    fn length(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }

    /// Where in the trace the row was busy.
    fn bar(&self, row: &Row) -> String {
        let column = |time: SystemTime| {
            let offset = time.duration_since(self.start).unwrap_or_default().as_micros();
            let length = self.length().as_micros().max(1);
            usize::try_from(offset * BAR_WIDTH as u128 / length).unwrap_or(0)
        };
        let from = column(row.start).min(BAR_WIDTH - 1);
        let to = column(row.end).clamp(from + 1, BAR_WIDTH);
        format!("{}{}{}", " ".repeat(from), "━".repeat(to - from), " ".repeat(BAR_WIDTH - to))
    }
}

/// Parents before children, children by start; a span whose parent is not there is a root.
fn arrange(rows: Vec<Row>) -> Vec<Line> {
    let ids: HashSet<SpanId> = rows.iter().map(|row| row.id).collect();
    let mut children: HashMap<Option<SpanId>, Vec<Row>> = HashMap::new();
    for row in rows {
        let parent = Some(row.parent).filter(|parent| ids.contains(parent) && *parent != row.id);
        children.entry(parent).or_default().push(row);
    }
    for siblings in children.values_mut() {
        siblings.sort_by_key(|row| std::cmp::Reverse(row.start));
    }
    let mut lines = Vec::new();
    let mut stack: Vec<(Row, String, String)> = Vec::new();
    let roots = children.remove(&None).unwrap_or_default();
    stack.extend(roots.into_iter().map(|row| (row, String::new(), String::new())));
    while let Some((row, branch, indent)) = stack.pop() {
        let below = children.remove(&Some(row.id)).unwrap_or_default();
        // The last sibling is pushed first, so that the first is drawn first.
        for (index, child) in below.into_iter().enumerate() {
            let (corner, bar) = if index == 0 { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            stack.push((child, format!("{indent}{corner}"), format!("{indent}{bar}")));
        }
        lines.push(Line { branch, row });
    }
    lines
}

/// Tokens of the whole trace.
fn total_usage(rows: &[Row]) -> Option<TokenUsage> {
    let node = |row: &Row| Node { id: row.id, parent: row.parent, own: row.usage };
    let nodes: Vec<_> = rows.iter().map(node).collect();
    roll_up::total(&nodes, TokenUsage::plus)
}

fn tokens(usage: TokenUsage) -> String {
    format!("{} → {} tokens", usage.input_tokens(), usage.output_tokens())
}

fn duration(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        10_000..1_000_000 => format!("{} ms", duration.as_millis()),
        1_000_000..60_000_000 => format!("{:.2} s", duration.as_secs_f64()),
        _ => format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60),
    }
}

/// Text from a span must not move the cursor or end the line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[derive(Clone, Copy)]
struct Paint {
    colours: bool,
}

impl Paint {
    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    fn blue(self, text: &str) -> String {
        self.paint("34", text)
    }

    fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests;
