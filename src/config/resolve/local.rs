//! The embedded default, and what the program says about itself.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use super::{DestinationConfig, KindConfig, Resolver, Said, Target};
use crate::config::choice::Console;
use crate::config::destination::Local;
use crate::config::env::Env;
use crate::config::explain::Source;
use crate::config::{env, parse, variable as var};
use crate::error::Result;
use crate::export::local::LocalSettings;
use crate::semconv::otel;

const DEFAULT_DIRECTORY: &str = "./mlflow-traces";

impl Resolver<'_> {
    pub(super) fn local(&mut self, options: &Local, env: &Env) -> Result<DestinationConfig> {
        let named = env.get(var::MLFLOW_TRACING_DIRECTORY);
        let (directory, source) = match (&options.directory, named) {
            (Some(directory), _) => (directory.clone(), Source::Builder("with_local_directory")),
            (None, Some(value)) => {
                (PathBuf::from(value), Source::Variable(var::MLFLOW_TRACING_DIRECTORY))
            }
            (None, None) => (PathBuf::from(DEFAULT_DIRECTORY), Source::Default),
        };
        self.explanation.note("local directory", directory.display().to_string(), source);
        let words =
            [("auto", Console::Auto), ("always", Console::Always), ("never", Console::Never)];
        let console = match (options.console, env.get(var::MLFLOW_TRACING_CONSOLE)) {
            (Some(console), _) => console,
            (None, Some(value)) => parse::word(var::MLFLOW_TRACING_CONSOLE, value, &words)?,
            (None, None) => Console::Auto,
        };
        let terminal = std::io::stderr().is_terminal();
        let console = match console {
            Console::Always => true,
            Console::Auto => terminal,
            Console::Never => false,
        };
        let settings = LocalSettings {
            directory: Some(directory),
            console,
            colours: colours(&self.builder.env, terminal),
        };
        let retry = self.retry(Target::Other, None, env)?;
        Ok(DestinationConfig { kind: KindConfig::Local(settings), retry, filter: None })
    }

    /// Trees on stderr and nothing else.
    pub(super) fn console(&mut self) -> Result<DestinationConfig> {
        let env = &self.builder.env;
        let colours = colours(env, std::io::stderr().is_terminal());
        let settings = LocalSettings { directory: None, console: true, colours };
        self.explanation.note("console", "on", Source::Variable(var::OTEL_TRACES_EXPORTER));
        let retry = self.retry(Target::Other, None, env)?;
        Ok(DestinationConfig { kind: KindConfig::Local(settings), retry, filter: None })
    }

    pub(super) fn resource(&mut self) -> Result<Resource> {
        let builder = self.builder;
        let mut attributes = vec![
            KeyValue::new("telemetry.sdk.language", "rust"),
            KeyValue::new("telemetry.sdk.name", env!("CARGO_PKG_NAME")),
            KeyValue::new("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        if let Some(value) = builder.env.get(var::OTEL_RESOURCE_ATTRIBUTES) {
            let pairs = parse::pairs(var::OTEL_RESOURCE_ATTRIBUTES, value)?;
            attributes.extend(pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)));
        }
        let is_name = |key: &str| key == otel::SERVICE_NAME;
        let in_variable = attributes.iter().any(|kv| is_name(kv.key.as_str()));
        let built = &builder.resource_attributes;
        let in_builder = built.iter().any(|(key, _)| is_name(key));
        attributes
            .extend(built.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
        let names = [var::OTEL_SERVICE_NAME];
        let built = builder.service_name.as_ref();
        let said = Said::first("with_service_name", built, &builder.env, &names);
        let (name, source) = match said {
            Some(said) if builder.service_name.is_some() => (Some(said.text), said.source),
            _ if in_builder => (None, Source::Builder("with_resource_attribute")),
            Some(said) => (Some(said.text), said.source),
            None if in_variable => (None, Source::Variable(var::OTEL_RESOURCE_ATTRIBUTES)),
            None => (Some(format!("unknown_service:{}", env::target())), Source::Default),
        };
        attributes.extend(name.map(|name| KeyValue::new(otel::SERVICE_NAME, name)));
        let resource = Resource::builder_empty().with_attributes(attributes).build();
        let name = resource.get_ref(&otel::SERVICE_NAME.into());
        let name = name.map(|name| name.as_str().into_owned()).unwrap_or_default();
        self.explanation.note("service", name, source);
        Ok(resource)
    }
}

/// Source: no-color.org.
pub(super) fn colours(env: &Env, terminal: bool) -> bool {
    terminal && env.get(var::NO_COLOR).is_none()
}
