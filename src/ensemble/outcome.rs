//! What is left of a run: the ensemble.

use super::correlations::Correlations;
use super::stopping::Ending;
use super::tree::Merge;
use super::{Layout, Tally};
use crate::system::Channel;

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// What was kept of the trajectories 0 … count − 1.
    pub tally: Tally,
    /// Where the quantities lie in the records.
    pub layout: Layout,
    /// The jump channels.
    pub channels: Vec<Channel>,
    /// Counts of the times between jumps, if they were asked for.
    pub correlations: Option<Correlations>,
    /// The run's tolerance: no estimate is better than that.
    pub tolerance: f64,
    /// The probability of no jump, where that trajectory was not left to chance.
    pub no_jump_probability: Option<f64>,
    /// Why there are not more of them.
    pub ending: Ending,
}

impl Ensemble {
    /// Adds the trajectories of `next`, which follow those of this ensemble and are of the same experiment and plan.
    pub fn append(&mut self, next: Self) {
        if self.ending.stopped.is_complete() {
            self.ending = next.ending;
        }
        self.tally.merge(next.tally);
    }

    /// What `trajectories` trajectories of the same kind would leave, as far as this ensemble tells: for predictions.
    pub fn enlarged(&self, trajectories: u64) -> Self {
        let factor = trajectories as f64 / self.tally.trajectories as f64;
        let (tally, channels) = (self.tally.enlarged(factor), self.channels.clone());
        // What the propagation leaves is no matter of numbers.
        Self { tally, channels, correlations: None, tolerance: 0.0, ..*self }
    }
}
