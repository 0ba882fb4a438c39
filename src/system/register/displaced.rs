//! The register in a moving frame: initial states seen from there, observables of the laboratory.

use std::cell::LazyCell;

use num_complex::Complex64;

use super::Register;
use crate::hilbert::{Cutoff, Ket};
use crate::model::{Model, OscillatorSpins, PureOscillator};
use crate::system::expectation::inner;
use crate::system::frame::Relative;
use crate::system::{MovingFrame, Observable};

impl Register {
    /// The register of spins, without a cutoff, in the frame that moves with the coherent amplitude `alpha`; `None` with a bath of the
    /// oscillator, whose jumps would be others there.
    pub fn displaced(model: &OscillatorSpins, alpha: Complex64) -> Option<Self> {
        let frame = Some(MovingFrame::new(alpha, model.frequency)).filter(|_| model.oscillator_bath.is_none())?;
        Some(Self { frame: Some(frame), ..Self::new(&Model::OscillatorSpins(model.clone()), Cutoff::Auto) })
    }

    /// α(t) of the frame, if it moves.
    pub(in crate::system) fn displacement(&self, time: f64) -> Option<Complex64> {
        self.frame.map(|frame| frame.at(time))
    }

    /// A state as it is in the frame at t = 0; number states are those of the frame.
    pub(super) fn seen_from_frame(&self, oscillator: PureOscillator) -> PureOscillator {
        match (oscillator, self.displacement(0.0)) {
            (PureOscillator::Coherent(beta), Some(alpha)) => PureOscillator::Coherent(beta - alpha),
            (oscillator, _) => oscillator,
        }
    }

    /// ⟨S⟩ of the spin operator S that X couples to.
    fn coupling(&self, ket: &Ket) -> f64 {
        let from = |row: usize| -> f64 {
            let flipped: f64 = self.flips.iter().map(|(bit, strength)| strength * inner(ket, row, row ^ bit).re).sum();
            self.diagonal[row] * inner(ket, row, row).re + flipped
        };
        (0..ket.rows()).map(from).sum()
    }

    /// ⟨ψ|O|ψ⟩ / ⟨ψ|ψ⟩ of D(α)ψ for every observable.
    pub(super) fn observe_displaced(
        &self,
        alpha: Complex64,
        ket: &Ket,
        observables: &[Observable],
        values: &mut [f64],
    ) {
        let (relative, norm) = (Relative::of(ket), ket.norm_squared());
        let populations = LazyCell::new(|| Self::populations(ket));
        let inversion = |spin: usize| self.inversion(ket.sector, &populations, spin);
        for (value, observable) in values.iter_mut().zip(observables) {
            *value = match *observable {
                Observable::Number => relative.number_at(alpha),
                Observable::NumberSquared => relative.number_squared_at(alpha),
                Observable::X => 2.0 * relative.lowered_at(alpha).re,
                Observable::P => 2.0 * relative.lowered_at(alpha).im,
                Observable::XSquared => relative.quadrature_squared_at(1.0, alpha),
                Observable::PSquared => relative.quadrature_squared_at(-1.0, alpha),
                Observable::Inversion(spin) => inversion(spin) / norm,
                Observable::Energy => {
                    let spins = self.splittings.iter().enumerate();
                    let spins: f64 = spins.map(|(i, splitting)| 0.5 * splitting * inversion(i)).sum();
                    let coupled = self.interaction(ket) + 2.0 * alpha.re * self.coupling(ket);
                    self.frequency * relative.number_at(alpha) + (spins + coupled) / norm
                }
            };
        }
    }
}
