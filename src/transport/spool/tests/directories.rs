//! Whose directory is whose, and what is not a directory of ours.

use super::*;

#[test]
fn two_spools_on_one_directory_do_not_touch_each_other() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.spool(), scratch.spool());
    write(&one, &["one"]);
    write(&two, &["two"]);
    assert_eq!((one.adopt(now()), two.adopt(now())), (Vec::new(), Vec::new()));
    one.settled(Log::Own, 1);
    drop(one);
    assert_eq!(texts(&read_all(&two, Log::Own, 0, 10)), ["two"]);
    let later = now() + ADOPT_EVERY;
    assert_eq!(two.adopt(later), []);
}

#[test]
fn many_threads_make_and_take_over_directories_and_nothing_is_lost_or_taken_twice() {
    let scratch = Scratch::new();
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (scratch, found) = (&scratch, &found);
            scope.spawn(move || {
                for round in 0..50 {
                    let spool = scratch.spool();
                    let orphans = spool.adopt(now());
                    write(&spool, &[&format!("{thread} {round}")]);
                    for orphan in orphans {
                        let read = read_all(&spool, orphan.log, 0, 100);
                        lock(found).extend(read.into_iter().map(|(_, text)| text));
                        spool.settled(orphan.log, orphan.last);
                    }
                    if round % 2 == 0 { kill(spool) } else { drop(spool) }
                }
            });
        }
    });
    let spool = scratch.spool();
    let mut found = found.into_inner().unwrap();
    for orphan in spool.adopt(now()) {
        found.extend(read_all(&spool, orphan.log, 0, 100).into_iter().map(|(_, text)| text));
        spool.settled(orphan.log, orphan.last);
    }
    found.sort();
    let written = (0..4).flat_map(|thread| (0..50).map(move |round| format!("{thread} {round}")));
    let mut written: Vec<String> = written.collect();
    written.sort();
    assert_eq!(found, written);
    drop(spool);
    assert_eq!(scratch.files(), [""; 0]);
}

#[test]
fn what_is_left_for_another_destination_waits_for_it() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one"]);
    kill(spool);
    let other = Spool::new(scratch.settings(MAX_BYTES), "otlp http://other:4318".to_owned());
    assert_eq!(other.adopt(now()), []);
    assert_eq!(scratch.spool().adopt(now()).len(), 1);
}

#[test]
fn destinations_of_any_length_are_told_apart() {
    let scratch = Scratch::new();
    let named = |end: &str| {
        let destination = format!("otlp http://{}/{end}", "é".repeat(2000));
        Spool::new(scratch.settings(MAX_BYTES), destination)
    };
    let spool = named("one");
    write(&spool, &["one"]);
    kill(spool);
    assert_eq!(named("two").adopt(now()), []);
    assert_eq!(named("one").adopt(now()).len(), 1);
}

#[test]
fn processes_that_are_gone_are_looked_for_once_a_minute() {
    let scratch = Scratch::new();
    let (gone, spool) = (scratch.spool(), scratch.spool());
    let start = now();
    assert_eq!(spool.adopt(start), []);
    write(&gone, &["one"]);
    kill(gone);
    assert_eq!(spool.adopt(start + Duration::from_millis(59_999)), []);
    assert_eq!(spool.adopt(start + ADOPT_EVERY).len(), 1);
    assert_eq!(spool.adopt(start + 2 * ADOPT_EVERY), [], "it was taken over before");
}

#[test]
fn a_directory_without_a_lock_is_taken_over() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one"]);
    kill(spool);
    fs::remove_file(scratch.segments()[0].with_file_name("lock")).unwrap();
    let spool = scratch.spool();
    let orphans = spool.adopt(now());
    assert_eq!(texts(&read_all(&spool, orphans[0].log, 0, 10)), ["one"]);
    assert_eq!(scratch.spool().adopt(now()), [], "and locked");
}

#[test]
fn a_writer_whose_lock_was_removed_writes_elsewhere() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one"]);
    let first = scratch.segments()[0].clone();
    fs::remove_file(first.with_file_name("lock")).unwrap();
    write(&spool, &["two"]);
    assert_eq!(texts(&read_all(&spool, Log::Own, 0, 10)), ["one", "two"]);
    let second = scratch.segments().into_iter().find(|path| *path != first).unwrap();
    assert_ne!(second.parent(), first.parent());
    spool.settled(Log::Own, 2);
    drop(spool);
    let spool = scratch.spool();
    assert_eq!(spool.adopt(now()), []);
    assert_eq!(scratch.files(), [""; 0]);
}

#[test]
fn a_directory_that_was_removed_is_made_again() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one", "two"]);
    fs::remove_dir_all(&scratch.0).unwrap();
    assert_eq!(write(&spool, &["three"]), 3);
    assert_eq!(texts(&read_all(&spool, Log::Own, 0, 10)), ["three"]);
    spool.settled(Log::Own, 2);
    kill(spool);
    let spool = scratch.spool();
    let orphans = spool.adopt(now());
    assert_eq!((orphans[0].first, orphans[0].damaged_spans), (3, 0));
    assert_eq!(texts(&read_all(&spool, orphans[0].log, 0, 10)), ["three"]);
}

/// As root, nothing can be made unwritable: a file in the way is.
#[test]
fn where_no_directory_can_be_made_nothing_is_written_until_it_can() {
    let scratch = Scratch::new();
    fs::write(&scratch.0, "in the way").unwrap();
    let spool = scratch.spool();
    let start = now();
    assert_eq!(spool.append(&[record(1, "one")], start), Appended::default());
    assert_eq!(spool.adopt(start), []);
    assert_eq!(spool.read(Log::Own, 0, 10), Read { end: true, ..Read::default() });
    assert_eq!(spool.bytes(), 0);
    fs::remove_file(&scratch.0).unwrap();
    assert_eq!(spool.append(&[record(1, "two")], start), Appended::default(), "a pause");
    assert_eq!(spool.append(&[record(1, "two")], start + ADOPT_EVERY).last, Some(1));
}

#[test]
fn a_directory_of_a_later_version_is_left_alone() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one"]);
    kill(spool);
    let path = scratch.segments()[0].clone();
    let mut bytes = fs::read(&path).unwrap();
    let preamble = preamble_of(&bytes);
    for copy in 0..2 {
        bytes[copy * preamble.len() / 2 + 8] = 2;
    }
    fs::write(&path, &bytes).unwrap();
    fs::write(scratch.0.join("v1").join("w-not-a-directory"), "").unwrap();
    fs::create_dir_all(scratch.0.join("v2").join("w-1-0")).unwrap();
    let spool = scratch.spool();
    assert_eq!(spool.adopt(now()), []);
    write(&spool, &["two"]);
    drop(spool);
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// The first two copies of what a segment says of itself.
fn preamble_of(bytes: &[u8]) -> Vec<u8> {
    let preamble::Beginning::Good(preamble) = preamble::read(bytes) else { panic!("{bytes:?}") };
    preamble.write()
}

#[test]
fn what_somebody_else_has_put_into_a_directory_stays() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one"]);
    kill(spool);
    let foreign = scratch.segments()[0].with_file_name("notes.txt");
    fs::write(&foreign, "mine").unwrap();
    let spool = scratch.spool();
    let start = now();
    let orphans = spool.adopt(start);
    spool.settled(orphans[0].log, 1);
    assert_eq!(spool.adopt(start + ADOPT_EVERY), []);
    assert_eq!(fs::read(foreign).unwrap(), b"mine");
}

#[test]
fn eight_segments_are_kept_aside_at_most() {
    let scratch = Scratch::new();
    for n in 0..12 {
        let directory = scratch.0.join("v1").join(format!("w-1-{n}"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("0000000000000001.seg"), [b'x'; 100]).unwrap();
    }
    let spool = scratch.spool();
    let orphans = spool.adopt(now());
    assert_eq!(orphans.len(), 12);
    assert!(orphans.iter().all(|orphan| orphan.damaged_spans == 1));
    let files = scratch.files();
    assert_eq!(files.len(), 8, "{files:?}");
    assert!(files.iter().all(|name| name.starts_with("v1/quarantine/")));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let segment = scratch.segments()[0].clone();
    let directory = segment.parent().unwrap();
    assert_eq!((mode(&segment), mode(&directory.join("lock"))), (0o600, 0o600));
    for directory in [directory, directory.parent().unwrap(), &scratch.0] {
        assert_eq!(mode(directory), 0o700);
    }
}

#[test]
fn a_process_that_was_forked_leaves_the_files_to_its_parent() {
    let scratch = Scratch::new();
    let parent = scratch.spool();
    write(&parent, &["one"]);
    parent.settled(Log::Own, 1);
    // What the child has: a copy, under another process id.
    lock(&parent.shared.state).process = 0;
    parent.close();
    assert_eq!(scratch.segments().len(), 1, "the child removes nothing");
}
