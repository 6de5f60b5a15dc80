//! A traced program in a process of its own, which can be killed at any moment.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use mlflow_tracing::{Spool, TracingGuard};

use super::support::time::{PATIENCE, spawn};

/// Set for the program: its number, the receiver, the spool.
const ROLE: &str = "MLFLOW_TRACING_LAB_PROGRAM";
/// How many spans it ends at once, and what it waits between.
const BURST: u64 = 5;
const PAUSE: Duration = Duration::from_millis(2);

/// The program, seen from outside.
pub(crate) struct Program {
    child: Child,
    said: Receiver<u64>,
}

impl Program {
    /// Starts program `number`; `test` is the full name of the calling test.
    #[expect(clippy::disallowed_methods, reason = "the environment is how it is told")]
    pub(crate) fn start(test: &str, number: u64, url: &str, spool: &Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture", "--ignored"]).env_clear();
        command.env(ROLE, format!("{number} {url} {}", spool.display()));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (tell, said) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        spawn("program's words", move || collect(lines, &tell));
        Self { child, said }
    }

    /// Waits until some spans are safe.
    pub(crate) fn wait(&self) -> u64 {
        self.said.recv_timeout(PATIENCE).unwrap()
    }

    /// Kills it; returns how many of its spans were safe before.
    pub(crate) fn kill(mut self) -> u64 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said.iter().last().unwrap_or(0)
    }
}

fn collect(lines: impl Iterator<Item = std::io::Result<String>>, tell: &Sender<u64>) {
    for line in lines.map_while(Result::ok) {
        let Some(count) = line.strip_prefix("safe ") else { continue };
        if tell.send(count.parse().unwrap()).is_err() {
            return;
        }
    }
}

/// In the program's process: does what it does, until it is killed. Elsewhere nothing.
#[expect(clippy::disallowed_methods, reason = "the environment is how it is told")]
#[expect(clippy::print_stdout, reason = "what it prints is how it tells")]
pub(crate) fn run_if_told() {
    let Ok(role) = env::var(ROLE) else { return };
    let mut words = role.splitn(3, ' ');
    let mut word = || words.next().unwrap().to_owned();
    let (number, url, spool) = (word(), word(), word());
    let guard = guard(&url, Path::new(&spool));
    let tracer = guard.provider().tracer("lab");
    let mut ended = 0;
    loop {
        for _ in 0..BURST {
            tracer.in_span(format!("{number}.{ended}"), |_| ());
            ended += 1;
        }
        std::thread::park_timeout(PAUSE);
        if guard.stats().destinations[0].at_risk == 0 {
            println!("safe {ended}");
        }
    }
}

pub(crate) fn guard(url: &str, spool: &Path) -> TracingGuard {
    mlflow_tracing::builder()
        .with_environment([] as [(&str, &str); 0])
        .with_otlp_endpoint(format!("{url}/v1/traces"))
        .with_spool(Spool::new(spool))
        .build()
        .unwrap()
}
