use super::*;
use crate::sync;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn failures_of_two_kinds_that_take_turns_are_told_once_each() {
    let (mut trouble, start) = (Trouble::default(), sync::now());
    let mut told = Vec::new();
    for second in 0..60 {
        let problem = if second % 2 == 0 { "HTTP 503: busy" } else { "io: refused; running?" };
        told.extend(trouble.failure(problem, "", start + second * SECOND));
    }
    assert_eq!(told, ["HTTP 503: busy", "io: refused; running?"]);
    let again = trouble.failure("HTTP 503: other words", "; wait", start + 60 * SECOND);
    assert_eq!(again.unwrap(), "HTTP 503: other words; wait (29 more like it)");
}

#[test]
fn the_end_of_what_was_told_is_told_once() {
    let (mut trouble, start) = (Trouble::default(), sync::now());
    assert!(!trouble.ends());
    trouble.failure("HTTP 503", "", start).unwrap();
    assert!(trouble.ends() && !trouble.ends());
    // Of what comes and goes neither is told.
    assert_eq!(trouble.failure("HTTP 503", "", start + SECOND), None);
    assert!(!trouble.ends());
}

#[test]
fn notes_are_rarer_and_no_number_of_kinds_takes_memory() {
    let (mut trouble, start) = (Trouble::default(), sync::now());
    trouble.note("odd", start).unwrap();
    assert_eq!(trouble.note("odd", start + 3599 * SECOND), None);
    assert_eq!(trouble.note("odd", start + 3600 * SECOND).unwrap(), "odd (1 more like it)");
    for kind in 0..1000 {
        trouble.failure(&format!("kind {kind}: x"), "", start).unwrap();
    }
    assert_eq!(trouble.kinds.len(), MAX_KINDS);
}
