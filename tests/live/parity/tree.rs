//! Spans by their place in the trace, so that two traces can be compared without ids.

use std::collections::{BTreeMap, HashMap};

use mlflow_tracing::semconv::span::TIME_TO_FIRST_CHUNK;
use serde_json::{Map, Value};

/// Times before this one were said by the scenario; later ones are those of the run.
const SAID_BEFORE: u64 = 1_735_689_600_000_000_000;

pub(crate) struct Node {
    pub(crate) id: String,
    /// `None` for a root, and where the parent is in no trace that was read.
    pub(crate) parent: Option<String>,
    pub(crate) name: String,
    /// In nanoseconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) content: Map<String, Value>,
}

/// Each span's place by its id: the names from the root on, numbered where there are several.
pub(crate) fn places(nodes: &[Node]) -> HashMap<String, String> {
    let mut ordered: Vec<&Node> = nodes.iter().collect();
    ordered.sort_by_key(|node| (depth(node, nodes), node.start));
    let mut places = HashMap::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for node in ordered {
        let above = node.parent.as_ref().and_then(|parent| places.get(parent));
        let place = above
            .map_or_else(|| node.name.clone(), |above: &String| format!("{above} › {}", node.name));
        let count = counts.entry(place.clone()).or_default();
        *count += 1;
        let place = if *count == 1 { place } else { format!("{place} ({count})") };
        places.insert(node.id.clone(), place);
    }
    places
}

fn depth(node: &Node, nodes: &[Node]) -> usize {
    let parent = nodes.iter().find(|other| node.parent.as_ref() == Some(&other.id));
    parent.map_or(0, |parent| 1 + depth(parent, nodes))
}

/// What the spans carry, by place.
pub(crate) fn tree(nodes: Vec<Node>) -> Value {
    let places = places(&nodes);
    let ends: BTreeMap<String, u64> =
        nodes.iter().map(|node| (node.id.clone(), node.end)).collect();
    let mut tree = Map::new();
    for mut node in nodes {
        for (key, time) in [("start_time", node.start), ("end_time", node.end)] {
            if let Some(time) = said(time) {
                node.content.insert(key.to_owned(), time);
            }
        }
        let parent = node.parent.as_ref();
        if parent.is_some_and(|parent| ends.get(parent).is_some_and(|end| *end < node.end)) {
            node.content.insert("ends after its parent".to_owned(), true.into());
        }
        if parent.is_some_and(|parent| !ends.contains_key(parent)) {
            node.content.insert("parent".to_owned(), "not in this trace".into());
        }
        tree.insert(places[&node.id].clone(), node.content.into());
    }
    tree.into()
}

/// Attributes without how long something took in this run.
pub(crate) fn without_times(mut attributes: Map<String, Value>) -> Map<String, Value> {
    if let Some(time) = attributes.get_mut(TIME_TO_FIRST_CHUNK).filter(|time| time.is_f64()) {
        *time = "(a time)".into();
    }
    attributes
}

/// The time, if it is one that the scenario said.
pub(crate) fn said(time: u64) -> Option<Value> {
    (time < SAID_BEFORE).then(|| time.into())
}
