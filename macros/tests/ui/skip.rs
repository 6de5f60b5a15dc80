#![allow(unused_variables)]

use mlflow_tracing_macros::trace;

#[trace(skip(question, secrt))]
fn typo(question: &str, secret: &str) {}

#[trace(skip(a))]
fn nothing() {}

struct Tool;

impl Tool {
    #[trace(skip(self))]
    fn method(&self) {}
}

#[trace(inputs = question, skip_all)]
fn both(question: &str) {}

fn main() {}
