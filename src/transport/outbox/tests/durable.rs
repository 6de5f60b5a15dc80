//! With a spool: whatever a sender, a worker, a full memory and the end of processes do, every span is
//! in one place of the account, and none that was handed in and not given up is lost.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::sync::clock::waited;
use crate::tests::cases;
use crate::transport::log::{SpoolSettings, SyncMode};
use crate::transport::spool::tests::disk::TestDisk;
use crate::transport::spool::tests::spool_on;

const MEMORY: usize = 2000;
/// Memory of a parcel.
const LARGEST: usize = 5 * 1700;
const LIMITS: Limits = Limits { max_spans: 4, max_bytes: 1000 };

#[derive(Clone, Debug)]
enum Step {
    /// Parcels of spans with these sizes.
    HandIn(Vec<Vec<usize>>),
    /// The sender takes a batch and settles it: so many delivered, the rest refused.
    Deliver(usize),
    /// The sender takes a batch, and the process ends before it is settled.
    TakeAndDie,
    Die,
    /// The process ends in order; what is left stays.
    End,
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn what_was_handed_in_is_delivered_by_some_process(steps in vec(step(), 1..40)) {
        let mut run = Run::new();
        for step in steps {
            run.make(step);
            run.check();
        }
        run.drain();
        run.check();
        let all: BTreeSet<u64> = (1..=run.last_id).collect();
        prop_assert_eq!(&run.delivered | &run.refused, all);
        let stats = run.outbox.stats(now());
        prop_assert_eq!((stats.pending, stats.spooled), (0, 0));
    }
}

fn step() -> impl Strategy<Value = Step> {
    let sizes = vec(prop_oneof![8..120_usize, 600..1500_usize], 1..6);
    prop_oneof![
        8 => vec(sizes, 1..4).prop_map(Step::HandIn),
        6 => (0..9_usize).prop_map(Step::Deliver),
        1 => Just(Step::TakeAndDie),
        1 => Just(Step::Die),
        1 => Just(Step::End),
    ]
}

struct Run {
    directory: PathBuf,
    outbox: Outbox,
    /// By the process that is there now.
    handed_in: u64,
    last_id: u64,
    delivered: BTreeSet<u64>,
    refused: BTreeSet<u64>,
}

impl Run {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "mlflow-tracing-durable-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let directory = std::env::temp_dir().join(name);
        Self {
            outbox: open(&directory),
            directory,
            handed_in: 0,
            last_id: 0,
            delivered: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    fn make(&mut self, step: Step) {
        match step {
            Step::HandIn(parcels) => {
                let parcels: Vec<Parcel> = parcels.iter().map(|sizes| self.parcel(sizes)).collect();
                self.outbox.hand_in(self.outbox.prepare(parcels, now()), now());
            }
            Step::Deliver(count) => drop(self.deliver(count)),
            Step::TakeAndDie => {
                self.take();
                self.start_anew();
            }
            Step::Die => self.start_anew(),
            Step::End => {
                self.outbox.end();
                self.check();
                self.start_anew();
            }
        }
    }

    fn parcel(&mut self, sizes: &[usize]) -> Parcel {
        let spans: Vec<Payload> = sizes
            .iter()
            .map(|size| {
                self.last_id += 1;
                let mut bytes = vec![0; *size];
                bytes[..8].copy_from_slice(&self.last_id.to_be_bytes());
                Payload { body: Body::Bytes(bytes.into()), ..payload(1, 0, 0) }
            })
            .collect();
        self.handed_in += counted(&spans);
        Parcel { spans, finished: true, ..Parcel::default() }
    }

    fn take(&self) -> Option<Batch> {
        self.outbox.adopt(now());
        // To take would be to wait.
        if lock(&self.outbox.state).has_work() { self.outbox.take(LIMITS) } else { None }
    }

    /// Whether there was something to deliver.
    fn deliver(&mut self, count: usize) -> bool {
        let Some(batch) = self.take() else { return false };
        let (delivered, refused) = batch.spans.split_at(count.min(batch.spans.len()));
        self.delivered.extend(delivered.iter().map(id));
        self.refused.extend(refused.iter().map(id));
        self.outbox.count_delivered(counted(delivered));
        self.outbox.count_dropped(refused, DropReason::Rejected);
        self.outbox.close_batch(&batch);
        true
    }

    /// Another process comes after one that is no more.
    fn start_anew(&mut self) {
        self.outbox = with(None);
        self.outbox = open(&self.directory);
        self.handed_in = 0;
        self.outbox.adopt(now());
    }

    fn check(&self) {
        let stats = self.outbox.stats(now());
        assert!(stats.conserves(self.handed_in), "{stats:?} of {}", self.handed_in);
        // A request's worth is read into memory that has less, and one record whatever its size.
        assert!(stats.pending_bytes <= MEMORY + LIMITS.max_bytes + LARGEST, "{stats:?}");
        let lost = stats.dropped.total() - stats.dropped.get(DropReason::Rejected);
        assert_eq!(lost, 0, "{stats:?}");
    }

    fn drain(&mut self) {
        while self.deliver(usize::MAX) {}
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn id(span: &Payload) -> u64 {
    u64::from_be_bytes(span.bytes()[..8].try_into().unwrap())
}

fn settings(directory: &Path) -> SpoolSettings {
    SpoolSettings {
        directory: directory.to_owned(),
        max_bytes: 64 * 1024 * 1024,
        sync: SyncMode::Every(Duration::from_secs(60)),
    }
}

fn with(spool: Option<Spool>) -> Outbox {
    let capacity = Capacity { bytes: MEMORY, spans: None, parcels: None };
    Outbox::new("test".to_owned(), capacity, None, spool)
}

fn open(directory: &Path) -> Outbox {
    with(Spool::open(settings(directory), "test".to_owned()))
}

#[test]
fn what_cannot_be_read_for_want_of_descriptors_waits_until_it_can() {
    let mut run = Run::new();
    let disk = Arc::new(TestDisk::default());
    run.outbox = with(Some(spool_on(settings(&run.directory), "test", Arc::clone(&disk))));
    run.make(Step::HandIn(vec![vec![1000]; 5]));
    disk.lack_descriptors(true);
    // What is in memory, too, is sent; the rest is looked for until the end.
    let (waited, ()) = waited(|| {
        run.outbox.close(now() + Duration::from_secs(5));
        while run.deliver(9) {}
    });
    assert_eq!(waited, Duration::from_secs(5));
    let sent = run.delivered.len() as u64;
    assert!((1..5).contains(&sent), "{sent}");
    run.outbox.end();
    run.check();
    assert_eq!(run.outbox.stats(now()).spooled, 5 - sent);
    run.start_anew();
    run.drain();
    assert_eq!(run.delivered.len(), 5);
}
