//! The model as operators on kets, matrix-free: the generator −iH_eff, jump channels, collapse and observables.

mod chain;
mod channel;
mod combination;
mod combine;
mod displaced_parity;
mod displaced_populations;
mod expectation;
mod experiment;
mod followed;
mod functional;
mod kernel;
mod moving_frame;
mod observable;
mod oscillator_jump;
mod pauli_string;
mod quadratic;
mod quadratic_kernel;
pub mod quantity;
mod readout;
mod register;
mod splitting;
mod turned;

pub use chain::Chain;
pub use channel::{Channel, Jump, channels};
pub use combine::{combine, combine_together};
pub use experiment::Experiment;
pub use followed::{FollowedSet, Scratch};
pub use functional::{Functional, FunctionalKind, NamedFunctional};
pub use kernel::cpu_features;
pub use moving_frame::MovingFrame;
pub use observable::{Observable, Unit};
pub use oscillator_jump::OscillatorJump;
pub use quadratic::Quadratic;
pub use readout::Readout;
pub use register::Register;
pub use turned::{TurnWeights, Turned};

use std::ops::Range;

use num_complex::Complex64;

use crate::hilbert::{Cutoff, Ket, Window};
use crate::model::{Model, PurePreparation};

/// An open system unravelled into jumps: dψ/dt = −iH_eff ψ, H_eff = H − (i/2) Σ L†L, and the jump operators L.
pub trait OpenSystem: Send + Sync {
    /// H_eff on one Fock window.
    type Generator: Generator;

    /// What it is the system of.
    fn model(&self) -> &Model;

    /// Bound on the Fock space.
    fn cutoff(&self) -> Cutoff;

    /// Rows of a ket (see [`Ket`]).
    fn rows(&self) -> usize;

    /// The jump channels, in the order of [`OpenSystem::weights`].
    fn channels(&self) -> &[Channel];

    /// Builds H_eff on `window`.
    fn generator(&self, window: Window) -> Self::Generator;

    /// Writes the normalised initial ket; returns the population a hard cutoff took from it. Population beyond the
    /// window is below `tail` times that of the most likely level.
    fn prepare(&self, state: &PurePreparation, tail: f64, ket: &mut Ket) -> f64;

    /// ‖L_m ψ‖² for every channel m; their sum is −d‖ψ‖²/dt.
    fn weights(&self, ket: &Ket, weights: &mut [f64]);

    /// ψ ← L_m ψ up to a factor; `scratch` lends memory.
    fn collapse(&self, channel: usize, ket: &mut Ket, scratch: &mut Ket);

    /// Whether every ket has a parity (−1)^N Πτz, even or odd by its sector. Then the last spin, where there are any, has no rows: it
    /// is in |+⟩ where the level, the number of other spins in |+⟩ and the sector add up to an odd number.
    fn has_parity(&self) -> bool {
        false
    }

    /// α(t) where kets live in a frame displaced by it: a of the laboratory is a + α there.
    fn displacement(&self, _time: f64) -> Option<Complex64> {
        None
    }

    /// Populations of the Fock levels from 0 on of a normalised ket at a time.
    fn populations_at(&self, _time: f64, ket: &Ket, populations: &mut Vec<f64>) {
        expectation::level_populations(ket, self.cutoff(), populations);
    }

    /// One above the highest level of the laboratory that the kets of a window reach.
    fn highest(&self, window: Window) -> usize {
        window.lo() + window.live(self.cutoff())
    }

    /// Whether trajectories carry weights: some channel is [`Jump::Negative`], its jumps reverse the weight's sign, and between
    /// jumps the weight grows by twice the rate of those, so that the mean of weight × |ψ⟩⟨ψ| is ρ although H_eff has the
    /// negative channel with its sign.
    fn is_weighted(&self) -> bool {
        false
    }
}

/// −iH_eff on one Fock window, as A with −iH_eff = scale·A − mean_decay (up to a global phase) and ‖A‖ ≤ 1.
pub trait Generator: Send {
    /// The window it was built for.
    fn window(&self) -> Window;

    /// Bound on ‖−iH_eff + mean_decay‖ within the window (1/time).
    fn scale(&self) -> f64;

    /// Middle of the amplitude decay rates, taken out of A (1/time).
    fn mean_decay(&self) -> f64;

    /// A step begins at `time`: for those that depend on it.
    fn begin_step(&mut self, _time: f64) {}

    /// `to` ← A `from`, both in the memory layout of a [`Ket`] of this window and `sector`, pads included.
    ///
    /// With a [`Generator::rotation`], A takes the two parts of `turned` where it raises and lowers n, in place of `from`.
    fn apply(&mut self, sector: usize, from: &[f64], turned: Option<&Turned>, to: &mut [f64]);

    /// A ψ, A² ψ … in a row: vector k of `vectors`, each `width` cells long, for all k in `powers`, from vector `powers.start` − 1
    /// on; without a [`Generator::rotation`].
    fn powers(&mut self, sector: usize, vectors: &mut [f64], width: usize, powers: Range<usize>) {
        for k in powers {
            let (done, rest) = vectors.split_at_mut(k * width);
            self.apply(sector, &done[(k - 1) * width..], None, &mut rest[..width]);
        }
    }

    /// The frequency Ω of e^{−iΩ(N − n_lo)s}, which is left out of A (1/time): with ψ = e^{−iΩ(N − n_lo)s}φ,
    /// dφ/ds is given by A with a† → e^{iΩs}a† and a → e^{−iΩs}a.
    fn rotation(&self) -> f64 {
        0.0
    }

    /// Norms of the terms of A that lead out of the window below and above (0 where no level exists).
    fn leak(&self) -> [f64; 2];

    /// How many levels one application reaches.
    fn reach(&self) -> usize;
}

/// Spare levels prepared around an initial ket.
const GUARD: usize = 8;
