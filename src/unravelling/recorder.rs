//! Who listens to a trajectory.

use crate::hilbert::Ket;
use crate::propagate::Stop;

/// A stretch of evolution without jumps: between two jumps, or a part of that.
pub struct Stretch<'a> {
    /// Time at which it begins.
    pub begin: f64,
    /// Its length, ≥ 0.
    pub length: f64,
    /// Time at which it ends: `begin` + `length` up to rounding.
    pub end_time: f64,
    /// Whether it goes on where the last one ended, without a jump between.
    pub continues: bool,
    /// The ket at its beginning, normalised.
    pub start: &'a Ket,
    /// The ket at its end, before any jump; its norm is not 1.
    pub end: &'a Ket,
    /// The kets at times `0 ≤ s ≤ length` after the beginning, each up to a positive factor.
    pub evaluate: &'a dyn Fn(&[f64], &mut [Ket]),
    /// Who may stop the trajectory: nobody asks then what was made of this stretch.
    pub stop: &'a Stop<'a>,
}

/// Receives what happens along a trajectory, in the order of time.
pub trait Recorder {
    /// The ket at output time number `index`; its norm is not 1 in general.
    fn output(&mut self, index: usize, ket: &Ket);

    /// The weight, of either sign, with which the ket at output time number `index` counts: comes after that output, and only
    /// from systems with weights.
    fn weigh(&mut self, index: usize, weight: f64) {
        let _ = (index, weight);
    }

    /// ln of the probability of no jump up to output time number `index`: comes after that output, as long as there was none. Where a
    /// channel is silenced, of no jump of that channel, and from then on.
    fn survive(&mut self, index: usize, log_probability: f64) {
        let _ = (index, log_probability);
    }

    /// A stretch of evolution without jumps, before the outputs within it and the jump that may end it.
    fn stretch(&mut self, stretch: &Stretch) {
        let _ = stretch;
    }

    /// A jump of channel `channel` at `time`.
    fn jump(&mut self, time: f64, channel: usize) {
        let _ = (time, channel);
    }
}
