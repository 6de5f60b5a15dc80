//! Disks that are full or broken.

use super::*;

const PAUSE: Duration = Duration::from_secs(60);

/// Writes until something fails: how many records are told as written.
fn write_some(spool: &Spool, names: &[&str], now: Instant) -> usize {
    let records: Vec<NewRecord> = names.iter().map(|name| record(1, name)).collect();
    spool.append(&records, now).written
}

#[test]
fn a_write_that_fails_anywhere_loses_nothing_that_was_told_as_written() {
    for truncates in [true, false] {
        for room in 0..420 {
            let scratch = Scratch::new();
            let disk = Arc::new(TestDisk::default());
            let spool = scratch.spool_on(8 * 1024, Arc::clone(&disk));
            disk.fill_after(room, truncates);
            let start = now();
            let mut told = Vec::new();
            for (index, name) in ["one", "two", "three", "four"].into_iter().enumerate() {
                let at = start + PAUSE * u32::try_from(index).unwrap();
                if write_some(&spool, &[name, "and more"], at) == 2 {
                    told.extend([name, "and more"]);
                }
            }
            disk.mend();
            assert_eq!(write_some(&spool, &["five"], start + 10 * PAUSE), 1);
            told.push("five");
            assert_eq!(texts(&read_all(&spool, Log::Own, 0, 100)), told, "room for {room}");
            kill(spool);
            let spool = scratch.spool();
            let orphans = spool.adopt(now());
            let found = read_all(&spool, orphans[0].log, 0, 100);
            assert_eq!(texts(&found), told, "after {room}, truncates: {truncates}");
            assert_eq!(orphans[0].damaged_spans, 0);
        }
    }
}

#[test]
fn after_a_failure_there_is_a_pause_that_grows() {
    let scratch = Scratch::new();
    let disk = Arc::new(TestDisk::default());
    let spool = scratch.spool_on(MAX_BYTES, Arc::clone(&disk));
    disk.fill_after(0, true);
    let start = now();
    let millis = |millis| start + Duration::from_millis(millis);
    assert_eq!(write_some(&spool, &["one"], start), 0);
    disk.mend();
    assert_eq!(write_some(&spool, &["two"], millis(99)), 0);
    disk.fill_after(0, true);
    assert_eq!(write_some(&spool, &["three"], millis(100)), 0);
    disk.mend();
    assert_eq!(write_some(&spool, &["four"], millis(299)), 0);
    assert_eq!(write_some(&spool, &["five"], millis(300)), 1);
    assert_eq!(write_some(&spool, &["six"], millis(300)), 1);
    disk.fill_after(0, true);
    assert_eq!(write_some(&spool, &["seven"], millis(400)), 0);
    disk.mend();
    assert_eq!(write_some(&spool, &["eight"], millis(500)), 1, "a success forgets the failures");
    assert_eq!(texts(&read_all(&spool, Log::Own, 0, 9)), ["five", "six", "eight"]);
}

#[test]
fn a_file_whose_sync_failed_is_neither_synced_nor_written_again() {
    let scratch = Scratch::new();
    let disk = Arc::new(TestDisk::default());
    let spool = scratch.spool_on(MAX_BYTES, Arc::clone(&disk));
    write(&spool, &["one"]);
    spool.sync().unwrap();
    write(&spool, &["two"]);
    disk.say_of_syncs(&[false]);
    assert!(spool.sync().unwrap_err().to_string().contains("broken"));
    let first = fs::metadata(&scratch.segments()[0]).unwrap().len();
    assert_eq!(disk.synced().last(), Some(&first));
    write(&spool, &["three"]);
    let segments = scratch.segments();
    assert_eq!(segments.len(), 2);
    let error = spool.sync().unwrap_err().to_string();
    assert!(error.contains(segments[0].to_str().unwrap()), "{error}");
    let second = fs::metadata(&segments[1]).unwrap().len();
    assert_eq!(disk.synced().last(), Some(&second));
    assert_eq!(disk.synced().len(), 3);
    assert_eq!(texts(&read_all(&spool, Log::Own, 0, 9)), ["one", "two", "three"]);
    spool.settled(Log::Own, 2);
    spool.sync().unwrap();
}

#[test]
fn what_is_written_is_synced_after_the_time_that_was_asked_for() {
    let scratch = Scratch::new();
    let disk = Arc::new(TestDisk::default());
    let mut settings = scratch.settings(MAX_BYTES);
    settings.sync = SyncMode::Every(Duration::from_millis(1));
    let spool = Spool::on_disk(settings, DESTINATION.to_owned(), Arc::<TestDisk>::clone(&disk));
    write(&spool, &["one"]);
    let deadline = now() + Duration::from_secs(30);
    while disk.synced().is_empty() {
        assert!(now() < deadline, "nothing was synced");
        std::thread::yield_now();
    }
    let length = fs::metadata(&scratch.segments()[0]).unwrap().len();
    assert_eq!(disk.synced(), [length]);
}

#[test]
fn what_is_not_settled_is_synced_at_the_end() {
    let scratch = Scratch::new();
    let disk = Arc::new(TestDisk::default());
    let spool = scratch.spool_on(MAX_BYTES, Arc::clone(&disk));
    write(&spool, &["one"]);
    assert_eq!(disk.synced(), [0; 0]);
    let began = now();
    drop(spool);
    assert!(began.elapsed() < Duration::from_secs(60), "it waited for the thread's hour");
    assert_eq!(disk.synced().len(), 1);
}

#[test]
fn with_always_it_is_on_the_device_when_append_returns() {
    let scratch = Scratch::new();
    let disk = Arc::new(TestDisk::default());
    let mut settings = scratch.settings(MAX_BYTES);
    settings.sync = SyncMode::Always;
    let spool = Spool::on_disk(settings, DESTINATION.to_owned(), Arc::<TestDisk>::clone(&disk));
    for n in 1..4 {
        write(&spool, &["one"]);
        assert_eq!(disk.synced().len(), n);
    }
    let length = fs::metadata(&scratch.segments()[0]).unwrap().len();
    assert_eq!(disk.synced().last(), Some(&length));
    disk.say_of_syncs(&[false]);
    assert_eq!(write(&spool, &["two"]), 4, "it is with the kernel");
    assert_eq!(write(&spool, &["three"]), 5);
    assert_eq!(scratch.segments().len(), 2);
}

#[test]
fn without_descriptors_nothing_is_read_and_nothing_is_taken_for_damaged() {
    let scratch = Scratch::new();
    let disk = Arc::new(TestDisk::default());
    let spool = scratch.spool_on(MAX_BYTES, Arc::clone(&disk));
    write(&spool, &["one", "two"]);
    disk.lack_descriptors(true);
    assert!(spool.read(Log::Own, 0, 10).is_stuck());
    disk.lack_descriptors(false);
    assert_eq!(texts(&read_all(&spool, Log::Own, 0, 10)), ["one", "two"]);
    kill(spool);

    disk.lack_descriptors(true);
    let (spool, start) = (scratch.spool_on(MAX_BYTES, Arc::clone(&disk)), now());
    assert_eq!(spool.adopt(start), []);
    disk.lack_descriptors(false);
    let orphans = spool.adopt(start + PAUSE);
    assert_eq!((orphans[0].records, orphans[0].damaged_spans), (2, 0));
    spool.settled(orphans[0].log, 2);
    drop(spool);
    assert_eq!(scratch.files(), [""; 0]);
}
