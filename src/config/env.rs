//! The only place that reads the environment. Everything else is given an [`Env`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use crate::config::variable::{VARIABLES, Variable};

/// Variables as they were when tracing was set up. An empty value counts as unset.
///
/// Source: OpenTelemetry specification, environment variables, §parsing empty value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env {
    variables: BTreeMap<String, String>,
}

impl Env {
    /// The variables of this process, as far as the table knows them.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(crate) fn of_process() -> Self {
        let mut variables = BTreeMap::new();
        for Variable { name, .. } in VARIABLES {
            if let Some(Ok(value)) = std::env::var_os(name).map(std::ffi::OsString::into_string) {
                variables.insert((*name).to_owned(), value);
            }
        }
        Self { variables }
    }

    /// Variables for a test, or for a program that keeps its settings elsewhere.
    pub(crate) fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self { variables }
    }

    /// The value of a variable, without surrounding space.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first of `names` that is set, with its value.
    pub(crate) fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| self.get(name).map(|value| (*name, value)))
    }

    /// Variables of the table that are set.
    pub(crate) fn set_variables(&self) -> impl Iterator<Item = (&'static Variable, &str)> {
        VARIABLES.iter().filter_map(|variable| Some((variable, self.get(variable.name)?)))
    }
}

/// How the program was called.
pub(crate) fn program() -> Option<&'static str> {
    static PROGRAM: OnceLock<Option<String>> = OnceLock::new();
    let program = || std::env::args_os().next()?.into_string().ok();
    PROGRAM.get_or_init(program).as_deref()
}

/// The program's name as a `tracing` target: what its own crate is called.
pub(crate) fn target() -> &'static str {
    static TARGET: OnceLock<String> = OnceLock::new();
    TARGET.get_or_init(|| {
        let stem = program().and_then(|program| Path::new(program).file_stem()?.to_str());
        stem.unwrap_or("main").replace('-', "_")
    })
}
