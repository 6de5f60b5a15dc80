//! What an examination of a server says beside its verdict: proxies, clocks, mix-ups. Pure.

use std::time::{Duration, SystemTime};

use crate::finding::Finding;
use crate::transport::Verdict;
use crate::transport::http::Reply;
use crate::transport::proxy::Proxy;

/// Clocks that differ by less are fine: dates have whole seconds, and answers take time.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// Words of a failure by which one protocol shows where another was expected, and the fix.
const MIX_UPS: [(&str, &str); 4] = [
    (
        "InvalidContentType",
        "the server does not speak TLS there: write http:// in place of https://",
    ),
    (
        "invalid HTTP version",
        "what is spoken there is not plain HTTP: if it is TLS, write https://",
    ),
    ("HTTP request was sent to HTTPS port", "the server speaks TLS there: write https://"),
    ("HTTP request to an HTTPS server", "the server speaks TLS there: write https://"),
];

/// A verdict on a request without spans; `fine` says what is known when it is a good one.
pub(crate) fn finding(verdict: Verdict, fine: impl Into<String>) -> Finding {
    match verdict {
        Verdict::Delivered { .. } => Finding::ok(fine),
        Verdict::Failed { problem, .. } => Finding::error(explained(problem)),
        Verdict::Split { problem, .. } => match mix_up(&problem) {
            Some(_) => Finding::error(explained(problem)),
            None => Finding::warning(format!(
                "{problem}; some receivers refuse a request without spans and take others: send one and \
                 look at stats()"
            )),
        },
    }
}

/// What stands between, where something says so.
pub(crate) fn between(proxy: Option<&Proxy>, reply: Option<&Reply>) -> Vec<Finding> {
    let ours = proxy.map(|proxy| format!("reached through the proxy {}", proxy.url()));
    let via = reply.and_then(|reply| reply.via.as_deref());
    let theirs = via.map(|via| format!("the answer came through a proxy: Via: {via}"));
    ours.into_iter().chain(theirs).map(Finding::ok).collect()
}

/// Spans say when they were by this machine's clock.
pub(crate) fn clock(theirs: Option<SystemTime>, ours: SystemTime) -> Option<Finding> {
    let theirs = theirs?;
    let (skew, direction) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    (skew > MAX_SKEW).then(|| {
        Finding::warning(format!(
            "this machine's clock is {} s {direction} the server's; one of them is wrong, and traces are \
             found at the wrong time",
            skew.as_secs()
        ))
    })
}

fn explained(problem: String) -> String {
    match mix_up(&problem) {
        Some(fix) => format!("{problem}; {fix}"),
        None => problem,
    }
}

fn mix_up(problem: &str) -> Option<&'static str> {
    MIX_UPS.iter().find(|(words, _)| problem.contains(words)).map(|(_, fix)| *fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::stats::DropReason;

    #[test]
    fn a_clock_that_is_off_is_told_with_by_how_much_and_which_way() {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(43_200);
        let skewed = |ours| clock(Some(noon), ours).map(|finding| finding.text);
        assert_eq!(
            (clock(None, noon), skewed(noon + MAX_SKEW), skewed(noon - MAX_SKEW)),
            (None, None, None)
        );
        let ahead = skewed(noon + Duration::from_secs(90)).unwrap();
        assert!(ahead.contains("90 s ahead of"), "{ahead}");
        let behind = skewed(noon - Duration::from_secs(61)).unwrap();
        assert!(behind.contains("61 s behind"), "{behind}");
    }

    #[test]
    fn a_mix_up_is_an_error_and_a_mere_refusal_a_warning() {
        let split = |problem: &str| {
            let verdict = Verdict::split(DropReason::Rejected, problem);
            let Finding { severity, text, .. } = finding(verdict, "fine");
            (severity, text)
        };
        assert_eq!(split("HTTP 400: no spans found").0, Severity::Warning);
        let (severity, text) = split("HTTP 400: The plain HTTP request was sent to HTTPS port");
        assert!(severity == Severity::Error && text.contains("write https://"), "{text}");
    }
}
