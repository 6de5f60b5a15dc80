use super::*;
use crate::sync::now;

fn said(value: &'static str) -> Updates {
    let mut updates = Updates::default();
    updates.say(KeyValue::new("key", value));
    updates
}

#[test]
fn updates_weigh_what_is_said_last() {
    let mut updates = said("0123456789");
    let long = updates.bytes();
    assert_eq!(updates.say(KeyValue::new("key", "01234")), long);
    assert_eq!(updates.bytes(), long - 5);
    assert_eq!(updates.say_all(said("0123456789")), long - 5);
    assert_eq!((updates.bytes(), updates.say_all(Updates::default())), (long, 0));
}

#[test]
fn the_oldest_is_given_up_for_one_too_many() {
    let mut unclaimed = Unclaimed::new(2, Duration::from_secs(1));
    let t0 = now();
    for id in 1..=3_u128 {
        unclaimed.keep(TraceId::from(id), said("x"), t0);
    }
    assert_eq!(unclaimed.take_gone(), Gone { bytes: said("x").bytes(), in_vain: 1 });
    assert!(unclaimed.claim(TraceId::from(1)).is_empty());
    assert!(!unclaimed.claim(TraceId::from(2)).is_empty());
}

#[test]
fn one_that_was_claimed_and_kept_again_is_as_young_as_that() {
    let mut unclaimed = Unclaimed::new(8, Duration::from_secs(10));
    let (t0, second, trace) = (now(), Duration::from_secs(1), TraceId::from(1));
    unclaimed.keep(trace, said("x"), t0);
    let claimed = unclaimed.claim(trace);
    unclaimed.keep(trace, claimed, t0 + 5 * second);
    unclaimed.expire(t0 + 10 * second);
    assert_eq!(unclaimed.take_gone(), Gone::default());
    unclaimed.expire(t0 + 15 * second);
    assert_eq!(unclaimed.take_gone().in_vain, 1);
    assert_eq!(unclaimed.next_due(), None);
}

#[test]
fn what_is_kept_in_order_stays_small() {
    let mut unclaimed = Unclaimed::new(8, Duration::from_secs(10));
    for id in 1..=10_000_u128 {
        unclaimed.keep(TraceId::from(id), said("x"), now());
        assert!(!unclaimed.claim(TraceId::from(id)).is_empty());
    }
    assert!(unclaimed.order.len() < 100, "{}", unclaimed.order.len());
}
