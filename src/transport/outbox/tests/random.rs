//! Whatever a sender and a worker do: every span is in one place of the account, and leaves once,
//! in order.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::sync::clock::waited;
use crate::tests::cases;

const MAX_BYTES: usize = 3000;
const LIMITS: Limits = Limits { max_spans: 4, max_bytes: 1000 };

#[derive(Clone, Debug)]
enum Step {
    /// A parcel of spans with these sizes; whether its last is made up, whether it has an epilogue.
    HandIn(Vec<usize>, bool, bool),
    Take,
    /// Settles the batch under way: the first spans delivered, the next rejected, the rest dropped.
    Settle(usize, usize),
    Wait(u64),
    Expire,
    End,
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn what_was_handed_in_is_delivered_pending_or_dropped(steps in vec(step(), 0..80)) {
        let mut run = Run::new();
        for step in steps {
            run.make(step);
            run.check();
        }
        run.drain();
        run.check();
        let stats = run.outbox.stats(now());
        prop_assert_eq!((stats.pending, stats.pending_bytes), (0, 0));
        prop_assert!(run.outbox.is_idle());
    }
}

fn step() -> impl Strategy<Value = Step> {
    let sizes = vec(prop_oneof![8..120_usize, 600..1500_usize], 0..8);
    prop_oneof![
        8 => (sizes, any::<bool>(), any::<bool>())
            .prop_map(|(sizes, made_up, epilogue)| Step::HandIn(sizes, made_up, epilogue)),
        6 => Just(Step::Take),
        6 => (0..5_usize, 0..5_usize).prop_map(|(first, next)| Step::Settle(first, next)),
        2 => (1..100_u64).prop_map(Step::Wait),
        1 => Just(Step::Expire),
        1 => prop_oneof![9 => Just(Step::Expire), 1 => Just(Step::End)],
    ]
}

struct Run {
    outbox: Outbox,
    now: Instant,
    under_way: Option<Batch>,
    handed_in: u64,
    last_id: u64,
    /// The last span that left, and the epilogues' last spans that have not left.
    last_taken: u64,
    epilogues_due: Vec<u64>,
}

impl Run {
    fn new() -> Self {
        Self {
            outbox: outbox(MAX_BYTES),
            now: now(),
            under_way: None,
            handed_in: 0,
            last_id: 0,
            last_taken: 0,
            epilogues_due: Vec::new(),
        }
    }

    fn make(&mut self, step: Step) {
        match step {
            Step::HandIn(sizes, made_up, epilogue) => self.hand_in(&sizes, made_up, epilogue),
            Step::Take => self.take(),
            Step::Settle(first, next) => self.settle(first, next),
            Step::Wait(millis) => self.now += Duration::from_millis(millis),
            Step::Expire => {
                self.outbox.expire(Duration::from_millis(150), self.now);
                let state = lock(&self.outbox.state);
                let oldest = state.queue.front().map(|queued| self.now - queued.since);
                assert!(oldest.is_none_or(|waited| waited < Duration::from_millis(150)));
            }
            Step::End => self.outbox.end(),
        }
    }

    fn hand_in(&mut self, sizes: &[usize], made_up: bool, epilogue: bool) {
        let mut spans: Vec<Payload> = sizes.iter().map(|size| self.span(*size)).collect();
        if let Some(last) = spans.last_mut() {
            last.counted = !made_up;
        }
        self.handed_in += counted(&spans);
        let epilogue = epilogue && !spans.is_empty();
        if epilogue {
            self.epilogues_due.push(self.last_id);
        }
        let parcel = Parcel { spans, ..Parcel::default() };
        hand_in(&self.outbox, [if epilogue { with_epilogue(parcel) } else { parcel }], self.now);
    }

    fn span(&mut self, size: usize) -> Payload {
        self.last_id += 1;
        let mut bytes = vec![0; size];
        bytes[..8].copy_from_slice(&self.last_id.to_be_bytes());
        Payload { body: Body::Bytes(bytes.into()), ..payload(1, 0, 0) }
    }

    fn take(&mut self) {
        let empty = lock(&self.outbox.state).queue.is_empty();
        if self.under_way.is_some() || empty {
            return;
        }
        let (_, batch) = waited(|| self.outbox.take(LIMITS).unwrap());
        let weight: usize = batch.spans.iter().map(|span| size(span.bytes().len())).sum();
        assert!(batch.parcels > 0 || !batch.spans.is_empty());
        assert!(batch.spans.len() <= LIMITS.max_spans);
        assert!(weight <= LIMITS.max_bytes || batch.spans.len() == 1, "{weight} bytes");
        let mut epilogues = 0;
        for span in &batch.spans {
            let id = u64::from_be_bytes(span.bytes()[..8].try_into().unwrap());
            assert!(id > self.last_taken, "in order, once");
            self.last_taken = id;
            epilogues += self.epilogues_due.iter().filter(|last| **last == id).count();
        }
        assert_eq!(batch.epilogues.len(), epilogues, "an epilogue leaves with its last span");
        self.under_way = Some(batch);
    }

    fn settle(&mut self, first: usize, next: usize) {
        let Some(batch) = self.under_way.take() else { return };
        let (delivered, rest) = batch.spans.split_at(first.min(batch.spans.len()));
        let (rejected, rest) = rest.split_at(next.min(rest.len()));
        self.outbox.count_delivered(counted(delivered));
        self.outbox.count_rejected(counted(rejected));
        self.outbox.count_dropped(rest, DropReason::TooLarge);
        self.outbox.close_batch(&batch);
    }

    fn check(&self) {
        let stats = self.outbox.stats(now());
        assert!(stats.conserves(self.handed_in), "{stats:?} of {}", self.handed_in);
        assert!(stats.pending_bytes <= MAX_BYTES, "{stats:?}");
        let inside = lock(&self.outbox.state);
        let queued: u64 = inside.queue.iter().map(|queued| counted(&queued.parcel.spans)).sum();
        let batch = self.under_way.as_ref();
        let under_way = batch.map_or(0, |batch| counted(&batch.spans));
        assert_eq!(stats.pending, queued + under_way, "pending is what is there");
        let weights = inside.queue.iter().map(|queued| batch::weight(&queued.parcel.spans));
        let bytes = weights.sum::<usize>() + batch.map_or(0, |batch| batch.bytes);
        assert_eq!(stats.pending_bytes, bytes);
    }

    fn drain(&mut self) {
        self.settle(usize::MAX, 0);
        while !lock(&self.outbox.state).queue.is_empty() {
            self.take();
            self.settle(usize::MAX, 0);
        }
    }
}
