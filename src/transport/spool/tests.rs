use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::sync::now;
use disk::TestDisk;

mod damage;
mod directories;
pub(crate) mod disk;
mod faults;
mod model;
mod survey;

const DESTINATION: &str = "otlp http://collector:4318";
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// A directory that does not exist yet, and is gone when the test is over.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mlflow-tracing-spool-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn settings(&self, max_bytes: u64) -> SpoolSettings {
        let sync = SyncMode::Every(Duration::from_secs(3600));
        SpoolSettings { directory: self.0.clone(), max_bytes, sync }
    }

    fn spool(&self) -> Spool {
        self.spool_of(MAX_BYTES)
    }

    fn spool_of(&self, max_bytes: u64) -> Spool {
        self.spool_on(max_bytes, Arc::new(TestDisk::default()))
    }

    fn spool_on(&self, max_bytes: u64, disk: Arc<TestDisk>) -> Spool {
        Spool::on_disk(self.settings(max_bytes), DESTINATION.to_owned(), disk)
    }

    /// Every file below, relative to it.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(&self.0).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        found
    }

    /// The segments, oldest first.
    fn segments(&self) -> Vec<PathBuf> {
        let names = self.files().into_iter().filter(|name| !name.contains("quarantine"));
        let paths = names.map(|name| self.0.join(name));
        paths.filter(|path| path.extension().is_some_and(|it| it == "seg")).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn record(spans: u32, payload: &str) -> NewRecord {
    NewRecord { spans, payload: payload.as_bytes().to_vec() }
}

fn write(spool: &Spool, payloads: &[&str]) -> u64 {
    let records: Vec<NewRecord> = payloads.iter().map(|payload| record(1, payload)).collect();
    let appended = spool.append(&records, now());
    assert_eq!(appended.written, payloads.len());
    appended.last.unwrap()
}

/// What can be read of a log after a sequence, in reads of `max_bytes`.
fn read_all(spool: &Spool, log: Log, after: u64, max_bytes: usize) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let mut at = after;
    loop {
        let read = spool.read(log, at, max_bytes);
        assert!(read.end || read.through > at, "no progress after {at}");
        for stored in read.records {
            assert!(stored.sequence > at && stored.sequence <= read.through);
            found.push((stored.sequence, String::from_utf8(stored.payload).unwrap()));
        }
        at = read.through;
        if read.end {
            return found;
        }
    }
}

/// A spool for the tests of who uses it, on a disk that breaks.
pub(crate) fn spool_on(settings: SpoolSettings, destination: &str, disk: Arc<TestDisk>) -> Spool {
    Spool::on_disk(settings, destination.to_owned(), disk)
}

/// Ends a spool as the kernel ends one whose process is killed: the locks are free, nothing else.
fn kill(spool: Spool) {
    spool.shared.with(|state| {
        state.own = SegmentLog::own();
        state.orphans.clear();
    });
    drop(spool);
}

fn texts(records: &[(u64, String)]) -> Vec<&str> {
    records.iter().map(|(_, text)| text.as_str()).collect()
}

#[test]
fn nothing_is_touched_before_something_is_written() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    assert_eq!(spool.adopt(now()), []);
    assert_eq!(spool.read(Log::Own, 0, 10), Read { end: true, ..Read::default() });
    spool.settled(Log::Own, 7);
    spool.sync().unwrap();
    assert_eq!(spool.bytes(), 0);
    drop(spool);
    assert!(!scratch.0.exists());
}

#[test]
fn what_was_written_is_read_in_order() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    assert_eq!(write(&spool, &["one", "two"]), 2);
    assert_eq!(write(&spool, &["three"]), 3);
    let expected = [(1, "one".to_owned()), (2, "two".to_owned()), (3, "three".to_owned())];
    for max_bytes in [0, 1, 3, 6, 8, 100] {
        assert_eq!(read_all(&spool, Log::Own, 0, max_bytes), expected);
        assert_eq!(read_all(&spool, Log::Own, 1, max_bytes), expected[1..]);
    }
}

#[test]
fn a_read_stops_before_it_holds_more_than_asked_for_but_holds_one_at_least() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["12345", "12345", "12345"]);
    let read = |after, max_bytes| {
        let read = spool.read(Log::Own, after, max_bytes);
        (read.records.len(), read.through, read.end)
    };
    assert_eq!(read(0, 10), (2, 2, false));
    assert_eq!(read(0, 9), (1, 1, false));
    assert_eq!(read(1, 0), (1, 2, false));
    assert_eq!(read(2, 0), (1, 3, true));
    assert_eq!(read(3, 10), (0, 3, true));
}

#[test]
fn reading_goes_on_where_writing_goes_on() {
    let scratch = Scratch::new();
    let spool = scratch.spool_of(8 * 400);
    let mut at = 0;
    for n in 0..50 {
        let text = format!("record {n}");
        let last = write(&spool, &[&text]);
        let read = spool.read(Log::Own, at, 1000);
        assert_eq!(read.records.len(), 1, "{n}");
        assert_eq!((read.through, read.end), (last, true));
        assert_eq!(read.records[0].payload, text.as_bytes());
        at = last;
        if n % 7 == 0 {
            spool.settled(Log::Own, at);
        }
    }
}

#[test]
fn what_was_not_settled_is_taken_over() {
    let scratch = Scratch::new();
    let first = scratch.spool();
    write(&first, &["one", "two", "three"]);
    first.append(&[record(5, "four")], now());
    first.settled(Log::Own, 1);
    first.settled(Log::Own, 2);
    kill(first);
    let second = scratch.spool();
    let orphans = second.adopt(now());
    let [Orphan { log, first: 3, last: 4, records: 2, spans: 6, damaged_spans: 0 }] = orphans[..]
    else {
        panic!("{orphans:?}")
    };
    assert_eq!(texts(&read_all(&second, log, 2, 100)), ["three", "four"]);
    assert_eq!(texts(&read_all(&second, log, 0, 100)), ["three", "four"], "settled ones are not");
    assert!(second.bytes() > 0);
    second.settled(log, 4);
    assert_eq!(second.bytes(), 0);
    assert_eq!(scratch.files(), [""; 0]);
}

#[test]
fn what_was_settled_of_a_log_that_was_taken_over_is_not_taken_over_again() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one", "two", "three"]);
    kill(spool);
    for (settled, left) in [(1, 2), (2, 1)] {
        let spool = scratch.spool();
        let orphans = spool.adopt(now());
        assert_eq!(orphans[0].first, settled);
        spool.settled(orphans[0].log, settled);
        assert_eq!(read_all(&spool, orphans[0].log, settled, 10).len(), left);
        kill(spool);
    }
    let spool = scratch.spool();
    let orphans = spool.adopt(now());
    assert_eq!((orphans[0].first, orphans[0].last, orphans[0].records), (3, 3, 1));
    assert_eq!(texts(&read_all(&spool, orphans[0].log, 0, 10)), ["three"]);
}

#[test]
fn closing_removes_what_is_settled_and_leaves_the_rest() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one", "two"]);
    spool.settled(Log::Own, 2);
    spool.close();
    assert_eq!(scratch.files(), [""; 0]);
    assert_eq!(spool.append(&[record(1, "late")], now()), Appended::default());
    assert_eq!(spool.adopt(now()), []);

    let spool = scratch.spool();
    write(&spool, &["one", "two"]);
    spool.settled(Log::Own, 1);
    drop(spool);
    let spool = scratch.spool();
    let orphans = spool.adopt(now());
    assert_eq!(texts(&read_all(&spool, orphans[0].log, 0, 10)), ["two"]);
}

#[test]
fn the_oldest_segment_makes_room_those_taken_over_first() {
    let scratch = Scratch::new();
    let max_bytes = 8 * 1024;
    let text = "x".repeat(300);
    let old = scratch.spool_of(max_bytes);
    for _ in 0..6 {
        write(&old, &[&text]);
    }
    kill(old);
    let spool = scratch.spool_of(max_bytes);
    let orphan = spool.adopt(now())[0].log;
    let mut evicted = Vec::new();
    for _ in 0..40 {
        let appended = spool.append(&[record(1, &text)], now());
        assert_eq!(appended.written, 1);
        evicted.extend(appended.evicted);
        assert!(spool.bytes() <= max_bytes);
    }
    let of = |log| evicted.iter().filter(move |evicted| evicted.log == log).map(|e| e.through);
    assert_eq!(of(orphan).collect::<Vec<_>>(), [2, 4, 6]);
    let own: Vec<u64> = of(Log::Own).collect();
    let last = *own.last().unwrap();
    assert_eq!(own, (2..=last).step_by(2).collect::<Vec<_>>());
    let (gone, rest) = evicted.split_at(3);
    assert!(gone.iter().all(|e| e.log == orphan) && rest.iter().all(|e| e.log == Log::Own));
    let left = read_all(&spool, Log::Own, 0, 1000);
    let sequences: Vec<u64> = left.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, (last + 1..=40).collect::<Vec<_>>());
    assert_eq!(spool.read(orphan, 0, 10), Read { end: true, ..Read::default() });
}

#[test]
fn a_record_larger_than_a_segment_is_refused_and_those_before_it_are_written() {
    let scratch = Scratch::new();
    let spool = scratch.spool_of(8 * 1024);
    let largest = spool.max_payload();
    let records = [record(1, "one"), record(1, &"x".repeat(largest + 1)), record(1, "three")];
    let appended = spool.append(&records, now());
    assert_eq!((appended.written, appended.last), (1, Some(1)));
    assert_eq!(write(&spool, &["two", &"x".repeat(largest), "four"]), 4, "and there is no pause");
    assert_eq!(read_all(&spool, Log::Own, 0, 10).len(), 4);
}

#[test]
fn a_big_segment_goes_when_all_of_it_is_settled() {
    let scratch = Scratch::new();
    let spool = scratch.spool_of(64 * 1024 * 1024);
    let text = "x".repeat(400 * 1024);
    write(&spool, &[&text, &text]);
    spool.settled(Log::Own, 2);
    assert!(spool.bytes() > 0, "a small one is used on");
    write(&spool, &[&text]);
    spool.settled(Log::Own, 3);
    assert_eq!(spool.bytes(), 0);
    assert_eq!(write(&spool, &["next"]), 4);
    assert_eq!(texts(&read_all(&spool, Log::Own, 3, 10)), ["next"]);
}

#[test]
fn a_sender_reads_and_settles_while_a_worker_writes() {
    const RECORDS: u64 = 2000;
    let scratch = Scratch::new();
    let spool = scratch.spool_of(8 * 4096);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=RECORDS {
                // Never so far ahead that something is evicted.
                while spool.bytes() > 6 * 4096 {
                    std::thread::yield_now();
                }
                assert_eq!(write(&spool, &[&format!("record {n}")]), n);
            }
        });
        let deadline = now() + Duration::from_secs(60);
        let mut at = 0;
        while at < RECORDS {
            assert!(now() < deadline, "stuck at {at}");
            let read = spool.read(Log::Own, at, 500);
            for stored in read.records {
                at += 1;
                assert_eq!(stored.sequence, at);
                assert_eq!(stored.payload, format!("record {at}").as_bytes());
            }
            assert_eq!(read.through, at);
            spool.settled(Log::Own, at);
        }
    });
    drop(spool);
    assert_eq!(scratch.files(), [""; 0]);
}
