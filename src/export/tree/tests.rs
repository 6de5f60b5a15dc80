use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::SpanData;

use super::*;
use crate::semconv::{otel, span as keys};
use crate::tests::{at, chunk, plain, span_data};

#[test]
fn a_trace_is_drawn_as_a_tree() {
    assert_eq!(drawn(&agent()), include_str!("../../../tests/golden/tree/agent.txt"));
}

#[test]
fn colours_change_nothing_but_the_colours() {
    let coloured = Trees::new(true).add(&chunk(&agent(), true)).unwrap();
    let shown = coloured.replace('\u{1b}', "␛");
    assert_eq!(shown, include_str!("../../../tests/golden/tree/agent_in_colours.txt"));
    let bare: String = coloured
        .split('\u{1b}')
        .enumerate()
        .map(|(index, part)| if index == 0 { part } else { part.split_once('m').unwrap().1 })
        .collect();
    assert_eq!(bare, drawn(&agent()));
}

#[test]
fn texts_of_any_kind_keep_to_their_place() {
    let long = "a name that is so long that it would push all the bars far to the right";
    let spans = vec![
        timed("clear\u{1b}[2J the\nscreen", 2, 1, 0, 40),
        typed("a type of one's own", 3, 1, "PLAN\u{1b}]0;x\u{7}NÉR"),
        failed(timed(long, 4, 3, 40, 90), &format!("line one\nline two {}", "x".repeat(100))),
        timed("名前", 5, 3, 50, 60),
        timed("root", 1, 0, 0, 100),
    ];
    let text = drawn(&spans);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert_eq!(text, include_str!("../../../tests/golden/tree/texts.txt"));
}

#[test]
fn a_trace_of_one_span_is_one_row() {
    let text = drawn(&[timed("ping", 1, 0, 0, 0)]);
    assert_eq!(text, include_str!("../../../tests/golden/tree/one.txt"));
}

#[test]
fn the_tokens_of_a_trace_count_each_model_call_once() {
    let usage = |input: i64, output: i64| {
        vec![
            KeyValue::new(otel::GEN_AI_INPUT_TOKENS, input),
            KeyValue::new(otel::GEN_AI_OUTPUT_TOKENS, output),
        ]
    };
    let spans = [
        // Under 3, which reports for both of them.
        SpanData { attributes: usage(10, 1), ..span_data("deep", 5, 4) },
        span_data("between", 4, 3),
        SpanData { attributes: usage(30, 3), ..span_data("sum", 3, 1) },
        SpanData { attributes: usage(5, i64::MAX), ..span_data("other", 2, 1) },
        span_data("root", 1, 0),
    ];
    let text = drawn(&spans.map(plain));
    let head = text.lines().next().unwrap();
    assert!(head.contains(&format!("35 → {} tokens", i64::MAX)), "{head}");
}

#[test]
fn the_parts_of_a_running_trace_are_drawn_once_when_it_is_finished() {
    let mut trees = Trees::new(false);
    let mut spans = agent();
    let last = spans.split_off(3);
    assert_eq!(trees.add(&chunk(&spans, false)), None);
    assert_eq!(trees.add(&chunk(&last, true)), Some(drawn(&agent())));
    assert!(trees.open.is_empty());
}

#[test]
fn a_root_made_up_is_drawn_like_any_other() {
    let child = [timed("child", 2, 1, 0, 50)];
    let root = failed(timed("root", 1, 0, 0, 50), "did not end");
    let chunk = TraceChunk { synthetic_root: Some(&root), ..chunk(&child, true) };
    let text = Trees::new(false).add(&chunk).unwrap();
    assert!(text.contains("2 spans") && text.contains("└─ child"), "{text}");
    assert!(text.contains("✗  did not end"), "{text}");
}

#[test]
fn rows_beyond_the_most_are_counted_and_the_root_is_not_among_them() {
    let child = |id: u64| timed(&format!("child {id}"), id, 1, id, id + 1);
    let mut spans: Vec<Span> = (2..=250).map(child).collect();
    spans.push(timed("root", 1, 0, 0, 1000));
    let text = drawn(&spans);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + MAX_ROWS + 1);
    assert!(lines[0].starts_with("1.00 s · 250 spans"), "{}", lines[0]);
    assert!(lines[1].starts_with("  root"), "{}", lines[1]);
    assert!(lines[2].starts_with("  ├─ child 2"), "{}", lines[2]);
    assert_eq!(lines[MAX_ROWS + 1], "  … 50 more spans");
}

#[test]
fn unfinished_traces_do_not_pile_up() {
    let mut trees = Trees::new(false);
    let spans = [timed("part", 2, 1, 0, 1)];
    for trace in 1..=u128::try_from(MAX_TRACES).unwrap() + 10 {
        let trace_id = TraceId::from(trace);
        let part = TraceChunk { trace_id, ..chunk(&spans, false) };
        assert_eq!(trees.add(&part), None);
        assert!(trees.open.len() <= MAX_TRACES);
    }
}

#[test]
fn spans_that_are_each_others_parents_do_no_harm() {
    let text = drawn(&[timed("a", 1, 2, 0, 1), timed("b", 2, 1, 0, 1), timed("c", 3, 3, 0, 1)]);
    assert!(text.contains("3 spans") && text.contains("  c "), "{text}");
}

#[test]
fn durations_have_the_unit_that_suits_them() {
    for (micros, text) in [
        (0, "0 µs"),
        (999, "999 µs"),
        (1_000, "1.0 ms"),
        (9_999, "10.0 ms"),
        (10_000, "10 ms"),
        (999_999, "999 ms"),
        (1_000_000, "1.00 s"),
        (59_994_000, "59.99 s"),
        (60_000_000, "1 min 0 s"),
        (3_725_000_000, "62 min 5 s"),
    ] {
        assert_eq!(duration(Duration::from_micros(micros)), text);
    }
}

/// An agent that looks things up, fails once, and asks a model; with a span whose parent is missing.
fn agent() -> Vec<Span> {
    let mut chat = typed("chat", 4, 1, "CHAT_MODEL");
    (chat.data.start_time, chat.data.end_time) = (at(360), at(1200));
    let usage = r#"{"input_tokens": 120, "output_tokens": 45, "total_tokens": 165}"#;
    chat.data.attributes.push(KeyValue::new(keys::TOKEN_USAGE, usage));
    let mut lookup = failed(typed("lookup", 3, 2, "TOOL"), "ValueError: no such city");
    (lookup.data.start_time, lookup.data.end_time) = (at(20), at(80));
    let mut search = typed("search", 2, 1, "RETRIEVER");
    (search.data.start_time, search.data.end_time) = (at(10), at(350));
    let mut root = typed("agent", 1, 0, "AGENT");
    (root.data.start_time, root.data.end_time) = (at(0), at(1240));
    vec![
        lookup,
        timed("rank", 6, 2, 90, 345),
        search,
        timed("POST /v1/chat", 5, 4, 365, 1195),
        chat,
        timed("lost its parent", 7, 99, 600, 700),
        root,
    ]
}

fn drawn(spans: &[Span]) -> String {
    Trees::new(false).add(&chunk(spans, true)).unwrap()
}

fn timed(name: &str, id: u64, parent: u64, from: u64, to: u64) -> Span {
    plain(SpanData { start_time: at(from), end_time: at(to), ..span_data(name, id, parent) })
}

fn typed(name: &str, id: u64, parent: u64, kind: &str) -> Span {
    let attributes = vec![KeyValue::new(keys::TYPE, kind.to_owned())];
    plain(SpanData { attributes, ..span_data(name, id, parent) })
}

fn failed(span: Span, message: &str) -> Span {
    let data = SpanData { status: Status::error(message.to_owned()), ..span.data };
    Span { data, ..span }
}
