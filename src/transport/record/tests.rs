use std::fmt::Debug;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::tests::cases;

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn what_was_written_is_read_back(parcel in parcel()) {
        let record = encode(&parcel);
        prop_assert_eq!(record.is_none(), parcel.is_empty());
        let Some(NewRecord { spans, payload }) = record else { return Ok(()) };
        prop_assert_eq!(u64::from(spans), counted(&parcel.spans));
        let read = decode(&payload).unwrap();
        prop_assert_eq!(shown(&read), shown(&Parcel { filtered: 0, ..parcel }));
    }

    #[test]
    fn bytes_that_are_no_record_are_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Some(parcel) = decode(&bytes) {
            prop_assert!(parcel.is_empty() || encode(&parcel).is_some());
        }
    }

    #[test]
    fn half_a_record_is_none(parcel in parcel(), cut in any::<prop::sample::Index>()) {
        let Some(NewRecord { payload, .. }) = encode(&parcel) else { return Ok(()) };
        prop_assert!(decode(&payload[..cut.index(payload.len())]).is_none());
    }

    #[test]
    fn pieces_are_the_whole_in_order(sizes in vec(0..700_000_usize, 0..8), filtered in 0..9_u64) {
        let spans: Vec<Payload> =
            (0..).zip(sizes).map(|(id, size)| span(id, Arc::default(), vec![id; size], true)).collect();
        let parcel = Parcel { spans, filtered, finished: true, ..Parcel::default() };
        let whole = shown(&parcel);
        let pieces = pieces(parcel);
        prop_assert!(pieces.iter().all(|piece| piece.spans.len() == 1
            || piece.spans.iter().map(Payload::weight).sum::<usize>() <= MAX_BYTES));
        prop_assert_eq!(pieces.iter().map(|piece| piece.filtered).sum::<u64>(), filtered);
        let (last, before) = pieces.split_last().unwrap();
        prop_assert!(last.finished && before.iter().all(|piece| !piece.finished));
        let spans = pieces.iter().flat_map(|piece| piece.spans.clone()).collect();
        prop_assert_eq!(shown(&Parcel { spans, filtered, finished: true, ..Parcel::default() }), whole);
    }
}

#[test]
fn a_record_of_another_version_is_refused() {
    let parcel =
        Parcel { spans: vec![span(1, Arc::default(), vec![1], true)], ..Parcel::default() };
    let mut payload = encode(&parcel).unwrap().payload;
    payload[0] += 1;
    assert!(decode(&payload).is_none());
}

fn span(id: u8, envelope: Arc<Envelope>, bytes: Vec<u8>, counted: bool) -> Payload {
    let trace_id = TraceId::from_bytes([id; 16]);
    Payload { trace_id, envelope, body: Body::Bytes(bytes.into()), counted }
}

fn parcel() -> impl Strategy<Value = Parcel> {
    let envelope = (vec(any::<u8>(), 0..20), ".{0,5}", vec(any::<u8>(), 0..20), ".{0,5}").prop_map(
        |(resource, resource_schema_url, scope, scope_schema_url)| {
            Arc::new(Envelope { resource, resource_schema_url, scope, scope_schema_url })
        },
    );
    let spans = (
        vec(envelope, 1..4),
        vec((any::<u8>(), 0..4_usize, vec(any::<u8>(), 0..50), any::<bool>()), 0..9),
    )
        .prop_map(|(envelopes, spans)| {
            let span = |(id, at, bytes, counted): (u8, usize, Vec<u8>, bool)| {
                span(id, Arc::clone(&envelopes[at % envelopes.len()]), bytes, counted)
            };
            spans.into_iter().map(span).collect()
        });
    let epilogue = option::of((any::<[u8; 16]>(), ".{0,30}"));
    (spans, epilogue, 0..3_u64, any::<bool>()).prop_map(|(spans, epilogue, filtered, finished)| {
        let epilogue =
            epilogue.map(|(id, text)| Epilogue { trace_id: TraceId::from_bytes(id), text });
        Parcel { spans, epilogue, filtered, finished }
    })
}

/// Everything that matters of a parcel.
fn shown(parcel: &Parcel) -> impl PartialEq + Debug + use<> {
    let spans: Vec<_> = parcel
        .spans
        .iter()
        .map(|it| (it.trace_id, format!("{:?}", it.envelope), it.bytes().to_vec(), it.counted))
        .collect();
    let epilogue = parcel.epilogue.as_ref().map(|it| (it.trace_id, it.text.clone()));
    (spans, epilogue, parcel.filtered, parcel.finished)
}
