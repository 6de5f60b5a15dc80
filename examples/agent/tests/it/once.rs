//! `agent --once`, with the stand-in.

use serde_json::{Value, json};

use crate::service::Folder;
use crate::trace::Span;

const QUESTION: &str = "What is the capital of France, MLFLOW_EXPERIMENT_NUMBER, and 2 KiB in B?";

#[tokio::test]
async fn the_trace_of_a_question_is_whole() {
    let folder = Folder::new();
    let output = folder.once(QUESTION).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let spans = folder.spans();
    let kinds: Vec<(&str, &str)> = spans.iter().map(|s| (&*s.name, s.span_type())).collect();
    assert_eq!(
        kinds,
        [
            ("agent", "AGENT"),
            ("retrieve", "RETRIEVER"),
            ("chat", "CHAT_MODEL"),
            ("variable", "TOOL"),
            ("convert", "TOOL"),
            ("chat", "CHAT_MODEL"),
            ("variable", "TOOL"),
            ("chat", "CHAT_MODEL"),
        ]
    );
    let [agent, steps @ ..] = spans.as_slice() else { unreachable!() };
    assert_eq!(agent.parent_id, "");
    for pair in steps.windows(2) {
        assert!(pair[0].end <= pair[1].start, "one after the other");
    }
    for step in steps {
        assert_eq!((&step.parent_id, &step.trace_id), (&agent.id, &agent.trace_id));
        assert!(agent.start <= step.start && step.end <= agent.end);
    }
    let failed: Vec<&str> = spans.iter().filter_map(|span| span.error.as_deref()).collect();
    assert_eq!(
        failed,
        ["there is no variable MLFLOW_EXPERIMENT_NUMBER; did you mean MLFLOW_EXPERIMENT_NAME?"]
    );

    let said = String::from_utf8(output.stdout).unwrap();
    let answer = agent.outputs();
    assert_eq!(said, format!("{}\ntrace tr-{}\n", answer.as_str().unwrap(), agent.trace_id));
    assert!(said.contains("Paris is the capital of France. [cities.md#cities]"), "{said}");
    assert!(said.contains("quantity: 2048.0"), "{said}");
    assert!(said.contains("MLFLOW_EXPERIMENT_NAME"), "{said}");
}

/// The spans of the question above, by name.
async fn traced() -> (Folder, impl Fn(&str, usize) -> Span) {
    let folder = Folder::new();
    assert!(folder.once(QUESTION).await.status.success());
    let spans = folder.spans();
    let nth = move |name: &str, n: usize| {
        spans.iter().filter(|span| span.name == name).nth(n).unwrap().clone()
    };
    (folder, nth)
}

#[tokio::test]
async fn the_root_tells_who_asked_what_and_in_which_session() {
    let (_folder, span) = traced().await;
    let agent = span("agent", 0);
    assert_eq!(agent.inputs(), json!({ "question": QUESTION }));
    assert_eq!(agent.attributes["user.id"], "anna");
    assert_eq!(agent.attributes["session.id"], "session-1");
}

#[tokio::test]
async fn documents_are_in_the_form_that_mlflow_shows() {
    let (_folder, span) = traced().await;
    let retrieve = span("retrieve", 0);
    assert_eq!(retrieve.inputs(), json!({ "query": QUESTION, "top_k": 4 }));
    let documents = retrieve.outputs();
    let first = &documents[0];
    assert_eq!(first["id"], "cities.md#cities");
    assert_eq!(first["metadata"]["doc_uri"], "cities.md#cities");
    assert_eq!(
        first["page_content"],
        "# Cities\n\nParis is the capital of France. Lyon is not.\n\n"
    );
    assert_eq!(documents[1]["id"], "food/cheese.md#cheese");
    let score = |n: usize| documents[n]["metadata"]["score"].as_f64().unwrap();
    assert!(score(0) > score(1) && score(1) > 0.0);
}

#[tokio::test]
async fn a_model_call_tells_all_that_mlflow_shows_of_one() {
    let (_folder, span) = traced().await;
    let (first, last) = (span("chat", 0), span("chat", 2));
    let inputs = first.inputs();
    let roles = |inputs: &Value| -> Vec<String> {
        let messages = inputs["messages"].as_array().unwrap();
        messages.iter().map(|message| message["role"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((&inputs["model"], &inputs["stream"]), (&json!("stand-in"), &json!(true)));
    assert_eq!(roles(&inputs), ["system", "user"]);
    assert_eq!(inputs["messages"][1]["content"], QUESTION);
    assert_eq!(
        roles(&last.inputs()),
        ["system", "user", "assistant", "tool", "tool", "assistant", "tool"]
    );
    let asked = &first.outputs()["choices"][0];
    assert_eq!(asked["finish_reason"], "tool_calls");
    let function = &asked["message"]["tool_calls"][1]["function"];
    assert_eq!(function["name"], "convert");
    let arguments: Value = serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({ "quantity": 2.0, "from": "KiB", "to": "B" }));
    assert_eq!(last.outputs()["choices"][0]["finish_reason"], "stop");
    assert_eq!(last.outputs()["choices"][0]["message"]["role"], "assistant");

    for chat in [&first, &last] {
        assert_eq!(chat.kind, 3, "a request that leaves the process");
        assert_eq!(chat.attributes["mlflow.llm.model"], "stand-in");
        assert_eq!(chat.attributes["gen_ai.response.model"], "stand-in");
        assert_eq!(chat.attributes["mlflow.message.format"], "openai");
        assert_eq!(chat.json("mlflow.chat.tools"), chat.inputs()["tools"]);
        let usage = chat.json("mlflow.chat.tokenUsage");
        let count = |key: &str| usage[key].as_u64().unwrap();
        assert_eq!(count("input_tokens") + count("output_tokens"), count("total_tokens"));
        assert!(count("input_tokens") > 20 && count("output_tokens") > 1, "{usage}");
    }
    assert_eq!(last.attributes["gen_ai.response.finish_reasons"], json!(["stop"]));
    assert_eq!(first.events, [], "no text came");
    let [(name, _)] = last.events.as_slice() else { panic!("one event, not {:?}", last.events) };
    assert_eq!(name, "first token");
}

#[tokio::test]
async fn a_tool_call_has_the_tools_name_and_what_came_of_it() {
    let (_folder, span) = traced().await;
    let convert = span("convert", 0);
    assert_eq!(convert.inputs(), json!({ "quantity": 2.0, "from": "KiB", "to": "B" }));
    assert_eq!(convert.outputs(), json!({ "quantity": 2048.0, "unit": "B" }));
    assert_eq!(convert.attributes["gen_ai.tool.name"], "convert");
    let failed = span("variable", 0);
    assert_eq!(failed.inputs(), json!({ "name": "MLFLOW_EXPERIMENT_NUMBER" }));
    assert_eq!(failed.attributes.get("mlflow.spanOutputs"), None);
    let message = json!(failed.error.clone().unwrap());
    assert_eq!(failed.events.len(), 1);
    assert_eq!(
        (&*failed.events[0].0, &failed.events[0].1["exception.message"]),
        ("exception", &message)
    );
    assert_eq!(span("variable", 1).outputs()["name"], "MLFLOW_EXPERIMENT_NAME");
}

#[tokio::test]
async fn a_question_that_fails_ends_the_program_with_its_trace() {
    let folder = Folder::new();
    let output = folder.once("").await;
    assert!(!output.status.success());
    let spans = folder.spans();
    let [agent] = spans.as_slice() else { panic!("one span, not {spans:?}") };
    assert_eq!(agent.error.as_deref(), Some("the question is empty"));
    let said = String::from_utf8(output.stderr).unwrap();
    let told = format!("400 Bad Request: the question is empty (trace tr-{})", agent.trace_id);
    assert!(said.contains(&told), "{said}");
}
