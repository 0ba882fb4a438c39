//! A run as its parts know it: what is to be run, and what has been learned for it.

use super::{Lessons, Plan, Watcher};
use crate::propagate::Tolerances;
use crate::system::Experiment;

/// What is to be run.
pub struct Job<'a> {
    /// Number of the first trajectory.
    pub first: u64,
    /// What pilots have taught, if that is known already.
    pub lessons: Option<&'a Lessons>,
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Its error budget.
    pub tolerances: &'a Tolerances,
    /// How many trajectories of which seed.
    pub plan: &'a Plan,
    /// Who watches.
    pub watcher: &'a dyn Watcher,
}
