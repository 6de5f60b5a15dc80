//! The agent: looks documents up, and lets the model ask for tools until it answers.

use mlflow_tracing::MlflowSpanExt as _;
use serde::Serialize;
use tracing::{Span, instrument};

use crate::chat::Message;
use crate::error::{Error, Failure};
use crate::model::Model;
use crate::retriever::{Document, Retriever};
use crate::tools;

const TOP_K: usize = 4;
const MAX_STEPS: usize = 5;

/// Who asks, and in which conversation.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub user: Option<String>,
    pub session: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Answer {
    pub answer: String,
    pub trace_id: Option<String>,
}

pub struct Agent {
    retriever: Retriever,
    model: Model,
}

impl Agent {
    pub fn new(retriever: Retriever, model: Model) -> Self {
        Self { retriever, model }
    }

    /// Answers; `said` gets the text as it comes. This is the whole trace.
    #[instrument(
        name = "agent",
        skip(self, caller, said),
        fields(mlflow.spanType = "AGENT", user.id = caller.user, session.id = caller.session),
        err
    )]
    pub async fn answer(
        &self,
        caller: &Caller,
        question: &str,
        said: impl FnMut(&str),
    ) -> Result<Answer, Failure> {
        let answer = self.run(question, said).await?;
        Span::current().set_outputs(&answer);
        Ok(Answer { answer, trace_id: Span::current().trace_id() })
    }

    async fn run(&self, question: &str, mut said: impl FnMut(&str)) -> Result<String, Error> {
        if question.trim().is_empty() {
            return Err(Error::NoQuestion);
        }
        let documents = self.retriever.retrieve(question, TOP_K);
        let mut messages =
            vec![Message::new("system", prompt(&documents)), Message::new("user", question)];
        for _ in 0..MAX_STEPS {
            let reply = self.model.chat(&messages, &mut said).await?;
            if reply.tool_calls.is_empty() {
                return Ok(reply.content.unwrap_or_default());
            }
            messages.push(reply.clone());
            for call in &reply.tool_calls {
                let result = match tools::call(call) {
                    Ok(result) => result.to_string(),
                    Err(error) => format!("error: {error}"),
                };
                messages.push(Message::of_tool(call, result));
            }
        }
        Err(Error::TooManySteps(MAX_STEPS))
    }
}

fn prompt(documents: &[Document]) -> String {
    let told = "Answer from these documents, and say which you used.\n".to_owned();
    let document = |Document { id, page_content, .. }: &Document| {
        format!("\n<document id=\"{id}\">\n{page_content}</document>\n")
    };
    documents.iter().fold(told, |prompt, found| prompt + &document(found))
}
