use super::*;

#[test]
fn what_was_seen_lately_is_known() {
    let mut recent = Recent::new(3);
    for item in 0..100_u32 {
        assert!(recent.is_new(item));
        let lately = item.saturating_sub(2)..=item;
        assert!(lately.rev().all(|item| !recent.is_new(item)), "{item}");
    }
}

#[test]
fn memory_stays_bounded() {
    let mut recent = Recent::new(3);
    assert!((0..1000).all(|item| recent.is_new(item)));
    assert!(recent.newer.len() + recent.older.len() <= 6);
    assert!(recent.is_new(0), "forgotten long ago");
}
