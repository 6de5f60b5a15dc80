//! What a spool says of what goes wrong: one line per kind of trouble and minute.

use std::sync::Mutex;

use crate::diagnostics::{self, RARELY, Throttle};

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Write,
    Sync,
    Read,
    Remove,
    Damage,
    TakeOver,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    pub(super) text: String,
}

impl Trouble {
    pub(super) fn new(kind: Kind, text: String) -> Self {
        Self { kind, text }
    }
}

/// How often each kind was told.
#[derive(Debug)]
pub(super) struct Teller {
    throttles: [(Kind, Mutex<Throttle>); 6],
}

impl Teller {
    pub(super) fn new() -> Self {
        let kinds =
            [Kind::Write, Kind::Sync, Kind::Read, Kind::Remove, Kind::Damage, Kind::TakeOver];
        Self { throttles: kinds.map(|kind| (kind, Mutex::new(Throttle::new(RARELY)))) }
    }

    /// Tells what went wrong. No lock may be held: the program's subscriber listens.
    pub(super) fn tell(&self, troubles: &[Trouble]) {
        for trouble in troubles {
            if let Some((_, throttle)) =
                self.throttles.iter().find(|(kind, _)| *kind == trouble.kind)
            {
                diagnostics::warn_rarely(throttle, &format!("spool: {}", trouble.text));
            }
        }
    }
}
