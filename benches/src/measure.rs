//! What is measured in one run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A figure of one run; per span unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    Instructions,
    CallerInstructions,
    CallerAllocations,
    CallerBytes,
    ProcessAllocations,
    ProcessBytes,
    CallerCpu,
    CallerWall,
    ProcessCpu,
    ProcessWall,
    /// Spans per second.
    Rate,
    WireBytes,
    /// Per thousand spans.
    Requests,
    /// Nanoseconds until tracing was set up.
    Init,
    /// Nanoseconds that its end took.
    Exit,
    /// Bytes that the process had more after the run than before.
    Grown,
    /// The same after unused memory was given back.
    GrownTrimmed,
    /// The same when it was most.
    GrownMost,
    /// Spans, over the run.
    Ended,
    Pending,
    Dropped,
}

impl Measure {
    pub fn title(self) -> &'static str {
        match self {
            Self::Instructions => "instructions, whole process",
            Self::CallerInstructions => "instructions, caller's thread",
            Self::CallerAllocations => "allocations, caller's thread",
            Self::CallerBytes => "bytes allocated, caller's thread",
            Self::ProcessAllocations => "allocations, whole process",
            Self::ProcessBytes => "bytes allocated, whole process",
            Self::CallerCpu => "CPU ns, caller's thread",
            Self::CallerWall => "wall ns, caller's loop",
            Self::ProcessCpu => "CPU ns, whole process, to the last acknowledgement",
            Self::ProcessWall => "wall ns, to the last acknowledgement",
            Self::Rate => "spans per second, sustained at zero loss (higher is better)",
            Self::WireBytes => "bytes on the wire",
            Self::Requests => "requests per 1 000 spans",
            Self::Init => "set up, ms",
            Self::Exit => "end, ms",
            Self::Grown => "growth as it stands, MiB",
            Self::GrownTrimmed => "growth after unused memory was given back, MiB",
            Self::GrownMost => "growth at its most, MiB",
            Self::Ended => "spans ended",
            Self::Pending => "spans kept",
            Self::Dropped => "spans dropped and counted",
        }
    }

    /// Digits after the point that mean something.
    pub fn decimals(self) -> usize {
        match self {
            Self::CallerAllocations
            | Self::ProcessAllocations
            | Self::Requests
            | Self::Init
            | Self::Exit => 2,
            Self::Grown | Self::GrownTrimmed | Self::GrownMost => 1,
            _ => 0,
        }
    }

    /// What a figure is divided by where it is shown.
    pub fn unit(self) -> f64 {
        match self {
            Self::Init | Self::Exit => 1e6,
            Self::Grown | Self::GrownTrimmed | Self::GrownMost => 1_048_576.0,
            _ => 1.0,
        }
    }
}

/// The figures of one run.
pub type Sample = BTreeMap<Measure, f64>;
