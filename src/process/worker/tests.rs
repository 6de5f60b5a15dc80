use opentelemetry::trace::TraceId;

use super::*;
use crate::process::aggregate::TableLimits;
use crate::process::roots::OpenRoot;
use crate::stats::DropReason;
use crate::tests::{root_data, span_data};
use crate::transport::outbox::Capacity;
use crate::transport::{Body, Envelope, Limits, Parcel, Payload};

/// One byte a span.
struct Plain;

impl Encoder for Plain {
    fn encode(&mut self, chunks: &[TraceChunk<'_>], _resource: &Arc<Resource>) -> Vec<Parcel> {
        let envelope = Arc::new(Envelope::default());
        let parcel = |chunk: &TraceChunk<'_>| {
            let payload = |_: &&Span| Payload {
                trace_id: chunk.trace_id,
                envelope: Arc::clone(&envelope),
                body: Body::Bytes(vec![0].into()),
                counted: true,
            };
            Parcel { spans: chunk.spans.iter().map(payload).collect(), ..Parcel::default() }
        };
        chunks.iter().map(parcel).collect()
    }
}

#[test]
fn every_destination_gets_every_span_in_one_step_of_the_account() {
    let (mut worker, outboxes) = worker(2);
    let intake = Arc::clone(&worker.intake);
    intake.ended(span_data("child", 2, 1));
    intake.ended(root_data([]));
    ingest(&mut worker);
    let releases = worker.table.flush();
    assert_eq!(intake.snapshot(|| ()).0.held, 2);
    worker.hand_over(releases, now());
    let (account, pending) = intake
        .snapshot(|| outboxes.iter().map(|outbox| outbox.stats(now()).pending).collect::<Vec<_>>());
    assert_eq!((account.ended, account.held, pending), (2, 0, vec![2, 2]));
}

#[test]
fn what_the_worker_holds_when_closing_time_is_over_is_accounted_for() {
    let (mut worker, outboxes) = worker(1);
    let intake = Arc::clone(&worker.intake);
    intake.started(OpenRoot::told(root_data([])));
    intake.ended(span_data("child", 2, 1));
    ingest(&mut worker);
    // The patience of whoever shuts down ends while the worker is at something else.
    intake.close(now());
    outboxes[0].end();
    worker.run();
    assert_eq!(intake.snapshot(|| ()).0.held, 0);
    let stats = outboxes[0].stats(now());
    assert!(stats.conserves(1) && stats.dropped.get(DropReason::Shutdown) == 1, "{stats:?}");
}

#[test]
fn a_worker_told_to_close_hands_everything_over_and_ends() {
    let (worker, outboxes) = worker(1);
    let intake = Arc::clone(&worker.intake);
    intake.started(OpenRoot::told(root_data([])));
    intake.ended(span_data("child", 2, 1));
    std::thread::scope(|scope| {
        scope.spawn(|| worker.run());
        intake.close(now() + Duration::from_secs(60));
    });
    assert_eq!(intake.snapshot(|| ()).0.held, 0);
    let limits = Limits { max_spans: 10, max_bytes: 1 << 20 };
    assert_eq!(outboxes[0].take(limits).unwrap().spans.len(), 1);
}

#[test]
fn so_many_traces_are_encoded_together_as_are_many_or_large() {
    let release = |spans: usize, bytes: usize| Release {
        trace_id: TraceId::from(1),
        spans: (0..spans)
            .map(|_| Weighed { span: Box::new(Span::plain(root_data([]))), bytes })
            .collect(),
        finished: true,
        synthetic_root: None,
    };
    let few = [release(1, 1), release(2, 1)];
    assert_eq!(first_group(&few), 2);
    let many = [release(1, 1), release(GROUP_SPANS, 1), release(1, 1)];
    assert_eq!(first_group(&many), 2);
    let large =
        [release(0, 0), release(1, GROUP_BYTES / 2), release(1, GROUP_BYTES), release(1, 1)];
    assert_eq!(first_group(&large), 3);
    assert_eq!(first_group(&large[2..]), 1);
}

fn worker(destinations: usize) -> (Worker, Vec<Arc<Outbox>>) {
    let outboxes: Vec<_> = (0..destinations)
        .map(|_| {
            Arc::new(Outbox::new(
                "test".to_owned(),
                Capacity { bytes: 1 << 20, spans: None, parcels: None },
                None,
                None,
            ))
        })
        .collect();
    let outlets = outboxes
        .iter()
        .map(|outbox| Outlet { encoder: Box::new(Plain), filter: None, outbox: Arc::clone(outbox) })
        .collect();
    let resource = Arc::new(Resource::builder_empty().build());
    let intake = Arc::new(Intake::new(1 << 20));
    let account = Account::new(Arc::clone(&intake), outboxes.clone(), Vec::new(), None);
    let worker = Worker {
        tick: TICK,
        intake,
        account: Arc::new(account),
        table: TraceTable::new(TableLimits::default()),
        trim: SpanTrim::default(),
        prices: None,
        outlets,
        resource: Arc::new(Mutex::new(resource)),
        spare: Vec::new(),
    };
    (worker, outboxes)
}

/// What the worker does first in each round.
fn ingest(worker: &mut Worker) {
    let mut arrivals = Arrivals::default();
    worker.intake.take(&mut arrivals, Some(now()), true);
    for root in arrivals.started {
        assert!(worker.table.started(root, now()).is_none());
    }
    for Ended { data, bytes } in arrivals.ended {
        let span = worker.meant(data, bytes);
        assert!(worker.table.ended(Weighed { span, bytes }, now()).is_none());
    }
}
