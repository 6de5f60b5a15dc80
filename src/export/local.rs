//! The embedded default: a tree in the terminal, OTLP/JSON lines in rotated files.
//!
//! Files are `traces.jsonl` (the newest) to `traces.3.jsonl`, 16 MiB each, readable by their owner
//! only; one line is one OTLP request. A directory that cannot be written costs a warning, and the
//! spans are counted as rejected; the trees are still drawn.
//!
//! A line says what collectors are told, so that anything that reads OTLP can read it; and it can be
//! replayed ([`crate::replay`]): inputs and outputs that are strings are still strings then.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;

use crate::diagnostics;
use crate::export::form::Form;
use crate::export::otlp::Unmistakable;
use crate::export::span_encoder::SpanEncoder;
use crate::export::tree::Trees;
use crate::export::{Destination, Encoder, TraceChunk};
use crate::finding::Finding;
use crate::semconv::metrics::LOCAL_TYPE;
use crate::transport::{Epilogue, Limits, Parcel, Payload, Repeat, Verdict, Wire, owner_only};

const NAME_PREFIX: &str = "local ";
const FILES: usize = 4;
const SET_DIRECTORY: &str = "Set MLFLOW_TRACING_DIRECTORY to a directory that can be written";
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// What to write, already checked.
#[derive(Clone, Debug)]
pub(crate) struct LocalSettings {
    /// No files without it.
    pub(crate) directory: Option<PathBuf>,
    /// Whether to draw trees on stderr.
    pub(crate) console: bool,
    pub(crate) colours: bool,
}

pub(crate) fn destination(settings: LocalSettings) -> Destination {
    let trees = settings.console.then(|| Trees::new(settings.colours));
    let encoder = LocalEncoder { spans: SpanEncoder::own(Form::Json), trees };
    let Some(directory) = settings.directory else {
        return Destination::new(
            "console".to_owned(),
            LOCAL_TYPE,
            Box::new(encoder),
            Box::new(ConsoleWire),
        );
    };
    let name = format!("{NAME_PREFIX}{}", directory.display());
    let wire = LocalWire { directory, unwritable: None, file: None };
    Destination::new(name, LOCAL_TYPE, Box::new(encoder), Box::new(wire))
}

struct LocalEncoder {
    spans: SpanEncoder,
    trees: Option<Trees>,
}

impl Encoder for LocalEncoder {
    fn encode(&mut self, chunks: &[TraceChunk<'_>], resource: &Arc<Resource>) -> Vec<Parcel> {
        let encoded = self.spans.encode(&Unmistakable, chunks, TraceChunk::ended, resource);
        let parcel = |(chunk, spans): (&TraceChunk<'_>, _)| {
            let tree = self.trees.as_mut().and_then(|trees| trees.add(chunk));
            let epilogue = tree.map(|text| Epilogue { trace_id: chunk.trace_id, text });
            Parcel { spans, epilogue, ..Parcel::default() }
        };
        chunks.iter().zip(encoded).map(parcel).collect()
    }
}

struct LocalWire {
    directory: PathBuf,
    /// Why the directory could not be written when it was tried.
    unwritable: Option<String>,
    /// The newest file and its size.
    file: Option<(File, u64)>,
}

impl LocalWire {
    fn path(&self, index: usize) -> PathBuf {
        match index {
            0 => newest_file(&self.directory),
            older => self.directory.join(format!("traces.{older}.jsonl")),
        }
    }

    fn open(&self) -> std::io::Result<(File, u64)> {
        owner_only::create_directory(&self.directory)?;
        let file = owner_only::open_for_append(&self.path(0))?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    /// Writes one line whole, after making the newest file the second when it is full.
    fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let (mut file, size) = match self.file.take() {
            Some((_, size)) if size > 0 && size + length > MAX_FILE_BYTES => {
                self.rotate()?;
                self.open()?
            }
            Some(current) => current,
            None => self.open()?,
        };
        let written = file.write_all(line);
        // Half a line would spoil the next one.
        let size =
            if written.is_ok() { size + length } else { file.set_len(size).map_or(0, |()| size) };
        self.file = Some((file, size));
        written
    }

    fn rotate(&self) -> std::io::Result<()> {
        for index in (1..FILES).rev() {
            let newer = self.path(index - 1);
            if newer.exists() {
                std::fs::rename(newer, self.path(index))?;
            }
        }
        Ok(())
    }

    /// Tries to write, and leaves nothing that was not there before.
    fn try_out(&self) -> std::io::Result<()> {
        let file = self.path(0);
        let missing = self.directory.ancestors().take_while(|ancestor| !ancestor.exists());
        let made: Vec<_> = missing.filter(|ancestor| !ancestor.as_os_str().is_empty()).collect();
        let is_new = !file.exists();
        let tried = self.open().map(drop);
        if is_new && tried.is_ok() {
            std::fs::remove_file(file)?;
        }
        for directory in made {
            // One that was not made is not there, and one that others use is not empty.
            let _ = std::fs::remove_dir(directory);
        }
        tried
    }

    fn cannot_write(&self, error: &std::io::Error) -> String {
        format!("cannot write {}: {error}", self.path(0).display())
    }
}

impl Wire for LocalWire {
    fn limits(&self) -> Limits {
        Limits::USUAL
    }

    fn prepare(&mut self, _timeout: Duration) -> Verdict {
        match self.open() {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                let problem = self.cannot_write(&error);
                diagnostics::warn(&format!("{problem}; traces are not kept. {SET_DIRECTORY}"));
                self.unwritable = Some(problem);
            }
        }
        Verdict::delivered()
    }

    fn examine(&mut self, _timeout: Duration) -> Vec<Finding> {
        vec![match self.try_out() {
            Ok(()) => Finding::ok("can be written"),
            Err(error) => Finding::error(format!("{}. {SET_DIRECTORY}", self.cannot_write(&error))),
        }]
    }

    fn deliver(&mut self, spans: &[Payload], _timeout: Duration) -> Verdict {
        if let Some(problem) = &self.unwritable {
            let rejected = crate::transport::outbox::counted(spans);
            return Verdict::Delivered { rejected, note: Some(problem.clone()) };
        }
        match self.write(&Form::Json.request(spans).to_vec()) {
            Ok(()) => Verdict::delivered(),
            Err(error) => Verdict::again(Repeat::Soon, self.cannot_write(&error)),
        }
    }

    fn finish(&mut self, epilogue: &Epilogue, _whole: bool, _timeout: Duration) -> Verdict {
        draw(epilogue)
    }

    /// Nothing to break off: a local write ends by itself.
    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| ())
    }
}

/// Trees alone: nothing is kept of the spans.
struct ConsoleWire;

impl Wire for ConsoleWire {
    fn limits(&self) -> Limits {
        Limits::USUAL
    }

    fn prepare(&mut self, _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn examine(&mut self, _timeout: Duration) -> Vec<Finding> {
        vec![Finding::ok("traces are drawn on stderr")]
    }

    fn deliver(&mut self, _spans: &[Payload], _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn finish(&mut self, epilogue: &Epilogue, _whole: bool, _timeout: Duration) -> Verdict {
        draw(epilogue)
    }

    /// Nothing to break off.
    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| ())
    }
}

fn draw(epilogue: &Epilogue) -> Verdict {
    // A closed stderr must not end the program that is being traced.
    let _ = std::io::stderr().lock().write_all(epilogue.text.as_bytes());
    Verdict::delivered()
}

/// The file that `directory` holds the newest traces in.
pub(crate) fn newest_file(directory: &Path) -> PathBuf {
    directory.join("traces.jsonl")
}

/// The directory of a destination that is called `name`, when it is a local one.
pub(crate) fn directory_of(name: &str) -> Option<&Path> {
    name.strip_prefix(NAME_PREFIX).map(Path::new)
}

/// How many files are newer than the one called `name`; `None` when it holds no traces.
pub(crate) fn age(name: &str) -> Option<usize> {
    match name.strip_prefix("traces.")?.strip_suffix("jsonl")? {
        "" => Some(0),
        number => number.strip_suffix('.')?.parse().ok(),
    }
}
