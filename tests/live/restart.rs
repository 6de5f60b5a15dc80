//! A server that is killed, and comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use tracing::info_span;

use super::mlflow::Mlflow;
use super::program::Program;
use super::servers::kill;
use super::support::app;
use super::support::time::now;

/// `servers.py` waits as long.
const STARTING: Duration = Duration::from_secs(120);
/// Traces in each part of the story, each of two spans.
const TRACES: usize = 20;

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
