//! Whether what the filters answered of a span or event still holds when the layers hear of it.
//!
//! `tracing-subscriber` (0.3.23) keeps the answers of all per-layer filters for the thread, and takes each
//! back when its layer is passed. A value that is formatted in between may make a span or an event of its
//! own: then that one's way through the subscriber takes them back, and a layer hears of what its filter has
//! refused. An OTel layer panics at such a span.

use std::cell::Cell;

thread_local! {
    static ANSWERED: Cell<bool> = const { Cell::new(false) };
}

/// The filters have been asked.
pub(crate) fn answer() {
    let _ = ANSWERED.try_with(|answered| answered.set(true));
}

/// Whether they have been, and nothing has taken their answers back.
pub(crate) fn is_answered() -> bool {
    ANSWERED.try_with(Cell::get).unwrap_or(true)
}

/// The same, now that the answers are taken back.
pub(crate) fn take() -> bool {
    ANSWERED.try_with(Cell::take).unwrap_or(true)
}
