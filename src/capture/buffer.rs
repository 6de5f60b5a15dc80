//! Memory that text is written into before it is known how long it becomes: growing from nothing costs
//! several allocations for each text.

use std::cell::Cell;

/// Text above this keeps the memory that it was written into.
const MAX_KEPT: usize = 64 * 1024;
/// The room that `serde_json` gives a text at first.
const USUAL_BYTES: usize = 128;

thread_local! {
    // Taken, not borrowed: writing may run code of the program's, and spans and events in it.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, empty, or a new one.
pub(crate) fn take() -> Vec<u8> {
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    buffer.reserve(USUAL_BYTES);
    buffer
}

/// Text that was written into such a buffer, in no more memory than it needs; the buffer is kept for the
/// thread's next.
pub(crate) fn settled(text: String) -> String {
    if text.capacity() > MAX_KEPT {
        return text;
    }
    let settled = text.as_str().to_owned();
    let _ = BUFFER.try_with(|kept| kept.set(text.into_bytes()));
    settled
}
