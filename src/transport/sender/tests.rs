//! Against a receiver in memory, which is asked without a thread and without a pause.

mod isolation;
mod setup;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use opentelemetry::trace::TraceId;

use super::*;
use crate::finding::Finding;
use crate::stats::DestinationStats;
use crate::sync::clock::waited;
use crate::sync::lock;
use crate::transport::outbox::Capacity;
use crate::transport::{Body, Envelope, Epilogue, Limits, Parcel};

const LIMITS: Limits = Limits { max_spans: 512, max_bytes: 1 << 30 };

/// What happens to a request before the receiver looks at it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Refused(Repeat),
    /// The connection ends; what was sent is stored or not.
    CutOff {
        stored: bool,
    },
    TooLarge {
        stored: bool,
    },
    Stale,
}

type Refuses = Box<dyn Fn(&[u64]) -> bool + Send>;

/// What the receiver was asked and has.
#[derive(Default)]
struct Log {
    requests: Vec<Vec<u64>>,
    /// Requests that the receiver looked at.
    judged: usize,
    looks: usize,
    stored: Vec<u64>,
    epilogues: usize,
}

struct Memory {
    log: Arc<Mutex<Log>>,
    faults: VecDeque<Option<Fault>>,
    looks: VecDeque<Verdict>,
    refuses: Refuses,
}

impl Wire for Memory {
    fn limits(&self) -> Limits {
        LIMITS
    }

    fn prepare(&mut self, _timeout: Duration) -> Verdict {
        lock(&self.log).looks += 1;
        self.looks.pop_front().unwrap_or_else(Verdict::delivered)
    }

    fn examine(&mut self, _: Duration) -> Vec<Finding> {
        Vec::new()
    }

    fn deliver(&mut self, spans: &[Payload], _timeout: Duration) -> Verdict {
        let mut log = lock(&self.log);
        let ids: Vec<u64> = spans.iter().map(id).collect();
        log.requests.push(ids.clone());
        let problem = "cut off".to_owned();
        match self.faults.pop_front().flatten() {
            Some(Fault::Refused(repeat)) => Verdict::again(repeat, "not now"),
            Some(Fault::Stale) => {
                Verdict::Failed { repeat: Repeat::AtOnce, problem, in_doubt: true }
            }
            Some(Fault::CutOff { stored }) => {
                log.stored.extend(ids.iter().filter(|_| stored));
                Verdict::Failed { repeat: Repeat::Soon, problem, in_doubt: true }
            }
            Some(Fault::TooLarge { stored }) => {
                log.stored.extend(ids.iter().filter(|_| stored));
                Verdict::Split { reason: DropReason::TooLarge, problem, in_doubt: true }
            }
            None => {
                log.judged += 1;
                if (self.refuses)(&ids) {
                    return Verdict::split(DropReason::Rejected, format!("odd: {}", ids[0]));
                }
                log.stored.extend(ids);
                Verdict::delivered()
            }
        }
    }

    fn finish(&mut self, _epilogue: &Epilogue, _whole: bool, _timeout: Duration) -> Verdict {
        lock(&self.log).epilogues += 1;
        Verdict::delivered()
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| ())
    }
}

/// A sender and its receiver.
struct Play {
    sender: Sender,
    log: Arc<Mutex<Log>>,
    handed_in: u64,
}

impl Play {
    /// Traces of so many spans each, whose ids count from 0; pauses take no time.
    fn of(traces: &[usize]) -> Self {
        Self::new(traces, VecDeque::new(), Box::new(|_| false))
    }

    fn new(traces: &[usize], faults: VecDeque<Option<Fault>>, refuses: Refuses) -> Self {
        let capacity = Capacity { bytes: 1 << 30, spans: None, parcels: None };
        let outbox = Arc::new(Outbox::new("test".to_owned(), capacity, None, None));
        let handed_in = traces.iter().sum::<usize>() as u64;
        let mut ids = 0..handed_in;
        for (trace, length) in traces.iter().enumerate() {
            let trace_id = TraceId::from(trace as u128 + 1);
            let spans = ids.by_ref().take(*length).map(|id| payload(trace_id, id)).collect();
            let epilogue = Some(Epilogue { trace_id, text: String::new() });
            let parcel = Parcel { spans, epilogue, ..Parcel::default() };
            outbox.hand_in(outbox.prepare(vec![parcel], now()), now());
        }
        let log = Arc::new(Mutex::new(Log::default()));
        let wire = Memory { log: Arc::clone(&log), faults, looks: VecDeque::new(), refuses };
        let no_time = Duration::ZERO;
        let policy = RetryPolicy { base: no_time, waiting: no_time, ..RetryPolicy::default() };
        Self {
            sender: Sender::new(outbox, Box::new(wire), policy, Box::new(|| ())),
            log,
            handed_in,
        }
    }

    fn with_faults(traces: &[usize], faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::new(traces, faults.into_iter().map(Some).collect(), Box::new(|_| false))
    }

    /// Waits until the receiver can be used.
    fn prepare(&mut self) {
        unheard(|| self.sender.prepare(None, &mut 0).unwrap());
    }

    /// Sends everything that waits.
    fn run(&mut self) -> DestinationStats {
        unheard(|| {
            while !self.sender.outbox.is_idle() {
                let batch = self.sender.outbox.take(LIMITS).unwrap();
                self.sender.send(batch);
            }
        });
        let stats = self.sender.outbox.stats(now());
        assert!(stats.conserves(self.handed_in), "{stats:?}");
        assert_eq!((stats.pending, stats.pending_bytes), (0, 0));
        stats
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    fn lengths(&self) -> Vec<usize> {
        self.log().requests.iter().map(Vec::len).collect()
    }
}

/// Keeps what is told from stderr.
fn unheard<T>(action: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing_subscriber::registry(), action)
}

fn payload(trace_id: TraceId, id: u64) -> Payload {
    let body = Body::Bytes(id.to_le_bytes().to_vec().into());
    Payload { trace_id, envelope: Arc::new(Envelope::default()), body, counted: true }
}

fn id(span: &Payload) -> u64 {
    u64::from_le_bytes(span.bytes().try_into().unwrap())
}

const AWAY: Fault = Fault::Refused(Repeat::Soon);

#[test]
fn after_three_failures_a_trace_is_tried_before_the_rest() {
    let mut play = Play::with_faults(&[2, 3, 4], [AWAY; 5]);
    let stats = play.run();
    assert_eq!(play.lengths(), [9, 9, 9, 2, 2, 2, 7]);
    assert_eq!((stats.delivered, stats.retries, stats.duplicates), (9, 5, 0));
    assert!(play.log().stored.iter().copied().eq(0..9));
}

#[test]
fn the_next_batch_begins_with_a_trial_when_the_last_was_given_up() {
    let mut play = Play::with_faults(&[400, 200], [AWAY; 4]);
    play.sender.policy.max_retries = Some(3);
    let stats = play.run();
    // What was given up takes along what waited behind it.
    assert_eq!(play.lengths(), [400, 400, 400, 400, 200]);
    assert_eq!((stats.delivered, stats.dropped.get(DropReason::RetryExpired)), (200, 400));
}

#[test]
fn a_batch_that_is_given_up_has_nothing_follow_it() {
    let mut play = Play::with_faults(&[1, 1, 1], [AWAY]);
    play.sender.policy.max_retries = Some(0);
    assert_eq!(play.run().dropped.get(DropReason::RetryExpired), 3);
    assert_eq!((play.lengths(), play.log().epilogues), (vec![3], 0));
}

#[test]
fn spans_that_are_sent_again_in_doubt_are_counted_and_others_are_not() {
    for (fault, spans, retries) in [
        (AWAY, 0, 1),
        (Fault::Refused(Repeat::WhenMended), 0, 1),
        (Fault::CutOff { stored: false }, 4, 1),
        (Fault::CutOff { stored: true }, 4, 1),
        (Fault::TooLarge { stored: true }, 4, 1),
        // Nobody waits, and nothing is told.
        (Fault::Stale, 4, 0),
    ] {
        let stats = Play::with_faults(&[1, 1, 2], [fault]).run();
        assert_eq!((stats.delivered, stats.duplicates), (4, spans), "{fault:?}");
        assert_eq!(stats.retries, retries, "{fault:?}");
    }
}

#[test]
fn spans_that_are_given_up_in_doubt_are_no_duplicates() {
    let mut play = Play::with_faults(&[3], [Fault::CutOff { stored: true }]);
    play.sender.policy.max_retries = Some(0);
    let stats = play.run();
    assert_eq!((stats.dropped.get(DropReason::RetryExpired), stats.duplicates), (3, 0));
}

#[test]
fn a_server_may_ask_for_more_patience_than_a_clock_can_tell() {
    let mut play = Play::with_faults(&[1], [Fault::Refused(Repeat::After(Duration::MAX))]);
    play.sender.policy.window = Some(Duration::MAX);
    let (waited, stats) = waited(|| play.run());
    assert_eq!((stats.delivered, stats.retries), (1, 1));
    assert!(waited > Duration::from_hours(24 * 365), "{waited:?}");
}

#[test]
fn a_single_span_under_which_the_connection_ends_has_three_attempts() {
    let ends = Fault::TooLarge { stored: false };
    let stats = Play::with_faults(&[1], [ends; 2]).run();
    assert_eq!((stats.delivered, stats.duplicates, stats.retries), (1, 2, 2));
    let mut play = Play::with_faults(&[1, 1], [ends; 4]);
    let stats = play.run();
    assert_eq!(play.lengths(), [2, 1, 1, 1, 1]);
    assert_eq!((stats.delivered, stats.dropped.get(DropReason::TooLarge)), (1, 1));
}
