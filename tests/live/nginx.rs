//! nginx before a receiver, killed and healed.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use mlflow_tracing::Builder;

use super::encoder;
use super::program::PATIENCE;
use super::servers::told;
use super::support::app;
use super::support::scratch::Scratch;
use super::support::server::Server;
use super::support::time::until;

const KILLS: u64 = 10;
const WRITERS: u64 = 4;
const PACE: Duration = Duration::from_millis(2);

/// One process, so that all of it dies at once.
struct Nginx {
    address: SocketAddr,
    settings: PathBuf,
    process: Child,
}

impl Nginx {
    fn start(directory: &Scratch, behind: SocketAddr) -> Self {
        let address =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).unwrap();
        let place = directory.path().display().to_string();
        fs::create_dir_all(directory.path()).unwrap();
        let settings = directory.path().join("nginx.conf");
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {place}/{kind};"))
            .concat();
        let text = format!(
            "daemon off; master_process off; pid {place}/pid; error_log stderr crit; events {{}} \
             http {{ access_log off; {paths} server {{ listen {address}; \
             location / {{ proxy_pass http://{behind}; }} }} }}"
        );
        fs::write(&settings, text).unwrap();
        let process = run(&settings);
        let nginx = Self { address, settings, process };
        nginx.wait_until_it_listens();
        nginx
    }

    fn die(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn heal(&mut self) {
        self.process = run(&self.settings);
        self.wait_until_it_listens();
    }

    fn wait_until_it_listens(&self) {
        until("nginx listens", || TcpStream::connect(self.address).is_ok());
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Whatever the test has come to.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(settings: &PathBuf) -> Child {
    let mut command = Command::new(told("NGINX_TEST_PROGRAM"));
    command.args(["-e", "stderr", "-c"]).arg(settings).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
#[ignore = "needs nginx: run tests/all.sh"]
fn behind_an_nginx_that_is_killed_and_healed_every_span_arrives() {
    let spool = Scratch::new();
    check("best effort", |builder| builder);
    check("durable", |builder| builder.with_spool(spool.path()));
}

/// Writes on while nginx goes and comes.
#[expect(clippy::print_stdout, reason = "what is seen is kept in docs/RELIABILITY.md")]
fn check(mode: &str, change: impl FnOnce(Builder) -> Builder) {
    let (server, directory) = (Server::collector(), Scratch::new());
    let mut nginx = Nginx::start(&directory, server.address());
    let endpoint = format!("http://{}/v1/traces", nginx.address);
    let guard = change(encoder::builder().with_otlp_endpoint(endpoint)).build().unwrap();
    let ended = AtomicU64::new(0);
    std::thread::scope(|scope| {
        // The writers stop when this is dropped.
        let mut go_on = Vec::new();
        for _ in 0..WRITERS {
            let (sender, stopped) = channel::<()>();
            go_on.push(sender);
            let (guard, ended) = (&guard, &ended);
            scope.spawn(move || {
                while stopped.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                    app::end_span(guard, ended.fetch_add(1, Ordering::Relaxed).to_string());
                }
            });
        }
        let delivered = || app::conserved(&guard).destinations[0].delivered;
        let retries = || app::conserved(&guard).destinations[0].retries;
        for kill in 0..KILLS {
            let before = (delivered(), retries());
            until("spans arrive", || delivered() > before.0);
            nginx.die();
            // Every other time it is back before anybody has tried again.
            if kill % 2 == 0 {
                until("an attempt fails", || retries() > before.1);
            }
            nginx.heal();
        }
    });
    guard.flush(PATIENCE).unwrap();
    let stats = app::conserved(&guard);
    let account = &stats.destinations[0];
    let spans = server.spans();
    let mut names = spans.names();
    names.sort_unstable();
    names.dedup();
    println!(
        "\nnginx killed {KILLS} times, {mode}: {} ended, {} received, {} again, {} retries",
        stats.ended,
        names.len(),
        spans.0.len() - names.len(),
        account.retries
    );
    let ended = ended.into_inner();
    assert_eq!((stats.ended, account.delivered, names.len() as u64), (ended, ended, ended));
}
