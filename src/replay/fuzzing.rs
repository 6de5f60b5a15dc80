//! A line of a local file as the fuzz target has it.

use super::decode::line;

/// A line of a local file, which may be half a line, or two.
#[expect(clippy::missing_panics_doc, reason = "that is how a target tells")]
pub fn replay(bytes: &[u8]) {
    let decoded = line(bytes);
    let spans: usize = decoded.groups.iter().map(|group| group.spans.len()).sum();
    assert!(spans * 2 <= bytes.len(), "a span takes at least two bytes");
}
