use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{NewRecord, record};
use super::*;
use crate::tests::cases;

const SALT: u64 = 0x0123_4567_89ab_cdef;
const START: u64 = 100;

/// Records with these payloads, numbered from 1, as a segment has them from [`START`] on.
fn written(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (sequence, payload) in (1..).zip(payloads) {
        let record = NewRecord { spans: 1, payload: payload.clone() };
        record::write_data(&record, sequence, SALT, START, &mut bytes);
    }
    bytes
}

/// Everything that is found, through a window that grows by what is asked for and `more`.
fn scan(bytes: &[u8], more: usize) -> Vec<(u64, Option<Vec<u8>>)> {
    let mut scan = Scan::new(SALT, START, 0);
    let mut found = Vec::new();
    let mut wanted = 0;
    // Each step moves on, or asks for more.
    for _ in 0..=3 * bytes.len() + 10 {
        let at = usize::try_from(scan.place() - START).unwrap();
        let end = (at + wanted + more).min(bytes.len());
        let window = &bytes[at..end];
        wanted = 0;
        match scan.step(window, length_of(bytes.len() - at)) {
            Step::Record { sequence, payload, .. } => {
                found.push((sequence, Some(window[payload].to_vec())));
            }
            Step::Damaged { sequence, .. } => found.push((sequence, None)),
            Step::More(bytes) => wanted = bytes,
            Step::Ack(_) | Step::Junk(_) => {}
            Step::End => return found,
        }
    }
    panic!("it does not end");
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn what_was_written_is_found_whatever_the_window(
        payloads in vec(vec(any::<u8>(), 0..200), 0..8),
        more in 0..300_usize,
    ) {
        let expected: Vec<_> = (1..).zip(payloads.iter().cloned().map(Some)).collect();
        prop_assert_eq!(scan(&written(&payloads), more), expected);
    }

    #[test]
    fn whatever_is_written_over_it_the_rest_is_found_and_the_scan_ends(
        payloads in vec(vec(any::<u8>(), 0..60), 1..8),
        holes in vec((0..600_usize, vec(any::<u8>(), 0..50)), 0..4),
        more in 0..300_usize,
    ) {
        let good = written(&payloads);
        let mut bytes = good.clone();
        for (at, hole) in holes {
            for (byte, new) in bytes.iter_mut().skip(at).zip(hole) {
                *byte = new;
            }
        }
        let mut end = 0;
        let mut expected = Vec::new();
        for (sequence, payload) in (1..).zip(payloads) {
            let start = end;
            end += HEADER + payload.len();
            if bytes[start..end] == good[start..end] {
                expected.push((sequence, payload));
            }
        }
        let found = scan(&bytes, more);
        let whole = found.into_iter().filter_map(|(sequence, payload)| Some((sequence, payload?)));
        prop_assert_eq!(whole.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_scan_of_any_bytes_ends(bytes in vec(any::<u8>(), 0..500), more in 0..100_usize) {
        prop_assert_eq!(scan(&bytes, more), []);
    }
}

#[test]
fn a_header_counts_at_its_place_only_and_with_its_salt_only() {
    let bytes = written(&[b"payload".to_vec()]);
    assert!(Header::read(&bytes, SALT, START).is_some());
    assert_eq!(Header::read(&bytes, SALT, START + 1), None);
    assert_eq!(Header::read(&bytes, SALT + 1, START), None);
}

#[test]
fn a_sequence_that_does_not_grow_is_no_record() {
    let mut bytes = written(&[b"one".to_vec(), b"two".to_vec()]);
    let again = NewRecord { spans: 1, payload: b"again".to_vec() };
    record::write_data(&again, 2, SALT, START, &mut bytes);
    record::write_data(&again, 3, SALT, START, &mut bytes);
    let sequences: Vec<u64> = scan(&bytes, 0).into_iter().map(|(sequence, _)| sequence).collect();
    assert_eq!(sequences, [1, 2, 3]);
}
