//! A child made by `fork`: it has copies of our locks, some held, and none of our threads.
//!
//! What the pipe holds there is its parent's, and is left alone: not sent, not waited for, not even
//! freed. The child's own pipe is made from the same settings when its first root span begins.

use std::mem::{ManuallyDrop, take};
use std::process;
use std::sync::{Arc, OnceLock};

use opentelemetry_sdk::Resource;

use crate::diagnostics;
use crate::error::{Error, Result};
use crate::export::Destination;
use crate::process::ids;
use crate::process::pipeline::Pipeline;

/// Makes the destinations of a pipe, each time it is called.
pub(crate) type Destinations = Arc<dyn Fn() -> Result<Vec<Destination>> + Send + Sync>;

/// What a pipe knows of the process that it is in.
pub(super) struct Fork {
    /// The process that has the threads.
    process: u32,
    again: Destinations,
    /// The pipe of a child, if this is one; nothing where that could not be made, or was not wanted.
    child: OnceLock<Option<Box<Pipeline>>>,
}

impl Fork {
    /// Of a pipe whose children, if there are any, have no destinations.
    pub(super) fn new() -> Self {
        ids::begin_anew();
        Self { process: process::id(), again: Arc::new(|| Ok(Vec::new())), child: OnceLock::new() }
    }

    /// Whether this process is the one that has the threads. A system call.
    pub(super) fn is_at_home(&self) -> bool {
        process::id() == self.process
    }
}

impl Pipeline {
    /// Has a child process send to these destinations.
    pub(crate) fn with_children(mut self, again: Destinations) -> Self {
        self.fork.again = again;
        self
    }

    /// The pipe in use, by what was found out so far.
    pub(super) fn in_use(&self) -> Option<&Self> {
        match self.fork.child.get() {
            None => Some(self),
            Some(child) => child.as_deref().and_then(Self::in_use),
        }
    }

    /// The pipe of this process. A system call, and in a child, once, what it takes to make one.
    pub(crate) fn of_this_process(&self) -> Option<&Self> {
        let pipe = self.in_use()?;
        if pipe.fork.is_at_home() {
            return Some(pipe);
        }
        let tell = |error: &Error| diagnostics::warn(&format!("nothing is traced here: {error}"));
        let make = || pipe.again().map(Box::new).inspect_err(tell).ok();
        let child = pipe.fork.child.get_or_init(make);
        child.as_deref().and_then(Self::in_use)
    }

    /// Whether this is a child that has no pipe, and is to get none.
    pub(super) fn is_left_alone(&self) -> bool {
        let elsewhere = |pipe: &Self| !pipe.fork.is_at_home() && pipe.fork.child.set(None).is_ok();
        self.in_use().is_none_or(elsewhere)
    }

    fn again(&self) -> Result<Self> {
        // Whoever held it does not live here.
        let resource = self.resource.try_lock().map(|resource| Arc::clone(&resource));
        let resource = resource.unwrap_or_else(|_| Arc::new(Resource::builder_empty().build()));
        let again = Arc::clone(&self.fork.again);
        let settings = self.settings.clone();
        Ok(Self::start(again()?, Resource::clone(&resource), settings)?.with_children(again))
    }

    /// Leaves what is the parent's: handles of threads that are not here, and locks.
    pub(super) fn leave(&mut self) {
        let _ = ManuallyDrop::new((take(&mut self.lanes), take(&mut self.threads)));
    }
}
