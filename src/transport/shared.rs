//! Bytes that were written together and are kept together.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// A part of a buffer, which may begin with what frames it; the buffer lives as long as one of its
/// parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    buffer: Arc<[u8]>,
    framed: Range<usize>,
    frame: usize,
}

impl Shared {
    /// The bytes of `buffer` in `framed`, of which the first `frame` are not the content.
    pub(crate) fn new(buffer: &Arc<[u8]>, framed: Range<usize>, frame: usize) -> Self {
        Self { buffer: Arc::clone(buffer), framed, frame }
    }

    /// Whether the content has its frame before it.
    pub(crate) fn is_framed(&self) -> bool {
        self.frame > 0
    }

    /// Whether `next` comes after this in the same buffer, with nothing between them.
    pub(crate) fn is_followed_by(&self, next: &Self) -> bool {
        self.framed.end == next.framed.start && Arc::ptr_eq(&self.buffer, &next.buffer)
    }

    /// All from the frame of this to the end of `last`, which is in the same buffer.
    pub(crate) fn through(&self, last: &Self) -> &[u8] {
        self.buffer.get(self.framed.start..last.framed.end).unwrap_or_default()
    }
}

/// The content.
impl Deref for Shared {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.framed.start + self.frame..self.framed.end).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Shared {
    fn from(bytes: Vec<u8>) -> Self {
        Self { framed: 0..bytes.len(), buffer: bytes.into(), frame: 0 }
    }
}
