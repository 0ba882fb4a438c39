//! Mixed initial states sampled as pure ones.

use crate::model::{OscillatorPreparation, PureOscillator, PurePreparation, Spin};
use crate::unravelling::Chance;

/// Draws the pure state one trajectory starts from: one number for the oscillator, one per spin, used or not.
///
/// A thermal oscillator is drawn as a number state, P(n) = (1 − q) qⁿ with q = n̄/(n̄+1).
pub fn draw(oscillator: OscillatorPreparation, spins: &[Spin], chance: &mut impl Chance) -> PurePreparation {
    let u = chance.uniform();
    let oscillator = match oscillator {
        OscillatorPreparation::Fock(n) => PureOscillator::Fock(n),
        OscillatorPreparation::Coherent(alpha) => PureOscillator::Coherent(alpha),
        OscillatorPreparation::Thermal(nbar) => {
            let n = if nbar > 0.0 { (u.ln() / (nbar / (nbar + 1.0)).ln()).floor() } else { 0.0 };
            PureOscillator::Fock(n as usize)
        }
    };
    let mut excited = 0;
    for (i, spin) in spins.iter().enumerate() {
        if chance.uniform() < spin.initial_excited_probability() {
            excited |= 1 << i;
        }
    }
    PurePreparation { oscillator, excited }
}
