//! Destinations behind an HTTP proxy: a scripted one, which tunnels everything to one server.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mlflow_tracing::destination::Otlp;
use mlflow_tracing::{Builder, TracingGuard};

use crate::support::app::{Traced, builder, conserved, end_span};
use crate::support::front::{Front, carry};
use crate::support::http::{Answer, Head, read_head};
use crate::support::server::grpc::GrpcServer;
use crate::support::server::{Route, Server};
use crate::support::time::{PATIENCE, until};
use crate::support::told::Ear;

const SECRET: &str = "s3/k@r1t";
/// `anna` with the secret.
const BASIC: &str = "Basic YW5uYTpzMy9rQHIxdA==";
const SHORT: Duration = Duration::from_millis(100);

pub(crate) struct Proxy {
    front: Front,
    asked: Arc<Mutex<Vec<Head>>>,
}

impl Proxy {
    /// Answers `CONNECT` to any place with `status`, and 200 by a tunnel to `behind`.
    pub(crate) fn start(behind: SocketAddr, status: u16) -> Self {
        let asked: Arc<Mutex<Vec<Head>>> = Arc::default();
        let heads = Arc::clone(&asked);
        let front = Front::start(behind, move |client: TcpStream, server: TcpStream| {
            let Ok(Some(head)) = read_head(&client) else { return };
            let is_tunnel = head.method == "CONNECT";
            heads.lock().unwrap().push(head);
            let status = if is_tunnel { status } else { 405 };
            Answer::new(status).write(&client).unwrap();
            if status == 200 {
                carry(&client, &server);
            }
        });
        Self { front, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.front.address())
    }

    /// Where tunnels were asked to.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|head| head.path.clone()).collect()
    }

    fn authorizations(&self) -> Vec<Option<String>> {
        let asked = self.asked.lock().unwrap();
        let header = |head: &Head| head.header("proxy-authorization").map(str::to_owned);
        asked.iter().map(header).collect()
    }
}

/// Variables that send to a server, by a name that only the proxy knows.
fn hidden(server: &Server, proxy: (&'static str, String)) -> [(&'static str, String); 2] {
    let destination = if server.is_mlflow() {
        ("MLFLOW_TRACKING_URI", "http://mlflow.test:5000".to_owned())
    } else {
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.test:4318".to_owned())
    };
    [destination, proxy]
}

fn built(builder: Builder) -> TracingGuard {
    builder.with_print_url(false).with_drop_timeout(Duration::ZERO).build().unwrap()
}

#[test]
fn each_variable_names_a_proxy_and_the_proxy_looks_names_up() {
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        for (server, target) in
            [(Server::mlflow(), "mlflow.test:5000"), (Server::collector(), "collector.test:4318")]
        {
            let proxy = Proxy::start(server.address(), 200);
            let variables = hidden(&server, (name, proxy.url()));
            let traced = Traced::new(built(builder().with_environment(variables)), server);
            traced.end_span("span");
            assert_eq!(traced.delivered().names(), ["span"], "{name}");
            let targets = proxy.targets();
            assert!(!targets.is_empty() && targets.iter().all(|to| to == target), "{targets:?}");
            assert!(proxy.authorizations().iter().all(Option::is_none));
            // What is asked for is the destination's business, as without a proxy.
            let request = traced.server.requests(Route::Spans).remove(0);
            assert_eq!(request.head.path, "/v1/traces");
            assert_eq!(request.head.header("host"), Some(target));
        }
    }
}

#[test]
fn a_listed_destination_has_a_proxy_of_its_own_for_any_address() {
    let (server, hidden) = (Server::collector(), Server::collector());
    let proxy = Proxy::start(hidden.address(), 200);
    let listed = |url: String| Otlp::new(url).with_proxy(proxy.url());
    let builder = builder()
        .with_destination(listed("http://collector.test:4318/v1/traces".to_owned()))
        // In code, loopback is meant as it is written.
        .with_destination(listed(format!("{}/v1/traces", server.url())))
        .with_destination(Otlp::new(format!("{}/v1/traces", server.url())));
    let guard = built(builder);
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    assert_eq!((hidden.spans().0.len(), server.spans().0.len()), (2, 1));
    let loopback = server.address().to_string();
    let targets = proxy.targets();
    for target in ["collector.test:4318", &loopback] {
        assert!(targets.iter().any(|to| to == target), "{targets:?}");
    }
    conserved(&guard);
}

#[test]
fn a_proxy_may_be_written_without_a_scheme() {
    let server = Server::collector();
    let proxy = Proxy::start(server.address(), 200);
    let bare = proxy.url().replace("http://", "");
    let variables = hidden(&server, ("HTTP_PROXY", bare));
    let traced = Traced::new(built(builder().with_environment(variables)), server);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(proxy.targets()[0], "collector.test:4318");
}

#[test]
fn credentials_are_for_the_proxy_alone_and_shown_nowhere() {
    let server = Server::mlflow();
    let proxy = Proxy::start(server.address(), 200);
    let ear = Ear::new("");
    let secret = SECRET.replace('/', "%2F").replace('@', "%40");
    let url = proxy.url().replace("http://", &format!("http://anna:{secret}@"));
    let builder = builder().with_environment(hidden(&server, ("HTTP_PROXY", url)));
    let shown = format!("{builder:?} {:?}", builder.explain_config().unwrap());
    assert!(shown.contains(&proxy.url()), "{shown}");
    let traced = Traced::new(built(builder), server);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    let authorizations = proxy.authorizations();
    assert!(!authorizations.is_empty());
    assert!(authorizations.iter().all(|it| it.as_deref() == Some(BASIC)), "{authorizations:?}");
    for request in [Route::Setup, Route::Spans].map(|route| traced.server.requests(route).remove(0))
    {
        assert_eq!(request.head.header("proxy-authorization"), None);
        assert_eq!(request.head.header("authorization"), None);
    }
    let told = ear.lines().join("\n");
    for hidden in [SECRET, &secret, BASIC] {
        assert!(!shown.contains(hidden) && !told.contains(hidden));
    }
}

#[test]
fn a_proxy_that_refuses_costs_no_span_and_is_told() {
    for status in [403, 407, 502] {
        let server = Server::collector();
        let proxy = Proxy::start(server.address(), status);
        let url = proxy.url().replace("http://", "http://anna:s3kr1t@");
        let variables = hidden(&server, ("HTTP_PROXY", url));
        let guard = built(builder().with_environment(variables));
        end_span(&guard, "span");
        until("it is told", || guard.stats().destinations[0].last_problem.is_some());
        let error = guard.flush(SHORT).unwrap_err();
        assert_eq!((error.pending(), conserved(&guard).ended), (1, 1));
        let words = error.to_string();
        assert!(words.contains(&status.to_string()) && words.contains("proxy"), "{words}");
        assert!(!words.contains("s3kr1t"), "{words}");
        assert_eq!(server.asked(), 0);
    }
}

#[test]
fn loopback_is_never_reached_through_a_proxy() {
    let server = Server::collector();
    let proxy = Proxy::start(server.address(), 200);
    for host in ["127.0.0.1", "localhost"] {
        let endpoint = format!("http://{host}:{}", server.address().port());
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("HTTP_PROXY", proxy.url()),
            ("ALL_PROXY", proxy.url()),
        ];
        let guard = built(builder().with_environment(variables));
        end_span(&guard, host);
        guard.flush(PATIENCE).unwrap();
        conserved(&guard);
    }
    assert_eq!(server.spans().names(), ["127.0.0.1", "localhost"]);
    assert!(proxy.targets().is_empty());
}

/// An address that is this host's, and yet not loopback's.
#[cfg(unix)]
const HERE: &str = "0.0.0.0";

/// Whether a destination is reached through the proxy, when these hosts are not to be.
#[cfg(unix)]
fn is_proxied(name: &str, no_proxy: impl Fn(&Server) -> String) -> bool {
    let server = Server::collector();
    let proxy = Proxy::start(server.address(), 200);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{HERE}:{}", server.address().port())),
        ("HTTP_PROXY", proxy.url()),
        (name, no_proxy(&server)),
    ];
    let guard = built(builder().with_environment(variables));
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    conserved(&guard);
    assert_eq!(server.spans().names(), ["span"]);
    !proxy.targets().is_empty()
}

#[cfg(unix)]
#[test]
fn what_no_proxy_names_is_reached_straight() {
    for name in ["NO_PROXY", "no_proxy"] {
        for hosts in [HERE, "*", "0.0.0.0/8", "example.com, 0.0.0.0"] {
            assert!(!is_proxied(name, |_| hosts.to_owned()), "{name}={hosts}");
        }
        assert!(!is_proxied(name, |server| format!("{HERE}:{}", server.address().port())));
        for hosts in ["", "example.com", "10.0.0.0/8", "0.0.0.0:1", ".0"] {
            assert!(is_proxied(name, |_| hosts.to_owned()), "{name}={hosts}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_listed_destination_is_reached_straight() {
    let server = Server::collector();
    let proxy = Proxy::start(server.address(), 200);
    let url = format!("http://{HERE}:{}/v1/traces", server.address().port());
    let variables = [("HTTP_PROXY", proxy.url()), ("ALL_PROXY", proxy.url())];
    let guard = built(builder().with_environment(variables).with_destination(Otlp::new(url)));
    end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    conserved(&guard);
    assert_eq!(server.spans().names(), ["span"]);
    assert!(proxy.targets().is_empty());
}

#[test]
fn grpc_goes_through_the_tunnel_too() {
    let server = GrpcServer::collector();
    let proxy = Proxy::start(server.address(), 200);
    let secret = SECRET.replace('/', "%2F").replace('@', "%40");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.test:4317".to_owned()),
        ("HTTP_PROXY", proxy.url().replace("http://", &format!("http://anna:{secret}@"))),
    ];
    let traced = Traced::new(built(builder().with_environment(variables)), server);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(proxy.targets()[0], "collector.test:4317");
    assert_eq!(proxy.authorizations()[0].as_deref(), Some(BASIC));
}

#[test]
fn a_proxy_that_refuses_grpc_costs_no_span_and_is_told() {
    let server = GrpcServer::collector();
    let proxy = Proxy::start(server.address(), 407);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.test:4317".to_owned()),
        ("ALL_PROXY", proxy.url().replace("http://", "http://anna:s3kr1t@")),
    ];
    let guard = built(builder().with_environment(variables));
    end_span(&guard, "span");
    until("it is told", || guard.stats().destinations[0].last_problem.is_some());
    let error = guard.flush(SHORT).unwrap_err();
    assert_eq!((error.pending(), conserved(&guard).ended), (1, 1));
    let words = error.to_string();
    assert!(words.contains("proxy") && !words.contains("s3kr1t"), "{words}");
    assert!(server.spans().0.is_empty());
}
