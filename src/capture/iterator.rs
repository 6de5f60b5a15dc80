//! Iterators with a span of their own, as the macro makes them.

use std::fmt;
use std::iter::FusedIterator;

use crate::capture::course::Course;
use crate::capture::record::{Record, Reduce};
use crate::capture::scope::Scope;

/// An iterator whose span is entered whenever it is asked for an item, and ends with the last.
pub struct TracedIterator<I, R: Reduce> {
    iterator: Option<I>,
    course: Option<Course<R>>,
}

impl<I, R: Reduce> TracedIterator<I, R> {
    /// Runs `iterator` in the scope's span.
    pub fn new(scope: Scope, iterator: I, record: R) -> Self {
        Self { iterator: Some(iterator), course: Some(Course::new(scope, record)) }
    }

    fn advance(&mut self, next: impl FnOnce(&mut I) -> Option<I::Item>) -> Option<I::Item>
    where
        I: Iterator,
        R: Record<I::Item>,
    {
        let iterator = self.iterator.as_mut()?;
        let item = Course::produce(&mut self.course, || next(iterator));
        Course::tell(&mut self.course, item.as_ref());
        item
    }
}

impl<I, R> Iterator for TracedIterator<I, R>
where
    I: Iterator,
    R: Record<I::Item>,
{
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.advance(I::next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.iterator.as_ref().map_or((0, Some(0)), I::size_hint)
    }
}

impl<I, R> DoubleEndedIterator for TracedIterator<I, R>
where
    I: DoubleEndedIterator,
    R: Record<I::Item>,
{
    /// Tells the items in the order they are taken.
    fn next_back(&mut self) -> Option<I::Item> {
        self.advance(I::next_back)
    }
}

impl<I, R> ExactSizeIterator for TracedIterator<I, R>
where
    I: ExactSizeIterator,
    R: Record<I::Item>,
{
}

impl<I, R> FusedIterator for TracedIterator<I, R>
where
    I: FusedIterator,
    R: Record<I::Item>,
{
}

impl<I, R: Reduce> Drop for TracedIterator<I, R> {
    fn drop(&mut self) {
        if let Some(course) = &self.course {
            course.scope.release(|| self.iterator = None);
        }
    }
}

impl<I, R: Reduce> fmt::Debug for TracedIterator<I, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = self.course.as_ref().map(|course| &course.scope);
        f.debug_struct("TracedIterator").field("scope", &scope).finish_non_exhaustive()
    }
}
