//! Where a request that was refused as a whole is cut in two.

use crate::transport::Payload;

/// Where to cut: between the two traces nearest to the middle when there are several, so that a trace stays
/// together.
pub(crate) fn middle_of(spans: &[Payload]) -> usize {
    let middle = spans.len() / 2;
    let borders = spans.windows(2).zip(1..).filter(|(pair, _)| match pair {
        [before, after] => before.trace_id != after.trace_id,
        _ => false,
    });
    borders.map(|(_, at)| at).min_by_key(|at| middle.abs_diff(*at)).unwrap_or(middle)
}

#[cfg(test)]
mod tests;
