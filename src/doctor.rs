//! The doctor: looks at everything that must be right before spans are delivered, and sends none.
//!
//! Each destination is examined on a thread of its own: they do not wait for each other, nor meet a
//! runtime of the program's, and one that hangs is left when patience is over.

use std::fmt;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::config::builder::Builder;
use crate::config::explain::Explanation;
use crate::config::resolve::Config;
use crate::diagnostics;
use crate::error::{Error, Result};
use crate::export::Destination;
use crate::finding::{Finding, Severity};
use crate::init;
use crate::sync::now;
use crate::transport::{Wire, spool};

const THREAD_NAME: &str = "mlflow-tracing-look";
/// What is examined beside the destinations.
const CONFIGURATION: &str = "configuration";

/// What [`Builder::diagnose`] found; `Display` makes a report of it, one line for each thing.
///
/// # Examples
///
/// ```
/// use mlflow_tracing::Severity;
/// use std::time::Duration;
/// // Nothing listens on this port.
/// let diagnosis = mlflow_tracing::builder()
///     .with_tracking_uri("http://127.0.0.1:9")
///     .diagnose(Duration::from_secs(5));
/// assert_eq!(diagnosis.severity(), Severity::Error);
/// assert!(diagnosis.to_string().contains("is the MLflow server running there?"));
/// ```
#[derive(Clone, Debug)]
pub struct Diagnosis {
    explanation: Explanation,
    findings: Vec<Finding>,
}

impl Diagnosis {
    /// Everything that was found: the configuration first, then the destinations in their order.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// That of the worst finding: [`Severity::Error`] when a destination does not get its spans.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
    }

    /// What was configured, and what said so; nothing when a value cannot work.
    #[must_use]
    pub fn explanation(&self) -> &Explanation {
        &self.explanation
    }
}

/// The settings, an empty line, the findings.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.explanation.settings().next().is_some() {
            writeln!(f, "{}", self.explanation.without_warnings())?;
        }
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

impl Builder {
    /// Examines what this configuration leads to: what is wrong, and what to do about it.
    ///
    /// Every value and file is read. Every destination is asked for what it will be asked: it is
    /// reached, by way of its proxy and TLS; it takes the credentials; an MLflow server is new enough,
    /// has the experiment or would make it, and takes spans; a collector takes an empty request, over
    /// the protocol that is set; a directory can be written. Nothing is sent, made or set up, and
    /// nothing is told but by what is returned. Takes at most about `patience`; blocks this thread.
    ///
    /// `cargo run --example doctor` does it from the command line.
    ///
    /// # Examples
    ///
    /// ```
    /// use mlflow_tracing::Severity;
    /// # let directory = std::env::temp_dir();
    /// let diagnosis = mlflow_tracing::builder()
    ///     .with_environment([("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")])
    ///     .with_local_directory(&directory) // wins over the environment
    ///     .diagnose(std::time::Duration::from_secs(5));
    /// assert_eq!(diagnosis.severity(), Severity::Ok, "{diagnosis}");
    /// ```
    #[must_use]
    pub fn diagnose(&self, patience: Duration) -> Diagnosis {
        let deadline = now() + patience;
        let mut config = match Config::resolve(self) {
            Ok(config) => config,
            Err(error) => {
                let findings = vec![Finding::error(error.to_string()).about(CONFIGURATION)];
                return Diagnosis { explanation: Explanation::default(), findings };
            }
        };
        let mut findings = configuration(&config);
        if !config.disabled {
            match init::destinations(&mut config)() {
                Ok(destinations) => {
                    findings.extend(spool(&config, &destinations));
                    findings.extend(examined(destinations, patience, deadline));
                }
                Err(error) => findings.push(Finding::error(error.to_string()).about(CONFIGURATION)),
            }
        }
        Diagnosis { explanation: config.explanation, findings }
    }
}

fn configuration(config: &Config) -> Vec<Finding> {
    let off = config.disabled.then_some("tracing is off, because OTEL_SDK_DISABLED is true");
    let warnings = config.explanation.warnings().chain(off).map(str::to_owned);
    let warnings = warnings.chain(init::without_destination(config));
    let mut findings: Vec<_> = warnings.map(Finding::warning).collect();
    if findings.is_empty() {
        findings.push(Finding::ok("every value can work"));
    }
    findings.into_iter().map(|finding| finding.about(CONFIGURATION)).collect()
}

/// Where spans are on disk until they are delivered, and what is there.
fn spool(config: &Config, destinations: &[Destination]) -> Vec<Finding> {
    let Some(settings) = &config.pipeline.spool else { return Vec::new() };
    let names: Vec<String> = destinations.iter().filter_map(|it| it.stored_as.clone()).collect();
    let findings = spool::survey(settings, &names);
    let subject = format!("spool {}", settings.directory.display());
    findings.into_iter().map(|finding| finding.about(&subject)).collect()
}

/// A destination that is being examined.
struct Patient {
    name: String,
    interrupt: Box<dyn Fn() + Send + Sync>,
    findings: Option<Vec<Finding>>,
}

/// What is found of each destination until the deadline, in order.
fn examined(destinations: Vec<Destination>, patience: Duration, deadline: Instant) -> Vec<Finding> {
    let (tell, told) = mpsc::channel();
    let mut patients = Vec::new();
    for (number, Destination { name, wire, .. }) in destinations.into_iter().enumerate() {
        let interrupt = wire.interrupter();
        let tell = tell.clone();
        let examine = move |findings| drop(tell.send((number, findings)));
        let failed = start(wire, patience, examine).err();
        let findings = failed.map(|error| vec![Finding::error(error.to_string())]);
        patients.push(Patient { name, interrupt, findings });
    }
    drop(tell);
    while let Ok((number, findings)) = told.recv_timeout(deadline.saturating_duration_since(now()))
    {
        if let Some(patient) = patients.get_mut(number) {
            patient.findings = Some(findings);
        }
    }
    let silent = || vec![Finding::error(format!("no answer within {} ms", patience.as_millis()))];
    let of = |Patient { name, interrupt, findings }: Patient| {
        interrupt();
        let findings = findings.unwrap_or_else(silent).into_iter();
        findings.map(|finding| finding.about(&name)).collect::<Vec<_>>()
    };
    patients.into_iter().flat_map(of).collect()
}

/// Examines on a thread of its own.
fn start(
    mut wire: Box<dyn Wire>,
    patience: Duration,
    tell: impl FnOnce(Vec<Finding>) + Send + 'static,
) -> Result<()> {
    let examine = move || {
        let _quiet = diagnostics::quiet();
        // Who is silent is told by the wire, with what to do, before patience is over.
        tell(wire.examine(patience / 2));
    };
    #[expect(clippy::disallowed_methods, reason = "one of the places that start threads")]
    let started = thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(examine);
    started.map(drop).map_err(|source| Error::thread(THREAD_NAME, source))
}
