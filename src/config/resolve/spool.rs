//! Whether spans are on disk until they are delivered.

use std::path::PathBuf;
use std::time::Duration;

use super::{DestinationConfig, Resolver};
use crate::config::explain::Source;
use crate::config::{parse, variable as var};
use crate::error::{Error, Result};
use crate::transport::log::{SpoolSettings, SyncMode};
use crate::transport::spool;

const DEFAULT_BYTES: u64 = 512 * 1024 * 1024;
/// Less does not hold eight of the largest requests, and an eighth is what makes room at once.
const MIN_BYTES: u64 = 64 * 1024 * 1024;
const DEFAULT_SYNC: Duration = Duration::from_millis(500);

impl Resolver<'_> {
    /// Where spans are kept until they are delivered; memory alone without it.
    pub(super) fn spool(
        &mut self,
        destinations: &[DestinationConfig],
    ) -> Result<Option<SpoolSettings>> {
        let Some((place, directory, source)) = self.spool_directory() else {
            self.explanation.note("delivery", "best_effort", Source::Default);
            return Ok(None);
        };
        let shown = directory.display().to_string();
        if !spool::ENABLED {
            let fix = "it needs the feature `spool` of mlflow-tracing; enable it";
            return Err(Error::config(place, &shown, fix));
        }
        if directory.as_os_str().is_empty() {
            let fix = "name a directory that outlives the process";
            return Err(Error::config(place, &shown, fix));
        }
        if !destinations.iter().any(DestinationConfig::is_server) {
            self.explanation.note("delivery", "best_effort", source);
            self.explanation.warn(format!(
                "{place} has no effect: a spool is for MLflow servers and OTLP receivers, and there is none"
            ));
            return Ok(None);
        }
        self.explanation.note("delivery", format!("durable, in {shown}"), source);
        let max_bytes = self.spool_limit()?;
        let sync = self.spool_sync()?;
        Ok(Some(SpoolSettings { directory, max_bytes, sync }))
    }

    fn spool_directory(&self) -> Option<(&'static str, PathBuf, Source)> {
        let method = "with_spool";
        if let Some(directory) = &self.builder.spool.directory {
            return Some((method, directory.clone(), Source::Builder(method)));
        }
        let name = var::MLFLOW_TRACING_SPOOL_DIRECTORY;
        self.builder.env.get(name).map(|path| (name, path.into(), Source::Variable(name)))
    }

    fn spool_limit(&mut self) -> Result<u64> {
        let name = var::MLFLOW_TRACING_SPOOL_MAX_BYTES;
        let (place, bytes, source) = match (self.builder.spool.limit, self.builder.env.get(name)) {
            (Some(bytes), _) => ("Spool::with_limit", bytes, Source::Builder("Spool::with_limit")),
            (None, Some(value)) => {
                let bytes = u64::try_from(parse::size(name, value)?).unwrap_or(u64::MAX);
                (name, bytes, Source::Variable(name))
            }
            (None, None) => (name, DEFAULT_BYTES, Source::Default),
        };
        if bytes < MIN_BYTES {
            let fix = format!("too little for the largest spans; allow at least {MIN_BYTES} bytes");
            return Err(Error::config(place, &bytes.to_string(), fix));
        }
        self.explanation.note("spool limit", format!("{bytes} bytes"), source);
        Ok(bytes)
    }

    fn spool_sync(&mut self) -> Result<SyncMode> {
        let name = var::MLFLOW_TRACING_SPOOL_SYNC_INTERVAL;
        let method = "Spool::with_sync_interval";
        let (every, source) = match (self.builder.spool.sync_interval, self.builder.env.get(name)) {
            (Some(every), _) => (every, Source::Builder(method)),
            (None, Some(value)) => (parse::interval(name, value)?, Source::Variable(name)),
            (None, None) => (DEFAULT_SYNC, Source::Default),
        };
        let shown = match every {
            Duration::ZERO => parse::ALWAYS.to_owned(),
            every => format!("{} ms", every.as_millis()),
        };
        self.explanation.note("spool sync", shown, source);
        Ok(if every.is_zero() { SyncMode::Always } else { SyncMode::Every(every) })
    }
}
