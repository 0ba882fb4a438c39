//! The register in a moving frame: which one, and initial states seen from there.

use num_complex::Complex64;

use super::Register;
use crate::hilbert::Cutoff;
use crate::model::{Model, OscillatorSpins, PureOscillator};
use crate::system::{MovingFrame, OpenSystem};

impl Register {
    /// The register of spins, without a cutoff, in the frame that moves with the coherent amplitude `alpha`; `None` where the
    /// oscillator jumps by itself: its jumps would be others there.
    pub fn displaced(model: &OscillatorSpins, alpha: Complex64) -> Option<Self> {
        let frame = Some(MovingFrame::new(alpha, model.frequency)).filter(|_| model.oscillator_is_free())?;
        Some(Self { frame: Some(frame), ..Self::new(&Model::OscillatorSpins(model.clone()), Cutoff::Auto) })
    }

    /// A state as it is in the frame at t = 0; number states are those of the frame.
    pub(super) fn seen_from_frame(&self, oscillator: PureOscillator) -> PureOscillator {
        match (oscillator, self.displacement(0.0)) {
            (PureOscillator::Coherent(beta), Some(alpha)) => PureOscillator::Coherent(beta - alpha),
            (oscillator, _) => oscillator,
        }
    }
}
