use super::*;

#[test]
fn every_reason_has_a_count_of_its_own() {
    let mut dropped = Dropped::default();
    for (count, reason) in (1..).zip(DropReason::ALL) {
        dropped.add(reason, count);
    }
    let mut twice = dropped;
    twice.add_all(&dropped);
    for (count, reason) in (1..).zip(DropReason::ALL) {
        assert_eq!((dropped.get(reason), twice.get(reason)), (count, 2 * count), "{reason}");
    }
    let all: u64 = (1..).zip(DropReason::ALL).map(|(count, _)| count).sum();
    assert_eq!(dropped.total(), all);
    assert_eq!(dropped.iter().map(|(reason, _)| reason).collect::<Vec<_>>(), DropReason::ALL);
}

#[test]
fn reasons_are_named_once_in_alphabetical_order() {
    let names = DropReason::ALL.map(DropReason::as_str);
    assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
}

#[test]
fn only_reasons_that_occurred_are_shown() {
    let mut dropped = Dropped::default();
    assert_eq!(dropped.to_string(), "");
    dropped.add(DropReason::TooLarge, 2);
    dropped.add(DropReason::OutboxFull, 1);
    assert_eq!(dropped.to_string(), "outbox_full 1, too_large 2");
}

#[test]
fn an_account_conserves_when_every_span_is_in_one_place() {
    let mut dropped = Dropped::default();
    dropped.add(DropReason::Rejected, 2);
    let stats = DestinationStats { delivered: 3, pending: 4, dropped, ..Default::default() };
    assert!(stats.conserves(9));
    assert!(!stats.conserves(8) && !stats.conserves(10));
}
