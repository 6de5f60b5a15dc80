//! Panics in the middle of a trace. The guard is never dropped: there is nothing that unwinds.

use std::time::Duration;

use tracing::info_span;

fn main() -> Result<(), mlflow_tracing::Error> {
    let url = std::env::args().nth(1).unwrap_or_default();
    let _guard = mlflow_tracing::builder()
        .with_tracking_uri(url)
        .with_flush_on_panic(Duration::from_secs(10))
        .init()?;
    info_span!("agent").in_scope(|| {
        info_span!("step").in_scope(|| ());
        panic!("as the test wants it");
    })
}
