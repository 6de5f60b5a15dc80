//! No signals: the feature `signal` is off, or this is not Unix.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::pipeline::Pipeline;

/// Never made.
pub(crate) type Watch = Infallible;

pub(crate) fn watch(_: &Arc<Pipeline>, patience: Duration) -> Result<Arc<Watch>> {
    let fix = if cfg!(unix) {
        "it needs the feature `signal` of mlflow-tracing; enable it"
    } else {
        "there is no SIGTERM on this system; leave it out, and end the program by returning from main"
    };
    Err(Error::config("with_shutdown_on_signal", &format!("{patience:?}"), fix))
}

/// Nobody has watched before, either.
pub(crate) fn is_left_behind() {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::builder::Builder;
    use crate::config::env::Env;

    #[test]
    fn what_cannot_be_had_is_an_error_that_names_the_method_and_the_fix() {
        let nothing: [(&str, &str); 0] = [];
        let builder =
            Builder::new(Env::from_pairs(nothing)).with_tracking_uri("http://127.0.0.1:9");
        let patience = Duration::from_secs(5);
        let error = builder.with_shutdown_on_signal(patience).build().unwrap_err();
        assert!(error.is_config());
        let words = error.to_string();
        assert!(words.starts_with("with_shutdown_on_signal is `5s`: "), "{words}");
        assert!(words.contains(if cfg!(unix) { "feature `signal`" } else { "no SIGTERM" }));
    }
}
