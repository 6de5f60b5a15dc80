//! A span over a course of items: a stream's or an iterator's.

use std::panic::resume_unwind;

use crate::capture::exception::Exception;
use crate::capture::items::Items;
use crate::capture::json::Json;
use crate::capture::record::{Record, Reduce};
use crate::capture::scope::Scope;

/// The span of a course of items. Dropped before the last, it was cancelled.
#[derive(Debug)]
pub(crate) struct Course<R: Reduce> {
    pub(crate) scope: Scope,
    items: Option<Items>,
    record: R,
}

impl<R: Reduce> Course<R> {
    pub(crate) fn new(scope: Scope, record: R) -> Self {
        let items = scope.is_recording().then(Items::new);
        Self { scope, items, record }
    }

    /// Produces the next item, or whatever comes, in the span. A panic ends it, and goes on.
    pub(crate) fn produce<T>(course: &mut Option<Self>, produce: impl FnOnce() -> T) -> T {
        let Some(open) = course else { return produce() };
        match open.scope.within(produce) {
            Ok(produced) => produced,
            Err(panic) => {
                open.finish_items();
                open.scope.tell_panic(&*panic);
                *course = None;
                resume_unwind(panic)
            }
        }
    }

    /// Tells what was produced; the end and a failure end the span.
    pub(crate) fn tell<I>(course: &mut Option<Self>, item: Option<&I>)
    where
        R: Record<I>,
    {
        let Some(open) = course else { return };
        let told = item.map(|item| open.add(item));
        if let Some(Ok(())) = told {
            return;
        }
        open.finish_items();
        if let Some(Err(exception)) = told {
            open.scope.failed(exception);
        }
        open.scope.end();
        *course = None;
    }

    fn add<I>(&mut self, item: &I) -> Result<(), Exception>
    where
        R: Record<I>,
    {
        let (Some(items), Some(span)) = (&mut self.items, self.scope.recording()) else {
            return Ok(());
        };
        if items.add(&span, |json| self.record.record(item, json))? {
            self.record.keep(item);
        }
        Ok(())
    }

    fn finish_items(&mut self) {
        let (Some(items), Some(span)) = (self.items.take(), self.scope.recording()) else {
            return;
        };
        let outputs = items.finish(&span);
        let (mut reduced, mut is_reduced) = (Json::default(), false);
        // A reducer that panics has reduced nothing: the items are the output then.
        reduced.guarded(|json| {
            is_reduced = self.record.reduce(json);
            Ok(())
        });
        self.scope.returned_text(if is_reduced { reduced.into_text() } else { outputs });
    }
}

impl<R: Reduce> Drop for Course<R> {
    fn drop(&mut self) {
        self.finish_items();
    }
}
