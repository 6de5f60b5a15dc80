//! Ids of spans and traces that stay unique where a process forks.
//!
//! The random numbers of the official generator are a thread's, and a child has a copy of the thread
//! that made it: all children would say the same.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::process;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::process::roots;
use crate::sync::now;

/// The process that the ids are made for; 0 is none.
static PROCESS: AtomicU32 = AtomicU32::new(0);
/// What makes them another process's; 0 where nothing has forked.
static SALT: AtomicU64 = AtomicU64::new(0);

/// The official generator, looked after.
#[derive(Debug, Default)]
pub(crate) struct Ids(RandomIdGenerator);

/// Has ids be those of this process from now on.
pub(super) fn begin_anew() {
    let process = process::id();
    let before = PROCESS.swap(process, Ordering::Relaxed);
    if before != 0 && before != process {
        let mut hasher = DefaultHasher::new();
        (process, now(), SALT.load(Ordering::Relaxed)).hash(&mut hasher);
        SALT.store(hasher.finish(), Ordering::Relaxed);
    }
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        // Who makes a root that is watched has asked for the process already.
        if !roots::is_watched() {
            begin_anew();
        }
        let salt = u128::from(SALT.load(Ordering::Relaxed));
        TraceId::from(u128::from_be_bytes(self.0.new_trace_id().to_bytes()) ^ (salt << 64 | salt))
    }

    fn new_span_id(&self) -> SpanId {
        let salt = SALT.load(Ordering::Relaxed);
        SpanId::from(u64::from_be_bytes(self.0.new_span_id().to_bytes()) ^ salt)
    }
}
