//! Whose directory is whose.

use super::*;

#[test]
fn two_spools_on_one_directory_do_not_touch_each_other() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.spool(), scratch.spool());
    write(&one, &["one"]);
    write(&two, &["two"]);
    assert_eq!((one.adopt(now()), two.adopt(now())), (Vec::new(), Vec::new()));
    one.settled(Log::Own, 1);
    drop(one);
    assert_eq!(texts(&read_all(&two, Log::Own, 0, 10)), ["two"]);
    let later = now() + ADOPT_EVERY;
    assert_eq!(two.adopt(later), []);
}

#[test]
fn what_is_left_for_another_destination_waits_for_it() {
    let scratch = Scratch::new();
    let spool = scratch.spool();
    write(&spool, &["one"]);
    kill(spool);
    let other = Spool::new(scratch.settings(MAX_BYTES), "otlp http://other:4318".to_owned());
    assert_eq!(other.adopt(now()), []);
    assert_eq!(scratch.spool().adopt(now()).len(), 1);
}

#[test]
fn processes_that_are_gone_are_looked_for_once_a_minute() {
    let scratch = Scratch::new();
    let (gone, spool) = (scratch.spool(), scratch.spool());
    let start = now();
    assert_eq!(spool.adopt(start), []);
    write(&gone, &["one"]);
    kill(gone);
    assert_eq!(spool.adopt(start + Duration::from_millis(59_999)), []);
    assert_eq!(spool.adopt(start + ADOPT_EVERY).len(), 1);
    assert_eq!(spool.adopt(start + 2 * ADOPT_EVERY), [], "it was taken over before");
}
