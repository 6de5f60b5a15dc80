//! What the tests of the parts share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::export::form::Form;
use crate::export::json;
use crate::export::span_encoder::SpanEncoder;
use crate::tests::encoded;
use crate::transport::Envelope;

/// A directory that is gone when the test is over.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mlflow-tracing-replay-{}-{number}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The line that the embedded default writes of these spans.
pub(super) fn line_of(resource: &Resource, spans: &[SpanData]) -> Vec<u8> {
    let resource = Arc::new(resource.clone());
    let mut encoder = SpanEncoder::own(Form::Json);
    Form::Json.request(&encoded(&mut encoder, &resource, spans)).to_vec()
}

pub(super) fn scope_of(scope: &InstrumentationScope) -> Envelope {
    json::envelope(&Resource::builder_empty().build(), scope)
}
