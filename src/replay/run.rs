//! One run: line by line into batches, batch by batch into the pipe, and the checkpoint after each.

use std::ops::ControlFlow;

use opentelemetry::trace::{SpanId, TraceId};

use super::checkpoint::{Checkpoint, Position};
use super::decode::{self, Decoded, Group};
use super::feed::{Feed, MAX_BYTES, MAX_SPANS, Stop};
use super::files::{Line, TraceFile};
use super::fingerprint::Fingerprint;
use super::recent::Recent;
use super::report::{ReplayProgress, Replayed};
use super::restore::as_captured;

/// More spans than a directory of the embedded default holds; about 20 MiB at most, with their traces.
const REMEMBERED: usize = 131_072;

pub(super) type Watch<'a> = &'a mut dyn FnMut(&ReplayProgress) -> ControlFlow<()>;

pub(super) struct Run<'a> {
    feed: Feed<'a>,
    checkpoint: Checkpoint,
    watch: Watch<'a>,
    progress: ReplayProgress,
    replayed: Replayed,
    spans: Recent<(TraceId, SpanId)>,
    traces: Recent<TraceId>,
}

/// Lines of one file that are sent together.
#[derive(Default)]
struct Batch {
    groups: Vec<Group>,
    /// Bytes of the lines.
    bytes: u64,
    end: Position,
    tally: Replayed,
}

impl<'a> Run<'a> {
    pub(super) fn new(feed: Feed<'a>, checkpoint: Checkpoint, watch: Watch<'a>) -> Self {
        Self {
            feed,
            checkpoint,
            watch,
            progress: ReplayProgress::default(),
            replayed: Replayed::default(),
            spans: Recent::new(REMEMBERED),
            traces: Recent::new(REMEMBERED),
        }
    }

    /// Sends what is left of `files`; what was done counts even when it ends early.
    pub(super) fn all(mut self, files: Vec<TraceFile>) -> (Replayed, Result<(), Stop>) {
        let result = self.try_all(files);
        self.replayed.complete = result.is_ok();
        (self.replayed, result)
    }

    fn try_all(&mut self, files: Vec<TraceFile>) -> Result<(), Stop> {
        // A checkpoint that cannot be written is better known before anything is sent.
        self.checkpoint.save()?;
        // What an earlier run left under way must not meet its repetition in one request.
        let Self { feed, watch, progress, .. } = self;
        feed.settle(&mut || watch(progress))?;
        let mut started = Vec::new();
        for mut file in files {
            let start = file.resume(self.checkpoint.position(file.fingerprint))?;
            self.progress.bytes += start.bytes;
            self.progress.total_bytes += file.length;
            started.push((file, start));
        }
        started.into_iter().try_for_each(|(file, start)| self.file(file, start))
    }

    fn file(&mut self, file: TraceFile, start: Position) -> Result<(), Stop> {
        let (name, fingerprint) = (file.name.clone(), file.fingerprint);
        let mut lines = file.lines(start)?;
        let mut batch = Batch { end: start, ..Batch::default() };
        while let Some(line) = lines.next()? {
            let read = self.read(&name, line, batch.end);
            if !batch.has_room_for(&read) {
                self.send(fingerprint, std::mem::take(&mut batch))?;
            }
            batch.append(read);
        }
        self.send(fingerprint, batch)?;
        self.replayed.unfinished_bytes += lines.unfinished();
        Ok(())
    }

    fn read(&mut self, name: &str, line: Line, start: Position) -> Batch {
        let Line { bytes, end } = line;
        let Decoded { mut groups, faults } = match bytes {
            Ok(bytes) => decode::line(&bytes),
            Err(fault) => Decoded { faults: vec![fault], ..Decoded::default() },
        };
        let mut tally = Replayed::default();
        for fault in faults {
            tally.fault(|| format!("{name}:{}", end.lines), &fault);
        }
        for group in &mut groups {
            group.spans.retain(|span| {
                let context = &span.span_context;
                let new = self.spans.is_new((context.trace_id(), context.span_id()));
                let new_trace = self.traces.is_new(context.trace_id());
                tally.duplicates += u64::from(!new);
                tally.spans += u64::from(new);
                tally.traces += u64::from(new_trace);
                new
            });
            group.spans = std::mem::take(&mut group.spans).into_iter().map(as_captured).collect();
        }
        groups.retain(|group| !group.spans.is_empty());
        Batch { groups, bytes: end.bytes - start.bytes, end, tally }
    }

    fn send(&mut self, file: Fingerprint, mut batch: Batch) -> Result<(), Stop> {
        if batch.bytes == 0 {
            return Ok(());
        }
        let Self { feed, watch, progress, .. } = self;
        for group in batch.groups {
            let refused = feed.deliver(group, &mut || watch(progress))?;
            batch.tally.refused += refused;
            batch.tally.spans = batch.tally.spans.saturating_sub(refused);
        }
        self.checkpoint.note(file, batch.end);
        self.checkpoint.save()?;
        self.progress.bytes += batch.bytes;
        self.progress.spans += batch.tally.spans;
        self.progress.traces += batch.tally.traces;
        self.replayed.add(batch.tally);
        match (self.watch)(&self.progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop::Asked),
        }
    }
}

impl Batch {
    fn has_room_for(&self, more: &Self) -> bool {
        let spans =
            |batch: &Self| batch.groups.iter().map(|group| group.spans.len()).sum::<usize>();
        let bytes = usize::try_from(self.bytes + more.bytes).unwrap_or(usize::MAX);
        self.bytes == 0 || (spans(self) + spans(more) <= MAX_SPANS && bytes <= MAX_BYTES)
    }

    fn append(&mut self, more: Self) {
        for mut group in more.groups {
            match self.groups.last_mut() {
                Some(last) if last.resource == group.resource => {
                    last.spans.append(&mut group.spans);
                }
                _ => self.groups.push(group),
            }
        }
        self.bytes += more.bytes;
        self.end = more.end;
        self.tally.add(more.tally);
    }
}
