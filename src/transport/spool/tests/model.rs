//! Whatever happens to a spool: what was written, and not settled or evicted, is there, in order.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tests::cases;

const MAX_BYTES: u64 = 8 * 512;

#[derive(Clone, Debug)]
enum Step {
    /// Records of these sizes.
    Append(Vec<usize>),
    /// Reads from one of the logs, as many bytes, and settles a part of what was read.
    Read {
        log: usize,
        max_bytes: usize,
        settled: usize,
    },
    /// The process is killed, or ends well; the next one takes over.
    Restart {
        killed: bool,
    },
    /// The disk is full after so many bytes; whether files can be cut back then.
    Fill(usize, bool),
    Mend,
    /// Whether files can be opened.
    Shortage(bool),
    Sync(bool),
    Pass,
    /// Reads everything.
    Look,
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn what_was_written_is_there_once_on_a_good_disk(steps in vec(step(false), 0..60)) {
        Run::new(false).make(steps);
    }

    #[test]
    fn what_was_written_is_there_on_a_bad_disk(steps in vec(step(true), 0..60)) {
        Run::new(true).make(steps);
    }
}

fn step(faults: bool) -> impl Strategy<Value = Step> {
    let weight = u32::from(faults);
    prop_oneof![
        8 => vec(0..300_usize, 1..5).prop_map(Step::Append),
        6 => (0..4_usize, 0..1000_usize, 0..5_usize)
            .prop_map(|(log, max_bytes, settled)| Step::Read { log, max_bytes, settled }),
        2 => any::<bool>().prop_map(|killed| Step::Restart { killed }),
        1 => Just(Step::Pass),
        1 => Just(Step::Look),
        weight => (0..600_usize, any::<bool>()).prop_map(|(room, cut)| Step::Fill(room, cut)),
        2 * weight => Just(Step::Mend),
        weight => any::<bool>().prop_map(Step::Shortage),
        weight => any::<bool>().prop_map(Step::Sync),
    ]
}

struct Run {
    scratch: Scratch,
    disk: Arc<TestDisk>,
    spool: Option<Spool>,
    now: Instant,
    faults: bool,
    last_id: u64,
    /// What is to be there, by log: sequence to id.
    alive: BTreeMap<Log, BTreeMap<u64, u64>>,
    /// Up to where each log was read.
    at: BTreeMap<Log, u64>,
}

impl Run {
    fn new(faults: bool) -> Self {
        let scratch = Scratch::new();
        let disk = Arc::new(TestDisk::default());
        let spool = Some(scratch.spool_on(MAX_BYTES, Arc::clone(&disk)));
        let (alive, at) = (BTreeMap::from([(Log::Own, BTreeMap::new())]), BTreeMap::new());
        Self { scratch, disk, spool, now: now(), faults, last_id: 0, alive, at }
    }

    fn spool(&self) -> &Spool {
        self.spool.as_ref().unwrap()
    }

    fn make(mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Append(sizes) => self.append(&sizes),
                Step::Read { log, max_bytes, settled } => self.read(log, max_bytes, settled),
                Step::Restart { killed } => self.restart(killed),
                Step::Fill(room, truncates) => self.disk.fill_after(room, truncates),
                Step::Mend => self.disk.mend(),
                Step::Shortage(shortage) => self.disk.lack_descriptors(shortage),
                Step::Sync(good) => {
                    self.disk.say_of_syncs(&[good]);
                    let _ = self.spool().sync();
                }
                Step::Pass => self.now += Duration::from_secs(40),
                Step::Look => self.check(),
            }
            assert!(self.spool().bytes() <= MAX_BYTES + 600);
        }
        self.disk.mend();
        self.restart(true);
        self.check();
    }

    fn append(&mut self, sizes: &[usize]) {
        let first = self.last_id + 1;
        self.last_id += sizes.len() as u64;
        let records: Vec<NewRecord> = (first..)
            .zip(sizes)
            .map(|(id, size)| {
                let payload = [&id.to_le_bytes()[..], &vec![b'x'; *size]].concat();
                NewRecord { spans: 1, payload }
            })
            .collect();
        let appended = self.spool().append(&records, self.now);
        for Evicted { log, through } in appended.evicted {
            let alive = self.alive.get_mut(&log).unwrap();
            *alive = alive.split_off(&(through + 1));
        }
        assert!(self.faults || appended.written == sizes.len());
        assert_eq!(appended.written > 0, appended.last.is_some());
        let Some(last) = appended.last else { return };
        let own = self.alive.get_mut(&Log::Own).unwrap();
        let before = own.last_key_value().map_or(0, |(sequence, _)| *sequence);
        for (id, sequence) in (first..).zip(last + 1 - appended.written as u64..=last) {
            assert!(sequence > before);
            own.insert(sequence, id);
        }
    }

    fn read(&mut self, log: usize, max_bytes: usize, settled: usize) {
        let index = log % self.alive.len();
        let (log, alive) = self.alive.iter_mut().nth(index).unwrap();
        let at = self.at.entry(*log).or_default();
        let read = self.spool.as_ref().unwrap().read(*log, *at, max_bytes);
        let wanted =
            alive.iter().filter(|(sequence, _)| (*at + 1..=read.through).contains(sequence));
        let expected: Vec<(u64, u64)> = wanted.map(|(sequence, id)| (*sequence, *id)).collect();
        assert_eq!(ids(&read.records), expected);
        let size: usize = read.records.iter().map(|stored| stored.payload.len()).sum();
        assert!(read.records.len() <= 1 || size <= max_bytes);
        assert!(!read.is_stuck() || self.disk.lacks_descriptors());
        *at = read.through;
        if let Some((sequence, _)) = expected.get(settled) {
            *alive = alive.split_off(&(sequence + 1));
            self.spool.as_ref().unwrap().settled(*log, *sequence);
        }
    }

    fn restart(&mut self, killed: bool) {
        self.disk.lack_descriptors(false);
        let spool = self.spool.take().unwrap();
        if killed {
            kill(spool);
        } else {
            drop(spool);
        }
        let spool = self.scratch.spool_on(MAX_BYTES, Arc::clone(&self.disk));
        let orphans = spool.adopt(self.now);
        let before = std::mem::take(&mut self.alive);
        let mut before: Vec<_> = before.into_values().filter(|alive| !alive.is_empty()).collect();
        self.alive = BTreeMap::from([(Log::Own, BTreeMap::new())]);
        self.at.clear();
        for Orphan { log, first, last, records, spans, damaged_spans } in orphans {
            let read = spool.read(log, first - 1, usize::MAX);
            let found: BTreeMap<u64, u64> = ids(&read.records).into_iter().collect();
            assert_eq!((found.len() as u64, spans, damaged_spans), (records, records, 0));
            assert_eq!(found.first_key_value().map(|(sequence, _)| *sequence), Some(first));
            assert!(read.end && read.through == last);
            let same = |alive: &BTreeMap<u64, u64>| {
                alive.iter().all(|(sequence, id)| found.get(sequence) == Some(id))
            };
            let index = before.iter().position(same);
            let alive = index.map(|index| before.swap_remove(index));
            // What was settled, or told as not written, may come again when the disk was bad.
            assert!(self.faults || alive.as_ref() == Some(&found));
            self.alive.insert(log, found);
        }
        assert_eq!(before, [], "lost");
        self.spool = Some(spool);
    }

    /// All of it can be read, in the order it was written in.
    fn check(&self) {
        self.disk.lack_descriptors(false);
        for (log, alive) in &self.alive {
            let read = self.spool().read(*log, 0, usize::MAX);
            let found: BTreeMap<u64, u64> = ids(&read.records).into_iter().collect();
            assert!(alive.iter().eq(found.iter()), "{log:?}: {alive:?} {found:?}");
            assert!(found.values().is_sorted());
        }
    }
}

fn ids(records: &[Stored]) -> Vec<(u64, u64)> {
    let id = |stored: &Stored| u64::from_le_bytes(*stored.payload.first_chunk().unwrap());
    records.iter().map(|stored| (stored.sequence, id(stored))).collect()
}
