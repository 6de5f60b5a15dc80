//! Every span once, however often the files are replayed and whatever happens to them.

use std::fs;

use mlflow_tracing::destination::Mlflow;
use mlflow_tracing::{Console, Replay};

use super::{
    append, collecting, directory, line, lines, newest, numbers, replay, root, sent, try_run,
};
use crate::support::app::{builder, conserved, end_span, to_mlflow};
use crate::support::scratch::Scratch;
use crate::support::server::Server;
use crate::support::time::PATIENCE;

#[test]
fn a_file_that_grew_is_continued_where_it_was_left() {
    let scratch = directory();
    let server = Server::collector();
    append(&newest(&scratch), &lines(1..4));
    assert_eq!(sent(&scratch, &server).spans, 3);
    assert_eq!(sent(&scratch, &server).spans, 0);
    append(&newest(&scratch), &lines(4..6));
    append(&newest(&scratch), "no JSON\n");
    let replayed = sent(&scratch, &server);
    assert_eq!((replayed.spans, replayed.traces), (2, 2));
    let fault = replayed.first_fault.unwrap();
    assert!(fault.starts_with("traces.jsonl:6: "), "lines are counted from the start: {fault}");
    assert_eq!(numbers(&server.spans()), [1, 2, 3, 4, 5]);
}

#[test]
fn files_that_made_way_between_two_runs_are_continued() {
    let scratch = directory();
    let server = Server::collector();
    let older = |number: usize| scratch.path().join(format!("traces.{number}.jsonl"));
    append(&older(1), &lines(1..3));
    append(&newest(&scratch), &lines(3..5));
    sent(&scratch, &server);
    append(&newest(&scratch), &lines(5..6));
    fs::rename(older(1), older(2)).unwrap();
    fs::rename(newest(&scratch), older(1)).unwrap();
    append(&newest(&scratch), &lines(6..8));
    assert_eq!(sent(&scratch, &server).spans, 3);
    assert_eq!(numbers(&server.spans()), [1, 2, 3, 4, 5, 6, 7]);
    // And by its name alone.
    append(&older(1), &lines([8]));
    let one = Replay::from_file(older(1));
    assert_eq!(try_run(&one, &collecting(&server)).unwrap().spans, 1);
    assert_eq!(sent(&scratch, &server).spans, 0);
}

#[test]
fn a_line_that_is_being_written_is_left_for_the_next_run() {
    let scratch = directory();
    let server = Server::collector();
    let whole = line("api", [root(2)]);
    let (half, rest) = whole.split_at(whole.len() / 2);
    append(&newest(&scratch), &(lines([1]) + half));
    let replayed = sent(&scratch, &server);
    assert_eq!((replayed.spans, replayed.unreadable), (1, 0));
    assert_eq!(replayed.unfinished_bytes, half.len() as u64);
    append(&newest(&scratch), rest);
    let replayed = sent(&scratch, &server);
    assert_eq!((replayed.spans, replayed.unfinished_bytes), (1, 0));
    assert_eq!(numbers(&server.spans()), [1, 2]);
}

#[test]
fn a_file_whose_first_line_is_being_written_is_left_too() {
    let scratch = directory();
    let server = Server::collector();
    let whole = lines([1]);
    append(&newest(&scratch), &whole[..20]);
    assert_eq!(sent(&scratch, &server).unfinished_bytes, 20);
    append(&newest(&scratch), &whole[20..]);
    assert_eq!(sent(&scratch, &server).spans, 1);
}

#[test]
fn a_program_may_go_on_writing() {
    let scratch = Scratch::new();
    let server = Server::collector();
    let writer = builder()
        .with_local_directory(scratch.path())
        .with_console(Console::Never)
        .build()
        .unwrap();
    for number in 1..4 {
        end_span(&writer, format!("span {number}"));
        writer.flush(PATIENCE).unwrap();
        assert_eq!(sent(&scratch, &server).spans, 1);
    }
    assert_eq!(numbers(&server.spans()), [1, 2, 3]);
    conserved(&writer);
}

#[test]
fn a_file_that_is_another_than_before_is_sent_from_its_start() {
    let scratch = directory();
    let server = Server::collector();
    append(&newest(&scratch), &lines(1..5));
    sent(&scratch, &server);
    // Cut short, with the same first line.
    fs::write(newest(&scratch), lines(1..3)).unwrap();
    assert_eq!(sent(&scratch, &server).spans, 2);
}

#[test]
fn everything_is_sent_again_where_that_is_asked_for() {
    let scratch = directory();
    let server = Server::collector();
    append(&newest(&scratch), &lines(1..4));
    sent(&scratch, &server);
    let again = replay(&scratch).with_restart(true);
    assert_eq!(try_run(&again, &collecting(&server)).unwrap().spans, 3);
    assert_eq!(sent(&scratch, &server).spans, 0);
    assert_eq!(numbers(&server.spans()), [1, 2, 3, 1, 2, 3]);
}

#[test]
fn each_set_of_destinations_gets_everything() {
    let scratch = directory();
    append(&newest(&scratch), &lines(1..4));
    let (one, other) = (Server::collector(), Server::collector());
    assert_eq!(sent(&scratch, &one).spans, 3);
    assert_eq!(sent(&scratch, &other).spans, 3);
    let mlflow = Server::mlflow();
    for experiment in ["a", "b"] {
        let guard = to_mlflow(&mlflow).with_experiment(experiment).build().unwrap();
        assert_eq!(try_run(&replay(&scratch), &guard).unwrap().spans, 3, "{experiment}");
        assert_eq!(try_run(&replay(&scratch), &guard).unwrap().spans, 0, "{experiment}");
        // The same place, said in another way.
        let place = Mlflow::new(mlflow.url()).with_experiment(experiment);
        let guard = builder().with_destination(place).build().unwrap();
        assert_eq!(try_run(&replay(&scratch), &guard).unwrap().spans, 0, "{experiment}");
    }
}
