//! A server that is killed, and comes back.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use tracing::info_span;

use super::mlflow::Mlflow;
use super::program::{PATIENCE, Program};
use super::servers::kill;
use super::support::app;
use super::support::scratch::Scratch;
use super::support::time::{now, until};

/// `servers.py` waits as long.
const STARTING: Duration = Duration::from_secs(120);
/// Traces in each part of the story, each of two spans.
const TRACES: usize = 20;
/// Threads of each program that write while the server is killed, and the time between their traces.
const WRITERS: usize = 4;
const PACE: Duration = Duration::from_millis(150);

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_server_that_is_killed_and_comes_back_has_every_span() {
    let program = Program::on(Mlflow::killable(), "restart", |builder| builder);
    record(&program);
    program.flush();
    // These are on their way when the server dies.
    record(&program);
    kill("MLFLOW_TEST_KILLABLE_PID");
    assert!(!program.server.answers());
    record(&program);

    let error = program.guard.flush(Duration::from_millis(500)).unwrap_err();
    assert!(error.to_string().contains("is the MLflow server running there?"), "{error}");
    let stats = app::conserved(&program.guard);
    assert_eq!(stats.ended, 3 * 2 * TRACES as u64);
    assert_eq!(stats.destinations[0].dropped.total(), 0);
    assert!(stats.destinations[0].pending >= 2 * TRACES as u64, "{stats:?}");

    wait_until_it_answers(&program.server);
    record(&program);
    program.flush();
    let stats = program.guard.stats();
    assert_eq!(stats.ended, 4 * 2 * TRACES as u64);
    assert!(stats.destinations[0].retries > 0);

    let ids = program.server.trace_ids(&program.experiment.id);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4 * TRACES);
    for id in &ids {
        let trace = program.server.trace(id);
        assert_eq!((&*trace.state, trace.spans.len()), ("OK", 2), "{id}");
    }
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_server_on_sqlite_that_is_killed_under_load_stores_every_trace_once() {
    kill_under_load(&Mlflow::killable(), "MLFLOW_TEST_KILLABLE_PID");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_server_on_postgresql_that_is_killed_under_load_stores_every_trace_once() {
    kill_under_load(&Mlflow::killable_on_postgres(), "MLFLOW_TEST_KILLABLE_POSTGRES_PID");
}

/// Two programs, best effort and durable, write on while the server goes and comes.
#[expect(clippy::print_stdout, reason = "what is seen is kept in docs/RELIABILITY.md")]
fn kill_under_load(server: &Mlflow, pid: &str) {
    let spool = Scratch::new();
    let best_effort = Program::on(server.clone(), "best effort", |builder| builder);
    let durable = Program::on(server.clone(), "durable", |it| it.with_spool(spool.path()));
    let programs = [("best effort", best_effort), ("durable", durable)];
    let written = [const { AtomicUsize::new(0) }; 2];
    std::thread::scope(|scope| {
        // The writers stop when this is dropped.
        let mut go_on = Vec::new();
        for ((_, program), written) in programs.iter().zip(&written) {
            for _ in 0..WRITERS {
                let (sender, stopped) = channel();
                go_on.push(sender);
                scope.spawn(move || program.run(|| write(written, &stopped)));
            }
        }
        until("both write", || programs.iter().all(|(_, program)| delivered(program) > 0));
        kill(pid);
        assert!(!server.answers());
        wait_until_it_answers(server);
        for (_, program) in &programs {
            program.guard.flush(PATIENCE).unwrap();
        }
    });
    for ((mode, program), written) in programs.iter().zip(&written) {
        program.flush();
        let account = &app::conserved(&program.guard).destinations[0];
        let written = written.load(Ordering::Relaxed);
        let ids = program.server.trace_ids(&program.experiment.id);
        println!(
            "\n{}, {mode}: {written} traces written by {WRITERS} threads, {} stored, {} retries, {} spans \
             sent again",
            server.uri,
            ids.len(),
            account.retries,
            account.duplicates
        );
        assert!(account.retries > 0, "{account:?}");
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (written, written));
        for id in &ids {
            let trace = program.server.trace(id);
            assert_eq!((&*trace.state, trace.spans.len()), ("OK", 2), "{id}");
        }
    }
}

/// Ends a trace now and then until it is told to stop.
fn write(written: &AtomicUsize, stopped: &Receiver<()>) {
    while stopped.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
        info_span!("agent").in_scope(|| info_span!("step").in_scope(|| ()));
        written.fetch_add(1, Ordering::Relaxed);
    }
}

fn delivered(program: &Program) -> u64 {
    app::conserved(&program.guard).destinations[0].delivered
}

fn record(program: &Program) {
    program.run(|| {
        for _ in 0..TRACES {
            info_span!("agent").in_scope(|| info_span!("step").in_scope(|| ()));
        }
    });
}

fn wait_until_it_answers(server: &Mlflow) {
    let deadline = now() + STARTING;
    while !server.answers() {
        assert!(now() < deadline, "the server did not come back within {STARTING:?}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}
