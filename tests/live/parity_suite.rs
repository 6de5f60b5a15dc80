//! The Python SDK and this crate do the same work, and the same is stored.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mlflow_tracing::TraceInfoMode;
use serde_json::{Value, json};

use super::comparable::comparable;
use super::parity::difference::{self, Differences};
use super::parity::player::{Made, play};
use super::parity::scenario;
use super::program::Program;
use super::python;
use super::stored::Trace;

/// The ids of the roots of each trace of the scenario.
type Ids = BTreeMap<String, Vec<String>>;

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_trace_of_ours_differs_from_one_of_python_only_where_it_is_meant_to() {
    let (program, made) = play_all("Rust", TraceInfoMode::Always);
    let (server, ours) = (&program.server, &program.experiment);
    let theirs = server.experiment("Python");
    let made_by_python = python::play(server, &theirs.id);
    tell(&json!({
        "python": { "experiment": theirs.id, "traces": made_by_python },
        "rust": { "experiment": ours.id, "traces": made },
    }));
    let ours = stored(&made, &server.trace_ids(&ours.id), |id| Ok(program.stored(id)));
    let theirs =
        stored(&made_by_python, &server.trace_ids(&theirs.id), |id| python::try_read(server, id));
    let found = difference::between(&theirs, &ours);
    difference::check(&found, &Differences::meant().stored);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn without_a_trace_info_call_a_trace_lacks_what_is_listed_and_nothing_else() {
    let [always, auto] = [TraceInfoMode::Always, TraceInfoMode::Auto].map(|mode| {
        let (program, made) = play_all("modes", mode);
        let ids = &program.server.trace_ids(&program.experiment.id);
        stored(&made, ids, |id| Ok(program.server.trace(id)))
    });
    difference::check(&difference::between(&always, &auto), &Differences::meant().auto);
}

/// Where the traces are, for `parity/screenshots.js`.
fn tell(made: &Value) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("parity.json");
    fs::write(file, made.to_string()).unwrap();
}

/// Plays the scenario with this crate.
fn play_all(test: &str, mode: TraceInfoMode) -> (Program, Ids) {
    let program = Program::with(test, |builder| {
        // In place of the process's: the user that the Python SDK is told of, too.
        builder.with_environment([("USER", python::USER)]).with_trace_info(mode)
    });
    let mut roots = Made::new();
    program.run(|| scenario::traces().iter().for_each(|trace| play(trace, &mut roots)));
    program.flush();
    let ids = roots.into_iter().map(|(name, roots)| {
        (name, roots.iter().map(|root| format!("tr-{}", root.trace_id())).collect())
    });
    (program, ids.collect())
}

/// The traces of an experiment by name, without what is different in every run.
fn stored(made: &Ids, ids: &[String], read: impl Fn(&str) -> Result<Trace, String>) -> Value {
    let name_of = |id: &String| {
        let of =
            made.iter().find_map(|(name, ids)| Some((name, ids.iter().position(|it| it == id)?)));
        match of {
            Some((name, 0)) => name.clone(),
            Some((name, number)) => format!("{name} ({})", number + 1),
            None => format!("nobody made {id}"),
        }
    };
    let traces = ids.iter().map(|id| (name_of(id), read(id)));
    comparable(&traces.collect())
}
