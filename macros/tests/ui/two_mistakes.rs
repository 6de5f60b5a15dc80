use mlflow_tracing_macros::trace;

#[trace(nam = "x")]
const fn both() {}

fn main() {}
