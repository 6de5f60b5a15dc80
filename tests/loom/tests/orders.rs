//! Runs the models; see `models/`.
#![cfg(test)]

use loom_models::models;

#[test]
fn a_worker_that_sleeps_hears_of_every_span() {
    models::a_worker_that_sleeps_hears_of_every_span();
}

#[test]
fn after_a_flush_everything_before_it_is_handed_over() {
    models::after_a_flush_everything_before_it_is_handed_over();
}

#[test]
fn of_two_who_flush_each_has_its_spans_handed_over() {
    models::of_two_who_flush_each_has_its_spans_handed_over();
}

#[test]
fn a_flush_that_has_no_time_says_so_or_has_handed_over() {
    models::a_flush_that_has_no_time_says_so_or_has_handed_over();
}

#[test]
fn a_span_that_ends_while_the_pipe_closes_is_handed_over_or_counted() {
    models::a_span_that_ends_while_the_pipe_closes_is_handed_over_or_counted();
}

#[test]
fn what_closes_without_time_is_counted_all_the_same() {
    models::what_closes_without_time_is_counted_all_the_same();
}

#[test]
fn a_flush_during_the_end_ends_and_nothing_is_missing_then() {
    models::a_flush_during_the_end_ends_and_nothing_is_missing_then();
}

#[test]
fn what_finds_no_room_is_counted_and_the_rest_handed_over() {
    models::what_finds_no_room_is_counted_and_the_rest_handed_over();
}

#[test]
fn what_is_said_of_a_trace_reaches_the_worker_no_later_than_its_root() {
    models::what_is_said_of_a_trace_reaches_the_worker_no_later_than_its_root();
}

#[test]
fn a_sender_that_sleeps_hears_of_every_parcel() {
    models::a_sender_that_sleeps_hears_of_every_parcel();
}

#[test]
fn of_two_who_wait_each_sees_what_was_handed_in_before_delivered() {
    models::of_two_who_wait_each_sees_what_was_handed_in_before_delivered();
}

#[test]
fn what_lingers_leaves_when_it_is_asked_for() {
    models::what_lingers_leaves_when_it_is_asked_for();
}

#[test]
fn what_is_handed_in_while_it_closes_is_delivered_or_counted() {
    models::what_is_handed_in_while_it_closes_is_delivered_or_counted();
}

#[test]
fn an_end_in_the_middle_of_a_request_loses_no_count() {
    models::an_end_in_the_middle_of_a_request_loses_no_count();
}

#[test]
fn the_oldest_makes_room_but_not_what_is_under_way() {
    models::the_oldest_makes_room_but_not_what_is_under_way();
}

#[test]
fn a_pause_ends_when_an_attempt_is_demanded() {
    models::a_pause_ends_when_an_attempt_is_demanded();
}

#[test]
fn a_pause_ends_when_the_time_to_close_is_over() {
    models::a_pause_ends_when_the_time_to_close_is_over();
}

#[test]
fn a_refusal_wakes_whoever_waits() {
    models::a_refusal_wakes_whoever_waits();
}

#[test]
fn a_flush_of_the_pipe_ends_when_everything_before_it_is_stored() {
    models::a_flush_of_the_pipe_ends_when_everything_before_it_is_stored();
}

#[test]
fn a_request_that_is_made_again_loses_nothing() {
    models::a_request_that_is_made_again_loses_nothing();
}

#[test]
fn whatever_ends_while_the_pipe_ends_is_stored_or_counted() {
    models::whatever_ends_while_the_pipe_ends_is_stored_or_counted();
}
