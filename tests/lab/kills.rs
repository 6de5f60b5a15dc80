//! Programs that are killed at random moments, while their receiver comes and goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::program::{Program, guard, run_if_told};
use super::random;
use super::support::app::conserved;
use super::support::scratch::Scratch;
use super::support::server::{Route, Server};
use super::support::time::{PATIENCE, until};

/// How many are killed; `MLFLOW_TRACING_LAB_KILLS` of them in the long form.
const KILLS: u64 = 50;
const LONGEST: u64 = 150;

#[test]
#[ignore = "kills processes: run tests/all.sh"]
fn every_span_that_was_safe_before_a_kill_arrives() {
    check("kills::every_span_that_was_safe_before_a_kill_arrives", 1, 1);
}

#[test]
#[ignore = "kills processes: run tests/all.sh"]
fn of_two_programs_that_share_a_directory_and_are_killed_every_safe_span_arrives() {
    let test =
        "kills::of_two_programs_that_share_a_directory_and_are_killed_every_safe_span_arrives";
    check(test, 2, 4);
}

/// Kills programs, so many at once on one directory; a part of all kills.
#[expect(clippy::print_stdout, reason = "what is seen is kept in docs/RELIABILITY.md")]
fn check(test: &str, at_once: u64, part: u64) {
    run_if_told();
    let rounds = super::count("MLFLOW_TRACING_LAB_KILLS", KILLS) / part;
    let (server, spool) = (Server::collector(), Scratch::new());
    let mut safe = BTreeMap::new();
    for round in 0..rounds {
        // Every third finds nobody who takes its spans.
        if round % 3 == 2 {
            server.always(Route::Spans, 503);
        } else {
            server.as_usual(Route::Spans);
        }
        let numbers = round * at_once..(round + 1) * at_once;
        let start = |number| (number, Program::start(test, number, &server.url(), spool.path()));
        let programs: Vec<_> = numbers.map(start).collect();
        let first = |(number, program): (u64, Program)| (number, program.wait(), program);
        for (number, first, program) in programs.into_iter().map(first).collect::<Vec<_>>() {
            std::thread::park_timeout(Duration::from_millis(random() % LONGEST));
            safe.insert(number, program.kill().max(first));
        }
    }
    server.as_usual(Route::Spans);
    let last = guard(&server.url(), spool.path());
    until("what the last ones left is delivered", || {
        conserved(&last);
        writers(spool.path()) == 0
    });

    let received = received(&server);
    let total: u64 = safe.values().sum();
    let missing: Vec<_> = safe
        .iter()
        .flat_map(|(program, spans)| (0..*spans).map(|span| (*program, span)))
        .filter(|span| !received.contains_key(span))
        .collect();
    let twice = received.values().filter(|count| **count > 1).count();
    println!(
        "\n{} kills, {at_once} at once: {total} spans were safe, {} of them missing; {} arrived, {twice} \
         more than once",
        safe.len(),
        missing.len(),
        received.len()
    );
    assert!(missing.is_empty(), "{:?} …", missing.iter().take(10).collect::<Vec<_>>());
    assert_eq!(conserved(&last).destinations[0].dropped.total(), 0);
    last.shutdown(PATIENCE).unwrap();
}

/// How often each span came: of which program, and which of its spans.
fn received(server: &Server) -> BTreeMap<(u64, u64), u64> {
    let mut received = BTreeMap::new();
    for name in server.spans().names() {
        let (program, span) = name.split_once('.').unwrap();
        *received.entry((program.parse().unwrap(), span.parse().unwrap())).or_default() += 1;
    }
    received
}

/// Programs that have something in the spool.
fn writers(spool: &Path) -> usize {
    let Ok(entries) = fs::read_dir(spool.join("v1")) else { return 0 };
    entries.filter(|entry| entry.as_ref().unwrap().file_name() != "quarantine").count()
}
