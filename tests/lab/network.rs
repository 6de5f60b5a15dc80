//! Networks that lose, reset, or swallow.

use std::process::Command;
use std::time::Duration;

use mlflow_tracing::destination::Otlp;
use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use mlflow_tracing::{Builder, Spool, TracingGuard};

use super::namespace::enter;
use super::receiver::{Mood, Receiver};
use super::support::app::{builder, conserved};
use super::support::scratch::Scratch;
use super::support::time::{PATIENCE, SLACK, timed, until};

/// A network without anybody else, and a place for rules.
const NETWORK: &str = "ip link set lo up; nft add table inet lab; \
    nft 'add chain inet lab in { type filter hook input priority 0; }'";
/// How long an attempt may take.
const TIMEOUT: Duration = Duration::from_secs(1);
const FLUSH: Duration = Duration::from_millis(200);
const SPANS: u64 = 200;
const ROUNDS: u64 = 20;

/// What happens to packets of the receiver's port.
const BLACK_HOLE: &str = "tcp dport PORT counter drop";
const RESET: &str = "tcp dport PORT counter reject with tcp reset";
const NO_ANSWER: &str = "tcp sport PORT counter drop";
const LOSS: [&str; 2] = [
    "tcp dport PORT numgen random mod 100 < 20 counter drop",
    "tcp sport PORT numgen random mod 100 < 20 counter drop",
];

#[test]
#[ignore = "needs a network of its own: run tests/all.sh"]
fn whatever_the_network_does_every_span_arrives() {
    let test = "network::whatever_the_network_does_every_span_arrives";
    if enter(test, "-rn", NETWORK, "inside").is_none() {
        return;
    }
    for is_durable in [false, true] {
        for (name, rule) in
            [("black hole", BLACK_HOLE), ("reset", RESET), ("answers lost", NO_ANSWER)]
        {
            broken(name, rule, is_durable);
        }
        lossy(is_durable);
    }
}

/// Nothing gets through, until the network is mended.
fn broken(name: &str, rule: &str, is_durable: bool) {
    let (receiver, spool) = (Receiver::start(Mood::Takes, 0), Scratch::new());
    let guard = start(&receiver, is_durable.then_some(&spool));
    end_spans(&guard, 0);
    guard.flush(PATIENCE).unwrap();
    apply(rule, &receiver);
    end_spans(&guard, SPANS);
    let (took, flushed) = timed(|| guard.flush(FLUSH));
    assert!(flushed.is_err() && took < FLUSH + SLACK, "{name}: {flushed:?} after {took:?}");
    until("an attempt fails", || conserved(&guard).destinations[0].retries > 0);
    end_spans(&guard, 2 * SPANS);
    assert_eq!(conserved(&guard).destinations[0].delivered, SPANS, "{name}");
    let stopped = mend();
    arrived(&format!("{name} of {stopped} packets"), &guard, &receiver, 3 * SPANS, is_durable);
}

/// Some packets are lost, for good.
fn lossy(is_durable: bool) {
    let (receiver, spool) = (Receiver::start(Mood::Takes, 0), Scratch::new());
    let guard = start(&receiver, is_durable.then_some(&spool));
    for rule in LOSS {
        apply(rule, &receiver);
    }
    for round in 0..ROUNDS {
        end_spans(&guard, round * SPANS);
        let _ = guard.flush(FLUSH);
        conserved(&guard);
    }
    arrived("a fifth of packets lost", &guard, &receiver, ROUNDS * SPANS, is_durable);
    assert!(mend() > 0, "none was lost");
}

#[expect(clippy::print_stdout, reason = "what is seen is kept in docs/RELIABILITY.md")]
fn arrived(name: &str, guard: &TracingGuard, receiver: &Receiver, spans: u64, is_durable: bool) {
    let (took, flushed) = timed(|| guard.flush(PATIENCE));
    flushed.unwrap_or_else(|error| panic!("{name}: {error}"));
    let stats = conserved(guard);
    let account = &stats.destinations[0];
    let (came, again) = receiver.spans();
    let mode = if is_durable { "durable" } else { "best effort" };
    println!(
        "{name}, {mode}: {came} of {spans} received, {again} again, {} retries, all there after {took:.1?}",
        account.retries
    );
    assert_eq!((stats.ended, account.delivered, came), (spans, spans, spans), "{name}");
    assert!(again <= account.duplicates, "{name}: {stats:?}");
}

fn start(receiver: &Receiver, spool: Option<&Scratch>) -> TracingGuard {
    let url = format!("{}/v1/traces", receiver.url());
    let builder = builder().with_destination(Otlp::new(url).with_timeout(TIMEOUT));
    let with_spool =
        |builder: Builder, spool: &Scratch| builder.with_spool(Spool::new(spool.path()));
    spool.into_iter().fold(builder, with_spool).build().unwrap()
}

fn end_spans(guard: &TracingGuard, first: u64) {
    let tracer = guard.provider().tracer("lab");
    (first..first + SPANS).for_each(|number| tracer.in_span(number.to_string(), |_| ()));
}

fn apply(rule: &str, receiver: &Receiver) {
    let url = receiver.url();
    let (_, port) = url.rsplit_once(':').unwrap();
    nft(&format!("add rule inet lab in {}", rule.replace("PORT", port)));
}

/// Takes the rules away; returns how many packets they stopped.
fn mend() -> u64 {
    let rules = nft("list chain inet lab in");
    let counts = rules.split("packets ").skip(1).map(|rest| rest.split(' ').next().unwrap());
    let stopped = counts.map(|count| count.parse::<u64>().unwrap()).sum();
    nft("flush chain inet lab in");
    stopped
}

fn nft(line: &str) -> String {
    let output = Command::new("nft").arg(line).output().unwrap();
    assert!(output.status.success(), "nft {line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
