//! The same traces into the same MLflow server: by Python's SDK, and by ours.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::{Value, json};

use super::Section;
use crate::mark::{Finding, Mark};
use crate::measure::{Measure, Sample};
use crate::runs::median;
use crate::scenario::{Scenario, Source, Target};
use crate::server::Server;
use crate::side::Side;
use crate::table::{Table, figure};
use crate::task::{Job, Outcome, Task, Turns};
use crate::text::Text;
use crate::{Result, child, stub, table};

/// So many that Python's queue, of 1 000 tasks with two for a trace, drops none. After as many, memory comes back
/// for use again; until then each page is touched for the first time, which a process does once.
const TURNS: Turns = Turns { warm_up: 400, timed: 400, counted: 0 };
const TRACES: &str = "/api/3.0/mlflow/traces";
const EXPERIMENTS: &str = "/api/2.0/mlflow/experiments";
/// What the server is asked by this process, and not by those it measures.
const ASKED_BY_US: [&str; 2] = ["/experiments/create", "/traces/search"];

/// Else Python's SDK reports its use to its makers.
const NOT_REPORTED: [(&str, &str); 2] =
    [("MLFLOW_DISABLE_TELEMETRY", "true"), ("DO_NOT_TRACK", "true")];

#[derive(Clone, Copy)]
enum Client {
    Ours { every_info: bool },
    Python,
}

/// Each with how often it is measured: the faster, the oftener.
const CLIENTS: [(Client, &str, usize); 3] = [
    (Client::Ours { every_info: false }, "ours", 9),
    (Client::Ours { every_info: true }, "ours, `always`", 3),
    (Client::Python, "Python", 3),
];

/// What is told of a trace.
struct Line {
    title: &'static str,
    decimals: usize,
    of: fn(&Sample) -> f64,
    higher_is_better: bool,
}

const CALLER: usize = 0;
const RATE: usize = 2;
const LINES: [Line; 4] = [
    Line {
        title: "µs of the caller's time, a trace",
        decimals: 0,
        of: |sample| per_trace(sample, Measure::CallerWall) / 1e3,
        higher_is_better: false,
    },
    Line {
        title: "µs of CPU time in the client's process, a trace",
        decimals: 0,
        of: |sample| per_trace(sample, Measure::ProcessCpu) / 1e3,
        higher_is_better: false,
    },
    Line {
        title: "traces per second, until all are stored",
        decimals: 0,
        of: |sample| 1e9 / per_trace(sample, Measure::ProcessWall),
        higher_is_better: true,
    },
    Line {
        title: "requests, a trace",
        decimals: 2,
        of: |sample| per_trace(sample, Measure::Requests) / 1e3,
        higher_is_better: false,
    },
];

/// Has a server started, and this program do the rest beside it.
pub fn measure() -> Result<Section> {
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/server.py");
    let output = Command::new("python3")
        .arg(server)
        .arg(env::current_exe()?)
        .arg("python-served")
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return Err(format!("with an MLflow server: {}\n{said}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// With a server that the environment names.
pub fn served() -> Result<Section> {
    let told = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
    let python = told("MLFLOW_TEST_CLIENT_PYTHON")?;
    let real = Place::Real { uri: told("MLFLOW_TEST_URI")?, log: told("MLFLOW_TEST_LOG")? };
    let (stored, findings) = compared(&real, &python)?;
    let (forgotten, _) = compared(&Place::Stub(stub::start()?), &python)?;
    let timed = table::count(TURNS.timed);
    let mut text = Text::of(&format!(
        "{timed} traces of the standard work after a warm-up of as many, inputs and outputs as structured \
         values, by one thread as fast as it can: ours by its setters, Python by `mlflow-tracing` 3.17.2, either at \
         its defaults, which are to log behind the program's back. Ours makes one call for many traces; with \
         `MLFLOW_TRACING_TRACE_INFO=always` it makes one more for each trace, as Python does, for what Python's \
         traces carry and OTLP cannot. Medians of three runs or more; the server has counted every trace."
    ));
    text.heading(3, "Into an MLflow server 3.17.2 (SQLite, one worker)");
    text.paragraph("The server is what is waited for.");
    text.table(stored);
    text.heading(3, "Into a server that answers and forgets");
    text.paragraph(
        "It says what MLflow would say, so that what is waited for is the client. It has the spans before the \
         trace's information, which spares Python the upload of a file that it makes when the server is late.",
    );
    text.table(forgotten);
    Ok(Section { text, findings })
}

/// A table of all clients, and the marks of ours.
fn compared(place: &Place, python: &str) -> Result<(Table, Vec<Finding>)> {
    let mut samples = CLIENTS.map(|_| Vec::new());
    for ((client, _, repetitions), samples) in CLIENTS.iter().zip(&mut samples) {
        for _ in 0..*repetitions {
            samples.push(client.run(place, python)?);
        }
    }
    let of = |client: usize, line: &Line| median(samples[client].iter().map(line.of).collect());
    let ours = CLIENTS.len() - 1;
    let ratio = |client: usize, line: &Line| {
        let (our, their) = (of(client, line)?, of(ours, line)?);
        Some(if line.higher_is_better { our / their } else { their / our })
    };
    let titles = CLIENTS.map(|(_, title, _)| title);
    let ratios = ["**times better**", "times better, `always`"];
    let mut rows = Table::new([""].into_iter().chain(titles).chain(ratios));
    for line in &LINES {
        let figures = (0..CLIENTS.len()).map(|client| figure(of(client, line), line.decimals));
        rows.row(line.title, figures.chain([0, 1].map(|client| figure(ratio(client, line), 1))));
    }
    let findings = [
        Mark::PythonRate.found(ratio(0, &LINES[RATE])),
        Mark::PythonCaller.found(ratio(0, &LINES[CALLER])),
    ];
    Ok((rows, findings.into_iter().flatten().collect()))
}

fn per_trace(sample: &Sample, measure: Measure) -> f64 {
    let spans = Scenario::default().spans() as f64;
    sample.get(&measure).copied().unwrap_or(f64::NAN) * spans
}

impl Client {
    /// Makes the traces, and checks that all are stored.
    fn run(self, place: &Place, python: &str) -> Result<Sample> {
        let experiment = place.new_experiment()?;
        let before = place.seen(experiment)?;
        let Outcome { mut sample, ended } = match self {
            Self::Ours { every_info } => {
                let target = Target::Mlflow { experiment, every_info };
                let (source, ample) = (Source::Setters, false);
                let scenario = Scenario { source, target, ample, ..Scenario::of(Side::Ours) };
                let (task, url) = (Task::Burst(TURNS), place.uri());
                child::run(&[], &Job { task, scenario, url })?
            }
            Self::Python => {
                let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/client.py");
                let (uri, id) = (place.uri(), experiment.to_string());
                let turns = serde_json::to_string(&TURNS)?;
                let what = [script.as_os_str(), uri.as_ref(), id.as_ref(), turns.as_ref()];
                let line = [[python.as_ref()].as_slice(), &what].concat();
                serde_json::from_str(&child::said(&line, &NOT_REPORTED, &"client.py")?)?
            }
        };
        let after = place.seen(experiment)?;
        let expected = place.expected(ended);
        if after.stored - before.stored != expected {
            let stored = after.stored - before.stored;
            return Err(format!("{stored} of {expected} were stored").into());
        }
        let requests = (after.requests - before.requests) as f64 * 1_000.0 / ended as f64;
        sample.insert(Measure::Requests, requests);
        Ok(sample)
    }
}

/// Where traces go.
enum Place {
    Real { uri: String, log: String },
    Stub(Server),
}

/// What a server has seen so far.
struct Seen {
    /// Traces of an experiment, or, where none are kept, spans.
    stored: u64,
    requests: u64,
}

impl Place {
    fn uri(&self) -> String {
        match self {
            Self::Real { uri, .. } => uri.clone(),
            Self::Stub(server) => server.url(""),
        }
    }

    fn new_experiment(&self) -> Result<u64> {
        let Self::Real { .. } = self else { return Ok(0) };
        let name = format!("benches {:?}", std::time::SystemTime::now());
        let answer = self.ask(&format!("{EXPERIMENTS}/create"), &json!({ "name": name }))?;
        Ok(answer["experiment_id"].as_str().ok_or("an experiment has an id")?.parse()?)
    }

    /// How many of what is counted `ended` spans make.
    fn expected(&self, ended: u64) -> u64 {
        match self {
            Self::Real { .. } => ended / Scenario::default().spans(),
            Self::Stub(_) => ended,
        }
    }

    fn seen(&self, experiment: u64) -> Result<Seen> {
        match self {
            Self::Stub(server) => Ok(Seen { stored: server.spans(), requests: server.requests() }),
            Self::Real { log, .. } => {
                let log = fs::read_to_string(log)?;
                let is_request = |line: &&str| {
                    line.contains(" HTTP/1.1\"")
                        && !ASKED_BY_US.iter().any(|path| line.contains(path))
                };
                let requests = log.lines().filter(is_request).count() as u64;
                Ok(Seen { stored: self.stored(experiment)?, requests })
            }
        }
    }

    /// Traces of an experiment that have ended.
    fn stored(&self, experiment: u64) -> Result<u64> {
        let location = json!({
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": { "experiment_id": experiment.to_string() },
        });
        let mut query =
            json!({ "locations": [location], "filter": "status = 'OK'", "max_results": 500 });
        let mut stored = 0;
        loop {
            let answer = self.ask(&format!("{TRACES}/search"), &query)?;
            stored += answer["traces"].as_array().map_or(0, Vec::len) as u64;
            match answer["next_page_token"].as_str() {
                Some(token) if !token.is_empty() => query["page_token"] = token.into(),
                _ => return Ok(stored),
            }
        }
    }

    fn ask(&self, path: &str, body: &Value) -> Result<Value> {
        let request = ureq::post(format!("{}{path}", self.uri()));
        let answer = request.header("Content-Type", "application/json").send(body.to_string())?;
        Ok(serde_json::from_str(&answer.into_body().read_to_string()?)?)
    }
}
