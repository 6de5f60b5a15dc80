//! The locks of loom, which runs a model in every order that they allow.
//!
//! loom does not know of time. A wait that may end by itself ends at once here, and lets others go on:
//! to whoever waits that is no different.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult};
use std::time::Duration;

use loom::sync;
use loom::thread::yield_now;

use super::clock::SOME_TIME;

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

/// Knows its lock, to let go of it for a while.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    held: sync::MutexGuard<'a, T>,
}

#[derive(Debug)]
pub(crate) struct Condvar(sync::Condvar);

/// What can be locked: what a model is about by loom, anything else as ever.
pub(crate) trait Lock {
    type Guard<'a>
    where
        Self: 'a;

    fn locked(&self) -> LockResult<Self::Guard<'_>>;
}

impl<T> Lock for std::sync::Mutex<T> {
    type Guard<'a>
        = std::sync::MutexGuard<'a, T>
    where
        T: 'a;

    fn locked(&self) -> LockResult<Self::Guard<'_>> {
        self.lock()
    }
}

impl<T> Lock for Mutex<T> {
    type Guard<'a>
        = MutexGuard<'a, T>
    where
        T: 'a;

    fn locked(&self) -> LockResult<Self::Guard<'_>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(MutexGuard { mutex: self, held })
    }
}

impl<L: Lock> Lock for Arc<L> {
    type Guard<'a>
        = L::Guard<'a>
    where
        L: 'a;

    fn locked(&self) -> LockResult<Self::Guard<'_>> {
        (**self).locked()
    }
}

pub(crate) fn lock<L: Lock>(mutex: &L) -> L::Guard<'_> {
    mutex.locked().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Mutex<T> {
    pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let held = self.0.try_lock().map_err(|_| TryLockError::WouldBlock)?;
        Ok(MutexGuard { mutex: self, held })
    }
}

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(sync::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let MutexGuard { mutex, held } = guard;
        let held = self.0.wait(held).unwrap_or_else(PoisonError::into_inner);
        Ok(MutexGuard { mutex, held })
    }

    /// More patience than a model has time is waited for in earnest.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        patience: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        if patience > SOME_TIME {
            return Ok((self.wait(guard).unwrap_or_else(PoisonError::into_inner), ()));
        }
        let MutexGuard { mutex, held } = guard;
        drop(held);
        yield_now();
        Ok((lock(mutex), ()))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.held
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.held
    }
}
