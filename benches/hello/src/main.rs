//! One trace and nothing else, or, without features, nothing at all.

#[cfg(feature = "light")]
#[tracing::instrument(ret)]
fn greet(name: &str) -> String {
    format!("hello {name}")
}

#[cfg(feature = "light")]
fn main() -> Result<(), mlflow_tracing::Error> {
    let _guard = mlflow_tracing::init()?;
    greet("trace");
    Ok(())
}

#[cfg(not(feature = "light"))]
fn main() {}
