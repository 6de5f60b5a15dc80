//! Bytes that were written together and are kept together.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// A part of a buffer; the buffer lives as long as one of its parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    buffer: Arc<[u8]>,
    part: Range<usize>,
}

impl Shared {
    pub(crate) fn new(buffer: &Arc<[u8]>, part: Range<usize>) -> Self {
        Self { buffer: Arc::clone(buffer), part }
    }
}

impl Deref for Shared {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.part.clone()).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Shared {
    fn from(bytes: Vec<u8>) -> Self {
        Self { part: 0..bytes.len(), buffer: bytes.into() }
    }
}
