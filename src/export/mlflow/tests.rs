use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::{Value as Json, json};

use super::*;
use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::span::Span;
use crate::tests::{chunk, plain, root_data, span_data};

#[test]
fn the_parts_of_a_running_trace_are_counted_together() {
    let mut encoder = encoder(TraceInfoMode::Always);
    let mut sizes = Vec::new();
    let children = [plain(span_data("a", 2, 1)), plain(span_data("b", 3, 1))];
    for (spans, finished) in [(children.to_vec(), false), (vec![plain(root_data([]))], true)] {
        let parcel = encode(&mut encoder, &spans, finished);
        sizes.extend(parcel.spans.iter().map(|span| span.bytes().len()));
        let Some(epilogue) = parcel.epilogue else {
            assert!(!finished);
            continue;
        };
        let stats = stats_of(&epilogue);
        assert_eq!(stats["num_spans"], 3);
        assert_eq!(stats["total_size_bytes"], sizes.iter().sum::<usize>());
    }
    assert!(encoder.running.is_empty());
}

#[test]
fn what_a_root_asks_for_waits_until_the_trace_is_finished() {
    let mut encoder = encoder(TraceInfoMode::Auto);
    let root = plain(root_data([KeyValue::new("mlflow.clientRequestId", "req-1")]));
    assert!(encode(&mut encoder, &[root], false).epilogue.is_none());
    // Another root of this process ends after it.
    let handler = plain(span_data("handler", 2, 1));
    let epilogue = encode(&mut encoder, &[handler], true).epilogue.unwrap();
    let info: Json = serde_json::from_str(&epilogue.text).unwrap();
    assert_eq!(info["client_request_id"], "req-1");
    assert_eq!(stats_of(&epilogue)["num_spans"], 2);

    // Or nothing comes any more.
    let root = plain(root_data([KeyValue::new("mlflow.clientRequestId", "req-2")]));
    encode(&mut encoder, &[root], false);
    let parcel = encode(&mut encoder, &[], true);
    assert!(parcel.spans.is_empty() && parcel.epilogue.is_some());
    assert!(encoder.running.is_empty());
}

#[test]
fn a_trace_that_asks_for_nothing_has_no_epilogue() {
    for mode in [TraceInfoMode::Auto, TraceInfoMode::Never] {
        let mut encoder = encoder(mode);
        assert!(encode(&mut encoder, &[plain(root_data([]))], true).epilogue.is_none());
        assert!(encoder.running.is_empty());
    }
    // A late child is no reason to say it all again.
    let mut encoder = encoder(TraceInfoMode::Always);
    let late = plain(span_data("late", 2, 1));
    assert!(encode(&mut encoder, &[late], true).epilogue.is_none());
}

#[test]
fn a_root_made_up_is_sent_but_not_counted() {
    let (child, root) = (plain(span_data("child", 2, 1)), plain(root_data([])));
    let spans = [child];
    let chunk = TraceChunk { synthetic_root: Some(&root), ..chunk(&spans, true) };
    let parcel = parcel_of(&mut encoder(TraceInfoMode::Always), chunk, resource(&[]));
    let counted: Vec<bool> = parcel.spans.iter().map(|span| span.counted).collect();
    assert_eq!(counted, [true, false]);
    assert_eq!(stats_of(&parcel.epilogue.unwrap())["num_spans"], 2);
}

proptest! {
    #[test]
    fn a_trace_is_summed_up_the_same_however_it_arrives(
        tree in vec((any::<prop::sample::Index>(), prop::option::of(1..100_u64)), 1..12),
        cuts in vec(any::<bool>(), 12),
    ) {
        let mut spans = Vec::new();
        for (id, (index, usage)) in (1..).zip(&tree) {
            let parent = if id == 1 { 0 } else { 1 + index.index(spans.len()) as u64 };
            let mut data = span_data("span", id, parent);
            data.attributes.extend(usage.map(|tokens| {
                let usage = json!({ "input_tokens": tokens, "output_tokens": 1 }).to_string();
                KeyValue::new("mlflow.chat.tokenUsage", usage)
            }));
            spans.push(plain(data));
        }
        spans.reverse();

        let whole = encode(&mut encoder(TraceInfoMode::Always), &spans, true).epilogue.unwrap();
        let mut parts = vec![Vec::new()];
        for (span, cut) in spans.iter().zip(&cuts) {
            parts.last_mut().unwrap().push(span.clone());
            if *cut {
                parts.push(Vec::new());
            }
        }
        let trace_id = spans[0].data.span_context.trace_id();
        let chunks = (1..).zip(&parts).map(|(number, spans)| TraceChunk {
            trace_id,
            finished: number == parts.len(),
            ..chunk(spans, false)
        });
        let chunks: Vec<_> = chunks.collect();
        let resource = Arc::new(resource(&[]));
        for at_once in [1, chunks.len()] {
            let mut encoder = encoder(TraceInfoMode::Always);
            let parcels = chunks.chunks(at_once).flat_map(|it| encoder.encode(it, &resource));
            let told = parcels.last().unwrap().epilogue;
            prop_assert_eq!(told.unwrap().text, whole.text.clone());
            prop_assert!(encoder.running.is_empty() && encoder.remembered == 0);
        }
    }
}

#[test]
fn what_is_remembered_of_running_traces_is_bounded() {
    let mut encoder = encoder(TraceInfoMode::Always);
    encoder.remembered = MAX_REMEMBERED - 1;
    let child = plain(span_data("a", 2, 1));
    encode(&mut encoder, &[child.clone(), child.clone()], false);
    assert_eq!(encoder.remembered, MAX_REMEMBERED - 1);
    encode(&mut encoder, &[child], false);
    let epilogue = encode(&mut encoder, &[plain(root_data([]))], true).epilogue.unwrap();
    assert!(!epilogue.text.contains("sizeStats"), "{}", epilogue.text);
    assert_eq!(encoder.remembered, MAX_REMEMBERED - 1);
}

#[test]
fn a_name_of_the_service_that_nobody_gave_is_no_tag() {
    let kept = |attributes: &[(&'static str, &'static str)]| -> Vec<String> {
        let spans = [plain(root_data([]))];
        let mut encoder = encoder(TraceInfoMode::Auto);
        let parcel = parcel_of(&mut encoder, chunk(&spans, true), resource(attributes));
        let bytes = parcel.spans[0].envelope.resource.as_slice();
        let message = ResourceMessage::decode(bytes).unwrap();
        message.attributes.into_iter().map(|kv| kv.key).collect()
    };
    assert_eq!(kept(&[("service.name", "unknown_service:app")]), Vec::<String>::new());
    assert_eq!(kept(&[("service.name", "api")]), ["service.name"]);
    assert_eq!(kept(&[("team", "unknown_service")]), ["team"]);
}

fn encoder(mode: TraceInfoMode) -> MlflowEncoder {
    MlflowEncoder {
        mode,
        process: ProcessInfo { user: None, source_name: None, model_id: None },
        spans: SpanEncoder::protobuf(OtlpEncoder::Own).unwrap(),
        resources: Resources::default(),
        running: TraceMap::default(),
        remembered: 0,
    }
}

fn encode(encoder: &mut MlflowEncoder, spans: &[Span], finished: bool) -> Parcel {
    parcel_of(encoder, chunk(spans, finished), resource(&[]))
}

fn parcel_of(encoder: &mut MlflowEncoder, chunk: TraceChunk<'_>, resource: Resource) -> Parcel {
    encoder.encode(&[chunk], &Arc::new(resource)).pop().unwrap()
}

fn resource(attributes: &[(&'static str, &'static str)]) -> Resource {
    let attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, *value));
    Resource::builder_empty().with_attributes(attributes).build()
}

fn stats_of(epilogue: &Epilogue) -> Json {
    let info: Json = serde_json::from_str(&epilogue.text).unwrap();
    let stats = info["trace_metadata"]["mlflow.trace.sizeStats"].as_str().unwrap();
    serde_json::from_str(stats).unwrap()
}
