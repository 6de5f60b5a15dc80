//! The worker: one thread that owns the trace table and the encoders.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::diagnostics::{self, Throttle};
use crate::error::{Error, Result};
use crate::export::{Encoder, SpanFilter, TraceChunk};
use crate::model::price_table::PriceTable;
use crate::model::span::Span;
use crate::model::weight;
use crate::process::account::Account;
use crate::process::aggregate::{Release, TraceTable};
use crate::process::intake::{Arrivals, Ended, Intake};
use crate::process::limits::SpanTrim;
use crate::process::pipeline::PipelineSettings;
use crate::process::spent::SpentGroup;
use crate::process::trace::Weighed;
use crate::process::updates::Gone;
use crate::process::{meaning, prices};
use crate::sync::{lock, now};
use crate::transport::Parcel;
use crate::transport::outbox::Outbox;

const THREAD_NAME: &str = "mlflow-tracing";
/// How often the intake is looked at while spans come in.
const TICK: Duration = Duration::from_millis(50);
/// The same where spans are written to disk: what ended is to be there within 10 ms.
const SHORT_TICK: Duration = Duration::from_millis(2);
/// Spans encoded before their destinations hear of them: a sender that is woken for each trace would make
/// a request of each.
const GROUP_SPANS: usize = 512;
/// The same in bytes, a few requests' worth: until then they take their memory twice.
const GROUP_BYTES: usize = 16 * 1024 * 1024;
/// Emptied spans that are kept, about half a kilobyte each.
const MAX_SPARE: usize = 1024;
/// Room kept in the lists that the intake fills.
const KEPT_ARRIVALS: usize = 1024;

/// One destination as the worker sees it.
pub(crate) struct Outlet {
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) filter: Option<SpanFilter>,
    pub(crate) outbox: Arc<Outbox>,
}

impl Outlet {
    fn parcels(&mut self, chunks: &[TraceChunk<'_>], resource: &Arc<Resource>) -> Vec<Parcel> {
        let wanted = match &self.filter {
            Some(filter) => Cow::Owned(chunks.iter().map(|chunk| filter.apply(chunk)).collect()),
            None => Cow::Borrowed(chunks),
        };
        let encoded = self.encoder.encode(&wanted, resource);
        let parcel = |((whole, part), parcel): ((&TraceChunk<'_>, &TraceChunk<'_>), Parcel)| {
            let filtered = u64::try_from(whole.spans.len() - part.spans.len()).unwrap_or(0);
            Parcel { filtered, finished: whole.finished, ..parcel }
        };
        chunks.iter().zip(&*wanted).zip(encoded).map(parcel).collect()
    }
}

pub(crate) struct Worker {
    intake: Arc<Intake>,
    account: Arc<Account>,
    table: TraceTable,
    tick: Duration,
    trim: SpanTrim,
    prices: Option<PriceTable>,
    outlets: Vec<Outlet>,
    resource: Arc<Mutex<Arc<Resource>>>,
    /// Emptied spans, for the next ones.
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    spare: Vec<Box<Span>>,
}

/// Starts the thread.
pub(crate) fn spawn(
    account: Arc<Account>,
    settings: PipelineSettings,
    outlets: Vec<Outlet>,
    resource: Arc<Mutex<Arc<Resource>>>,
) -> Result<JoinHandle<()>> {
    let worker = Worker::new(account, settings, outlets, resource);
    #[expect(clippy::disallowed_methods, reason = "one of the places that start threads")]
    let handle = Builder::new().name(THREAD_NAME.to_owned()).spawn(move || worker.run());
    handle.map_err(|source| Error::thread(THREAD_NAME, source))
}

impl Worker {
    pub(crate) fn new(
        account: Arc<Account>,
        settings: PipelineSettings,
        outlets: Vec<Outlet>,
        resource: Arc<Mutex<Arc<Resource>>>,
    ) -> Self {
        Self {
            intake: Arc::clone(account.intake()),
            account,
            tick: if settings.spool.is_some() { SHORT_TICK } else { TICK },
            table: TraceTable::new(settings.table()),
            trim: settings.trim,
            prices: settings.prices,
            outlets,
            resource,
            spare: Vec::new(),
        }
    }

    /// Until the intake is closed.
    pub(crate) fn run(mut self) {
        let _quiet = diagnostics::quiet();
        let mut arrivals = Arrivals::default();
        let mut busy = false;
        while !self.intake.is_closed() {
            let next_due = self.table.next_due();
            let tick = now() + self.tick;
            // While spans come in they are fetched every tick, and their threads need not wake us.
            let soon = busy || next_due.is_some_and(|due| due <= tick);
            let until =
                if soon { Some(next_due.map_or(tick, |due| due.min(tick))) } else { next_due };
            let mut orders = self.intake.take(&mut arrivals, until, soon);
            let now = now();
            busy = !arrivals.is_empty();
            for task in orders.tasks.drain(..) {
                task();
            }
            let mut releases = Vec::new();
            for root in arrivals.started.drain(..) {
                releases.extend(self.table.started(root, now));
            }
            // Before what ended: none of it may leave without what was said of it.
            for (trace_id, updates) in arrivals.updates.drain() {
                self.table.updated(trace_id, updates, now);
            }
            for Ended { data, bytes } in arrivals.ended.drain(..) {
                let span = self.meant(data, bytes);
                releases.extend(self.table.ended(Weighed { span, bytes }, now));
            }
            arrivals.started.shrink_to(KEPT_ARRIVALS);
            arrivals.ended.shrink_to(KEPT_ARRIVALS);
            arrivals.updates.shrink_to(KEPT_ARRIVALS);
            releases.extend(match (orders.close, orders.flush) {
                (true, _) => self.table.close(),
                (false, true) => self.table.flush(),
                (false, false) => self.table.due(now),
            });
            self.hand_over(releases, now);
            self.let_go();
            self.account.tell_losses(now);
            self.intake.carried_out(&orders);
        }
        // Closing time may be over before the order to close is seen.
        let rest = self.table.close();
        if !rest.is_empty() {
            self.hand_over(rest, now());
            self.account.tell_losses(now());
        }
        self.let_go();
    }

    /// Gives back what updates took, and tells of those that came to nothing.
    fn let_go(&mut self) {
        static IN_VAIN: Mutex<Throttle> = Mutex::new(Throttle::new(diagnostics::RARELY));
        let Gone { bytes, in_vain } = self.table.take_gone();
        if bytes > 0 {
            self.intake.updates_gone(bytes);
        }
        if in_vain > 0 {
            diagnostics::warn_rarely(
                &IN_VAIN,
                &format!(
                    "{in_vain} traces were updated in vain: the update came after the trace had \
                     ended, or to a trace that is not sent from here"
                ),
            );
        }
    }

    /// The span with its meaning; in its place at once, because it is large.
    fn meant(&mut self, data: SpanData, weight: usize) -> Box<Span> {
        let mut span = match self.spare.pop() {
            Some(mut spare) => {
                spare.renew(data);
                spare
            }
            None => Box::new(Span::plain(data)),
        };
        meaning::work_in(&mut span);
        if let Some(prices) = &self.prices {
            prices::apply(prices, &mut span);
        }
        self.trim.apply(&mut span, weight);
        span
    }

    /// Encodes releases for every destination and puts them into their outboxes.
    fn hand_over(&mut self, releases: Vec<Release>, now: Instant) {
        let mut releases = releases.into_iter();
        while !releases.as_slice().is_empty() {
            let count = first_group(releases.as_slice());
            let mut group: Vec<_> = releases.by_ref().take(count).collect();
            let parcels = self.encode(&mut group);
            self.hand_in(group, parcels, now);
        }
    }

    /// The parcels of each outlet, one for each release.
    fn encode(&mut self, group: &mut [Release]) -> Vec<Vec<Parcel>> {
        let synthetic_root = |release: &mut Release| {
            let data = release.synthetic_root.take()?;
            let weight = weight::of(&data);
            Some(self.meant(*data, weight))
        };
        let synthetic_roots: Vec<_> = group.iter_mut().map(synthetic_root).collect();
        let spans = group.iter().flat_map(|release| &release.spans);
        let spans: Vec<&Span> = spans.map(|weighed| &*weighed.span).collect();
        let mut rest = spans.as_slice();
        let mut chunks = Vec::with_capacity(group.len());
        for (release, synthetic_root) in group.iter().zip(&synthetic_roots) {
            let Release { trace_id, spans, finished, .. } = release;
            chunks.push(TraceChunk {
                trace_id: *trace_id,
                spans: rest.split_off(..spans.len()).unwrap_or_default().into(),
                finished: *finished,
                synthetic_root: synthetic_root.as_deref(),
            });
        }
        let resource = Arc::clone(&lock(&self.resource));
        self.outlets.iter_mut().map(|outlet| outlet.parcels(&chunks, &resource)).collect()
    }

    /// Puts the parcels of each outlet into its outbox, and gives back what is left of the spans.
    fn hand_in(&mut self, group: Vec<Release>, parcels: Vec<Vec<Parcel>>, now: Instant) {
        let count = group.iter().map(|release| release.spans.len()).sum();
        let mut spent = SpentGroup::with_capacity(count);
        for weighed in group.into_iter().flat_map(|release| release.spans) {
            let room = self.spare.len() < MAX_SPARE;
            self.spare.extend(spent.add(weighed).filter(|_| room));
        }
        // The callers' lock is held while it is handed over, and not while the disk writes.
        let outboxes = self.outlets.iter().map(|outlet| &outlet.outbox);
        let prepared: Vec<_> = outboxes
            .zip(parcels)
            .map(|(outbox, parcels)| (outbox, outbox.prepare(parcels, now)))
            .collect();
        self.intake.hand_over(u64::try_from(count).unwrap_or(u64::MAX), spent, || {
            for (outbox, prepared) in prepared {
                outbox.hand_in(prepared, now);
            }
        });
    }
}

/// How many releases, of one or more, are encoded together.
fn first_group(releases: &[Release]) -> usize {
    let (mut spans, mut bytes) = (0, 0);
    let before = releases.iter().take_while(|release| {
        spans += release.spans.len() + usize::from(release.synthetic_root.is_some());
        bytes += release.spans.iter().map(|weighed| weighed.bytes).sum::<usize>();
        spans < GROUP_SPANS && bytes < GROUP_BYTES
    });
    releases.len().min(before.count() + 1)
}

#[cfg(test)]
mod tests;
