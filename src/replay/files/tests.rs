use std::fs;

use super::super::tests::Scratch;
use super::*;

fn names(files: &[TraceFile]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

/// The whole lines from `start`, and the bytes of the unfinished one.
fn read(file: TraceFile, start: Position) -> (Vec<Line>, u64) {
    let mut lines = file.lines(start).unwrap();
    let mut all = Vec::new();
    while let Some(line) = lines.next().unwrap() {
        all.push(line);
    }
    (all, lines.unfinished())
}

fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| std::str::from_utf8(line.bytes.as_ref().unwrap()).unwrap()).collect()
}

#[test]
fn the_oldest_file_comes_first_and_other_files_are_none() {
    let scratch = Scratch::new();
    for name in ["traces.jsonl", "traces.1.jsonl", "traces.2.jsonl", "traces.10.jsonl"] {
        scratch.write(name, format!("{name}\n"));
    }
    for name in
        ["replay-1.json", "traces.jsonl.bak", "traces.x.jsonl", "other.jsonl", "traces.json"]
    {
        scratch.write(name, "no traces\n");
    }
    let files = of_directory(scratch.path()).unwrap();
    let expected = ["traces.10.jsonl", "traces.2.jsonl", "traces.1.jsonl", "traces.jsonl"];
    assert_eq!(names(&files), expected);
}

#[test]
fn a_file_that_is_renamed_while_files_are_opened_is_read_once() {
    let scratch = Scratch::new();
    scratch.write("traces.jsonl", "the same\n");
    scratch.write("traces.1.jsonl", "the same\n");
    assert_eq!(names(&of_directory(scratch.path()).unwrap()), ["traces.jsonl"]);
}

#[test]
fn a_file_stays_what_it_was_when_it_is_renamed_replaced_or_grows() {
    let scratch = Scratch::new();
    let path = scratch.write("traces.jsonl", "one\ntwo\nhal");
    let before = TraceFile::open(&path).unwrap();
    let fingerprint = before.fingerprint;
    let older = scratch.path().join("traces.1.jsonl");
    fs::rename(&path, &older).unwrap();
    scratch.write("traces.jsonl", "new\n");
    fs::write(&older, "one\ntwo\nhalf\n").unwrap();
    let (lines, unfinished) = read(before, Position::default());
    assert_eq!((texts(&lines), unfinished), (vec!["one\n", "two\n"], 3));
    assert_eq!(TraceFile::open(&older).unwrap().fingerprint, fingerprint);
    assert_ne!(TraceFile::open(&path).unwrap().fingerprint, fingerprint);
}

#[test]
fn reading_goes_on_at_the_start_of_a_line() {
    let scratch = Scratch::new();
    let path = scratch.write("traces.jsonl", "one\ntwo\nthree\n");
    let resumed = |bytes| {
        let known = Position { bytes, lines: 7 };
        let mut file = TraceFile::open(&path).unwrap();
        let start = file.resume(known).unwrap();
        (start, texts(&read(file, start).0).concat())
    };
    assert_eq!(resumed(4), (Position { bytes: 4, lines: 7 }, "two\nthree\n".to_owned()));
    assert_eq!(resumed(14), (Position { bytes: 14, lines: 7 }, String::new()));
    // Not the file that was read, whatever its first line says.
    for bytes in [5, 15, u64::MAX] {
        assert_eq!(resumed(bytes), (Position::default(), "one\ntwo\nthree\n".to_owned()));
    }
}

#[test]
fn each_line_says_where_the_next_begins() {
    let scratch = Scratch::new();
    let path = scratch.write("traces.jsonl", "one\n\nthree\n");
    let (lines, _) = read(TraceFile::open(&path).unwrap(), Position { bytes: 4, lines: 1 });
    let ends: Vec<_> = lines.iter().map(|line| (line.end.bytes, line.end.lines)).collect();
    assert_eq!(ends, [(5, 2), (11, 3)]);
}

#[test]
fn a_line_that_is_too_long_is_passed_over() {
    let scratch = Scratch::new();
    let path = scratch.write("traces.jsonl", "12345678\n123456789012345678\nshort\n1234567890");
    let mut lines = TraceFile::open(&path).unwrap().lines(Position::default()).unwrap();
    lines.max_line = 9;
    assert_eq!(lines.next().unwrap().unwrap().bytes.unwrap(), b"12345678\n");
    let long = lines.next().unwrap().unwrap();
    assert_eq!(long.bytes.unwrap_err(), "longer than 9 bytes");
    assert_eq!(long.end, Position { bytes: 28, lines: 2 });
    assert_eq!(lines.next().unwrap().unwrap().bytes.unwrap(), b"short\n");
    assert_eq!(lines.next().unwrap(), None, "it may be longer still");
    assert_eq!(lines.unfinished(), 10);
}
