//! Decides what it means that a gRPC call has no answer. Pure.

use crate::transport::connection::speaks_of_certificates;
use crate::transport::http::Failure;

type AnyError = dyn std::error::Error + 'static;

/// How hyper 1 says that the connection had ended before the request was on it, or that the server says it
/// has not looked at it (`REFUSED_STREAM`).
const UNSENT_WORDS: [&str; 2] =
    ["operation was canceled", "before processing any application logic"];
const CUT_OFF_WORDS: [&str; 3] = ["connection reset", "broken pipe", "closed"];

/// Why there is no answer; only what was `sent` can have been cut off.
pub(super) fn failure(error: Option<&AnyError>, sent: bool) -> Failure {
    let text = chain(error);
    let lower = text.to_ascii_lowercase();
    let speaks_of = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    if speaks_of_certificates(&text) {
        Failure::Unusable(text)
    } else if !sent || speaks_of(&UNSENT_WORDS) {
        Failure::Unreached(text)
    } else if speaks_of(&CUT_OFF_WORDS) {
        Failure::CutOff(text)
    } else {
        Failure::NoAnswer(text)
    }
}

/// An error and what it came from, each once.
fn chain(error: Option<&AnyError>) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error;
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn only_what_was_sent_can_have_been_cut_off() {
        let reset = Error::from(ErrorKind::ConnectionReset);
        let text = "connection reset".to_owned();
        assert_eq!(failure(Some(&reset), true), Failure::CutOff(text.clone()));
        assert_eq!(failure(Some(&reset), false), Failure::Unreached(text));
        let unsent = Error::other("operation was canceled: connection closed");
        assert!(matches!(failure(Some(&unsent), true), Failure::Unreached(_)));
        let refused = Error::other("invalid peer certificate: UnknownIssuer");
        for sent in [true, false] {
            assert!(matches!(failure(Some(&refused), sent), Failure::Unusable(_)));
        }
    }
}
