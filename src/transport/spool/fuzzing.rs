//! Segments as the fuzz target has them: any bytes, and good segments that something happened to.

use std::hash::{DefaultHasher, Hasher as _};

use super::length_of;
use super::preamble;
use super::record::{ack, write_data};
use super::scan::{Scan, Step};
use crate::transport::log::NewRecord;

const SALT: u64 = 7;
/// Where records stand that are any bytes.
const BASE: u64 = 100;
const RECORDS: u8 = 6;

/// A segment of a spool: the first two bytes say where it is changed, the rest how.
#[expect(clippy::missing_panics_doc, reason = "that is how a target tells")]
pub fn spool(bytes: &[u8]) {
    let _ = preamble::read(bytes);
    let _ = records(bytes, BASE);
    let &[low, high, cut, ref change @ ..] = bytes else { return };
    let base = base_of(bytes);
    let good = segment(base);
    let at = usize::from(u16::from_le_bytes([low, high])) % good.len();
    let end = good.len().min(at + usize::from(cut % 64));
    let (Some(before), Some(after)) = (good.get(..at), good.get(end..)) else { return };
    // Whatever was written over the middle, with or without a shift of what follows.
    let changed = [before, change, after].concat();
    let read = records(&changed, base);
    assert!(read.is_sorted_by_key(|(sequence, _)| *sequence), "out of order: {read:?}");
    for (sequence, payload) in &read {
        assert_eq!(payload, &payload_of(*sequence), "another payload than was written");
    }
    let untouched = records(before, base);
    assert!(read.starts_with(&untouched), "what came before is lost");
    // Where nothing moved, what follows is found again: a record that was touched costs itself.
    if changed.len() == good.len() {
        let mut behind = records(&good, base);
        behind.retain(|(sequence, _)| place_of(*sequence, base) >= end);
        assert!(read.ends_with(&behind), "what came after is lost: {read:?}");
    }
}

/// Where the good records stand: elsewhere for each input. A fuzzer sees what a checksum is compared with, and
/// writes it; the place is in the checksum, so that what it saw is wrong in the input that it makes of it.
fn base_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish() >> u32::BITS
}

fn payload_of(sequence: u64) -> Vec<u8> {
    sequence.to_le_bytes().repeat(usize::try_from(sequence % 4).unwrap_or(0))
}

fn append(sequence: u64, base: u64, to: &mut Vec<u8>) {
    let record = NewRecord { payload: payload_of(sequence), spans: 1 };
    write_data(&record, sequence, SALT, base, to);
    if sequence == 3 {
        let place = base + length_of(to.len());
        to.extend(ack(1, SALT, place));
    }
}

/// Records from 1 on, with an acknowledgement among them.
fn segment(base: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    (1..=u64::from(RECORDS)).for_each(|sequence| append(sequence, base, &mut bytes));
    bytes
}

fn place_of(sequence: u64, base: u64) -> usize {
    let mut bytes = Vec::new();
    (1..sequence).for_each(|sequence| append(sequence, base, &mut bytes));
    bytes.len()
}

/// The good records, with an end to it.
fn records(bytes: &[u8], base: u64) -> Vec<(u64, Vec<u8>)> {
    let mut scan = Scan::new(SALT, base, 0);
    let mut records = Vec::new();
    for _ in 0..2 * bytes.len() + 8 {
        let at = usize::try_from(scan.place() - base).unwrap_or(usize::MAX);
        let window = bytes.get(at..).unwrap_or_default();
        match scan.step(window, length_of(window.len())) {
            Step::End => return records,
            Step::Record { sequence, payload, .. } => {
                let payload = window.get(payload).map(<[u8]>::to_vec);
                records.push((sequence, payload.unwrap_or_else(|| unreachable!("in the window"))));
            }
            Step::Ack(_) | Step::Damaged { .. } | Step::Junk(_) | Step::More(_) => {}
        }
    }
    unreachable!("a scan without an end")
}
