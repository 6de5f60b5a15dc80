//! gzip of what is sent, when the feature `gzip` is on.

use std::io;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::transport::parts::Parts;

/// Whether gzip can be asked for.
pub(crate) const ENABLED: bool = true;

/// At the fastest level; `None` when there is nothing to gain.
pub(crate) fn compressed(body: &Parts<'_>) -> Option<Parts<'static>> {
    if body.len() == 0 {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    io::copy(&mut body.reader(), &mut encoder).ok()?;
    encoder.finish().ok().map(Parts::from)
}
