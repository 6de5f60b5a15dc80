//! What becomes of a span by what happens to the request that carries it: every outcome, over every
//! wire.

use std::time::Duration;

use h2::Reason;
use mlflow_tracing::{Builder, DropReason, OtlpEncoder, Protocol};
use tonic::Code;

use crate::support::app::{Receiver, Traced, builder, conserved, end_span, to_collector};
use crate::support::http::Answer;
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Route, Server, grpc};
use crate::support::time::{PATIENCE, until};

/// Longest that an attempt takes.
const SHORT: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, Debug)]
enum Fate {
    /// Delivered by the first request.
    Stored,
    /// The same, and a line is told that has these words.
    Noted(&'static str),
    /// Sent again; the receiver cannot have it yet.
    Again,
    /// Sent again; the receiver may have it.
    InDoubt,
    /// Kept until somebody mends something.
    Waits,
    /// Given up at once.
    Lost(DropReason),
}
use Fate::{Again, InDoubt, Lost, Noted, Stored, Waits};

const REJECTED: Fate = Lost(DropReason::Rejected);
const TOO_LARGE: Fate = Lost(DropReason::TooLarge);

#[derive(Clone, Copy, Debug)]
enum Wire {
    Mlflow,
    Protobuf,
    Json,
}
use Wire::{Json, Mlflow, Protobuf};

const ALL: [Wire; 3] = [Mlflow, Protobuf, Json];

fn traced(wire: Wire) -> Traced {
    let short = |builder: Builder| builder.with_timeout(SHORT);
    let json = |builder: Builder| {
        builder.with_protocol(Protocol::HttpJson).with_otlp_encoder(OtlpEncoder::Own)
    };
    match wire {
        Mlflow => Traced::mlflow_with(Server::mlflow(), short),
        Protobuf => Traced::otlp_with(short),
        Json => Traced::otlp_with(|builder| short(json(builder))),
    }
}

/// Ends a span, to which happens what was ordered, and sees what becomes of it.
fn meets<S: Receiver>(
    traced: &Traced<S>,
    fate: Fate,
    what: &str,
    told: impl Fn() -> Vec<String>,
    mend: impl Fn(),
) {
    traced.end_span("span");
    let (duplicates, retries) = match fate {
        Stored | Noted(_) => (0, Some(0)),
        Again => (0, Some(1)),
        InDoubt => (1, Some(1)),
        Waits => {
            let words = traced.flush_in_vain(PATIENCE);
            assert!(words.contains("1 pending"), "{what}: {words}");
            mend();
            (0, None)
        }
        Lost(reason) => {
            let error = traced.guard.flush(PATIENCE).unwrap_err();
            assert_eq!((error.pending(), error.dropped(reason)), (0, 1), "{what}: {error}");
            traced.conserved();
            return;
        }
    };
    assert_eq!(traced.delivered().names(), ["span"], "{what}");
    let account = &traced.conserved().destinations[0];
    assert_eq!(account.duplicates, duplicates, "{what}");
    if let Some(retries) = retries {
        assert_eq!(account.retries, retries, "{what}");
    }
    if let Noted(words) = fate {
        let told = told();
        assert!(told.iter().any(|line| line.contains(words)), "{what}: {told:?}");
    }
}

fn over_http(wire: Wire, act: impl Into<Act>, fate: Fate) {
    let act = act.into();
    let what = format!("{wire:?}, {act:?}");
    let what = what.chars().take(200).collect::<String>();
    let traced = traced(wire);
    if matches!(fate, Waits) {
        traced.server.always(Route::Spans, act);
    } else {
        traced.server.script(Route::Spans, [act]);
    }
    let server = &traced.server;
    meets(&traced, fate, &what, || server.told(), || server.as_usual(Route::Spans));
}

#[test]
fn every_status_over_http() {
    let table: &[(&[u16], Fate, Fate)] = &[
        // status, from an MLflow server, from an OTLP receiver
        (&[200, 201, 202, 204], Stored, Stored),
        (&[300, 301, 302, 303, 304, 307, 308], Waits, Waits),
        (&[401, 403, 404, 405, 407], Waits, Waits),
        (&[408, 425, 429], Again, Again),
        (
            &[400, 402, 406, 409, 410, 411, 412, 414, 415, 416, 418, 421, 422, 431, 451],
            REJECTED,
            REJECTED,
        ),
        (&[413], TOO_LARGE, TOO_LARGE),
        (&[500], Again, REJECTED),
        (&[501], Waits, Waits),
        (&[502, 503, 504], Again, Again),
        (&[505, 507, 508, 511, 520, 599], REJECTED, REJECTED),
    ];
    for (statuses, mlflow, otlp) in table {
        for status in *statuses {
            over_http(Mlflow, *status, *mlflow);
            over_http(Protobuf, *status, *otlp);
            over_http(Json, *status, *otlp);
        }
    }
}

#[test]
fn every_way_to_break_off_over_http() {
    for wire in ALL {
        for act in [
            Act::Close,
            Act::Reset,
            Act::HalfStatusLine,
            Act::Drip,
            Act::Hold,
            Act::Raw(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80"),
            Act::Raw(b"SSH-2.0-OpenSSH_9.9\r\n"),
        ] {
            over_http(wire, act, InDoubt);
        }
        over_http(wire, Act::HalfAnswer(Answer::new(503)), Again);
        over_http(wire, Act::EndlessAnswer(Answer::new(503)), Again);
        over_http(wire, Act::HalfAnswer(Answer::new(422)), REJECTED);
    }
}

#[test]
fn every_answer_to_what_was_accepted_over_http() {
    const PROTOBUF: &str = "application/x-protobuf";
    const JSON: &str = "application/json";
    let ok = |content_type, body: &[u8]| Answer::new(200).body(content_type, body);
    let huge = vec![b' '; 1024 * 1024];
    for wire in ALL {
        let table = [
            (ok(PROTOBUF, b"").into(), Stored),
            (ok("text/plain", b"").into(), Stored),
            (ok(JSON, b"{}").into(), Stored),
            (ok(JSON, br#"{"partialSuccess":{}}"#).into(), Stored),
            (ok(PROTOBUF, &[0x0a, 0x00]).into(), Stored),
            (ok(PROTOBUF, &[0x0a, 0x02, 0x08, 0x01]).into(), REJECTED),
            (ok(JSON, br#"{"partialSuccess":{"rejectedSpans":"9"}}"#).into(), REJECTED),
            (
                ok(PROTOBUF, &[0x0a, 0x0b, 0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1])
                    .into(),
                Stored,
            ),
            (ok(PROTOBUF, &[0xff, 0xfe, 0x00]).into(), Noted("no answer of an OTLP receiver")),
            (ok(JSON, b"{").into(), Noted("HTTP 200: {; that is no answer of an OTLP receiver")),
            (ok("text/plain", b"OK").into(), Noted("HTTP 200: OK; that is no answer")),
            (
                ok("text/html; charset=utf-8", b"<p>sign in</p>").into(),
                Noted("it may be a login's"),
            ),
            (ok("", b"<!DOCTYPE html><html></html>").into(), Noted("the path may take no spans")),
            (ok(JSON, &huge).into(), Noted("breaks off or is too long")),
            (Act::HalfAnswer(ok(JSON, b"{}")), Noted("breaks off or is too long")),
            (Act::EndlessAnswer(ok(JSON, b"{")), Noted("breaks off or is too long")),
        ];
        for (act, fate) in table {
            over_http(wire, act, fate);
        }
    }
}

#[test]
fn a_receiver_that_is_told_mlflows_experiment_is_judged_as_mlflow() {
    let locked = || Answer::new(400).body("text/plain", "(sqlite3) database is locked");
    for (header, fate) in [("x-mlflow-experiment-id", Again), ("x-other", REJECTED)] {
        let traced = Traced::otlp_with(|builder| builder.with_otlp_header(header, "1"));
        traced.server.script(Route::Spans, [locked()]);
        meets(&traced, fate, header, Vec::new, || ());
    }
}

fn over_grpc(act: impl Into<grpc::Act>, fate: Fate) {
    let act = act.into();
    let what = format!("{act:?}").chars().take(200).collect::<String>();
    let server = grpc::GrpcServer::collector();
    if matches!(fate, Waits) {
        server.always(Route::Spans, act);
    } else {
        server.script(Route::Spans, [act]);
    }
    let traced = Traced::grpc_with(server, |builder| builder.with_timeout(SHORT));
    let server = &traced.server;
    meets(&traced, fate, &what, || server.told(), || server.always(Route::Spans, grpc::Act::ok()));
}

#[test]
fn every_code_over_grpc() {
    let table: &[(&[Code], Fate)] = &[
        (&[Code::Ok], Stored),
        (&[Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::OutOfRange], Again),
        (&[Code::Unavailable, Code::DataLoss, Code::ResourceExhausted], Again),
        (&[Code::Unauthenticated, Code::PermissionDenied], Waits),
        (&[Code::Unimplemented, Code::NotFound], Waits),
        (&[Code::Unknown, Code::InvalidArgument, Code::AlreadyExists], REJECTED),
        (&[Code::FailedPrecondition, Code::Internal], REJECTED),
    ];
    for (codes, fate) in table {
        for code in *codes {
            let act = if *code == Code::Ok { grpc::Act::ok() } else { (*code).into() };
            over_grpc(act, *fate);
        }
    }
    let size = "grpc: received message larger than max (9 vs. 4)";
    over_grpc(grpc::Refusal::new(Code::ResourceExhausted, size), TOO_LARGE);
}

#[test]
fn every_answer_to_what_was_accepted_over_grpc() {
    let answer = |bytes: &[u8]| grpc::Act::Answer(bytes.to_vec());
    over_grpc(answer(&[]), Stored);
    over_grpc(answer(&[0x0a, 0x00]), Stored);
    over_grpc(answer(&[0x0a, 0x02, 0x08, 0x09]), REJECTED);
    over_grpc(answer(&[0xff, 0xfe, 0x00]), Noted("an answer that cannot be read"));
    for length in [64 * 1024 + 2, 5 * 1024 * 1024] {
        over_grpc(answer(&vec![0; length]), Noted("an answer that is too long"));
    }
    over_grpc(grpc::Act::AnswerNothing, Waits);
    over_grpc(grpc::Act::Http(200, "<html>it works</html>"), Waits);
}

#[test]
fn every_way_to_break_off_over_grpc() {
    use grpc::Act::{Break, Close, GoAway, Hold, Reset};
    over_grpc(Hold, InDoubt);
    for (act, in_doubt) in [
        (Close, true),
        (Break, true),
        (GoAway, true),
        (Reset(Reason::CANCEL), true),
        (Reset(Reason::INTERNAL_ERROR), true),
        (Reset(Reason::ENHANCE_YOUR_CALM), true),
        (Reset(Reason::NO_ERROR), true),
        // By which a server says that it has done nothing.
        (Reset(Reason::REFUSED_STREAM), false),
    ] {
        let server = grpc::GrpcServer::collector();
        // The connection of the look is not trusted: the second attempt is made at once.
        server.script(Route::Spans, [act.clone(), act.clone()]);
        let traced = Traced::grpc_with(server, |builder| builder.with_timeout(SHORT));
        traced.end_span("span");
        assert_eq!(traced.delivered().names(), ["span"], "{act:?}");
        let account = &traced.conserved().destinations[0];
        let expected = if in_doubt { 2 } else { 0 };
        assert_eq!((account.retries, account.duplicates), (1, expected), "{act:?}");
    }
}

#[test]
fn what_nobody_was_sent_is_no_duplicate() {
    let dead = DeadPort::reserve().url();
    let collector = format!("{dead}/v1/traces");
    for builder in [
        builder().with_tracking_uri(&dead),
        builder().with_otlp_endpoint(&collector),
        builder().with_otlp_endpoint("http://no-such-host.invalid:4318/v1/traces"),
        builder().with_otlp_endpoint(&dead).with_protocol(Protocol::Grpc),
    ] {
        let guard = builder.with_drop_timeout(Duration::ZERO).build().unwrap();
        end_span(&guard, "span");
        guard.flush(SHORT).unwrap_err();
        let account = || conserved(&guard).destinations.remove(0);
        until("an attempt has failed", || account().retries >= 1);
        assert_eq!(account().duplicates, 0);
    }
    // Nor what is refused once the connection was there.
    let server = Server::collector();
    server.script(Route::Spans, [503, 429]);
    let traced = Traced::new(to_collector(&server).build().unwrap(), server);
    traced.end_span("span");
    assert_eq!(traced.delivered().names(), ["span"]);
    assert_eq!(traced.conserved().destinations[0].duplicates, 0);
}
