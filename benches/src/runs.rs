//! Every run of every scenario, and what they come to.

use crate::Result;
use crate::measure::{Measure, Sample};
use crate::scenario::Scenario;

#[derive(Default)]
pub struct Runs(Vec<(Scenario, Vec<Sample>)>);

impl Runs {
    /// Has each of `scenarios` measured `repetitions` times, another one first each time.
    pub fn repeat(
        &mut self,
        repetitions: usize,
        scenarios: &[Scenario],
        measure: impl Fn(&Scenario) -> Result<Sample>,
    ) -> Result<()> {
        for repetition in 0..repetitions {
            let from = repetition % scenarios.len();
            let (later, sooner) = scenarios.split_at(from);
            for scenario in sooner.iter().chain(later) {
                let sample = measure(scenario)?;
                self.add(scenario, sample);
            }
        }
        Ok(())
    }

    fn add(&mut self, scenario: &Scenario, sample: Sample) {
        match self.0.iter_mut().find(|(known, _)| known == scenario) {
            Some((_, samples)) => samples.push(sample),
            None => self.0.push((*scenario, vec![sample])),
        }
    }

    fn figures(&self, scenario: &Scenario, measure: Measure) -> Vec<f64> {
        let samples = self.0.iter().filter(|(known, _)| known == scenario);
        samples.flat_map(|(_, samples)| samples).filter_map(|s| s.get(&measure).copied()).collect()
    }

    /// The median of a scenario's runs.
    pub fn median(&self, scenario: &Scenario, measure: Measure) -> Option<f64> {
        median(self.figures(scenario, measure))
    }

    /// One scenario to the other, in each repetition.
    pub fn ratio(&self, [ours, other]: [&Scenario; 2], measure: Measure) -> Option<Ratio> {
        let (ours, other) = (self.figures(ours, measure), self.figures(other, measure));
        let ratios: Vec<f64> = ours.into_iter().zip(other).map(|(a, b)| a / b).collect();
        let least = ratios.iter().copied().reduce(f64::min)?;
        let greatest = ratios.iter().copied().reduce(f64::max)?;
        Some(Ratio { median: median(ratios)?, least, greatest })
    }
}

/// The median of the ratios of each repetition, and their ends.
#[derive(Clone, Copy)]
pub struct Ratio {
    pub median: f64,
    pub least: f64,
    pub greatest: f64,
}

pub fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}
