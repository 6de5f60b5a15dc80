//! Many threads at once.

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use mlflow_tracing::MlflowSpanExt as _;
use serde_json::json;
use tracing::info_span;

use super::program::Program;
use super::servers::told;

const THREADS: usize = 8;
const TRACES: usize = 200;
const SPANS: usize = 5;

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn two_hundred_traces_of_eight_threads_are_stored_in_few_requests() {
    let program = Program::new("crowd");
    let before = requests();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| program.run(|| (0..TRACES / THREADS).for_each(agent)));
        }
    });
    program.flush();
    assert_eq!(program.guard.stats().ended, (TRACES * SPANS) as u64);
    let sent = requests() - before;
    assert!(sent <= TRACES / 10, "{sent} requests for {TRACES} traces");

    let ids = program.server.trace_ids(&program.experiment.id);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), TRACES);
    for id in &ids {
        let trace = program.server.trace(id);
        assert_eq!((&*trace.state, trace.spans.len()), ("OK", SPANS), "{id}");
        let root = &trace.span("agent").id;
        let children = trace.spans.iter().filter(|span| span.parent_id.as_ref() == Some(root));
        assert_eq!(children.count(), SPANS - 1, "{id}");
    }
}

fn agent(number: usize) {
    let agent = info_span!("agent", number).entered();
    for _ in 1..SPANS {
        info_span!("chat", mlflow.spanType = "CHAT_MODEL").set_inputs(&json!({ "of": number }));
    }
    agent.set_outputs(&number);
}

/// Number of requests with spans that the server has had.
fn requests() -> usize {
    fs::read_to_string(told("MLFLOW_TEST_LOG")).unwrap().matches("\"POST /v1/traces ").count()
}
