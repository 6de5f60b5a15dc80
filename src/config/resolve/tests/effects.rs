//! Every variable of the table that is not ignored makes a difference.

mod rows;

use super::files::Files;
use super::*;
use crate::config::variable::Support;
use rows::rows;

/// Where a setting is seen.
type Look = fn(&Config) -> String;
/// What else is set, the variable and its value, where to look, what is seen without it and with it.
type Row = (&'static [Pair], Pair, Look, &'static str, &'static str);

const FAILS: &str = "cannot be set up";

#[test]
fn every_variable_that_is_not_ignored_has_an_effect() {
    let files = Files::new();
    for (given, variable, look, without, with) in rows() {
        let seen = |variables: &[Pair]| match Config::resolve(&files.env(variables)) {
            Ok(config) => look(&config),
            Err(_) => FAILS.to_owned(),
        };
        let (name, value) = variable;
        assert_eq!(seen(given), without, "without {name}");
        assert_eq!(seen(&[given, &[variable]].concat()), with, "with {name}={value}");
    }
}

#[test]
fn every_variable_that_is_not_ignored_has_a_row() {
    let known = VARIABLES.iter().filter(|variable| variable.support != Support::Ignored);
    let mut known: Vec<_> = known.map(|variable| variable.name).collect();
    // Shown where it is read: whether there is a terminal is not for a test to say.
    known.retain(|name| *name != "NO_COLOR");
    let mut tested: Vec<_> = rows().into_iter().map(|(_, (name, _), ..)| name).collect();
    known.sort_unstable();
    tested.sort_unstable();
    assert_eq!(tested, known);
}

/// Kind and address of every destination.
fn places(config: &Config) -> String {
    let place = |destination: &DestinationConfig| match &destination.kind {
        KindConfig::Mlflow(settings) => format!("MLflow {}", settings.endpoint.url()),
        KindConfig::Otlp(settings) => format!("OTLP {}", settings.url),
        KindConfig::Exporter(settings) => format!("exporter {}", settings.name()),
        KindConfig::Local(settings) => match &settings.directory {
            Some(directory) => format!("local {}", directory.display()),
            None => "console".to_owned(),
        },
    };
    config.destinations.iter().map(place).collect::<Vec<_>>().join(", ")
}

fn mlflow(config: &Config) -> &MlflowSettings {
    let KindConfig::Mlflow(settings) = &config.destinations[0].kind else { panic!("no MLflow") };
    settings
}

fn otlp(config: &Config) -> &OtlpSettings {
    let KindConfig::Otlp(settings) = &config.destinations[0].kind else { panic!("no OTLP") };
    settings
}

fn local(config: &Config) -> &LocalSettings {
    let KindConfig::Local(settings) = &config.destinations[0].kind else { panic!("no files") };
    settings
}

fn headers(headers: &crate::transport::headers::Headers) -> String {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {value}"));
    lines.collect::<Vec<_>>().join("; ")
}

fn mlflow_headers(config: &Config) -> String {
    headers(&mlflow(config).headers)
}

fn otlp_headers(config: &Config) -> String {
    headers(&otlp(config).headers)
}

fn tls_of(tls: &crate::transport::connection::Tls) -> String {
    let has = [
        tls.authorities.as_ref().map(|_| "authorities"),
        tls.identity.as_ref().map(|_| "identity"),
        tls.insecure.then_some("insecure"),
    ];
    has.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn mlflow_tls(config: &Config) -> String {
    tls_of(&mlflow(config).connection.tls)
}

fn otlp_tls(config: &Config) -> String {
    tls_of(&otlp(config).connection.tls)
}

fn proxy(config: &Config) -> String {
    let proxy = mlflow(config).connection.proxy.as_ref();
    proxy.map(|proxy| proxy.url().to_owned()).unwrap_or_default()
}

fn attempt(config: &Config) -> String {
    format!("{:?}", config.destinations[0].retry.attempt)
}

fn resource(config: &Config) -> String {
    let of = |key: &'static str| config.resource.get(&key.into());
    let shown = |key| of(key).map(|value| value.as_str().into_owned()).unwrap_or_default();
    format!("{} {}", shown("service.name").replace(env::target(), "program"), shown("team"))
}

fn sampler(config: &Config) -> String {
    format!("{:?}", config.sampler)
}

fn attributes(config: &Config) -> String {
    let limits = &config.span_limits;
    format!(
        "{:?} {} {}",
        config.pipeline.trim.max_attributes,
        limits.max_attributes_per_event,
        limits.max_attributes_per_link
    )
}

fn times(config: &Config) -> String {
    let table = &config.pipeline.table;
    format!("{:?} {:?} {:?}", table.finished, table.running, table.ttl)
}
