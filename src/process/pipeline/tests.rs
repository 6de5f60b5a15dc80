//! Every way to wait ends exactly at its deadline, whoever does not answer.

use std::sync::mpsc::{Receiver, Sender, channel};

use opentelemetry_sdk::trace::SpanData;
use proptest::prelude::*;

use super::*;
use crate::export::{Encoder, TraceChunk};
use crate::finding::Finding;
use crate::stats::DropReason;
use crate::sync::clock::waited;
use crate::tests::{cases, pipeline_settings, root_data};
use crate::transport::{Epilogue, Limits, Parcel, Payload, Verdict, Wire};

/// Wants no span, but says so only when it is let.
struct Stuck(Receiver<()>);

impl Encoder for Stuck {
    fn encode(&mut self, chunks: &[TraceChunk<'_>], _: &Arc<Resource>) -> Vec<Parcel> {
        let _ = self.0.recv();
        let parcel = |chunk: &TraceChunk<'_>| Parcel {
            filtered: chunk.spans.len() as u64,
            ..Parcel::default()
        };
        chunks.iter().map(parcel).collect()
    }
}

/// Hangs in the system, where no interrupt reaches it.
struct Deaf(Receiver<()>);

impl Wire for Deaf {
    fn limits(&self) -> Limits {
        Limits::USUAL
    }

    fn prepare(&mut self, _: Duration) -> Verdict {
        let _ = self.0.recv();
        Verdict::delivered()
    }

    fn examine(&mut self, _: Duration) -> Vec<Finding> {
        Vec::new()
    }

    fn deliver(&mut self, _: &[Payload], _: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn finish(&mut self, _: &Epilogue, _: bool, _: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| ())
    }
}

/// A pipe of which neither the worker nor any of two senders answers while what is returned lives.
fn hanging() -> (Pipeline, Vec<Sender<()>>) {
    let mut held = Vec::new();
    let destinations = (0..2).map(|_| {
        let ((worker, stuck), (sender, deaf)) = (channel(), channel());
        held.extend([worker, sender]);
        let (encoder, wire) = (Box::new(Stuck(stuck)), Box::new(Deaf(deaf)));
        Destination::new("nobody".to_owned(), "deaf", encoder, wire)
    });
    let destinations = destinations.collect();
    let resource = Resource::builder_empty().build();
    let pipeline = Pipeline::start(destinations, resource, pipeline_settings()).unwrap();
    (pipeline, held)
}

fn end(pipeline: &Pipeline, span: SpanData) {
    pipeline.intake().unwrap().ended(span);
}

fn conserved(pipeline: &Pipeline) -> Stats {
    let stats = pipeline.stats();
    assert!(stats.destinations.iter().all(|it| it.conserves(stats.ended)), "{stats:?}");
    stats
}

proptest! {
    #![proptest_config(cases(50))]

    #[test]
    fn a_flush_ends_exactly_at_its_deadline(millis in 0..100_000_u64) {
        let patience = Duration::from_millis(millis);
        let (pipeline, _held) = hanging();
        end(&pipeline, root_data([]));
        let (time, result) = waited(|| pipeline.flush(patience));
        prop_assert_eq!(time, patience);
        prop_assert_eq!(result.unwrap_err().pending(), 1);
        conserved(&pipeline);
    }

    #[test]
    fn ready_ends_exactly_at_its_deadline(millis in 0..100_000_u64) {
        let patience = Duration::from_millis(millis);
        let (pipeline, _held) = hanging();
        let (time, result) = waited(|| pipeline.ready(patience));
        prop_assert_eq!(time, patience);
        prop_assert!(result.unwrap_err().is_not_ready());
    }

    #[test]
    fn a_shutdown_ends_at_its_deadline_and_the_grace_that_threads_get(millis in 0..100_000_u64) {
        let patience = Duration::from_millis(millis);
        let (pipeline, _held) = hanging();
        end(&pipeline, root_data([]));
        let (time, result) = waited(|| pipeline.shutdown(patience));
        // The worker has until the deadline, or for the grace if that is longer; then the senders.
        prop_assert_eq!(time, patience.max(GRACE) + GRACE);
        let error = result.unwrap_err();
        // What a thread that hangs holds it may still count; nothing is lost unseen.
        prop_assert_eq!(error.pending() + error.dropped(DropReason::Shutdown) / 2, 1);
        conserved(&pipeline);
        // Whoever comes later finds that it has ended.
        let (time, result) = waited(|| pipeline.shutdown(patience));
        prop_assert_eq!((time, result.is_ok()), (Duration::ZERO, true));
    }
}

#[test]
fn a_shutdown_while_another_shuts_down_waits_for_it_until_its_own_deadline() {
    let (pipeline, _held) = hanging();
    pipeline.ended.store(true, Ordering::SeqCst);
    let patience = Duration::from_secs(7);
    assert_eq!(waited(|| pipeline.shutdown(patience)).0, patience);
    pipeline.lanes.iter().for_each(|lane| lane.outbox.end());
    assert_eq!(waited(|| pipeline.shutdown(patience)).0, Duration::ZERO);
    pipeline.ended.store(false, Ordering::SeqCst);
}

#[test]
fn no_patience_is_too_much() {
    let (pipeline, held) = hanging();
    drop(held);
    pipeline.flush(Duration::MAX).unwrap();
    pipeline.ready(Duration::MAX).unwrap();
    pipeline.shutdown(Duration::MAX).unwrap();
}
