use opentelemetry::trace::{SpanId, TraceId};

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
fn each_destination_gets_its_part_of_each_trace() {
    let (mut worker, _) = worker(2);
    let only_roots = |data: &SpanData| data.parent_span_id == SpanId::INVALID;
    worker.outlets[1].filter = Some(SpanFilter(Arc::new(only_roots)));
    let (part, end, nothing, made_up) = (1_u128, 1, 2, 3);
    let mut group = [
        release(part, [span_data("child", 2, 1), span_data("child", 3, 1)]),
        Release { finished: true, ..release(end, [root_data([]), span_data("late", 4, 1)]) },
        Release { finished: true, ..release(nothing, []) },
        Release { synthetic_root: Some(Box::new(root_data([]))), ..release(made_up, []) },
    ];
    let parcels = worker.encode(&mut group);
    let told = |parcels: &[Parcel]| -> Vec<(Vec<TraceId>, u64, bool)> {
        let traces = |parcel: &Parcel| parcel.spans.iter().map(|span| span.trace_id).collect();
        parcels.iter().map(|parcel| (traces(parcel), parcel.filtered, parcel.finished)).collect()
    };
    let trace = TraceId::from(1);
    let whole = [(vec![trace; 2], 0, false), (vec![trace; 2], 0, true)];
    let rest = [(vec![], 0, true), (vec![], 0, false)];
    assert_eq!(told(&parcels[0]), [whole.as_slice(), &rest].concat());
    let roots = [(vec![], 2, false), (vec![trace], 1, true)];
    assert_eq!(told(&parcels[1]), [roots.as_slice(), &rest].concat());
}

#[test]
fn so_many_traces_are_encoded_together_as_are_many_or_large() {
    let release = |spans: usize, bytes: usize| {
        let mut release = release(1, (0..spans).map(|_| root_data([])));
        release.spans.iter_mut().for_each(|weighed| weighed.bytes = bytes);
        release
    };
    let few = [release(1, 1), release(2, 1)];
    assert_eq!(first_group(&few), 2);
    let many = [release(1, 1), release(GROUP_SPANS, 1), release(1, 1)];
    assert_eq!(first_group(&many), 2);
    let large =
        [release(0, 0), release(1, GROUP_BYTES / 2), release(1, GROUP_BYTES), release(1, 1)];
    assert_eq!(first_group(&large), 3);
    assert_eq!(first_group(&large[2..]), 1);
    let made_up = || Release { synthetic_root: Some(Box::new(root_data([]))), ..release(0, 0) };
    let made_up: Vec<_> = (0..=GROUP_SPANS).map(|_| made_up()).collect();
    assert_eq!(first_group(&made_up), GROUP_SPANS);
}

/// Spans that leave of a trace that runs.
fn release(trace: u128, spans: impl IntoIterator<Item = SpanData>) -> Release {
    let weighed = |data| Weighed { span: Box::new(Span::plain(data)), bytes: 1 };
    let (trace_id, spans) = (TraceId::from(trace), spans.into_iter().map(weighed).collect());
    Release { trace_id, spans, finished: false, synthetic_root: None }
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
