//! One trajectory: unnormalised evolution until ‖ψ‖² has fallen to a random number, then a jump, and so on.

use super::chance::Chance;
use super::forced::{ForcedJump, Silenced};
use super::running::{Running, TrajectoryReport};
use super::trunk::{Alone, Beginning};
use super::workspace::Workspace;
use super::{Recorder, Rewindable, Trunks};
use crate::Result;
use crate::hilbert::Ket;
use crate::model::PurePreparation;
use crate::propagate::{Stop, Tolerances};
use crate::system::OpenSystem;

/// Runs trajectories of one system one after the other, reusing its memory.
pub struct Trajectory<'a, S: OpenSystem> {
    own: Workspace<'a, S>,
}

impl<'a, S: OpenSystem> Trajectory<'a, S> {
    /// Trajectories with output at `times` (ascending, from 0; the last is the end of the run).
    pub fn new(system: &'a S, times: &'a [f64], tolerances: &Tolerances) -> Self {
        Self { own: Workspace::new(system, times, tolerances) }
    }

    /// Who may stop trajectories from now on: they then end with [`Error::Stopped`](crate::Error::Stopped).
    pub fn stop_when(&mut self, stop: Stop<'a>) {
        self.own.follower.stop = stop;
    }

    /// The ket at the end of the last trajectory, normalised.
    pub fn final_ket(&self) -> &Ket {
        &self.own.ket
    }

    /// Runs one trajectory from `state`. Outputs do not break steps; every jump uses two numbers of `chance`.
    ///
    /// # Errors
    /// When the Fock window outgrows the memory, a ket vanishes, or it is stopped.
    pub fn run(
        &mut self,
        state: &PurePreparation,
        chance: &mut impl Chance,
        recorder: &mut impl Recorder,
    ) -> Result<TrajectoryReport> {
        self.run_beginning(state, &mut Alone, chance, recorder)
    }

    /// The same to the last bit, but what comes before the first jump is taken from the state's trunk as far as it is known
    /// there; all `trunks` belong to one kind of recorder.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_on<R: Rewindable>(
        &mut self,
        trunks: &mut Trunks<R::Memory>,
        state: &PurePreparation,
        chance: &mut impl Chance,
        recorder: &mut R,
    ) -> Result<TrajectoryReport> {
        match trunks.of(state).filter(|_| self.own.growth.is_none()) {
            Some(trunk) => self.run_beginning(state, trunk, chance, recorder),
            None => self.run(state, chance, recorder),
        }
    }

    /// The same with jumps forced, in the order of their times. The recorder is told of them as of any other jump.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_forced(
        &mut self,
        state: &PurePreparation,
        jumps: &[ForcedJump],
        chance: &mut impl Chance,
        recorder: &mut impl Recorder,
    ) -> Result<TrajectoryReport> {
        self.own.to_force = jumps.iter().rev().copied().collect();
        let report = self.run_beginning(state, &mut Alone, chance, recorder);
        self.own.to_force.clear();
        report
    }

    /// The same with a channel silenced. It ends early when it is so improbable that it does not matter, with the outputs from there on
    /// missing.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_silenced(
        &mut self,
        state: &PurePreparation,
        silenced: Silenced,
        chance: &mut impl Chance,
        recorder: &mut impl Recorder,
    ) -> Result<TrajectoryReport> {
        self.own.silenced = Some(silenced);
        let report = self.run_beginning(state, &mut Alone, chance, recorder);
        self.own.silenced = None;
        report
    }

    fn run_beginning<R: Recorder, B: Beginning<R>>(
        &mut self,
        state: &PurePreparation,
        beginning: &mut B,
        chance: &mut impl Chance,
        recorder: &mut R,
    ) -> Result<TrajectoryReport> {
        Running::begin(&mut self.own, state, beginning, chance, recorder).run(beginning, chance, recorder)
    }
}
