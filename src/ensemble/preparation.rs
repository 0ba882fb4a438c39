//! Mixed initial states sampled as pure ones.

use rand_distr::Geometric;

use super::Stream;
use crate::model::{OscillatorPreparation, PureOscillator, PurePreparation, Spin};
use crate::unravelling::Chance;

/// Draws the pure state one trajectory starts from, with a stream kept for this purpose.
///
/// A thermal oscillator is drawn as a number state, P(n) = (1 − q) qⁿ with q = n̄/(n̄+1).
pub fn draw(oscillator: OscillatorPreparation, spins: &[Spin], stream: &mut Stream) -> PurePreparation {
    let mut excited = 0;
    for (i, spin) in spins.iter().enumerate() {
        if stream.uniform() < spin.initial_excited_probability() {
            excited |= 1 << i;
        }
    }
    let oscillator = match oscillator {
        OscillatorPreparation::Fock(n) => PureOscillator::Fock(n),
        OscillatorPreparation::Coherent(alpha) => PureOscillator::Coherent(alpha),
        OscillatorPreparation::Thermal(nbar) => {
            let n = Geometric::new(1.0 / (nbar + 1.0)).map_or(0, |distribution| stream.sample(&distribution));
            PureOscillator::Fock(usize::try_from(n).unwrap_or(usize::MAX))
        }
    };
    PurePreparation { oscillator, excited }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::{Purpose, Streams};

    /// Known answer: another algorithm behind the distribution would change results without a word.
    #[test]
    fn thermal_states_are_drawn_as_they_always_were() {
        let n = |trajectory| {
            let mut stream = Streams::new(1).open(trajectory, Purpose::Preparation);
            match draw(OscillatorPreparation::Thermal(2.0), &[], &mut stream).oscillator {
                PureOscillator::Fock(n) => n,
                PureOscillator::Coherent(_) => unreachable!("thermal states are drawn as number states"),
            }
        };
        assert_eq!((0..8).map(n).collect::<Vec<_>>(), KNOWN);
        let mean = (0..20_000).map(n).sum::<usize>() as f64 / 20_000.0;
        // Variance n̄(n̄+1) = 6: 5σ of the mean of 20 000.
        assert!((mean - 2.0).abs() < 5.0 * (6.0f64 / 20_000.0).sqrt(), "{mean}");
    }

    const KNOWN: [usize; 8] = [3, 0, 3, 2, 2, 0, 0, 2];
}
