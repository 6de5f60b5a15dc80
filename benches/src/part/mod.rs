//! The parts of the document: each measures, and writes its tables.

mod cost;
mod functions;
mod lifetime;
mod outage;
mod payload;
mod profile;
mod python;
mod quiet;
mod scaling;
mod size;
mod threads;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::mark::Finding;
use crate::text::Text;

pub use profile::threads as profile_of;
pub use python::served as python_served;
pub use size::{DEFAULT, LIGHT, counts};

pub struct Part {
    /// As `--only` says it.
    pub name: &'static str,
    pub title: &'static str,
    pub measure: fn() -> Result<Section>,
}

/// What a part found.
#[derive(Serialize, Deserialize)]
pub struct Section {
    pub text: Text,
    pub findings: Vec<Finding>,
}

/// In the order of the document.
pub const ALL: [Part; 11] = [
    Part { name: "cost", title: "Cost of a span", measure: cost::measure },
    Part { name: "functions", title: "Traced functions", measure: functions::measure },
    Part { name: "payload", title: "Large payloads", measure: payload::measure },
    Part { name: "quiet", title: "Spans that nobody wants", measure: quiet::measure },
    Part { name: "threads", title: "Threads", measure: threads::measure },
    Part { name: "outage", title: "Memory during an outage", measure: outage::measure },
    Part { name: "lifetime", title: "Set-up and end", measure: lifetime::measure },
    Part { name: "size", title: "Size", measure: size::measure },
    Part { name: "python", title: "Beside Python's SDK", measure: python::measure },
    Part { name: "scaling", title: "What the cost depends on", measure: scaling::measure },
    Part { name: "profile", title: "Where the cost is", measure: profile::measure },
];

/// Names of all parts, each in `quotes`.
pub fn names(quotes: &str) -> String {
    ALL.map(|part| format!("{quotes}{}{quotes}", part.name)).join(", ")
}
