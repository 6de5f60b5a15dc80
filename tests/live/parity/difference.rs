//! What differs, and which of it is meant to: `differences.json`.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

/// How much of a value is shown.
const SHOWN_CHARS: usize = 160;
const ABSENT: &str = "(absent)";
const ANYTHING: &str = "(anything)";

/// A difference that is meant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Meant {
    /// The places, in which `*` is any text.
    #[serde(rename = "where")]
    pub(crate) place: String,
    /// What is there: a value, `(absent)`, `(anything)`, or a text, in which `*` is any text, `{ours}`
    /// the text of ours, and `{python}` that of Python. Of an object those fields that are of interest.
    #[serde(alias = "always")]
    pub(crate) python: Value,
    #[serde(alias = "auto")]
    pub(crate) ours: Value,
    pub(crate) reason: String,
}

/// All that is meant, by what is compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Differences {
    /// Traces that were stored.
    pub(crate) stored: Vec<Meant>,
    /// Traces stored with the trace-info call of each, and with only those that are needed.
    pub(crate) auto: Vec<Meant>,
    /// Requests to MLflow servers.
    pub(crate) golden: Vec<Meant>,
    /// Requests to other receivers.
    pub(crate) golden_of_collectors: Vec<Meant>,
    /// Requests that are not made.
    pub(crate) golden_left_out: Vec<LeftOut>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeftOut {
    pub(crate) golden: String,
    pub(crate) reason: String,
}

/// A difference that was found; what is absent is `None`.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) place: String,
    pub(crate) python: Option<Value>,
    pub(crate) ours: Option<Value>,
}

impl Differences {
    pub(crate) fn meant() -> Self {
        serde_json::from_str(include_str!("differences.json")).unwrap()
    }
}

/// Every place in which the two differ, as deep in them as can be said.
pub(crate) fn between(python: &Value, ours: &Value) -> Vec<Found> {
    let mut found = Vec::new();
    compare("", Some(python), Some(ours), &mut found);
    found
}

fn compare(place: &str, python: Option<&Value>, ours: Option<&Value>, found: &mut Vec<Found>) {
    let below =
        |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}/{key}") };
    match (python, ours) {
        (Some(python), Some(ours)) if python == ours => {}
        (Some(Value::Object(python)), Some(Value::Object(ours))) => {
            let more = ours.keys().filter(|key| !python.contains_key(*key));
            for key in python.keys().chain(more) {
                compare(&below(key), python.get(key), ours.get(key), found);
            }
        }
        (Some(Value::Array(python)), Some(Value::Array(ours))) if python.len() == ours.len() => {
            for (index, (python, ours)) in python.iter().zip(ours).enumerate() {
                compare(&below(&index.to_string()), Some(python), Some(ours), found);
            }
        }
        (python, ours) => {
            found.push(Found {
                place: place.to_owned(),
                python: python.cloned(),
                ours: ours.cloned(),
            });
        }
    }
}

/// Panics when a difference is not meant, or one that is meant is none.
pub(crate) fn check(found: &[Found], meant: &[Meant]) {
    let mut said = String::new();
    for difference in found.iter().filter(|found| !meant.iter().any(|meant| meant.is(found))) {
        let Found { place, python, ours } = difference;
        let (python, ours) = (shown(python.as_ref()), shown(ours.as_ref()));
        let _ = writeln!(said, "{place}\n    Python: {python}\n    ours:   {ours}");
    }
    for meant in meant.iter().filter(|meant| !found.iter().any(|found| meant.is(found))) {
        let _ =
            writeln!(said, "{}\n    is in differences.json, but does not differ so", meant.place);
    }
    assert!(said.is_empty(), "what differs, and is not meant to:\n\n{said}");
}

impl Meant {
    fn is(&self, found: &Found) -> bool {
        is_like(&found.place, &self.place)
            && is_value(found.python.as_ref(), &filled(&self.python, "{ours}", found.ours.as_ref()))
            && is_value(found.ours.as_ref(), &filled(&self.ours, "{python}", found.python.as_ref()))
    }
}

/// What is meant, with the text of the other side in its place.
fn filled(meant: &Value, place: &str, other: Option<&Value>) -> Value {
    match (meant, other) {
        (Value::String(meant), Some(Value::String(other))) => meant.replace(place, other).into(),
        (meant, _) => meant.clone(),
    }
}

fn is_value(found: Option<&Value>, meant: &Value) -> bool {
    match (found, meant) {
        (None, meant) => meant == ABSENT,
        (Some(_), Value::String(meant)) if meant == ANYTHING => true,
        (Some(Value::String(found)), Value::String(meant)) => is_like(found, meant),
        (Some(Value::Object(found)), Value::Object(meant)) => {
            meant.iter().all(|(key, meant)| is_value(found.get(key), meant))
        }
        (Some(found), meant) => found == meant,
    }
}

/// Whether `text` is `pattern`, in which `*` is any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else {
        return text == pattern;
    };
    let Some(text) = text.strip_prefix(begin) else {
        return false;
    };
    let mut rests = text.char_indices().map(|(at, _)| &text[at..]).chain([""]);
    rests.any(|text| is_like(text, rest))
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| ABSENT.to_owned(), Value::to_string);
    if text.chars().count() <= SHOWN_CHARS {
        return text;
    }
    let begin: String = text.chars().take(SHOWN_CHARS).collect();
    format!("{begin}… ({} characters)", text.chars().count())
}
