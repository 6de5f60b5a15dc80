//! What stands in the parentheses.

use std::fmt::Debug;
use std::fs;
use std::path::Path;

use mlflow_tracing::{SpanType, semconv, trace};
use serde::Serialize;
use serde_json::json;
use tracing::level_filters::LevelFilter;

use crate::support::app::{Traced, captured};

const PLAN: &str = "app.plan";

#[derive(Debug, Serialize)]
struct Plan {
    steps: Vec<u8>,
}

#[test]
fn a_span_has_the_name_that_it_is_given() {
    #[trace(name = "look it up")]
    fn search() {}
    #[trace]
    fn r#async() {}
    let spans = captured(|| {
        search();
        r#async();
    });
    assert_eq!(spans.one("look it up").attribute("mlflow.spanFunctionName"), Some(json!("search")));
    assert_eq!(spans.one("async").attribute("mlflow.spanFunctionName"), Some(json!("async")));
}

#[test]
fn a_span_type_is_a_variant_a_path_a_word_or_a_value() {
    #[trace(span_type = ChatModel)]
    fn variant() {}
    #[trace(span_type = SpanType::Tool)]
    fn path() {}
    #[trace(span_type = "PLANNER")]
    fn word() {}
    #[trace(span_type = { kind })]
    fn value(kind: &str) {}
    #[trace(span_type = if deep { SpanType::Agent } else { SpanType::Custom("SHALLOW") })]
    fn expression(deep: bool) {}
    let spans = captured(|| {
        variant();
        path();
        word();
        value("RETRIEVER");
        expression(false);
    });
    let span_type = |name| spans.one(name).attribute("mlflow.spanType").unwrap();
    assert_eq!(span_type("variant"), "CHAT_MODEL");
    assert_eq!(span_type("path"), "TOOL");
    assert_eq!(span_type("word"), "PLANNER");
    assert_eq!(span_type("value"), "RETRIEVER");
    assert_eq!(span_type("expression"), "SHALLOW");
}

#[test]
fn the_macro_knows_every_span_type() {
    let read = |path| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let table = |text: &str, start: &str, word: &str| -> Vec<(String, String)> {
        let table = text.split(start).nth(1).unwrap().split("];").next().unwrap().to_owned();
        let rows = table.lines().filter_map(|line| line.trim().strip_prefix('('));
        let pair = |row: &str| {
            let (variant, name) = row.split_once(", ").unwrap();
            let variant = variant.trim_start_matches(word).trim_matches('"').to_owned();
            (variant, name.trim_matches(['"', ')', ',']).to_owned())
        };
        rows.map(pair).collect()
    };
    let ours = table(&read("src/model/span_type.rs"), "const NAMES", "SpanType::");
    assert_eq!(table(&read("macros/src/span_type.rs"), "const VARIANTS", "SpanType::"), ours);
    assert_eq!(ours.len(), 15);
}

#[test]
fn attributes_are_typed_and_structures_are_structures() {
    #[trace(attributes(
        kind = "fixed",
        app.count = count,
        app.ratio = 0.5,
        app.fast = true,
        "app-key" = format!("{count} words"),
        { PLAN } = Plan { steps: vec![1, 2] },
        session.id = session,
        app.odd = std::collections::BTreeSet::<u8>::from([1]),
        app.type = 'x',
    ))]
    fn work(count: u32, session: &str) {}
    let traced = Traced::mlflow();
    traced.run(|| work(3, "s-1"));
    let spans = traced.delivered();
    let span = spans.one("work");
    let expected = [
        ("kind", json!("fixed")),
        ("app.count", json!(3)),
        ("app.ratio", json!(0.5)),
        ("app.fast", json!(true)),
        ("app-key", json!("3 words")),
        ("app.plan", json!(r#"{"steps":[1,2]}"#)),
        ("session.id", json!("s-1")),
        ("app.odd", json!("[1]")),
        ("app.type", json!("x")),
    ];
    for (key, value) in expected {
        assert_eq!(span.attribute(key), Some(value), "{key}");
    }
    assert_eq!(span.inputs(), Some(json!({ "count": 3, "session": "s-1" })));
}

#[test]
fn what_is_skipped_is_no_input_and_need_not_be_told() {
    struct Secret;
    #[trace(skip(secret, second))]
    fn some(question: &str, secret: &Secret, (first, second): (u8, u8)) -> u8 {
        let _ = (question, secret);
        first + second
    }
    #[trace(skip_all)]
    fn all(question: &str) -> usize {
        question.len()
    }
    let spans = captured(|| {
        some("why?", &Secret, (1, 2));
        all("why?");
    });
    assert_eq!(spans.one("some").inputs(), Some(json!({ "question": "why?", "first": 1 })));
    assert_eq!(spans.one("all").inputs(), None);
}

#[test]
fn inputs_and_outputs_may_be_said() {
    #[trace(inputs = (&question[..1], number + 1), outputs = Vec::len)]
    fn reduced(question: &str, number: u8) -> Vec<String> {
        vec![question.to_owned(); usize::from(number)]
    }
    fn first(words: &[&'static str; 2]) -> &'static str {
        words[0]
    }
    #[trace(inputs = json!({ "messages": [question] }), outputs = first)]
    fn by_path(question: &str) -> [&'static str; 2] {
        let _ = question;
        ["one", "two"]
    }
    #[trace(outputs = "redacted")]
    fn said() -> &'static str {
        "secret"
    }
    #[trace(outputs = |number| number * 2)]
    fn of_ok(fails: bool) -> Result<u8, &'static str> {
        if fails { Err("no") } else { Ok(4) }
    }
    let spans = captured(|| {
        reduced("why?", 2);
        by_path("why?");
        said();
        of_ok(false)
    });
    assert_eq!(spans.one("reduced").inputs(), Some(json!(["w", 3])));
    assert_eq!(spans.one("reduced").outputs(), Some(json!(2)));
    assert_eq!(spans.one("by_path").inputs(), Some(json!({ "messages": ["why?"] })));
    assert_eq!(spans.one("by_path").outputs(), Some(json!("one")));
    assert_eq!(spans.one("said").outputs(), Some(json!("redacted")));
    assert_eq!(spans.one("of_ok").outputs(), Some(json!(8)));
}

#[test]
fn a_reducer_that_panics_costs_the_output_and_nothing_else() {
    #[trace(outputs = |words| words[7])]
    fn short() -> Vec<u8> {
        vec![1]
    }
    let spans = captured(|| assert_eq!(short(), [1]));
    let span = spans.one("short");
    assert!(span.outputs().unwrap().as_str().unwrap().contains("index out of bounds"));
    assert_eq!(span.status().0, "UNSET");
}

#[test]
fn a_sampling_ratio_decides_over_the_traces_that_begin_with_the_function() {
    #[trace(sampling_ratio = 0)]
    fn never() {
        always();
    }
    #[trace(sampling_ratio = 1)]
    fn always() {}
    #[trace(sampling_ratio = ratio)]
    fn sometimes(ratio: f64) {
        never();
    }
    let spans = captured(|| {
        never();
        always();
        sometimes(0.0);
        sometimes(1.0);
    });
    // `never` in `sometimes` begins no trace.
    assert_eq!(spans.sorted_names(), ["always", "always", "never", "sometimes"]);
    assert_eq!(spans.one("sometimes").inputs(), Some(json!({ "ratio": 1.0 })));
    // The note does not leave the process.
    for span in &spans.0 {
        let attributes = span.attributes();
        assert!(!attributes.keys().any(|key| key.contains("sampling")), "{attributes:?}");
    }
}

#[test]
fn a_parent_may_be_said() {
    #[trace(parent = parent)]
    fn of(parent: &tracing::Span) {}
    #[trace(parent = None)]
    fn root() {}
    let spans = captured(|| {
        let parent = tracing::info_span!("parent");
        tracing::info_span!("current").in_scope(|| {
            of(&parent);
            root();
        });
    });
    assert!(spans.one("of").is_child_of(spans.one("parent")));
    assert!(spans.one("root").is_root());
    assert_ne!(spans.one("root").trace_id(), spans.one("current").trace_id());
}

#[test]
fn a_level_and_a_target_are_those_of_tracing() {
    #[trace(level = "debug")]
    fn debug() {}
    #[trace(level = tracing::Level::TRACE)]
    fn trace_level() {}
    #[trace(level = 5, target = "hyper::client")]
    fn infrastructure() {}
    #[trace(target = "elsewhere")]
    fn elsewhere() {}
    let all = || {
        debug();
        trace_level();
        infrastructure();
        elsewhere();
    };
    assert_eq!(captured(all).names(), ["elsewhere"]);
    let traced = Traced::otlp_with(|builder| builder.with_max_level(LevelFilter::DEBUG));
    traced.run(all);
    assert_eq!(traced.delivered().names(), ["debug", "elsewhere"]);
}

#[test]
fn the_crate_may_have_another_name() {
    use mlflow_tracing as renamed;
    mod inside {
        pub(super) use mlflow_tracing as tracing_for_us;
    }
    #[renamed::trace(crate = inside::tracing_for_us)]
    fn work() {}
    assert_eq!(captured(work).names(), ["work"]);
}

#[test]
fn a_constant_may_be_a_key() {
    #[trace(attributes({ semconv::span::MODEL } = model), skip_all)]
    fn chat(model: &str) {}
    let spans = captured(|| chat("gpt-4o"));
    assert_eq!(spans.one("chat").attribute("mlflow.llm.model"), Some(json!("gpt-4o")));
}
