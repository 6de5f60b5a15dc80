//! What is left of spans once they are encoded, to be freed by the threads that make new ones.
//!
//! Memory that is always freed on another thread than it came from never gets back to that one's
//! cache, and allocating the next span's then costs more than freeing the last one's: so whoever
//! ends a span frees one that went before.

use std::mem;

use opentelemetry::KeyValue;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::model::span::Span;
use crate::model::text::Content;
use crate::process::trace::Weighed;

/// Spans above this are freed at once: memory in such pieces is not cached.
const MAX_BYTES: usize = 16 * 1024;

/// The memory that a span's thread gave it.
#[derive(Debug)]
pub(crate) struct Spent {
    _attributes: Vec<KeyValue>,
    _arguments: Vec<KeyValue>,
    _inputs: Option<Content>,
    _outputs: Option<Content>,
    /// What most spans have not got.
    _more: Option<Box<(SpanEvents, SpanLinks, Status)>>,
    /// What the whole span was counted as.
    pub(crate) bytes: usize,
}

/// Spans that were handed over together.
#[derive(Debug, Default)]
pub(crate) struct SpentGroup {
    spans: Vec<Spent>,
    /// What they were counted as.
    bytes: usize,
    /// What spans were counted as that are freed already.
    freed: usize,
}

impl SpentGroup {
    pub(crate) fn with_capacity(spans: usize) -> Self {
        Self { spans: Vec::with_capacity(spans), ..Self::default() }
    }

    /// Takes the memory that the span's thread gave it; returns the rest, which is empty then.
    pub(crate) fn add(&mut self, weighed: Weighed) -> Option<Box<Span>> {
        let Weighed { mut span, bytes } = weighed;
        if bytes > MAX_BYTES {
            self.freed += bytes;
            return None;
        }
        self.bytes += bytes;
        self.spans.push(Spent {
            _attributes: mem::take(&mut span.data.attributes),
            _arguments: mem::take(&mut span.arguments),
            _inputs: span.inputs.take(),
            _outputs: span.outputs.take(),
            _more: more(&mut span.data),
            bytes,
        });
        Some(span)
    }
}

fn more(data: &mut SpanData) -> Option<Box<(SpanEvents, SpanLinks, Status)>> {
    let SpanData { events, links, status, .. } = data;
    let is_plain = events.is_empty() && links.is_empty() && !matches!(status, Status::Error { .. });
    (!is_plain).then(|| Box::new((mem::take(events), mem::take(links), mem::take(status))))
}

/// Groups that wait to be freed, span by span.
#[derive(Debug, Default)]
pub(crate) struct SpentPile {
    groups: Vec<SpentGroup>,
    bytes: usize,
}

impl SpentPile {
    /// Memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a group if the pile stays within `max` bytes; returns it otherwise. Says how many bytes
    /// are no longer taken, or will not be once what is returned is dropped.
    pub(crate) fn add(&mut self, group: SpentGroup, max: usize) -> (usize, Option<SpentGroup>) {
        let freed = group.freed;
        if group.spans.is_empty() || self.bytes + group.bytes > max {
            return (freed + group.bytes, Some(group));
        }
        self.bytes += group.bytes;
        self.groups.push(group);
        (freed, None)
    }

    /// One span's.
    pub(crate) fn pop(&mut self) -> Option<Spent> {
        let group = self.groups.last_mut()?;
        let spent = group.spans.pop();
        if let Some(spent) = &spent {
            self.bytes -= spent.bytes;
        }
        if group.spans.is_empty() {
            self.groups.pop();
        }
        spent
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::tests::{cases, plain, root_data};

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn what_goes_onto_the_pile_comes_off_it_or_is_told_to_be_freed(
            groups in vec(vec(1..2 * MAX_BYTES, 0..6), 0..8),
            pops in vec(0..6_usize, 8),
        ) {
            const MAX: usize = 3 * MAX_BYTES;
            let mut pile = SpentPile::default();
            let mut expected = 0;
            for (sizes, pops) in groups.into_iter().zip(pops) {
                let mut group = SpentGroup::default();
                for bytes in &sizes {
                    let span = Box::new(plain(root_data([KeyValue::new("k", "v")])));
                    let rest = group.add(Weighed { span, bytes: *bytes });
                    let emptied = rest.is_none_or(|span| span.data.attributes.is_empty());
                    prop_assert!(emptied);
                }
                let (freed, _) = pile.add(group, MAX);
                expected += sizes.iter().sum::<usize>() - freed;
                prop_assert_eq!(pile.bytes(), expected);
                prop_assert!(pile.bytes() <= MAX);
                for spent in (0..pops).map_while(|_| pile.pop()) {
                    expected -= spent.bytes;
                }
            }
            while let Some(spent) = pile.pop() {
                expected -= spent.bytes;
            }
            prop_assert_eq!((pile.bytes(), expected), (0, 0));
        }
    }
}
