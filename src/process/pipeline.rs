//! The pipe as a whole: intake, worker, outboxes, senders, and its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::trace::TraceId;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::diagnostics::{self, Throttle};
use crate::error::{Error, Result};
use crate::export::Destination;
use crate::model::price_table::PriceTable;
use crate::process::account::{Account, DropCallback};
use crate::process::aggregate::TableLimits;
use crate::process::flush::FlushError;
use crate::process::fork::Fork;
use crate::process::intake::{Intake, Taken};
use crate::process::limits::SpanTrim;
use crate::process::worker::{self, Outlet};
use crate::stats::{DestinationStats, Stats};
use crate::sync::{after, lock, now};
use crate::transport::log::SpoolSettings;
use crate::transport::outbox::{Capacity, Linger, Outbox};
use crate::transport::sender;
use crate::transport::spool::Spool;

/// Time that the worker, and then the senders, get to notice the end after the deadline.
const GRACE: Duration = Duration::from_millis(200);

/// How the pipe is dimensioned.
#[derive(Clone, Debug)]
pub(crate) struct PipelineSettings {
    /// Memory of the intake and of one destination together.
    pub(crate) max_bytes: usize,
    pub(crate) table: TableLimits,
    pub(crate) trim: SpanTrim,
    /// What models cost, where the program says it.
    pub(crate) prices: Option<PriceTable>,
    /// Beside the bytes: spans and traces that may wait for a destination.
    pub(crate) max_spans: Option<u64>,
    pub(crate) max_traces: Option<usize>,
    /// Where spans are on disk until they are delivered, if they are.
    pub(crate) spool: Option<SpoolSettings>,
    pub(crate) drop_callback: Option<DropCallback>,
}

impl PipelineSettings {
    /// The part of the memory that is for spans that are yet to be encoded. It is not lent to
    /// destinations, nor theirs to it: an allocator keeps for each the most that it ever took.
    fn way_in(&self) -> usize {
        self.max_bytes / 8 * 3
    }

    /// When traces leave the trace table: at once where spans are written to disk, to wait in the
    /// outboxes.
    pub(crate) fn table(&self) -> TableLimits {
        match self.spool {
            None => self.table,
            Some(_) => {
                TableLimits { finished: Duration::ZERO, running: Duration::ZERO, ..self.table }
            }
        }
    }

    fn linger(&self) -> Option<Linger> {
        let TableLimits { finished, running, .. } = self.table;
        self.spool.is_some().then_some(Linger { finished, running })
    }

    fn outbox(&self, destination: &Destination) -> Outbox {
        let spool = self.spool.clone().zip(destination.stored_as.clone());
        let spool = spool.and_then(|(settings, name)| Spool::open(settings, name));
        Outbox::new(destination.name.clone(), self.capacity(), self.linger(), spool)
    }

    fn capacity(&self) -> Capacity {
        let Self { max_bytes, max_spans, max_traces, .. } = *self;
        Capacity { bytes: max_bytes - self.way_in(), spans: max_spans, parcels: max_traces }
    }
}

pub(crate) struct Pipeline {
    pub(super) settings: PipelineSettings,
    intake: Arc<Intake>,
    account: Arc<Account>,
    pub(super) resource: Arc<Mutex<Arc<Resource>>>,
    pub(super) lanes: Vec<Lane>,
    pub(super) threads: Mutex<Vec<JoinHandle<()>>>,
    ended: AtomicBool,
    pub(super) fork: Fork,
}

/// One destination after it was taken apart.
pub(super) struct Lane {
    outbox: Arc<Outbox>,
    interrupt: Box<dyn Fn() + Send + Sync>,
}

impl Pipeline {
    pub(crate) fn start(
        destinations: Vec<Destination>,
        resource: Resource,
        settings: PipelineSettings,
    ) -> Result<Self> {
        let intake = Arc::new(Intake::new(settings.way_in()));
        let resource = Arc::new(Mutex::new(Arc::new(resource)));
        let outboxes: Vec<_> =
            destinations.iter().map(|destination| Arc::new(settings.outbox(destination))).collect();
        let types = destinations.iter().map(|destination| destination.component_type).collect();
        let callback = settings.drop_callback.clone();
        let account = Account::new(Arc::clone(&intake), outboxes.clone(), types, callback);
        let account = Arc::new(account);
        let mut lanes = Vec::new();
        let mut outlets = Vec::new();
        let mut threads = Vec::new();
        for (destination, outbox) in destinations.into_iter().zip(outboxes) {
            let Destination { encoder, wire, retry, filter, .. } = destination;
            lanes.push(Lane { outbox: Arc::clone(&outbox), interrupt: wire.interrupter() });
            outlets.push(Outlet { encoder, filter, outbox: Arc::clone(&outbox) });
            let account = Arc::clone(&account);
            let lost = Box::new(move || account.tell_losses(now()));
            threads.push(sender::spawn(outbox, wire, retry, lost)?);
        }
        if !outlets.is_empty() {
            let resource = Arc::clone(&resource);
            let account = Arc::clone(&account);
            threads.push(worker::spawn(account, settings.clone(), outlets, resource)?);
        }
        Ok(Self {
            settings,
            intake,
            account,
            resource,
            lanes,
            threads: Mutex::new(threads),
            ended: AtomicBool::new(false),
            fork: Fork::new(),
        })
    }

    /// Where spans go in; `None` when tracing is off.
    pub(crate) fn intake(&self) -> Option<&Intake> {
        let pipe = self.in_use()?;
        (!pipe.lanes.is_empty()).then_some(&*pipe.intake)
    }

    /// The same where this may be a child that `fork` has made.
    pub(crate) fn intake_here(&self) -> Option<&Intake> {
        self.of_this_process().and_then(Self::intake)
    }

    /// Takes what is said of a trace that runs to the worker, if there is room for it.
    pub(crate) fn updated(&self, trace_id: TraceId, said: KeyValue) {
        static NO_ROOM: Mutex<Throttle> = Mutex::new(Throttle::new(diagnostics::RARELY));
        if self.intake_here().is_some_and(|intake| !intake.updated(trace_id, said)) {
            diagnostics::warn_rarely(
                &NO_ROOM,
                "a trace was not updated: there is no memory left for it, of which with_memory_limit() \
                 allows more",
            );
        }
    }

    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    pub(crate) fn settings(&self) -> &PipelineSettings {
        &self.settings
    }

    /// The provider that makes the spans says what it is.
    pub(crate) fn set_resource(&self, resource: &Resource) {
        if let Some(pipe) = self.of_this_process() {
            *lock(&pipe.resource) = Arc::new(resource.clone());
        }
    }

    /// What the spans are said to come from.
    pub(crate) fn resource(&self) -> Arc<Resource> {
        Arc::clone(&lock(&self.resource))
    }

    /// Takes in a span that ended.
    #[inline]
    pub(crate) fn ended(&self, span: SpanData) {
        let Some(pipe) = self.in_use() else { return };
        if pipe.intake.ended(span) == Taken::TooLate {
            // Of our threads none is left that could.
            pipe.account.tell_losses(now());
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.of_this_process().map(|pipe| pipe.account.stats(now())).unwrap_or_default()
    }

    /// Waits until every destination has acknowledged every span that ended before this call.
    pub(crate) fn flush(&self, patience: Duration) -> std::result::Result<(), Box<FlushError>> {
        let pipe = self.of_this_process().filter(|pipe| !pipe.lanes.is_empty());
        pipe.map_or(Ok(()), |pipe| pipe.flush_here(patience))
    }

    fn flush_here(&self, patience: Duration) -> std::result::Result<(), Box<FlushError>> {
        let mut acknowledged = self.settle(after(now(), patience));
        let stats = self.account.stats(now());
        // What ended during the flush may still be pending; what was lost, ever, is lost.
        let lost = stats.destinations.iter().any(|destination| destination.dropped.total() > 0);
        // Too late to see it settle is not too late when nothing is left.
        acknowledged |= stats.destinations.iter().all(|it| it.pending + it.spooled == 0);
        if acknowledged && !lost { Ok(()) } else { Err(Box::new(FlushError { stats })) }
    }

    /// Waits until whatever ended before this call is settled: delivered, its traces described, or
    /// dropped; says whether it is. Ends early when a destination refuses.
    pub(crate) fn settle(&self, deadline: Instant) -> bool {
        let handed_over = self.intake.flush(deadline);
        let marks: Vec<_> = self.lanes.iter().map(|lane| lane.outbox.demand()).collect();
        self.lanes.iter().zip(marks).fold(handed_over, |settled, (lane, mark)| {
            lane.outbox.wait_settled(mark, deadline) && settled
        })
    }

    /// Waits until every destination is known to work.
    pub(crate) fn ready(&self, patience: Duration) -> Result<()> {
        let deadline = after(now(), patience);
        let Some(pipe) = self.of_this_process() else { return Ok(()) };
        let marks: Vec<_> = pipe.lanes.iter().map(|lane| lane.outbox.demand()).collect();
        for (lane, mark) in pipe.lanes.iter().zip(marks) {
            lane.outbox.wait_ready(mark, deadline).map_err(|problem| {
                Error::not_ready(format!("{} is not ready: {problem}", lane.outbox.name()))
            })?;
        }
        Ok(())
    }

    /// Delivers what can be delivered until the deadline, then ends. Only the first call acts; those
    /// that come meanwhile wait until it is done.
    pub(crate) fn shutdown(&self, patience: Duration) -> std::result::Result<(), Box<FlushError>> {
        let pipe = if self.is_left_alone() { None } else { self.of_this_process() };
        pipe.map_or(Ok(()), |pipe| pipe.end(patience))
    }

    fn end(&self, patience: Duration) -> std::result::Result<(), Box<FlushError>> {
        let start = now();
        let deadline = after(start, patience);
        // Without destinations there is no worker that could answer.
        if self.ended.swap(true, Ordering::SeqCst) || self.lanes.is_empty() {
            self.lanes.iter().all(|lane| lane.outbox.wait_ended(deadline));
            return Ok(());
        }
        // Without patience too the worker gets a moment to hand over what it holds: it is counted.
        let handed_over = deadline.max(after(start, GRACE));
        self.intake.close(handed_over);
        for lane in &self.lanes {
            lane.outbox.close(deadline);
            // A look at a destination that hangs holds nobody up.
            if lane.outbox.is_idle() {
                (lane.interrupt)();
            }
        }
        if !self.lanes.iter().all(|lane| lane.outbox.wait_ended(deadline)) {
            self.lanes.iter().for_each(|lane| (lane.interrupt)());
            let end = after(handed_over, GRACE);
            for lane in &self.lanes {
                lane.outbox.wait_ended(end);
                lane.outbox.end();
            }
        }
        self.join();
        self.account.tell_losses(now());
        let stats = self.account.stats(now());
        let is_settled = |destination: &DestinationStats| {
            destination.delivered + destination.filtered == stats.ended + destination.recovered
        };
        if stats.destinations.iter().all(is_settled) {
            return Ok(());
        }
        let error = FlushError { stats };
        diagnostics::warn(&error.to_string());
        Err(Box::new(error))
    }

    /// Collects the threads that have ended; one that hangs in the system's name look-up is left.
    fn join(&self) {
        for thread in lock(&self.threads).drain(..) {
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

/// The end for those who keep no guard.
impl Drop for Pipeline {
    fn drop(&mut self) {
        if self.fork.is_at_home() {
            let _ = self.end(Duration::ZERO);
        } else {
            self.leave();
        }
    }
}

#[cfg(test)]
mod tests;
