//! What the fuzz targets call: everything that decodes, and what must be true of what comes of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::parse;
use crate::export::reply::{accepted, partial_success_of, readable, retry_after};
use crate::model::price_table::PriceTable;
use crate::model::{base64, percent, shorten, text};
use crate::sync::{after, now};
use crate::transport::endpoint::{Endpoint, masked};
use crate::transport::http::{Outcome, Reply};
use crate::transport::proxy::{self, Proxy};
use crate::transport::retry::{self, Receiver, RetryPolicy, classify};
use crate::transport::{Repeat, Verdict, record as stored};

pub use crate::replay::fuzzing::replay;
pub use crate::transport::spool::fuzzing::spool;

/// JSON and text that are too long, or not for everybody.
pub fn json(bytes: &[u8]) {
    let (&[low, high, ref rest @ ..], Ok(_)) =
        (bytes, std::str::from_utf8(bytes.get(2..).unwrap_or_default()))
    else {
        return;
    };
    let (max, all) = (usize::from(u16::from_le_bytes([low, high])), String::from_utf8_lossy(rest));
    assert!(shorten::text(&all, max).len() <= max, "text longer than asked for");
    assert!(shorten::either(&all, max).len() <= max, "either longer than asked for");
    let is_json = text::is_json(&all);
    if let Some(short) = shorten::json(&all, max) {
        assert!(short.len() <= max, "JSON longer than asked for");
        assert!(!is_json || text::is_json(&short), "no JSON any more: {short}");
        let again = shorten::json(&short, max);
        assert_eq!(again.as_deref(), Some(&*short), "what fits stays");
    }
    let large = text::large_integers_as_text(&all);
    assert!(!is_json || text::is_json(&large), "no JSON any more: {large}");
    let _ = text::depth(&all);
    let _ = text::flatten(&all, max);
    assert!(!text::without_nul(&all).contains('\0'));
    assert!(text::cut(&all, max).chars().count() <= max);
}

/// A record of a spool.
pub fn record(bytes: &[u8]) {
    let Some(parcel) = stored::decode(bytes) else { return };
    let Some(again) = stored::encode(&parcel) else { return };
    let read = stored::decode(&again.payload);
    let read = read.unwrap_or_else(|| unreachable!("what was encoded is read"));
    assert_eq!(format!("{:?}", parcel.spans), format!("{:?}", read.spans));
    assert_eq!(format!("{:?}", parcel.epilogue), format!("{:?}", read.epilogue));
}

/// An answer, and how long to wait after it.
pub fn reply(bytes: &[u8]) {
    let &[kind, status, ref body @ ..] = bytes else { return };
    let _ = partial_success_of(body, str::to_owned);
    pause(retry_after(body));
    let said = String::from_utf8_lossy(body);
    pause(retry::retry_after(&said, UNIX_EPOCH + Duration::from_secs(1 << 31)));
    pause(retry::retry_after(&said, SystemTime::UNIX_EPOCH));
    let content_type = ["application/x-protobuf", "application/json", "text/html", ""];
    let content_type = content_type.into_iter().nth(usize::from(kind % 4)).unwrap_or_default();
    let outcome = readable(Outcome::Reply(Reply {
        status: 200 + u16::from(status) * 2,
        content_type: content_type.to_owned(),
        body: body.to_vec(),
        cut_short: kind & 4 != 0,
        ..Reply::default()
    }));
    for receiver in [Receiver::Mlflow, Receiver::Otlp] {
        if let Verdict::Failed { repeat, .. } =
            accepted(classify(&outcome, receiver, body.len()), &outcome)
        {
            let pause = RetryPolicy::default().pause(u32::from(kind), repeat, u64::MAX);
            assert!(pause <= Duration::from_secs(900));
        }
    }
}

/// No server can make us wait beyond what a clock can say.
fn pause(asked: Option<Duration>) {
    let Some(asked) = asked else { return };
    let endless = RetryPolicy { window: Some(Duration::MAX), ..RetryPolicy::default() };
    let _ = after(now(), endless.pause(1, Repeat::After(asked), 0));
}

/// What people write into variables and files.
pub fn settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(endpoint) = Endpoint::parse("VARIABLE", &text) {
        let shown = endpoint.url();
        assert!(Endpoint::parse("VARIABLE", shown).is_ok(), "not read again: {shown}");
        let _ = endpoint.credentials();
    }
    let _ = masked(&text);
    let _ = Proxy::parse("VARIABLE", &text);
    let _ = proxy::is_exempt("http://example.com:80/path", &text);
    let _ = parse::pairs("VARIABLE", &text);
    let _ = PriceTable::parse(&text, None);
    assert_eq!(percent::decode(&percent::encode(&text)), text.as_bytes());
    let _ = percent::decode(&text);
    assert_eq!(base64::encode(bytes).len(), bytes.len().div_ceil(3) * 4);
}
