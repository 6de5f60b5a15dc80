//! Remembers what was seen lately, in bounded memory.

use std::collections::HashSet;
use std::hash::Hash;

/// Remembers at least the last `most` different items, and at most twice as many.
#[derive(Debug)]
pub(super) struct Recent<T> {
    most: usize,
    newer: HashSet<T>,
    older: HashSet<T>,
}

impl<T: Copy + Eq + Hash> Recent<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, newer: HashSet::new(), older: HashSet::new() }
    }

    /// Notes `item`; true when it is not remembered.
    pub(super) fn is_new(&mut self, item: T) -> bool {
        if self.newer.len() >= self.most {
            self.older = std::mem::take(&mut self.newer);
        }
        let known = self.older.contains(&item);
        self.newer.insert(item) && !known
    }
}

#[cfg(test)]
mod tests;
