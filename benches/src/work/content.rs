//! What a model is asked and answers, as values and as JSON, of about the wanted size.

use serde::Serialize;

const SYSTEM: &str =
    "You answer questions about the orders of a shop, in one or two short sentences.";
const QUESTION: &str = "My parcel should have been here on Monday. Where is it now, and can I still change the address it goes to?";
const ANSWER: &str = "It left the depot in Lyon this morning and should arrive tomorrow before noon. The address can be changed until eight tonight, on the carrier's page.";

#[derive(Debug, Serialize)]
pub struct Request {
    model: &'static str,
    temperature: f64,
    messages: Vec<Message>,
}

#[derive(Debug, Serialize)]
pub struct Response {
    id: &'static str,
    choices: Vec<Choice>,
    usage: Usage,
}

#[derive(Debug, Serialize)]
struct Choice {
    index: u32,
    message: Message,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "that is what they are called")]
struct Usage {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
}

/// Inputs and outputs of every span of a run.
pub struct Content {
    pub request: Request,
    pub response: Response,
    pub inputs: String,
    pub outputs: String,
}

impl Content {
    /// Content whose inputs and outputs take `payload` bytes of JSON each, or a few more.
    pub fn of(payload: usize) -> Self {
        let request = filled(request, QUESTION, payload);
        let response = filled(response, ANSWER, payload);
        let [inputs, outputs] = match payload {
            0 => [String::new(), String::new()],
            _ => [json(&request), json(&response)],
        };
        Self { request, response, inputs, outputs }
    }
}

/// A value whose text is repeated until its JSON is long enough; the text is there at least once.
fn filled<T: Serialize>(make: impl Fn(String) -> T, text: &str, payload: usize) -> T {
    let rest = payload.saturating_sub(json(&make(String::new())).len());
    let mut content = vec![text; rest / (text.len() + 1) + 1].join(" ");
    content.truncate(rest.max(text.len()));
    make(content)
}

fn request(content: String) -> Request {
    let system = Message { role: "system", content: SYSTEM.to_owned() };
    let user = Message { role: "user", content };
    Request { model: super::MODEL, temperature: 0.2, messages: vec![system, user] }
}

fn response(content: String) -> Response {
    let message = Message { role: "assistant", content };
    let usage = Usage { prompt_tokens: 412, completion_tokens: 38, total_tokens: 450 };
    Response { id: "chatcmpl-8fd1", choices: vec![Choice { index: 0, message }], usage }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers are JSON")
}
