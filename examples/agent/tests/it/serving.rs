//! The service with a model whose part the test plays.

use reqwest::Response;
use serde_json::{Value, json};

use crate::model::Model;
use crate::service::{Service, within};
use crate::trace::Span;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The one span of this name.
fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name} among {spans:?}");
    found[0]
}

/// The events in what has been read, as JSON.
fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// Reads on until there is another event; none at the end.
async fn next_event(response: &mut Response) -> Option<Value> {
    let bytes = within(response.chunk()).await.unwrap()?;
    let events = events(std::str::from_utf8(&bytes).unwrap());
    assert_eq!(events.len(), 1, "one event at a time");
    events.into_iter().next()
}

#[tokio::test]
async fn the_callers_trace_goes_on_through_the_service_to_the_model() {
    let mut model = Model::start().await;
    let service = Service::start(&model.url).await;
    for accept in ["application/json", "text/event-stream"] {
        let ask = service.ask("Why?").header("traceparent", CALLER).header("accept", accept);
        let asking = tokio::spawn(ask.send());
        let call = model.called().await;
        let told = call.headers["traceparent"].to_str().unwrap().to_owned();
        call.say("Because.");
        let text = within(asking).await.unwrap().unwrap().text().await.unwrap();
        assert!(text.contains("tr-0af7651916cd43dd8448eb211c80319c"), "{text}");
        let [_, trace_id, span_id, _] = told.split('-').collect::<Vec<_>>()[..] else {
            panic!("no traceparent: {told}")
        };
        assert_eq!(trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert_ne!(span_id, "b7ad6b7169203331");
    }
    let spans = service.stop().await;
    assert_eq!(spans.len(), 6);
    for span in &spans {
        assert_eq!(span.trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.parent_id == "b7ad6b7169203331", span.name == "agent", "{span:?}");
    }
}

#[tokio::test]
async fn the_model_is_told_of_the_span_that_calls_it() {
    let mut model = Model::start().await;
    let service = Service::start(&model.url).await;
    let asking = tokio::spawn(service.ask("Why?").send());
    let call = model.called().await;
    let told = call.headers["traceparent"].to_str().unwrap().to_owned();
    call.say("Because.");
    within(asking).await.unwrap().unwrap();
    let spans = service.stop().await;
    let chat = one(&spans, "chat");
    assert_eq!(told, format!("00-{}-{}-01", chat.trace_id, chat.id));
}

#[tokio::test]
async fn user_and_session_are_what_the_headers_say() {
    let mut model = Model::start().await;
    let service = Service::start(&model.url).await;
    let ask = service.ask("Why?").header("x-user-id", "béa").header("x-session-id", "s-7");
    let named = tokio::spawn(ask.send());
    model.called().await.say("Because.");
    within(named).await.unwrap().unwrap();
    let nameless = tokio::spawn(service.ask("Why?").send());
    model.called().await.say("Because.");
    within(nameless).await.unwrap().unwrap();
    let spans = service.stop().await;
    let of = |key: &str| -> Vec<Option<Value>> {
        let agents = spans.iter().filter(|span| span.name == "agent");
        agents.map(|span| span.attributes.get(key).cloned()).collect()
    };
    assert_eq!(of("session.id"), [Some(json!("s-7")), None]);
    // Header values are ASCII: a name that is not is left out.
    assert_eq!(of("user.id"), [None, None]);
}

#[tokio::test]
async fn text_is_passed_on_as_it_comes() {
    let mut model = Model::start().await;
    let service = Service::start(&model.url).await;
    let asking = tokio::spawn(service.ask("Why?").header("accept", "text/event-stream").send());
    let speech = model.called().await.speak();
    let mut response = within(asking).await.unwrap().unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    for word in ["Be", "cause", "."] {
        speech.say(word);
        // Before the model has said the next one.
        assert_eq!(next_event(&mut response).await, Some(json!({ "text": word })));
    }
    speech.finish("stop");
    let last = next_event(&mut response).await.unwrap();
    assert_eq!(next_event(&mut response).await, None);
    let spans = service.stop().await;
    let agent = one(&spans, "agent");
    assert_eq!(last, json!({ "trace_id": format!("tr-{}", agent.trace_id) }));
    assert_eq!(agent.outputs(), json!("Because."));
}

#[tokio::test]
async fn an_answer_that_is_broken_off_is_an_error_and_what_came_of_it_is_kept() {
    let mut model = Model::start().await;
    let service = Service::start(&model.url).await;
    let asking = tokio::spawn(service.ask("Why?").header("accept", "text/event-stream").send());
    let speech = model.called().await.speak();
    speech.say("Because of");
    drop(speech);
    let text = within(asking).await.unwrap().unwrap().text().await.unwrap();
    let spans = service.stop().await;
    let chat = one(&spans, "chat");
    let broken_off = "the model broke off in the middle of its answer";
    assert_eq!(chat.outputs()["choices"][0]["message"]["content"], "Because of");
    assert_eq!(chat.outputs()["choices"][0]["finish_reason"], Value::Null);
    assert_eq!(chat.error.as_deref(), Some(broken_off));
    let agent = one(&spans, "agent");
    assert_eq!(agent.error.as_deref(), Some(broken_off));
    let failure = json!({ "error": broken_off, "trace_id": format!("tr-{}", agent.trace_id) });
    assert_eq!(events(&text), [json!({ "text": "Because of" }), failure]);
}

#[tokio::test]
async fn when_the_caller_hangs_up_the_model_is_left_and_the_spans_end() {
    let mut model = Model::start().await;
    let service = Service::start(&model.url).await;
    for accept in ["application/json", "text/event-stream"] {
        let asking = tokio::spawn(service.ask("Why?").header("accept", accept).send());
        let speech = model.called().await.speak();
        speech.say("Because");
        if accept == "text/event-stream" {
            let mut response = within(asking).await.unwrap().unwrap();
            next_event(&mut response).await.unwrap();
        } else {
            asking.abort();
        }
        speech.closed().await;
    }
    let spans = service.stop().await;
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["agent", "retrieve", "chat", "agent", "retrieve", "chat"]);
    assert!(spans.iter().all(|span| span.end > span.start));
}

#[tokio::test]
async fn a_signal_lets_what_was_asked_be_answered_and_delivers_its_trace() {
    for (signal, told) in [("TERM", "terminated"), ("INT", "interrupted")] {
        let mut model = Model::start().await;
        let mut service = Service::start(&model.url).await;
        let asking = tokio::spawn(service.ask("Why?").send());
        let call = model.called().await;
        service.signal(signal, told).await;
        call.say("Because.");
        let response = within(asking).await.unwrap().unwrap();
        assert_eq!(response.json::<Value>().await.unwrap()["answer"], "Because.");
        let spans = service.ended().await;
        assert_eq!(one(&spans, "agent").outputs(), json!("Because."));
    }
}

#[tokio::test]
async fn a_model_that_hangs_does_not_keep_the_service_from_ending() {
    let mut model = Model::start().await;
    let mut service = Service::start_with(&model.url, &[("AGENT_GRACE_SECONDS", "0")]).await;
    let asking = tokio::spawn(service.ask("Why?").send());
    let _hangs = model.called().await;
    service.signal("TERM", "terminated").await;
    let spans = service.ended().await;
    assert!(within(asking).await.unwrap().is_err());
    // What had ended by then is delivered all the same.
    one(&spans, "retrieve");
}

#[tokio::test]
async fn what_the_model_refuses_is_a_status_and_the_trace_says_why() {
    let mut model = Model::start().await;
    let service = Service::start(&model.url).await;
    let mut expected = Vec::new();
    for (theirs, body, ours, said) in [
        (401, json!({ "error": { "message": "no key" } }), 502, "401 Unauthorized: no key"),
        (429, json!({ "error": { "message": "slow" } }), 503, "429 Too Many Requests: slow"),
        (500, json!("oh"), 502, "500 Internal Server Error: \"oh\""),
    ] {
        let asking = tokio::spawn(service.ask("Why?").send());
        model.called().await.refuse(theirs, &body);
        let response = within(asking).await.unwrap().unwrap();
        assert_eq!(response.status().as_u16(), ours);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], format!("the model refused with status {said}"));
        expected.push((body["error"].clone(), body["trace_id"].clone()));
    }
    let spans = service.stop().await;
    for name in ["agent", "chat"] {
        let named = spans.iter().filter(|span| span.name == name);
        let told: Vec<_> =
            named.map(|span| (json!(span.error), json!(format!("tr-{}", span.trace_id)))).collect();
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn a_model_that_cannot_be_reached_is_a_bad_gateway_with_its_causes() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nobody = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let service = Service::start(&nobody).await;
    assert_eq!(within(service.ask("Why?").send()).await.unwrap().status().as_u16(), 502);
    let spans = service.stop().await;
    let chat = one(&spans, "chat");
    let (name, exception) = &chat.events[0];
    assert_eq!(name, "exception");
    assert_eq!(exception["exception.type"], "agent::error::Error");
    assert!(exception["exception.stacktrace"].to_string().contains("refused"), "{exception:?}");
    assert_eq!(chat.attributes.get("mlflow.spanOutputs"), None);
}

#[tokio::test]
async fn a_model_that_never_answers_is_given_up() {
    let mut model = Model::start().await;
    let service = Service::start(&model.url).await;
    let asking = tokio::spawn(service.ask("Why?").send());
    for _ in 0..5 {
        model.called().await.ask_for("convert", r#"{"quantity":1,"from":"s","to":"ms"}"#);
    }
    let response = within(asking).await.unwrap().unwrap();
    assert_eq!(response.status().as_u16(), 500);
    let spans = service.stop().await;
    assert_eq!(spans.iter().filter(|span| span.span_type() == "TOOL").count(), 5);
    assert_eq!(one(&spans, "agent").error.as_deref(), Some("no answer after 5 steps"));
}

#[tokio::test]
async fn the_model_is_told_what_a_tool_failed_at() {
    let mut model = Model::start().await;
    let service = Service::start(&model.url).await;
    let asking = tokio::spawn(service.ask("Why?").send());
    model.called().await.ask_for("convert", "not JSON");
    let call = model.called().await;
    let told = call.body["messages"].as_array().unwrap().last().unwrap().clone();
    call.say("Because.");
    assert_eq!(within(asking).await.unwrap().unwrap().status().as_u16(), 200);
    assert_eq!((&told["role"], &told["tool_call_id"]), (&json!("tool"), &json!("call")));
    let said = told["content"].as_str().unwrap();
    assert!(said.starts_with("error: the arguments cannot be read"), "{said}");
    let spans = service.stop().await;
    assert!(one(&spans, "convert").error.is_some());
}

#[tokio::test]
async fn what_is_no_question_starts_no_trace() {
    let service = Service::start("http://127.0.0.1:9/v1").await;
    let response = within(service.post().json(&json!({ "query": "Why?" })).send()).await.unwrap();
    assert_eq!(response.status().as_u16(), 422);
    assert!(service.stop().await.is_empty());
}
