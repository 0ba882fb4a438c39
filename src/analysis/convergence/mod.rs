//! How fast each error of a run falls with the number that controls it, and which one is the largest.
//!
//! Four errors: statistical (number of trajectories, [`Sampling`]), propagation (`numerics.tolerance`), Fock window
//! (`numerics.window_tolerance`) and hard cutoff (`model.cutoff`), each of the last three a [`Ladder`] of settings run
//! with common random numbers. [`Verdict`] compares them at the run file's own settings.

mod fit;
mod ladder;
mod sampling;
mod verdict;

pub use fit::{Fit, fit_line, fit_nested};
pub use ladder::{Ladder, LadderRung, QuantityLadder, Record};
pub use sampling::{Errors, Groups, Prediction, QuantityScaling, Reading, Sampling, SamplingRung, Scaling, readings};
pub use verdict::{Contribution, Settings, Verdict};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Provenance;

/// Version of the layout of `converge.json`.
pub const CONVERGENCE_VERSION: u32 = 1;

/// A whole convergence study of one sweep point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Convergence {
    /// See [`CONVERGENCE_VERSION`].
    pub format_version: u32,
    /// Where, when and from what the numbers were made.
    pub provenance: Provenance,
    /// Index of the sweep point.
    pub point: usize,
    /// The swept keys and their values there.
    pub parameters: BTreeMap<String, Value>,
    /// The run file's settings that are judged.
    pub settings: Settings,
    /// Error against number of trajectories.
    pub sampling: Sampling,
    /// Error against `numerics.tolerance`.
    pub tolerance: Ladder,
    /// Error against `numerics.window_tolerance`.
    pub window: Ladder,
    /// Error against a hard cutoff.
    pub cutoff: Ladder,
    /// Which error is the largest.
    pub verdict: Verdict,
    /// What was left out because the time budget was used up.
    pub left_out: Vec<String>,
}
