//! Credentials stay out of everything that is told.

use mlflow_tracing::Builder;

use crate::support::app::{Traced, to_mlflow};
use crate::support::http::Answer;
use crate::support::server::{Route, Server};
use crate::support::time::PATIENCE;

const SECRET: &str = "s3kr1t-p455";

/// Everything that is told about a server that refuses, and repeats in its answer what it was sent.
fn told(change: impl FnOnce(Builder, &Server) -> Builder) -> Vec<String> {
    let server = Server::mlflow();
    server.judge(Route::Setup, |request| {
        let header = request.head.header("authorization").unwrap();
        Answer::new(401).body("text/plain", format!("bad credentials: {header}")).into()
    });
    let builder = change(to_mlflow(&server), &server);
    let mut told = vec![format!("{builder:?}")];
    let guard = builder.build().unwrap();
    told.push(guard.explain_config().to_string());
    let traced = Traced::new(guard, server);
    traced.end_span("span");
    let error = traced.guard.flush(PATIENCE).unwrap_err();
    told.extend([error.to_string(), format!("{error:?}"), format!("{:?}", traced.guard)]);
    let error = traced.guard.ready(PATIENCE).unwrap_err();
    told.extend([error.to_string(), format!("{error:?}")]);
    told.push(format!("{:?}", traced.conserved()));
    // The end of the guard tells what is lost.
    let Traced { guard, server, .. } = traced;
    drop(guard);
    assert_eq!(server.told().len(), 2);
    told.extend(server.told());
    told
}

fn assert_silent(told: &[String], secret: &str) {
    for text in told {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_token_is_never_told() {
    assert_silent(&told(|builder, _| builder.with_token(SECRET)), SECRET);
}

#[test]
fn a_password_is_never_told() {
    let told = told(|builder, _| builder.with_basic_auth("anna", SECRET));
    assert_silent(&told, SECRET);
    // The same, as it is sent: `anna:s3kr1t-p455` in base 64.
    assert_silent(&told, "YW5uYTpzM2tyMXQtcDQ1NQ");
}

#[test]
fn a_password_in_the_address_is_never_told() {
    let told = told(|builder, server| {
        let uri = server.url().replace("http://", &format!("http://anna:{SECRET}@"));
        builder.with_tracking_uri(uri)
    });
    assert_silent(&told, SECRET);
    assert_silent(&told, "YW5uYTpzM2tyMXQtcDQ1NQ");
}

#[test]
fn a_bad_address_is_told_without_its_password() {
    for address in ["ftp://anna:s3kr1t-p455@host", "http://anna:s3kr1t-p455@host/?a=b"] {
        let error = crate::support::app::builder().with_tracking_uri(address).build().unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("with_tracking_uri") && !text.contains(SECRET), "{text}");
    }
}
