//! A trace in the trace table.

use std::time::{Duration, Instant, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, Status};
use opentelemetry_sdk::trace::SpanData;

use crate::model::span::Span;
use crate::process::roots::OpenRoots;
use crate::process::updates::Updates;
use crate::semconv;

/// Spans that a trace has room for at first.
const USUAL_SPANS: usize = 6;

/// A span with the memory it takes.
#[derive(Debug)]
pub(crate) struct Weighed {
    pub(crate) span: Box<Span>,
    pub(crate) bytes: usize,
}

/// Why a root that has not ended is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Expired,
    Shutdown,
}

#[derive(Debug)]
pub(crate) struct Trace {
    /// Traces that leave together leave in the order in which they came.
    pub(crate) number: u64,
    pub(crate) due: Instant,
    /// When the table looks at it, which may be too early: what is put off is not written down.
    pub(crate) look: Instant,
    pub(crate) last_activity: Instant,
    pub(crate) spans: Vec<Weighed>,
    pub(crate) open_roots: OpenRoots,
    pub(crate) root_ended: bool,
    /// When the trace leaves, once its roots have ended.
    pub(crate) leaves: Option<Instant>,
    /// Whether a part of it has left, so that somebody waits for the rest.
    pub(crate) announced: bool,
    /// The latest end of a span, for a root that has none.
    pub(crate) latest_end: SystemTime,
    /// What was said of it while it runs.
    updates: Updates,
    /// Whether that stands in a root which has left.
    written: bool,
}

impl Trace {
    pub(crate) fn new(number: u64, now: Instant, ttl: Duration, updates: Updates) -> Self {
        Self {
            number,
            due: now + ttl,
            look: now + ttl,
            last_activity: now,
            spans: Vec::with_capacity(USUAL_SPANS),
            open_roots: OpenRoots::default(),
            root_ended: false,
            leaves: None,
            announced: false,
            latest_end: SystemTime::UNIX_EPOCH,
            updates,
            written: false,
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.root_ended && self.open_roots.is_empty()
    }

    /// Takes what was said of it; returns how much memory is given back.
    pub(crate) fn say(&mut self, updates: Updates) -> usize {
        self.written = false;
        self.updates.say_all(updates)
    }

    /// Writes what was said of it into the root among the spans that leave. Where the root of the
    /// whole trace is in another process, the roots of this process's part take its place.
    pub(crate) fn write_updates(
        &mut self,
        leaving: &mut [Weighed],
        made_up: Option<&mut SpanData>,
    ) {
        if self.updates.is_empty() {
            return;
        }
        if let Some(root) = made_up {
            self.updates.write(&mut root.attributes);
            self.written = true;
            return;
        }
        let has_whole = leaving.iter().any(|weighed| weighed.span.is_root());
        if !has_whole && self.open_roots.iter().any(|root| root.is_whole) {
            return;
        }
        for Weighed { span, .. } in leaving {
            if span.is_root() || (!has_whole && is_local_root(&span.data)) {
                self.updates.write(&mut span.data.attributes);
                self.written = true;
            }
        }
    }

    /// Chooses what stands for a root that is sent somewhere else: the first of the roots here. One
    /// that ends while another has not may be below that.
    pub(crate) fn choose_root(&self, leaving: &mut [Weighed]) {
        if !self.open_roots.is_empty() || leaving.iter().any(|weighed| weighed.span.is_root()) {
            return;
        }
        let roots = leaving.iter_mut().filter(|weighed| is_local_root(&weighed.span.data));
        if let Some(first) = roots.min_by_key(|weighed| weighed.span.data.start_time) {
            first.span.stands_for_root = true;
        }
    }

    /// What was said of it, and whether that has left with a root.
    pub(crate) fn into_updates(self) -> (Updates, bool) {
        (self.updates, self.written)
    }

    /// A root made of what is known of it, when the trace's root is one of this process.
    pub(crate) fn synthetic_root(
        &self,
        lost: Lost,
        ttl: Duration,
        callers_elsewhere: bool,
    ) -> Option<SpanData> {
        let root = self.open_roots.iter().find(|root| root.is_whole || callers_elsewhere)?;
        let mut root = root.data()?;
        root.parent_span_id = SpanId::INVALID;
        let (reason, description) = match lost {
            Lost::Expired => (
                "expired",
                format!("the root span did not end within {} s of silence", ttl.as_secs()),
            ),
            Lost::Shutdown => {
                ("shutdown", "tracing was shut down before the root span ended".to_owned())
            }
        };
        root.end_time = root.start_time.max(self.latest_end);
        root.status = Status::error(description);
        root.attributes.push(KeyValue::new(semconv::span::SYNTHETIC, reason));
        Some(root)
    }
}

/// A span whose parent is not in this process.
pub(crate) fn is_local_root(span: &SpanData) -> bool {
    span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote
}
