//! What is kept of any number of trajectories: moments, diagnostics, and what pilots have told of all of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::study::Study;
use super::tree::Merge;
use super::{Layout, Moments};

/// Extremes and sums of what trajectories noticed about themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Largest rise of ‖ψ‖² over a step.
    pub norm_defect: f64,
    /// Largest population on the two outermost window levels.
    pub edge_population: f64,
    /// Largest population clipped by a hard cutoff.
    pub clipped: f64,
    /// Most Fock levels held at once.
    pub largest_window: usize,
    /// Highest Fock level (exclusive) held.
    pub highest_level: usize,
    /// Propagation steps.
    pub steps: u64,
    /// Applications of H_eff.
    pub applications: u64,
}

/// What is kept of any number of trajectories; its size does not depend on that number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Number of trajectories.
    pub trajectories: u64,
    /// Moments of the records (see [`Layout`]): one per trajectory, or one per block of a stratified run.
    pub records: Moments,
    /// Moments of the leading entries corrected by their control variates, and of the drift estimator of the heating rate;
    /// empty without controls.
    pub corrected: Moments,
    /// Moments of the Fock populations at the end.
    pub fock: Moments,
    /// Diagnostics.
    pub counts: Counts,
    /// The first trajectory whose clipped population was above the threshold, with that population.
    pub clipped_at: Option<(u64, f64)>,
    /// What pilot trajectories have told of all of them, the same everywhere in a run.
    pub study: Option<Arc<Study>>,
}

impl Tally {
    /// What `factor` times as many trajectories of the same kind would leave: for predictions of what an estimator will report.
    pub fn enlarged(&self, factor: f64) -> Self {
        let Self { trajectories, records, corrected, fock, counts, clipped_at, study } = self;
        Self {
            trajectories: (*trajectories as f64 * factor).round() as u64,
            records: records.enlarged(factor),
            corrected: corrected.enlarged(factor),
            fock: fock.enlarged(factor),
            counts: *counts,
            clipped_at: *clipped_at,
            study: study.clone(),
        }
    }

    /// Memory that a tally takes, in bytes, but for the Fock levels and what pilots have told, which tallies share.
    pub fn bytes(layout: Layout, controlled: bool) -> u64 {
        let corrected = if controlled { layout.drift() + 1 } else { 0 };
        2 * 8 * (layout.len() + corrected) as u64
    }
}

impl Merge for Tally {
    fn merge(&mut self, right: Self) {
        self.trajectories += right.trajectories;
        self.records.merge(&right.records);
        self.corrected.merge(&right.corrected);
        self.fock.merge(&right.fock);
        let (a, b) = (&mut self.counts, right.counts);
        a.norm_defect = a.norm_defect.max(b.norm_defect);
        a.edge_population = a.edge_population.max(b.edge_population);
        a.clipped = a.clipped.max(b.clipped);
        a.largest_window = a.largest_window.max(b.largest_window);
        a.highest_level = a.highest_level.max(b.highest_level);
        a.steps += b.steps;
        a.applications += b.applications;
        self.clipped_at = self.clipped_at.or(right.clipped_at);
        self.study = self.study.take().or(right.study);
    }
}
