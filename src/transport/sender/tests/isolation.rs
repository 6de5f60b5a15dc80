//! Of spans that a receiver will not have only they are lost, whatever else happens.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::tests::cases;

/// Traces of at most one request, most of them small.
fn traces() -> impl Strategy<Value = Vec<usize>> {
    let length = prop_oneof![6 => 1..6_usize, 2 => 6..60_usize, 1 => 60..300_usize];
    vec(length, 1..120).prop_map(|mut lengths| {
        let mut room = LIMITS.max_spans;
        lengths.retain(|length| {
            let fits = *length <= room;
            room -= if fits { *length } else { 0 };
            fits
        });
        lengths
    })
}

/// Places in a request, whose length is not known yet.
fn places(most: usize) -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 0..most)
}

fn among(places: &[Index], spans: usize) -> BTreeSet<u64> {
    places.iter().map(|place| place.index(spans) as u64).collect()
}

fn contains_any(poison: BTreeSet<u64>) -> Refuses {
    Box::new(move |ids| ids.iter().any(|id| poison.contains(id)))
}

/// Requests in which `count` poison spans among `spans` are found, each by halves of halves.
fn bound(count: usize, spans: usize) -> usize {
    let halvings = spans.next_power_of_two().trailing_zeros() as usize;
    1 + count * (2 * halvings + 6)
}

/// What leaves no doubt whether the spans were stored.
fn certain() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(AWAY),
        Just(Fault::Refused(Repeat::WhenMended)),
        Just(Fault::Refused(Repeat::After(Duration::ZERO))),
    ]
}

fn doubtful() -> impl Strategy<Value = Fault> {
    let cut_off = any::<bool>().prop_map(|stored| Fault::CutOff { stored });
    let too_large = any::<bool>().prop_map(|stored| Fault::TooLarge { stored });
    prop_oneof![cut_off, too_large, Just(Fault::Stale)]
}

fn faults(fault: impl Strategy<Value = Fault>) -> impl Strategy<Value = Vec<Option<Fault>>> {
    vec(prop_oneof![1 => Just(None), 2 => fault.prop_map(Some)], 0..60)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn only_the_poison_is_lost_and_found_in_few_requests(traces in traces(), places in places(6)) {
        let spans = traces.iter().sum::<usize>();
        let poison = among(&places, spans);
        let mut play = Play::new(&traces, VecDeque::new(), contains_any(poison.clone()));
        let stats = play.run();
        let good = (0..spans as u64).filter(|id| !poison.contains(id));
        prop_assert!(play.log().stored.iter().copied().eq(good));
        prop_assert_eq!(stats.dropped.get(DropReason::Rejected), poison.len() as u64);
        prop_assert_eq!(stats.dropped.total(), poison.len() as u64);
        let requests = play.log().judged;
        prop_assert!(requests <= bound(poison.len(), spans), "{} of {:?}", requests, traces);
    }

    #[test]
    fn failures_in_between_change_neither_what_is_lost_nor_the_order(
        traces in traces(), places in places(4), faults in faults(certain())
    ) {
        let spans = traces.iter().sum::<usize>();
        let poison = among(&places, spans);
        let failures = faults.iter().flatten().count();
        let mut play = Play::new(&traces, faults.into(), contains_any(poison.clone()));
        let stats = play.run();
        let good = (0..spans as u64).filter(|id| !poison.contains(id));
        prop_assert!(play.log().stored.iter().copied().eq(good));
        prop_assert_eq!(stats.dropped.total(), poison.len() as u64);
        prop_assert_eq!(stats.duplicates, 0);
        // A trial parts a request, at most once in three failures.
        let trials = failures / 3;
        prop_assert!(play.log().judged <= bound(poison.len() + trials, spans));
    }

    #[test]
    fn whatever_is_in_doubt_arrives_and_no_copy_is_uncounted(
        traces in traces(), faults in faults(prop_oneof![certain(), doubtful()])
    ) {
        let spans = traces.iter().sum::<usize>();
        let mut play = Play::new(&traces, faults.into(), Box::new(|_| false));
        let stats = play.run();
        let log = play.log();
        let distinct: BTreeSet<u64> = log.stored.iter().copied().collect();
        let lost = stats.dropped.total();
        prop_assert_eq!(lost, stats.dropped.get(DropReason::TooLarge));
        prop_assert!(distinct.len() as u64 >= spans as u64 - lost);
        prop_assert!((log.stored.len() - distinct.len()) as u64 <= stats.duplicates);
    }

    #[test]
    fn a_receiver_that_refuses_only_combinations_gets_every_span(
        traces in traces(), most in 1..40_usize, apart in 2..9_u64
    ) {
        let spans = traces.iter().sum::<usize>();
        let differ = move |ids: &[u64]| ids.iter().any(|id| id % apart != ids[0] % apart);
        let refuses = move |ids: &[u64]| ids.len() > most || differ(ids);
        let mut play = Play::new(&traces, VecDeque::new(), Box::new(refuses));
        let stats = play.run();
        prop_assert!(play.log().stored.iter().copied().eq(0..spans as u64));
        prop_assert_eq!(stats.delivered, spans as u64);
        // A tree of halves has fewer joints than leaves.
        prop_assert!(play.log().judged < 2 * spans);
    }
}

#[test]
fn a_receiver_that_refuses_everything_is_asked_for_every_span_and_then_left_alone() {
    let mut play = Play::new(&[100, 3, 9], VecDeque::new(), Box::new(|_| true));
    assert_eq!(play.run().dropped.get(DropReason::Rejected), 112);
    assert_eq!(play.log().judged, 2 * 112 - 1);
}

#[test]
fn the_poison_is_dropped_in_the_receivers_words() {
    let mut play = Play::new(&[1, 2, 1], VecDeque::new(), contains_any([3].into()));
    assert_eq!(play.run().last_problem.as_deref(), Some("odd: 3"));
}
