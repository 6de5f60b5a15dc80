//! How many spans a trace has, and how large they are as they are sent.

use serde_json::{Map, Value, json};

use crate::semconv::metadata;

/// Writes down the number of spans, and how their sizes are spread.
pub(super) fn describe(mut sizes: Vec<usize>, entries: &mut Map<String, Value>) {
    sizes.sort_unstable();
    let total: usize = sizes.iter().sum();
    let stats = json!({
        "total_size_bytes": total,
        "num_spans": sizes.len(),
        "max": sizes.last().copied().unwrap_or(0),
        "p25": percentile(&sizes, 25),
        "p50": percentile(&sizes, 50),
        "p75": percentile(&sizes, 75),
    });
    entries.insert(metadata::SIZE_STATS.to_owned(), stats.to_string().into());
    entries.insert(metadata::SIZE_BYTES.to_owned(), total.to_string().into());
}

/// Linear interpolation between the two nearest ranks, cut to an integer.
///
/// Source: mlflow 3.17.2 `tracing/utils` size statistics.
fn percentile(sorted: &[usize], percent: usize) -> usize {
    let scaled = percent * sorted.len().saturating_sub(1);
    let (rank, part) = (scaled / 100, scaled % 100);
    let at = |rank: usize| sorted.get(rank).copied().unwrap_or(0);
    let (low, high) = (at(rank), at(rank + 1).max(at(rank)));
    low + (high - low) * part / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_spread_as_python_computes_it() {
        let stats = |sizes: &[usize]| {
            let mut entries = Map::new();
            describe(sizes.to_vec(), &mut entries);
            let stats: Value =
                serde_json::from_str(entries[metadata::SIZE_STATS].as_str().unwrap()).unwrap();
            ["num_spans", "max", "p25", "p50", "p75", "total_size_bytes"]
                .map(|key| stats[key].as_u64().unwrap())
        };
        assert_eq!(stats(&[]), [0, 0, 0, 0, 0, 0]);
        assert_eq!(stats(&[7]), [1, 7, 7, 7, 7, 7]);
        assert_eq!(stats(&[4, 1]), [2, 4, 1, 2, 3, 5]);
        assert_eq!(stats(&[40, 10, 30, 20]), [4, 40, 17, 25, 32, 100]);
        assert_eq!(stats(&[5, 5, 5, 5, 5]), [5, 5, 5, 5, 5, 25]);
    }
}
