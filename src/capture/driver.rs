//! The body of an `async` function, driven in its span.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::capture::scope::Scope;

/// Polls a future that stays where the function has pinned it: no box, and no copy of it.
pub struct Driver<'a, F> {
    scope: Option<Scope>,
    future: Pin<&'a mut Option<F>>,
}

impl<'a, F: Future> Driver<'a, F> {
    /// Drives `future` in `scope`, which comes back with what the future returned.
    #[must_use]
    pub fn new(scope: Scope, future: Pin<&'a mut Option<F>>) -> Self {
        Self { scope: Some(scope), future }
    }
}

impl<F: Future> Future for Driver<'_, F> {
    type Output = (Scope, F::Output);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { scope, future: slot } = self.get_mut();
        let polled = Scope::advance(scope, || {
            let Some(future) = slot.as_mut().as_pin_mut() else { return Poll::Pending };
            let polled = future.poll(cx);
            if polled.is_ready() {
                slot.set(None);
            }
            polled
        });
        match polled {
            Poll::Ready(output) => {
                scope.take().map_or(Poll::Pending, |scope| Poll::Ready((scope, output)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<F> Drop for Driver<'_, F> {
    fn drop(&mut self) {
        if let Some(scope) = &self.scope {
            scope.release(|| self.future.set(None));
        }
    }
}

impl<F> fmt::Debug for Driver<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("scope", &self.scope).finish_non_exhaustive()
    }
}
