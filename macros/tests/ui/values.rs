use mlflow_tracing_macros::trace;

#[trace(name = format!("a"))]
fn made() {}

#[trace(name = "")]
fn empty() {}

#[trace(name)]
fn missing() {}

#[trace(sampling_ratio = 1.5)]
fn too_much() {}

#[trace(sampling_ratio = -1)]
fn too_little() {}

#[trace(level = "loud")]
fn loud() {}

#[trace(level = 6)]
fn six() {}

#[trace(returns = generator)]
fn returns() {}

#[trace(err(Display))]
fn err() -> Result<(), ()> {
    Ok(())
}

#[trace(err)]
fn err_alone() -> Result<(), ()> {
    Ok(())
}

fn main() {}
