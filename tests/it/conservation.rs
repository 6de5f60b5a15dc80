//! Whatever happens, every span is delivered or accounted for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mlflow_tracing::opentelemetry::trace::{
    Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Context, KeyValue};
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracer;
use mlflow_tracing::{DropReason, Loss, TracingGuard};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::support::app::{conserved, to_collector, to_mlflow};
use crate::support::http::Answer;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, until};

const CASES: u32 = 64;

/// One thing that happens to a program.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A trace ends: a root with so many children, each with so many bytes.
    Trace {
        children: usize,
        bytes: usize,
    },
    /// A child of a root that stays open ends.
    Running,
    /// The root that is open ends.
    RootEnds,
    /// The server is told what to do with the next request that carries spans.
    Trouble(Trouble),
    Flush {
        millis: u64,
    },
    /// The guard is shut down, and another takes its place.
    Restart {
        patience: u64,
    },
}

#[derive(Clone, Copy, Debug)]
enum Trouble {
    Later,
    LaterAfterNow,
    Refuse,
    TooLarge,
    Reset,
    Close,
    HalfStatusLine,
}

impl From<Trouble> for Act {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Later => 503.into(),
            Trouble::LaterAfterNow => Answer::new(429).header("Retry-After", "0").into(),
            Trouble::Refuse => 422.into(),
            Trouble::TooLarge => 413.into(),
            Trouble::Reset => Self::Reset,
            Trouble::Close => Self::Close,
            Trouble::HalfStatusLine => Self::HalfStatusLine,
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let trouble = prop::sample::select(vec![
        Trouble::Later,
        Trouble::LaterAfterNow,
        Trouble::Refuse,
        Trouble::TooLarge,
        Trouble::Reset,
        Trouble::Close,
        Trouble::HalfStatusLine,
    ]);
    let step = prop_oneof![
        6 => (0..6_usize, prop_oneof![Just(10), Just(2000)])
            .prop_map(|(children, bytes)| Step::Trace { children, bytes }),
        3 => Just(Step::Running),
        2 => Just(Step::RootEnds),
        3 => trouble.prop_map(Step::Trouble),
        3 => prop_oneof![Just(0), Just(5), Just(50)].prop_map(|millis| Step::Flush { millis }),
        1 => prop_oneof![Just(0), Just(20)].prop_map(|patience| Step::Restart { patience }),
    ];
    prop::collection::vec(step, 1..30)
}

/// A program that knows which spans it ended.
struct Program<'a> {
    server: &'a Server,
    guard: TracingGuard,
    /// Spans that the guard's callback has heard are lost.
    heard: Heard,
    open: Context,
    /// Spans of this guard, and of all guards.
    ended: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl<'a> Program<'a> {
    fn new(server: &'a Server) -> Self {
        let (guard, heard) = start(server);
        let open = open_root(&guard);
        Self { server, guard, heard, open, ended: BTreeSet::new(), all: BTreeSet::new() }
    }

    fn tracer(&self) -> SdkTracer {
        self.guard.provider().tracer("test")
    }

    fn end(&mut self, cx: &Context) {
        let id = cx.span().span_context().span_id().to_string();
        cx.span().end();
        self.ended.insert(id);
    }

    fn child(&mut self, parent: &Context, bytes: usize) {
        let mut span = self.tracer().start_with_context("child", parent);
        span.set_attribute(KeyValue::new("app.load", "x".repeat(bytes)));
        let cx = Context::new().with_span(span);
        self.end(&cx);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Trace { children, bytes } => {
                let root = open_root(&self.guard);
                for _ in 0..children {
                    self.child(&root, bytes);
                }
                self.end(&root);
            }
            Step::Running => {
                let open = self.open.clone();
                self.child(&open, 10);
            }
            Step::RootEnds => {
                let next = open_root(&self.guard);
                let open = std::mem::replace(&mut self.open, next);
                self.end(&open);
            }
            Step::Trouble(trouble) => self.server.script(Route::Spans, [trouble]),
            Step::Flush { millis } => self.flush(Duration::from_millis(millis)),
            Step::Restart { patience } => self.restart(patience),
        }
        let stats = conserved(&self.guard);
        assert_eq!(stats.ended, self.ended.len() as u64);
    }

    /// Flushes; when that is `Ok` the server has everything.
    fn flush(&mut self, patience: Duration) {
        match self.guard.flush(patience) {
            Ok(()) => {
                let arrived: BTreeSet<_> = arrivals(self.server).into_iter().collect();
                assert!(self.ended.is_subset(&arrived), "flush said that all was delivered");
                assert_eq!(conserved(&self.guard).destinations[0].dropped.total(), 0);
            }
            Err(error) => {
                let account = &error.stats.destinations[0];
                assert!(account.conserves(error.stats.ended));
                assert!(account.pending + account.dropped.total() > 0, "{error}");
            }
        }
    }

    /// Ends the guard in next to no time, so that it may lose what is under way.
    fn restart(&mut self, patience: u64) {
        let (next, next_heard) = start(self.server);
        // Kept until the guard is gone: dropping a span ends it.
        let _open = std::mem::replace(&mut self.open, open_root(&next));
        let guard = std::mem::replace(&mut self.guard, next);
        let heard = std::mem::replace(&mut self.heard, next_heard);
        let ended = std::mem::take(&mut self.ended);
        self.all.extend(ended);
        if let Err(error) = guard.shutdown(Duration::from_millis(patience)) {
            assert!(error.stats.destinations[0].conserves(error.stats.ended));
            assert_eq!(error.pending(), 0, "after the end nothing is under way: {error}");
            let lost = error.stats.destinations[0].dropped.total();
            assert_eq!(heard.load(Ordering::Relaxed), lost, "every loss is heard of: {error}");
        }
    }
}

type Heard = Arc<AtomicU64>;

fn start(server: &Server) -> (TracingGuard, Heard) {
    // Both destinations obey the same rules; which one it is makes no difference here.
    let builder = if server.is_mlflow() { to_mlflow(server) } else { to_collector(server) };
    let heard = Heard::default();
    let hear = {
        let heard = Arc::clone(&heard);
        move |loss: &Loss| {
            heard.fetch_add(loss.spans, Ordering::Relaxed);
        }
    };
    let builder = builder.with_drop_timeout(Duration::ZERO).with_drop_callback(hear);
    (builder.build().unwrap(), heard)
}

fn open_root(guard: &TracingGuard) -> Context {
    let root = guard.provider().tracer("test").start_with_context("root", &Context::new());
    Context::new().with_span(root)
}

/// The ids of the spans that the server accepted.
fn arrivals(server: &Server) -> Vec<String> {
    let synthetic =
        |got: &&crate::support::spans::Got| got.attribute("mlflow_tracing.synthetic").is_none();
    server.spans().0.iter().filter(synthetic).map(crate::support::spans::Got::span_id).collect()
}

fn every_span_is_accounted_for(server: &Server, steps: Vec<Step>) {
    let mut program = Program::new(server);
    for step in steps {
        program.step(step);
    }
    // Each flush asks for an attempt at once, so that pauses need not be waited for.
    until("nothing is pending", || {
        let _ = program.guard.flush(Duration::from_millis(100));
        conserved(&program.guard).destinations[0].pending == 0
    });
    program.flush(PATIENCE);
    let account = conserved(&program.guard).destinations.remove(0);
    let [refused, too_large] = [DropReason::Rejected, DropReason::TooLarge];
    let dropped = account.dropped;
    assert_eq!(dropped.total(), dropped.get(refused) + dropped.get(too_large), "{account:?}");
    let arrived = arrivals(server);
    let mine = arrived.iter().filter(|id| program.ended.contains(*id)).count() as u64;
    until("every loss is heard of", || program.heard.load(Ordering::Relaxed) == dropped.total());
    assert_eq!(mine, account.delivered, "what counts as delivered is what the server accepted");
    let different: BTreeSet<_> = arrived.iter().cloned().collect();
    assert_eq!(different.len(), arrived.len(), "no span is delivered twice");
    program.all.extend(program.ended);
    assert!(different.is_subset(&program.all), "no span is made up");
}

fn in_random_programs(server: fn() -> Server) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, rng).run(&steps(), |steps| {
        every_span_is_accounted_for(&server(), steps);
        Ok(())
    });
    result.unwrap();
}

#[test]
fn every_span_is_accounted_for_at_an_mlflow_server() {
    in_random_programs(Server::mlflow);
}

#[test]
fn every_span_is_accounted_for_at_a_collector() {
    in_random_programs(Server::collector);
}
