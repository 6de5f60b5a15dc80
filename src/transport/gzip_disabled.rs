//! No gzip: the feature `gzip` is off, and asking for it is refused at set-up.

use crate::transport::parts::Parts;

/// Whether gzip can be asked for.
pub(crate) const ENABLED: bool = false;

/// Never.
pub(crate) fn compressed(_body: &Parts<'_>) -> Option<Parts<'static>> {
    None
}
