// Settings of every kind, also those that need a feature.
#[cfg(all(feature = "gzip", feature = "tls"))]
mod bad;
mod destination;
#[cfg(all(feature = "gzip", feature = "tls"))]
mod effects;
mod explained;
mod files;
#[cfg(not(any(feature = "grpc", feature = "gzip", feature = "tls")))]
mod light;
mod limits;
#[cfg(all(feature = "gzip", feature = "tls"))]
mod listed;
mod mlflow;
#[cfg(all(feature = "gzip", feature = "tls"))]
mod otlp;
#[cfg(all(feature = "gzip", feature = "tls"))]
mod precedence;
#[cfg(feature = "spool")]
mod spool;

use super::*;
use crate::config::choice::{Compression, Console};
use crate::config::env::Env;
use crate::config::variable::VARIABLES;
use crate::export::local::LocalSettings;
use crate::export::mlflow_settings::{Experiment, MlflowSettings};
use crate::export::otlp::OtlpSettings;
use crate::model::trace_info_mode::TraceInfoMode;
use crate::transport::log::SpoolSettings;

/// A variable and its value.
type Pair = (&'static str, &'static str);

const MLFLOW: Pair = ("MLFLOW_TRACKING_URI", "http://mlflow:5000");
const OTLP: Pair = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://otlp:4318/v1/traces");

#[test]
fn nothing_set_means_the_embedded_default() {
    let config = resolved(env([]));
    assert!(!config.disabled);
    let retry = config.destinations[0].retry;
    assert_eq!(retry.attempt, Duration::from_secs(30));
    assert_eq!(retry.window(false), Duration::from_secs(15 * 60));
    assert_eq!((retry.max_retries, retry.respect_retry_after), (None, true));
    assert_eq!(local(env([])).directory.unwrap().to_str(), Some("./mlflow-traces"));
    assert_eq!(config.pipeline.max_bytes, 64 * 1024 * 1024);
    assert_eq!(config.drop_timeout, Duration::from_secs(5));
    assert_eq!(config.rules.max_level, LevelFilter::INFO);
    assert_eq!((config.rules.infrastructure, config.strict), (false, None));
    assert_eq!(config.explanation.warnings().count(), 0);
}

#[test]
fn what_the_builder_says_reaches_its_place() {
    let config = resolved(
        env([])
            .with_memory_limit(1024 * 1024)
            .with_retry_window(Duration::from_secs(1))
            .with_drop_timeout(Duration::from_secs(2))
            .with_max_level(LevelFilter::TRACE)
            .with_infrastructure_spans(true)
            .with_strict(Duration::from_secs(3)),
    );
    assert_eq!(config.pipeline.max_bytes, 1024 * 1024);
    assert_eq!(config.destinations[0].retry.window(false), Duration::from_secs(1));
    assert_eq!(config.drop_timeout, Duration::from_secs(2));
    assert_eq!(config.rules.max_level, LevelFilter::TRACE);
    assert!(config.rules.infrastructure);
    assert_eq!(config.strict, Some(Duration::from_secs(3)));
}

#[test]
fn disabled_means_that_nothing_is_captured() {
    let config = resolved(env([("OTEL_SDK_DISABLED", "TRUE")]).with_max_level(LevelFilter::TRACE));
    assert!(config.disabled);
    assert_eq!(config.rules.max_level, LevelFilter::OFF);
}

#[test]
fn the_resource_is_what_variables_and_program_say() {
    let variables = [("OTEL_RESOURCE_ATTRIBUTES", "team=a%2Cb, service.name=res ,region=eu")];
    let resource = |builder| {
        let resource = resolved(builder).resource;
        move |key: &'static str| resource.get(&key.into()).map(|value| value.as_str().into_owned())
    };
    let get = resource(env(variables).with_resource_attribute("region", "us"));
    assert_eq!(get("team").as_deref(), Some("a,b"));
    assert_eq!(get("region").as_deref(), Some("us"));
    assert_eq!(get("service.name").as_deref(), Some("res"));
    assert_eq!(get("telemetry.sdk.language").as_deref(), Some("rust"));
    assert_eq!(get("telemetry.sdk.name").as_deref(), Some("mlflow-tracing"));
    let get = resource(env(variables).with_service_name("built"));
    assert_eq!(get("service.name").as_deref(), Some("built"));
}

#[test]
fn a_name_of_the_service_in_the_program_wins_over_the_variable() {
    let builder =
        || env([("OTEL_SERVICE_NAME", "api")]).with_resource_attribute("service.name", "attribute");
    let explained = |name: &str, method| Some((name.to_owned(), Source::Builder(method)));
    assert_eq!(setting(builder(), "service"), explained("attribute", "with_resource_attribute"));
    let both = builder().with_service_name("built");
    assert_eq!(setting(both, "service"), explained("built", "with_service_name"));
}

#[test]
fn the_terminal_is_drawn_on_as_the_program_or_the_variable_says() {
    let console = |builder| local(builder).console;
    let variable = |value| env([("MLFLOW_TRACING_CONSOLE", value)]);
    assert!(console(variable("always")) && !console(variable("Never")));
    assert!(console(variable("never").with_console(Console::Always)));
    assert!(!console(variable("always").with_console(Console::Never)));
}

#[test]
fn colours_are_for_terminals_whose_user_does_not_refuse_them() {
    let colours = |variables: &[Pair], terminal| {
        local::colours(&Env::from_pairs(variables.iter().copied()), terminal)
    };
    assert!(colours(&[], true) && !colours(&[], false));
    assert!(!colours(&[("NO_COLOR", "1")], true));
}

fn env<const N: usize>(variables: [(&str, &str); N]) -> Builder {
    Builder::new(Env::from_pairs(variables))
}

#[expect(clippy::needless_pass_by_value, reason = "a chain of calls makes one")]
fn resolved(builder: Builder) -> Config {
    Config::resolve(&builder).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "a chain of calls makes one")]
fn error(builder: Builder) -> String {
    let error = Config::resolve(&builder).unwrap_err();
    assert!(error.is_config());
    error.to_string()
}

/// The settings of the destinations, each kind apart.
fn chosen(builder: Builder) -> (Vec<MlflowSettings>, Vec<OtlpSettings>, Vec<LocalSettings>) {
    let (mut mlflow, mut otlp, mut local) = (Vec::new(), Vec::new(), Vec::new());
    for destination in resolved(builder).destinations {
        match destination.kind {
            KindConfig::Mlflow(settings) => mlflow.push(*settings),
            KindConfig::Otlp(settings) => otlp.push(*settings),
            KindConfig::Local(settings) => local.push(settings),
            KindConfig::Exporter(_) => {}
        }
    }
    (mlflow, otlp, local)
}

fn mlflow(builder: Builder) -> MlflowSettings {
    chosen(builder).0.remove(0)
}

fn otlp(builder: Builder) -> OtlpSettings {
    chosen(builder).1.remove(0)
}

fn local(builder: Builder) -> LocalSettings {
    chosen(builder).2.remove(0)
}

/// Value and source of a setting, as it is explained.
fn setting(builder: Builder, name: &str) -> Option<(String, Source)> {
    let explanation = resolved(builder).explanation;
    let mut found = explanation.settings().filter(|(known, ..)| *known == name);
    let setting = found.next().map(|(_, value, source)| (value.to_owned(), source));
    assert!(found.next().is_none(), "{name} is explained once");
    setting
}

fn warnings(builder: Builder) -> Vec<String> {
    resolved(builder).explanation.warnings().map(str::to_owned).collect()
}
