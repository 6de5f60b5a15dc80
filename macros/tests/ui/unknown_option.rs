use mlflow_tracing_macros::trace;

#[trace(nam = "x")]
fn typo() {}

#[trace(ret)]
fn of_instrument() {}

#[trace(fields(a = 1))]
fn also_of_instrument() {}

#[trace(output_reducer = |items| items)]
fn of_python() {}

#[trace("name")]
fn no_option() {}

#[trace(name = "a", skip_all, name = "b")]
fn twice() {}

fn main() {}
