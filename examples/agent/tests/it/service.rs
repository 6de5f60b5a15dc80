//! The program under test, in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::trace::{self, Span};

const DOCUMENTS: [(&str, &str); 2] = [
    (
        "cities.md",
        "# Cities\n\nParis is the capital of France. Lyon is not.\n\n## Rivers\n\nSeine, Loire.\n",
    ),
    ("food/cheese.md", "# Cheese\n\nThere are many cheeses in France.\n"),
];
/// A test that is stuck must end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with documents and traces, gone when the test is over.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("agent-{}-{number}", std::process::id());
        let folder = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        for (name, text) in DOCUMENTS {
            let file = folder.documents().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    fn documents(&self) -> PathBuf {
        self.0.join("documents")
    }

    pub fn spans(&self) -> Vec<Span> {
        trace::read(&self.0.join("traces"))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.env_clear().env("AGENT_DOCUMENTS", self.documents());
        command.env("MLFLOW_TRACING_DIRECTORY", self.0.join("traces")).kill_on_drop(true);
        command
    }

    /// `agent --once`
    pub async fn once(&self, question: &str) -> Output {
        within(self.command().args(["--once", question]).output()).await.unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The service, listening.
pub struct Service {
    folder: Folder,
    process: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    url: String,
}

impl Service {
    /// Starts it with this model.
    pub async fn start(model_url: &str) -> Self {
        Self::start_with(model_url, &[]).await
    }

    pub async fn start_with(model_url: &str, environment: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let mut command = folder.command();
        command.envs(environment.iter().copied());
        command.env("AGENT_ADDRESS", "127.0.0.1:0").env("AGENT_MODEL_URL", model_url);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap()).lines();
        let stderr = BufReader::new(process.stderr.take().unwrap()).lines();
        let line = within(stdout.next_line()).await.unwrap().unwrap();
        let url = line.strip_prefix("listening on ").unwrap().to_owned();
        Self { folder, process, stderr, url }
    }

    pub fn ask(&self, question: &str) -> RequestBuilder {
        self.post().json(&json!({ "question": question }))
    }

    pub fn post(&self) -> RequestBuilder {
        Client::new().post(format!("{}/ask", self.url)).timeout(PATIENCE)
    }

    /// Sends the signal, and waits until the service has taken note of it.
    pub async fn signal(&mut self, name: &str, told: &str) {
        let id = self.process.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(within(sent).await.unwrap().success());
        while within(self.stderr.next_line()).await.unwrap().unwrap() != told {}
    }

    /// Waits until it ended of its own accord, and well; returns its spans.
    pub async fn ended(mut self) -> Vec<Span> {
        assert!(within(self.process.wait()).await.unwrap().success());
        self.folder.spans()
    }

    pub async fn stop(mut self) -> Vec<Span> {
        self.signal("TERM", "terminated").await;
        self.ended().await
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it takes too long")
}
