//! How much memory a run takes, and how much of it is moved about: known from its numbers before anything is run.

use super::controls::CONTROLS;
use super::engine::System;
use super::pilot_record::INTERVALS;
use super::set_choice::FEWEST;
use super::{Estimator, Layout, Lessons, Plan, Tally};
use crate::hilbert::{PAD, Window};
use crate::propagate::MAX_ORDER;
use crate::system::quantity::{self, Candidates};
use crate::system::{Experiment, Generator, OpenSystem};

/// Kets of a step beside the powers of its series, and those that martingales are evaluated on.
const KETS: usize = 9;
const MARTINGALE_KETS: usize = 60;

/// Trunks and the memory each may take, as in `unravelling`.
const TRUNKS: u64 = 4;
const TRUNK_BYTES: u64 = 4 << 20;

/// Lists that grow to a length not known beforehand take up to twice its memory.
const GROWTH: f64 = 1.5;

/// The memory of a run in bytes, part by part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Tallies in the tree when it is fullest, and once more where blocks are stored.
    pub tallies: u64,
    /// Records, controls, trunks and tallies in the hands of all threads.
    pub threads: u64,
    /// Pilot trajectories.
    pub pilots: u64,
    /// Bytes of tallies that are added to others in the whole run.
    pub merged: u64,
}

impl Footprint {
    /// Of the run of `experiment` with `plan`, where `stored` says whether its blocks are stored. Kets come on top, see
    /// [`Footprint::kets`].
    pub fn of(experiment: &Experiment, plan: &Plan, stored: bool) -> Self {
        let (channels, [usual, most], _) = shape(experiment);
        let layout = Layout::new(experiment, channels);
        let controlled = plan.estimator != Estimator::Plain;
        let tally = Tally::bytes(layout, controlled);
        let blocks = plan.trajectories.div_ceil(plan.block);
        // One node of every height below the largest 2^h − 1 blocks that there are.
        let heights = (blocks + 1).ilog2();
        let fullest = u64::from(heights) * tally;
        let copies = if stored { 2 } else { 1 };
        let merged: u64 = (1..=heights).map(|height| (blocks >> height).saturating_mul(tally)).sum();

        let (length, estimates) = (layout.len() as u64, layout.estimates() as u64);
        let controls = if controlled { 8 * (CONTROLS as u64 * estimates + estimates) } else { 0 };
        let record = 8 * length + controls;
        let states = if experiment.is_sampled() { TRUNKS } else { 1 };
        let trunks = states * record.max(TRUNK_BYTES.min(64 * record));
        let laws = match plan.estimator {
            Estimator::Plain => 0,
            Estimator::Controlled { pilot } => {
                let followed = if pilot < FEWEST { usual } else { most };
                let each = (2 * 8 * (INTERVALS + 1) * followed) as f64 * GROWTH;
                (pilot as f64 * each) as u64
            }
        };
        let pilots = laws + Lessons::trial_bytes(plan.estimator, layout);
        Self {
            tallies: copies * fullest.max(tally),
            threads: plan.threads as u64 * (record + trunks + tally),
            pilots,
            merged: copies * merged,
        }
    }

    /// What kets on `levels` Fock levels take with their series and their martingales, on all threads of `plan`.
    pub fn kets(experiment: &Experiment, plan: &Plan, levels: usize) -> u64 {
        let (_, _, rows) = shape(experiment);
        let martingales = if plan.estimator == Estimator::Plain { 0 } else { MARTINGALE_KETS };
        let ket = 16 * rows * (levels + 2 * PAD);
        (plan.threads * ket * (MAX_ORDER + 1 + KETS + martingales)) as u64
    }

    /// All of it, but for kets.
    pub fn total(&self) -> u64 {
        self.tallies.saturating_add(self.threads).saturating_add(self.pilots)
    }
}

/// About the largest frequency that H_eff has on a window of `levels` Fock levels: steps are as long as it allows.
pub fn largest_frequency(experiment: &Experiment, levels: usize) -> f64 {
    fn of<S: OpenSystem>(system: &S, levels: usize) -> f64 {
        system.generator(Window::around(0, levels.max(1))).scale()
    }
    match System::of(experiment) {
        System::Chain(system) => of(&system, levels),
        System::Register(system) => of(&system, levels),
        System::Quadratic(system) => of(&system, levels),
    }
}

/// Channels, the usual followed quantities and all that may be, and rows of the system that an experiment runs on.
fn shape(experiment: &Experiment) -> (usize, [usize; 2], usize) {
    fn of<S: OpenSystem>(system: &S) -> (usize, [usize; 2], usize) {
        let Candidates { operators, sets } = quantity::candidates(system);
        (system.channels().len(), [sets.first().map_or(0, |set| set.places.len()), operators.len()], system.rows())
    }
    match System::of(experiment) {
        System::Chain(system) => of(&system),
        System::Register(system) => of(&system),
        System::Quadratic(system) => of(&system),
    }
}
