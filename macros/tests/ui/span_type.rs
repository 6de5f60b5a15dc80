use mlflow_tracing_macros::trace;

#[trace(span_type = Tol)]
fn typo() {}

#[trace(span_type = CHAT_MODEL)]
fn shouted() {}

#[trace(span_type = "")]
fn empty() {}

#[trace(span_type = 7)]
fn number() {}

fn main() {}
