//! What is to be reached, and whether it was.

use serde::{Deserialize, Serialize};

use crate::table::{Table, grouped};

/// One promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    TotalOfFields,
    CallerOfFields,
    CallerOfInstrument,
    Unsampled,
    Rate,
    Growth,
    Copies,
    Formatting,
    Init,
    LightCrates,
    LightDirect,
    LightSize,
    DefaultCrates,
    PythonRate,
    PythonCaller,
}

/// How it is told, and held.
struct Terms {
    what: &'static str,
    bound: Bound,
    /// What would be better still.
    aim: Option<Bound>,
    decimals: usize,
    unit: &'static str,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
}

/// A mark and what was measured of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Finding {
    pub mark: Mark,
    pub measured: f64,
}

impl Mark {
    const ALL: [Self; 15] = [
        Self::TotalOfFields,
        Self::CallerOfFields,
        Self::CallerOfInstrument,
        Self::Unsampled,
        Self::Rate,
        Self::Growth,
        Self::Copies,
        Self::Formatting,
        Self::Init,
        Self::LightCrates,
        Self::LightDirect,
        Self::LightSize,
        Self::DefaultCrates,
        Self::PythonRate,
        Self::PythonCaller,
    ];

    pub fn found(self, measured: Option<f64>) -> Option<Finding> {
        measured.map(|measured| Finding { mark: self, measured })
    }

    fn terms(self) -> Terms {
        use Bound::{AtLeast, AtMost, Below};
        let of = |what, bound, decimals, unit| Terms { what, bound, aim: None, decimals, unit };
        match self {
            Self::TotalOfFields => of(
                "instructions of a span, whole process, dotted fields, to stock",
                AtMost(0.40),
                2,
                "×",
            )
            .aiming(AtMost(0.33)),
            Self::CallerOfFields => of("the same, caller's thread", AtMost(0.90), 2, "×"),
            Self::CallerOfInstrument => of(
                "instructions of a span, caller's thread, `#[instrument(ret)]`, to stock",
                AtMost(0.85),
                2,
                "×",
            )
            .aiming(AtMost(0.80)),
            Self::Unsampled => of(
                "instructions of an unsampled span, to one of a bare registry",
                AtMost(1.5),
                2,
                "×",
            ),
            Self::Rate => of("spans per second at zero loss, to stock", AtLeast(2.0), 2, "×"),
            Self::Growth => of(
                "memory growth at its most, receiver dead, a million spans, to the cap of 64 MiB",
                AtMost(1.25),
                2,
                "×",
            ),
            Self::Copies => of(
                "bytes that the caller's thread allocates for each byte of 1 MB inputs and outputs of a root",
                AtMost(2.0),
                2,
                "",
            ),
            Self::Formatting => of(
                "instructions per byte of those on the caller's thread (who formats needs several)",
                Below(0.5),
                2,
                "",
            ),
            Self::Init => of("set-up", Below(5.0), 2, " ms"),
            Self::LightCrates => of("light build: crates", AtMost(51.0), 0, ""),
            Self::LightDirect => of("light build: direct dependencies", AtMost(8.0), 0, ""),
            Self::LightSize => {
                of("light build: added to a stripped program", AtMost(1_000.0), 0, " kB")
            }
            Self::DefaultCrates => of("default build: crates", AtMost(95.0), 0, ""),
            Self::PythonRate => {
                of("traces per second into MLflow, to Python's SDK", AtLeast(5.0), 1, "×")
            }
            Self::PythonCaller => of(
                "time that a trace takes from its caller, Python's SDK to ours",
                AtLeast(200.0),
                0,
                "×",
            ),
        }
    }
}

impl Terms {
    fn aiming(self, aim: Bound) -> Self {
        Self { aim: Some(aim), ..self }
    }

    fn told(&self, bound: Bound) -> String {
        let (sign, figure) = match bound {
            Bound::AtMost(figure) => ("≤ ", figure),
            Bound::Below(figure) => ("< ", figure),
            Bound::AtLeast(figure) => ("≥ ", figure),
        };
        format!("{sign}{}", self.figure(figure))
    }

    fn figure(&self, figure: f64) -> String {
        format!("{}{}", grouped(figure, self.decimals), self.unit)
    }
}

impl Bound {
    fn holds(self, measured: f64) -> bool {
        match self {
            Self::AtMost(most) => measured <= most,
            Self::Below(limit) => measured < limit,
            Self::AtLeast(least) => measured >= least,
        }
    }
}

/// The table of marks, in their order.
pub fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new(["mark", "asked", "measured", ""]);
    for mark in Mark::ALL {
        let Some(found) = findings.iter().find(|finding| finding.mark == mark) else { continue };
        let terms = mark.terms();
        let verdict = match terms.aim {
            _ if !terms.bound.holds(found.measured) => "**not reached**",
            Some(aim) if aim.holds(found.measured) => "aim reached",
            _ => "reached",
        };
        let aim = terms.aim.map(|aim| format!(" (aim {})", terms.told(aim))).unwrap_or_default();
        let asked = format!("{}{aim}", terms.told(terms.bound));
        table.row(terms.what, [asked, terms.figure(found.measured), verdict.to_owned()]);
    }
    table
}
