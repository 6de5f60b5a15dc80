//! The spool, feature off: there is none.

use std::time::Instant;

use crate::finding::Finding;
use crate::transport::log::{Appended, Log, NewRecord, Orphan, Read, SpoolSettings};

pub(crate) const ENABLED: bool = false;

/// A directory for one is an error of the configuration.
pub(crate) fn survey(_settings: &SpoolSettings, _destinations: &[String]) -> Vec<Finding> {
    Vec::new()
}

/// Cannot be made.
#[derive(Debug)]
pub(crate) enum Spool {}

impl Spool {
    pub(crate) fn open(_settings: SpoolSettings, _destination: String) -> Option<Self> {
        None
    }

    pub(crate) fn max_payload(&self) -> usize {
        match *self {}
    }

    pub(crate) fn append(&self, _records: &[NewRecord], _now: Instant) -> Appended {
        match *self {}
    }

    pub(crate) fn read(&self, _log: Log, _after: u64, _max_bytes: usize) -> Read {
        match *self {}
    }

    pub(crate) fn settled(&self, _log: Log, _through: u64) {
        match *self {}
    }

    pub(crate) fn adopt(&self, _now: Instant) -> Vec<Orphan> {
        match *self {}
    }

    pub(crate) fn bytes(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn close(&self) {
        match *self {}
    }
}
