//! The memory that trajectories of one system share, one after the other, and what is asked of it.

use super::forced::{ForcedJump, Silenced};
use super::weight::Growth;
use crate::hilbert::{Ket, Window};
use crate::propagate::{Follower, Tolerances};
use crate::system::OpenSystem;

/// Kets evaluated together for outputs.
pub const OUTPUTS: usize = 4;

/// Jump instants are found to this fraction of the ket tolerance.
const JUMP_SHARE: f64 = 0.1;

/// Kets, propagation and weights, and what is to happen to the present trajectory.
pub struct Workspace<'a, S: OpenSystem> {
    /// The system.
    pub system: &'a S,
    /// The propagation, with the window that follows the ket.
    pub follower: Follower<'a, S>,
    /// Output times.
    pub times: &'a [f64],
    /// To what jump instants are found, relative to the fastest rate.
    pub accuracy: f64,
    /// ‖L_mψ‖² of every channel.
    pub weights: Vec<f64>,
    /// The ket where the step begins, normalised.
    pub ket: Ket,
    /// Where it ends, not normalised.
    pub end: Ket,
    /// Memory for collapses.
    pub between: Ket,
    /// Kets at output times.
    pub outputs: [Ket; OUTPUTS],
    /// What weights gain, where trajectories carry them.
    pub growth: Option<Growth<'a, S>>,
    /// The jumps to be forced in the present trajectory, the next one last.
    pub to_force: Vec<ForcedJump>,
    /// The channel that does not fire in the present trajectory.
    pub silenced: Option<Silenced>,
}

impl<'a, S: OpenSystem> Workspace<'a, S> {
    /// For trajectories with output at `times` (ascending, from 0; the last is the end of the run).
    pub fn new(system: &'a S, times: &'a [f64], tolerances: &Tolerances) -> Self {
        let empty = || Ket::zeros(Window::around(0, 1), system.rows());
        let duration = times.last().copied().filter(|end| *end > 0.0).unwrap_or(1.0);
        Self {
            system,
            follower: Follower::new(system, tolerances, duration),
            times,
            accuracy: JUMP_SHARE * tolerances.ket,
            weights: vec![0.0; system.channels().len()],
            ket: empty(),
            end: empty(),
            between: empty(),
            outputs: std::array::from_fn(|_| empty()),
            growth: system.is_weighted().then(|| Growth::new(system, tolerances.ket, duration)),
            to_force: Vec::new(),
            silenced: None,
        }
    }

    /// ln of what the weight has gained since the step began.
    pub fn growth(&self, elapsed: f64) -> f64 {
        self.growth.as_ref().map_or(0.0, |growth| growth.until(elapsed))
    }

    /// The step's ket at an instant into `end`.
    pub fn evaluate_end(&mut self, elapsed: f64) {
        self.follower.evaluate(elapsed, &self.ket, &mut self.end);
    }

    /// The weights of the channels in `end`, which is not normalised, and their sum.
    pub fn weigh_end(&mut self) -> f64 {
        total_weight(self.system, &self.end, &mut self.weights)
    }
}

/// The weights of all channels, and their sum.
pub fn total_weight<S: OpenSystem>(system: &S, ket: &Ket, weights: &mut [f64]) -> f64 {
    system.weights(ket, weights);
    weights.iter().sum()
}
