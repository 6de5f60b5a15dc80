//! Iterators: they are streams without waiting.

use mlflow_tracing::trace;
use serde_json::json;
use tracing::info_span;

use crate::support::app::captured;

#[test]
fn an_iterator_lasts_until_it_is_drained() {
    #[trace]
    fn count(to: u8) -> impl Iterator<Item = u8> {
        (0..to).inspect(|_| drop(info_span!("step")))
    }
    let spans = captured(|| {
        for number in count(2) {
            drop(info_span!("loop", number));
        }
    });
    let span = spans.one("count");
    assert_eq!(span.outputs(), Some(json!([0, 1])));
    assert_eq!(span.inputs(), Some(json!({ "to": 2 })));
    assert_eq!(span.status(), ("UNSET", ""));
    assert_eq!(span.events()[1].0, "mlflow.chunk.item.1");
    assert_eq!(span.attribute("mlflow.spanFunctionName"), None);
    for other in spans.0.iter().filter(|it| it.span.name != "count") {
        assert_eq!(other.is_child_of(span), other.span.name == "step");
    }
}

#[test]
fn an_iterator_stays_what_it_was() {
    #[trace]
    fn both_ends() -> impl DoubleEndedIterator<Item = u8> + ExactSizeIterator {
        [1, 2, 3].into_iter()
    }
    #[trace]
    fn boxed<'a>(words: &'a [String]) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        Box::new(words.iter().map(String::as_str))
    }
    #[trace(outputs = |numbers| numbers.iter().sum::<u8>())]
    fn tried(text: &str) -> Result<impl Iterator<Item = Result<u8, String>>, String> {
        let numbers: Vec<u8> = text.bytes().collect();
        if numbers.is_empty() { Err("empty".to_owned()) } else { Ok(numbers.into_iter().map(Ok)) }
    }
    let spans = captured(|| {
        let mut numbers = both_ends();
        assert_eq!(numbers.len(), 3);
        assert_eq!(
            (numbers.next_back(), numbers.next(), numbers.next()),
            (Some(3), Some(1), Some(2))
        );
        assert_eq!(numbers.next(), None);
        assert_eq!(boxed(&["a".to_owned()]).collect::<Vec<_>>(), ["a"]);
        assert_eq!(tried("\u{1}\u{2}").unwrap().count(), 2);
        drop(info_span!("between"));
        assert!(tried("").is_err());
    });
    assert_eq!(spans.one("both_ends").outputs(), Some(json!([3, 1, 2])));
    assert_eq!(spans.one("boxed").outputs(), Some(json!(["a"])));
    let tried: Vec<_> = spans.0.iter().filter(|it| it.span.name == "tried").collect();
    assert_eq!(tried[0].outputs(), Some(json!(3)));
    assert_eq!(tried[1].status(), ("ERROR", "empty"));
}

#[test]
fn an_err_of_an_iterator_ends_its_span() {
    #[trace]
    fn lines() -> impl Iterator<Item = Result<&'static str, std::num::ParseIntError>> {
        ["a", "b", "c"]
            .into_iter()
            .map(|it| if it == "b" { Err("b".parse::<u8>().unwrap_err()) } else { Ok(it) })
    }
    let spans = captured(|| assert_eq!(lines().count(), 3));
    assert_eq!(
        spans.one("lines").status(),
        ("ERROR", "ParseIntError: invalid digit found in string")
    );
    assert_eq!(spans.one("lines").outputs(), Some(json!(["a"])));
}

#[test]
fn returns_value_takes_what_could_go_on_for_a_value() {
    #[trace(returns = value)]
    fn range() -> impl Iterator<Item = u8> + std::fmt::Debug {
        0..2
    }
    let spans = captured(|| drop(range()));
    assert_eq!(spans.one("range").status(), ("UNSET", ""));
    // A range is `Serialize`, which comes first.
    assert_eq!(spans.one("range").outputs(), Some(json!({ "start": 0, "end": 2 })));
}
