//! One of two collectors has its plug pulled: it dies, or it hangs. The other must not notice.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::Duration;

use mlflow_tracing::destination::Otlp;
use mlflow_tracing::{Builder, DestinationStats, Protocol, TracingGuard};

use super::encoder;
use super::mlflow::unused_name;
use super::program::PATIENCE;
use super::servers::told;
use super::support::app;
use super::support::time::{SLACK, timed, until};

/// Traces of which the latency is measured.
const TRACES: u64 = 11;

/// A rotel of this test's own.
struct Collector {
    name: String,
    grpc: String,
    http: String,
    process: Child,
}

impl Collector {
    fn new(name: &str) -> Self {
        let listeners = [0; 2].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
        let [grpc, http] = listeners.map(|listener| listener.local_addr().unwrap().to_string());
        let process = start(name, &grpc, &http);
        let collector = Self { name: name.to_owned(), grpc, http, process };
        collector.wait_until_it_listens();
        collector
    }

    fn endpoints(&self) -> [(Protocol, String); 2] {
        [
            (Protocol::Grpc, format!("http://{}", self.grpc)),
            (Protocol::HttpProtobuf, format!("http://{}/v1/traces", self.http)),
        ]
    }

    fn die(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// It keeps its connections, takes new ones, and says nothing.
    fn hang(&mut self) {
        self.signal("STOP");
    }

    fn go_on(&mut self) {
        match self.process.try_wait().unwrap() {
            Some(_) => self.process = start(&self.name, &self.grpc, &self.http),
            None => self.signal("CONT"),
        }
        self.wait_until_it_listens();
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    fn wait_until_it_listens(&self) {
        until("the collector listens", || {
            [&self.grpc, &self.http].iter().all(|at| std::net::TcpStream::connect(at).is_ok())
        });
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Whatever the test has come to.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(name: &str, grpc: &str, http: &str) -> Child {
    let log = format!("{}/{name}.log", env!("CARGO_TARGET_TMPDIR"));
    Command::new(told("ROTEL_TEST_PROGRAM"))
        .args(["start", "--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http])
        .args(["--exporter", "blackhole"])
        .stdout(File::create(&log).unwrap())
        .stderr(File::options().append(true).open(&log).unwrap())
        .spawn()
        .unwrap()
}

/// How long a trace takes to reach both healthy destinations, in the middle of many.
fn latency(guard: &TracingGuard) -> Duration {
    let mut times: Vec<Duration> = (0..TRACES).map(|_| latency_of_one(guard)).collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn latency_of_one(guard: &TracingGuard) -> Duration {
    app::end_span(guard, "trace");
    let arrived = || {
        let stats = guard.stats();
        stats.destinations[..2].iter().all(|healthy| healthy.delivered == stats.ended)
    };
    timed(|| until("the healthy collector has it", arrived)).0
}

/// Two collectors, each reached over gRPC and HTTP; one has its plug pulled, and put in again.
fn check(pull: impl Fn(&mut Collector)) {
    let name = unused_name("plug").replace(' ', "-");
    let [healthy, mut other] = ["healthy", "other"].map(|n| Collector::new(&format!("{name}-{n}")));
    let timeout = Duration::from_secs(2);
    let guard = [healthy.endpoints(), other.endpoints()]
        .into_iter()
        .flatten()
        .map(|(protocol, url)| Otlp::new(url).with_protocol(protocol).with_timeout(timeout))
        .fold(encoder::builder(), Builder::with_destination)
        .build()
        .unwrap();
    let usual = latency(&guard);
    guard.flush(PATIENCE).unwrap();

    pull(&mut other);
    let unplugged = latency(&guard);
    let (ended, healthy, dead) = account(&guard);
    for healthy in healthy {
        assert_eq!((healthy.delivered, healthy.retries), (ended, 0));
    }
    for dead in dead {
        assert_eq!((dead.delivered, dead.pending), (ended - TRACES, TRACES));
        assert!(guard.flush(SLACK).unwrap_err().to_string().contains(&dead.name));
    }
    assert!(unplugged < usual + usual / 2, "{unplugged:?} in place of {usual:?}");

    other.go_on();
    guard.flush(PATIENCE).unwrap();
    let (ended, healthy, mended) = account(&guard);
    for (healthy, mended) in healthy.into_iter().zip(mended) {
        assert_eq!((healthy.delivered, mended.delivered), (ended, ended));
        assert!(mended.retries > 0 && healthy.retries == 0, "{mended:?} {healthy:?}");
    }
}

/// Spans that ended, and what became of them at the healthy collector and at the other.
fn account(guard: &TracingGuard) -> (u64, [DestinationStats; 2], [DestinationStats; 2]) {
    let mut stats = app::conserved(guard);
    let other = stats.destinations.split_off(2);
    (stats.ended, stats.destinations.try_into().unwrap(), other.try_into().unwrap())
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_collector_that_dies_is_not_noticed_by_the_other() {
    check(Collector::die);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn a_collector_that_hangs_is_not_noticed_by_the_other() {
    check(Collector::hang);
}
