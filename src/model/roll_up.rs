//! What the spans of a trace report of it together, nothing counted twice.

use std::collections::HashMap;

use opentelemetry::trace::SpanId;

/// A span's place in its trace, and what it reports itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<T> {
    pub(crate) id: SpanId,
    pub(crate) parent: SpanId,
    pub(crate) own: Option<T>,
}

/// The sum of what is reported: what a span says includes what the spans below it say, and siblings
/// add up. A span whose parent is not among them begins a tree of its own.
///
/// Source: mlflow 3.17.2 `tracing/utils` `_aggregate_from_nodes`.
pub(crate) fn total<T: Copy>(nodes: &[Node<T>], plus: impl Fn(T, T) -> T) -> Option<T> {
    // Most traces report nothing, or in one place.
    if nodes.iter().filter(|node| node.own.is_some()).nth(1).is_none() {
        return nodes.iter().find_map(|node| node.own);
    }
    let mut cover = Cover::of(nodes);
    let counted = nodes.iter().filter(|node| node.own.is_some() && !cover.is_above(node.parent));
    counted.filter_map(|node| node.own).reduce(plus)
}

/// Which spans report something, or have a span above them that does.
struct Cover {
    spans: HashMap<SpanId, Place>,
}

#[derive(Clone, Copy)]
struct Place {
    parent: SpanId,
    /// None until it was looked for.
    covers: Option<bool>,
}

impl Cover {
    fn of<T>(nodes: &[Node<T>]) -> Self {
        let place = |node: &Node<T>| {
            let covers = node.own.is_some().then_some(true);
            (node.id, Place { parent: node.parent, covers })
        };
        Self { spans: nodes.iter().map(place).collect() }
    }

    /// Whether the span of this id, or one above it, reports something. What is found is kept, so
    /// that no way is gone twice, however deep the tree is.
    fn is_above(&mut self, id: SpanId) -> bool {
        let mut way = Vec::new();
        let mut at = id;
        let covers = loop {
            match self.spans.get_mut(&at) {
                None => break false,
                Some(Place { covers: Some(known), .. }) => break *known,
                Some(place) => {
                    // Ids that form a circle have no root: what is met again covers nothing.
                    place.covers = Some(false);
                    way.push(at);
                    at = place.parent;
                }
            }
        };
        for id in way {
            if let Some(place) = self.spans.get_mut(&id) {
                place.covers = Some(covers);
            }
        }
        covers
    }
}

#[cfg(test)]
mod tests;
