use std::fs;

use super::{program, segments, when};
use crate::support::app::{conserved, end_span};
use crate::support::scratch::Scratch;
use crate::support::server::Server;
use crate::support::server::port::DeadPort;
use crate::support::time::PATIENCE;
use std::time::Duration;

#[test]
fn a_directory_that_cannot_be_used_costs_a_warning_and_no_span() {
    let spool = Scratch::new();
    fs::write(spool.path(), "a file stands in its place").unwrap();
    let server = Server::mlflow();
    let guard = program(&spool, &server.url()).build().unwrap();
    end_span(&guard, "work");
    guard.flush(PATIENCE).unwrap();
    assert_eq!(conserved(&guard).destinations[0].delivered, 1);
    fs::remove_file(spool.path()).unwrap();
}

#[test]
fn a_directory_that_vanishes_costs_no_span() {
    let spool = Scratch::new();
    let server = Server::mlflow();
    let guard = program(&spool, &server.url()).build().unwrap();
    end_span(&guard, "before");
    guard.flush(PATIENCE).unwrap();
    fs::remove_dir_all(spool.path()).unwrap();
    end_span(&guard, "after");
    guard.flush(PATIENCE).unwrap();
    guard.shutdown(PATIENCE).unwrap();
    assert_eq!(server.spans().names(), ["before", "after"]);
}

#[test]
fn a_damaged_record_costs_its_spans_and_is_counted() {
    let spool = Scratch::new();
    let port = DeadPort::reserve();
    let guard = program(&spool, &port.url()).build().unwrap();
    for name in ["first", "second", "third"] {
        end_span(&guard, name);
        let bytes = conserved(&guard).destinations[0].spooled_bytes;
        when(&guard, "it is written", |stats| stats.destinations[0].spooled_bytes > bytes);
    }
    guard.shutdown(Duration::from_millis(100)).unwrap_err();
    let path = segments(spool.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(6).position(|window| window == b"second").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();

    let server = port.open();
    let guard = program(&spool, &server.url()).build().unwrap();
    let stats = when(&guard, "the others arrive", |stats| stats.destinations[0].delivered == 2);
    let account = &stats.destinations[0];
    let damaged = account.dropped.get(mlflow_tracing::DropReason::SpoolDamaged);
    assert_eq!((account.recovered, damaged), (3, 1));
    assert_eq!(server.spans().names(), ["first", "third"]);
    let error = guard.flush(PATIENCE).unwrap_err();
    assert!(error.to_string().contains("spool_damaged 1"), "{error}");
}
