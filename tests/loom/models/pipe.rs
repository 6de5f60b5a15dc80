//! The whole pipe: the worker, the trace table and the sender as they are, between an encoder and a
//! destination of the models.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use loom::thread::{self, JoinHandle};
use opentelemetry_sdk::Resource;

use super::{Count, model, never, root};
use crate::export::{Encoder, TraceChunk};
use crate::finding::Finding;
use crate::process::account::Account;
use crate::process::aggregate::TableLimits;
use crate::process::intake::Intake;
use crate::process::limits::SpanTrim;
use crate::process::pipeline::PipelineSettings;
use crate::process::worker::{Outlet, Worker};
use crate::sync::now;
use crate::transport::outbox::{Capacity, Outbox};
use crate::transport::retry::RetryPolicy;
use crate::transport::sender::Sender;
use crate::transport::{Body, Envelope, Epilogue, Limits, Parcel, Payload, Repeat, Verdict, Wire};

/// A byte for each span.
struct ShortEncoder;

impl Encoder for ShortEncoder {
    fn encode(&mut self, chunks: &[TraceChunk<'_>], _resource: &Arc<Resource>) -> Vec<Parcel> {
        let parcel = |chunk: &TraceChunk<'_>| {
            let payload = |(_, counted)| Payload {
                trace_id: chunk.trace_id,
                envelope: Arc::new(Envelope::default()),
                body: Body::Bytes(vec![0].into()),
                counted,
            };
            Parcel { spans: chunk.ended().map(payload).collect(), ..Parcel::default() }
        };
        chunks.iter().map(parcel).collect()
    }
}

/// Answers as it is told, then takes everything.
struct Answers {
    first: VecDeque<Verdict>,
    stored: Count,
}

impl Wire for Answers {
    fn limits(&self) -> Limits {
        Limits::USUAL
    }

    fn prepare(&mut self, _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn examine(&mut self, _timeout: Duration) -> Vec<Finding> {
        Vec::new()
    }

    fn deliver(&mut self, spans: &[Payload], _timeout: Duration) -> Verdict {
        self.first.pop_front().unwrap_or_else(|| {
            self.stored.add(spans.len().try_into().unwrap());
            Verdict::delivered()
        })
    }

    fn finish(&mut self, _epilogue: &Epilogue, _whole: bool, _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| ())
    }
}

/// With one more it takes minutes.
const PREEMPTIONS: usize = 2;

#[derive(Clone)]
struct Pipe {
    intake: Arc<Intake>,
    outbox: Arc<Outbox>,
    account: Arc<Account>,
    stored: Count,
}

impl Pipe {
    /// With its two threads.
    fn start(answers: impl IntoIterator<Item = Verdict>) -> (Self, Vec<JoinHandle<()>>) {
        const MAX_BYTES: usize = 1 << 20;
        let intake = Arc::new(Intake::new(MAX_BYTES));
        let capacity = Capacity { bytes: MAX_BYTES, spans: None, parcels: None };
        let outbox = Arc::new(Outbox::new("model".to_owned(), capacity, None, None));
        let outboxes = vec![Arc::clone(&outbox)];
        let account = Arc::new(Account::new(Arc::clone(&intake), outboxes, vec!["model"], None));
        let settings = PipelineSettings {
            max_bytes: MAX_BYTES,
            table: TableLimits::default(),
            trim: SpanTrim::default(),
            prices: None,
            max_spans: None,
            max_traces: None,
            spool: None,
            drop_callback: None,
        };
        let encoder = Box::new(ShortEncoder);
        let outlets = vec![Outlet { encoder, filter: None, outbox: Arc::clone(&outbox) }];
        let resource = Arc::new(std::sync::Mutex::new(Arc::new(Resource::builder_empty().build())));
        let worker = Worker::new(Arc::clone(&account), settings, outlets, resource);
        let stored = Count::default();
        let first = answers.into_iter().collect();
        let wire = Box::new(Answers { first, stored: stored.clone() });
        let told = Arc::clone(&account);
        let lost = Box::new(move || told.tell_losses(now()));
        let sender = Sender::new(Arc::clone(&outbox), wire, RetryPolicy::default(), lost);
        let threads =
            vec![thread::spawn(move || worker.run()), thread::spawn(move || sender.run())];
        (Self { intake, outbox, account, stored }, threads)
    }

    /// As `Pipeline::settle` does.
    fn settle(&self) -> bool {
        let handed_over = self.intake.flush(never());
        self.outbox.wait_settled(self.outbox.demand(), never()) && handed_over
    }

    /// As `Pipeline::end` does, of so many spans.
    fn end(self, threads: Vec<JoinHandle<()>>, spans: u64) {
        self.intake.close(never());
        self.outbox.close(never());
        assert!(self.outbox.wait_ended(never()));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let stats = self.account.stats(now());
        let destination = &stats.destinations[0];
        assert_eq!((stats.ended, destination.pending), (spans, 0));
        assert_eq!(destination.delivered, self.stored.get());
        assert_eq!(destination.delivered + destination.dropped.total(), spans);
    }
}

pub fn a_flush_of_the_pipe_ends_when_everything_before_it_is_stored() {
    model(PREEMPTIONS, || {
        let (pipe, threads) = Pipe::start([]);
        pipe.intake.ended(root(1));
        assert!(pipe.settle());
        assert_eq!(pipe.stored.get(), 1);
        pipe.end(threads, 1);
    });
}

pub fn a_request_that_is_made_again_loses_nothing() {
    model(PREEMPTIONS, || {
        let (pipe, threads) = Pipe::start([Verdict::again(Repeat::AtOnce, "an old connection")]);
        pipe.intake.ended(root(1));
        pipe.intake.ended(root(2));
        assert!(pipe.settle());
        assert_eq!(pipe.stored.get(), 2);
        pipe.end(threads, 2);
    });
}

pub fn whatever_ends_while_the_pipe_ends_is_stored_or_counted() {
    model(PREEMPTIONS, || {
        let (pipe, mut threads) = Pipe::start([]);
        let caller = {
            let pipe = pipe.clone();
            thread::spawn(move || {
                pipe.intake.ended(root(1));
                let stats = pipe.account.stats(now());
                let it = &stats.destinations[0];
                assert_eq!(stats.ended, it.delivered + it.pending + it.dropped.total());
            })
        };
        threads.push(caller);
        pipe.end(threads, 1);
    });
}
