//! What a run knows before it begins: the law and the coefficients of its control variates, and what its sample may miss.

use std::sync::Arc;

use super::controls::{CONTROLS, Guide};
use super::study::Study;

/// All that pilot trajectories have taught, on random streams of their own.
///
/// Nothing here is learned from the ensemble itself, so that given all of this its trajectories are independent, its means
/// unbiased, and its error bars those of fixed linear estimators.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lessons {
    /// What the control variates are made with; `None` for plain averages and where trajectories carry weights.
    pub guide: Option<Guide>,
    /// The coefficients of the weight w − 1 as a control, where trajectories carry weights.
    pub weights: Option<Vec<[f64; CONTROLS]>>,
    /// What stands beside the sample in every result.
    pub study: Arc<Study>,
}
