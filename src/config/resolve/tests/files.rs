//! Files that variables name, gone when the test is over.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

pub(super) struct Files(PathBuf);

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const PRICES: &str = r#"{"gpt-4o":{"input_cost_per_token":1e-6}}"#;
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

impl Files {
    /// `ca.pem`, `client.pem`, `client.key`, `both.pem`, `text.pem` without any PEM, `prices.json`, and a home with
    /// credentials.
    pub(super) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mlflow-tracing-resolve-{}-{number}", std::process::id());
        let files = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(files.0.join(".mlflow")).unwrap();
        let credentials =
            "[mlflow]\nmlflow_tracking_username = anna\nmlflow_tracking_password = pw\n";
        for (name, text) in [
            ("ca.pem", CERTIFICATE),
            ("client.pem", CERTIFICATE),
            ("client.key", KEY),
            ("both.pem", &format!("{CERTIFICATE}{KEY}")),
            ("text.pem", "no PEM at all"),
            ("prices.json", PRICES),
            (".mlflow/credentials", credentials),
        ] {
            fs::write(files.0.join(name), text).unwrap();
        }
        files
    }

    /// `value` with `@` standing for the directory.
    pub(super) fn fill(&self, value: &str) -> String {
        value.replace('@', self.0.to_str().unwrap())
    }

    /// Variables whose values may hold `@`.
    pub(super) fn env<'a>(&self, variables: impl IntoIterator<Item = &'a Pair>) -> Builder {
        let filled = variables.into_iter().map(|(name, value)| (*name, self.fill(value)));
        Builder::new(Env::from_pairs(filled))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
