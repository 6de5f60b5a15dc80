use mlflow_tracing_macros::trace;

#[trace(attributes(a = 1, b.c = 2, "a" = 3))]
fn twice() {}

#[trace(attributes(7 = 1))]
fn number() {}

#[trace(attributes = "a")]
fn no_list() {}

#[trace(attributes(a))]
fn no_value() {}

fn main() {}
