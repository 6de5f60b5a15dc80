use proptest::prelude::*;

use super::*;
use crate::tests::cases;

/// What becomes of the spans, without the words.
#[derive(Debug, PartialEq)]
enum Fate {
    Delivered,
    Again(Repeat),
    Halved(DropReason),
}
use Fate::{Again, Delivered, Halved};

fn fate(verdict: &Verdict) -> Fate {
    match verdict {
        Verdict::Delivered { rejected: 0, note: None } => Delivered,
        Verdict::Delivered { .. } => panic!("{verdict:?}"),
        Verdict::Failed { repeat, .. } => Again(*repeat),
        Verdict::Split { reason, .. } => Halved(*reason),
    }
}

#[test]
fn every_status_has_its_meaning() {
    const SOON: Fate = Again(Repeat::Soon);
    const WAIT: Fate = Again(Repeat::WhenMended);
    const REJECTED: Fate = Halved(DropReason::Rejected);
    const TOO_LARGE: Fate = Halved(DropReason::TooLarge);
    let table: &[(&[u16], Fate, Fate)] = &[
        // status, from an MLflow server, from an OTLP receiver
        (&[200, 202, 204], Delivered, Delivered),
        (&[301, 302, 304, 307, 308], WAIT, WAIT),
        (&[401, 403, 404, 405, 407], WAIT, WAIT),
        (&[408, 425, 429], SOON, SOON),
        (&[400, 406, 409, 410, 411, 415, 422, 431], REJECTED, REJECTED),
        (&[413], TOO_LARGE, TOO_LARGE),
        (&[500], SOON, REJECTED),
        (&[501], WAIT, WAIT),
        (&[502, 503, 504], SOON, SOON),
        (&[505, 507, 511], REJECTED, REJECTED),
    ];
    for (statuses, mlflow, otlp) in table {
        for status in *statuses {
            let outcome = Outcome::Reply(reply(*status, ""));
            assert_eq!(fate(&classify(&outcome, Receiver::Mlflow, 1)), *mlflow, "{status}");
            assert_eq!(fate(&classify(&outcome, Receiver::Otlp, 1)), *otlp, "{status}");
        }
    }
}

#[test]
fn a_proxy_that_misses_a_client_certificate_costs_no_span() {
    for words in ["No required SSL certificate was sent", "The SSL certificate error"] {
        let outcome = Outcome::Reply(reply(400, &format!("<html><center>{words}</center>")));
        for receiver in [Receiver::Mlflow, Receiver::Otlp] {
            assert_eq!(fate(&classify(&outcome, receiver, 1)), Again(Repeat::WhenMended));
        }
    }
}

#[test]
fn an_mlflow_server_whose_database_is_in_trouble_is_asked_again() {
    for words in [
        r#"{"error_code":"TEMPORARILY_UNAVAILABLE","message":"..."}"#,
        "(sqlite3.OperationalError) database is locked",
        "(sqlite3.IntegrityError) UNIQUE constraint failed: spans.trace_id",
        "psycopg2.errors.UniqueViolation: duplicate key",
        "Deadlock found: deadlock detected",
        "could not serialize access due to concurrent update",
        "(psycopg2.errors.LockNotAvailable) canceling statement due to lock timeout",
        "FATAL:  the database system is starting up",
        "server closed the connection unexpectedly",
        "FATAL:  sorry, too many clients already",
        "(1213, 'Deadlock found when trying to get lock; try restarting transaction')",
        "(1205, 'Lock wait timeout exceeded; try restarting transaction')",
        "(1062, \"Duplicate entry 'tr-1' for key 'PRIMARY'\")",
        "(2006, 'MySQL server has gone away')",
        "(2013, 'Lost connection to MySQL server during query')",
        "QueuePool limit of size 5 overflow 10 reached, connection timed out",
        "database table is locked: spans",
    ] {
        for status in [400, 409, 422] {
            let outcome = Outcome::Reply(reply(status, words));
            let mlflow = classify(&outcome, Receiver::Mlflow, 1);
            assert_eq!(fate(&mlflow), Again(Repeat::Soon), "{status} {words}");
            let otlp = classify(&outcome, Receiver::Otlp, 1);
            assert_eq!(fate(&otlp), Halved(DropReason::Rejected), "{status} {words}");
        }
    }
    // What a span says is no word of the database's.
    let words =
        "(sqlite3.DataError) too big\n[SQL: INSERT …]\n[parameters: ('database is locked')]";
    let verdict = classify(&Outcome::Reply(reply(400, words)), Receiver::Mlflow, 1);
    assert_eq!(fate(&verdict), Halved(DropReason::Rejected));
    let answer = reply(501, "REST OTLP span logging is not supported by FileStore");
    let verdict = classify(&Outcome::Reply(answer), Receiver::Mlflow, 1);
    assert_eq!(fate(&verdict), Again(Repeat::WhenMended));
}

#[test]
fn a_pause_that_is_asked_for_is_made_where_repeating_helps() {
    let asked = |status| {
        let retry_after = Some(Duration::from_secs(7));
        let answer = Reply { retry_after, ..reply(status, "database is locked") };
        fate(&classify(&Outcome::Reply(answer), Receiver::Mlflow, 1))
    };
    for status in [400, 422, 429, 500, 503] {
        assert_eq!(asked(status), Again(Repeat::After(Duration::from_secs(7))), "{status}");
    }
    assert_eq!(asked(501), Again(Repeat::WhenMended));
    assert_eq!(asked(200), Delivered);
}

#[test]
fn a_server_may_say_when_in_seconds_and_in_every_form_of_a_date() {
    // Sun, 06 Nov 1994 08:49:37 GMT, as RFC 9110 has it.
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let asked = |value: &str| retry_after(value, now).map(|pause| pause.as_secs());
    for (value, pause) in [
        ("7", Some(7)),
        (" 120 ", Some(120)),
        ("0", Some(0)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
        ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
        ("Sun Nov  6 08:50:37 1994", Some(60)),
        // Over: at once.
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        // Nonsense: a pause of our own.
        ("", None),
        ("-7", None),
        ("1.5", None),
        ("soon", None),
        ("99999999999999999999999", None),
        ("Sun, 31 Feb 1994 08:50:37 GMT", None),
        ("Mon, 06 Nov 1994 08:50:37 GMT", None),
        ("Sun, 06 Nov 1994 08:50:37 +0100", None),
    ] {
        assert_eq!(asked(value), pause, "{value:?}");
    }
}

#[test]
fn without_an_answer_only_a_large_request_cut_off_is_halved() {
    let large = LARGE_BODY_BYTES + 1;
    let text = || "connection reset".to_owned();
    for receiver in [Receiver::Mlflow, Receiver::Otlp] {
        let fate = |failure, bytes| fate(&classify(&Outcome::Failed(failure), receiver, bytes));
        assert_eq!(fate(Failure::CutOff(text()), large), Halved(DropReason::TooLarge));
        assert_eq!(fate(Failure::CutOff(text()), LARGE_BODY_BYTES), Again(Repeat::Soon));
        assert_eq!(fate(Failure::NoAnswer(text()), large), Again(Repeat::Soon));
        assert_eq!(fate(Failure::Unusable(text()), large), Again(Repeat::WhenMended));
    }
}

#[test]
fn the_problem_is_what_the_server_said() {
    let told = |outcome| match classify(&outcome, Receiver::Otlp, 2_000_000) {
        Verdict::Failed { problem, .. } | Verdict::Split { problem, .. } => problem,
        Verdict::Delivered { .. } => panic!("delivered"),
    };
    assert_eq!(told(Outcome::Reply(reply(503, " try\n later "))), "HTTP 503: try later");
    let moved = Reply { location: Some("http://new/".to_owned()), ..reply(302, "") };
    assert_eq!(told(Outcome::Reply(moved)), "HTTP 302 to http://new/");
    let cut = Outcome::Failed(Failure::CutOff("broken pipe".to_owned()));
    assert_eq!(told(cut), "broken pipe while sending 2000000 bytes");
}

#[test]
fn pauses_grow_to_their_ceiling() {
    let policy = RetryPolicy::default();
    let longest = |failures| policy.pause(failures, Repeat::Soon, u64::MAX).as_millis();
    let expected = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
    assert_eq!([1, 2, 3, 4, 5, 6, 7, u32::MAX].map(longest), expected);
    assert_eq!(policy.pause(5, Repeat::Soon, 0), Duration::ZERO);
    // Half the range is half the ceiling: the whole range is used.
    assert_eq!(policy.pause(5, Repeat::Soon, u64::MAX / 2).as_secs(), 3);
}

#[test]
fn what_the_server_asks_for_wins_but_not_over_the_window() {
    let policy = RetryPolicy::default();
    let asked = |seconds| policy.pause(1, Repeat::After(Duration::from_secs(seconds)), 0);
    assert_eq!(asked(0), Duration::ZERO);
    assert_eq!(asked(120).as_secs(), 120);
    assert_eq!(asked(u64::MAX), policy.window(false));
    assert_eq!(policy.pause(9, Repeat::WhenMended, 0), policy.waiting);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_header_is_read_without_a_panic(value in "[ -~]{0,40}", seconds in 0..253_402_300_800_u64) {
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let _ = retry_after(&value, then);
        let asked = retry_after(&httpdate::fmt_http_date(then), SystemTime::UNIX_EPOCH);
        prop_assert_eq!(asked, Some(Duration::from_secs(seconds)));
    }

    #[test]
    fn jitter_is_full_and_bounded(
        failures in any::<u32>(), random in any::<u64>(), base in 1..5000_u64, max in 1..90_000_u64
    ) {
        let (base, max) = (Duration::from_millis(base), Duration::from_millis(max));
        let policy = RetryPolicy { base, max, ..RetryPolicy::default() };
        let pause = policy.pause(failures, Repeat::Soon, random);
        prop_assert!(pause <= max);
        let doublings = failures.saturating_sub(1).min(20);
        prop_assert!(pause <= base * 2_u32.pow(doublings));
        prop_assert!(pause <= policy.pause(failures, Repeat::Soon, random.saturating_add(1 << 40)));
    }
}

fn reply(status: u16, body: &str) -> Reply {
    Reply { status, body: body.as_bytes().to_vec(), ..Reply::default() }
}
