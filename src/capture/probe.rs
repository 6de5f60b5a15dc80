//! Finds out, after the layer was installed, whether it can see anything.

use std::sync::OnceLock;

use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Level, Metadata};

use crate::capture::link::Installed;
use crate::diagnostics;

/// Warns about what would make capturing a silent no-op, or happen twice.
///
/// `target` is the program's own: a filter that names the program lets its spans through.
/// Call it on a thread of its own: asking a subscriber leaves traces in the thread's filter state.
pub(crate) fn check(installed: &Installed, target: &'static str) {
    let Some(subscriber) = installed.subscriber.upgrade() else { return };
    if !sees_info_spans(&subscriber, target) {
        diagnostics::warn(&format!(
            "a global filter hides the INFO spans of `{target}`, so they are not traced. A bare \
             EnvFilter or LevelFilter in `.with(..)` filters every layer: give it to the one layer \
             it is meant for, as in `.with(fmt::layer().with_filter(EnvFilter::from_default_env()))`"
        ));
    }
    if !installed.alone {
        diagnostics::warn(
            "two layers of mlflow-tracing are in one subscriber, of which only one works; remove \
             the other",
        );
    }
}

fn sees_info_spans(subscriber: &Dispatch, target: &'static str) -> bool {
    static PROBE: OnceLock<Metadata<'static>> = OnceLock::new();
    let metadata = PROBE.get_or_init(|| {
        let fields = FieldSet::new(&[], Identifier(&ProbeCallsite));
        Metadata::new("probe", target, Level::INFO, None, None, None, fields, Kind::SPAN)
    });
    subscriber.enabled(metadata)
}

/// A callsite that nothing ever happens at.
struct ProbeCallsite;

impl Callsite for ProbeCallsite {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        // Only asked of registered callsites; this one is not registered.
        static NOTHING: OnceLock<Metadata<'static>> = OnceLock::new();
        NOTHING.get_or_init(|| {
            let fields = FieldSet::new(&[], Identifier(&Self));
            Metadata::new("probe", "", Level::INFO, None, None, None, fields, Kind::SPAN)
        })
    }
}
