//! Where a mode's centre moves by itself: displacements, and the linear part of the motion of a.

use num_complex::Complex64;

use super::{Band, Factor, Lindbladian, Mode, Operator, Word};

/// 𝓛†a = λa + μa† + ε + rest.
///
/// Where the rest has no share, ⟨a⟩ obeys α̇ = λα + μα* + ε; a frame that moves like this sees only the rest. λ = −iΩ − κ/2 of
/// a resonator of frequency Ω that loses its energy at rate κ; a drive (f a† + f* a) in H gives ε = −if, and μ is squeezing.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearMotion {
    /// λ (1/time).
    pub rate: Complex64,
    /// μ (1/time).
    pub squeezing: Complex64,
    /// ε (1/time).
    pub drive: Complex64,
    /// What is not linear in a, or acts on other parts as well.
    pub rest: Operator,
}

impl Lindbladian {
    /// The linear part of the motion of a mode.
    pub fn linear_motion(&self, mode: Mode) -> LinearMotion {
        let motion = self.adjoint(&mode.lower());
        let [lower, raise] = [Band::ladder(0, 1), Band::ladder(1, 0)]
            .map(|band| motion.coefficient(&Word::of(mode.0, Factor::Band(band))));
        let drive = motion.coefficient(&Word::default());
        let rest = motion - (lower * mode.lower() + raise * mode.raise() + Operator::from(drive));
        LinearMotion { rate: lower, squeezing: raise, drive, rest }
    }
}

impl Operator {
    /// D(α)† O D(α): what O is to a ket whose mode is displaced by α, so that a becomes a + α. `None` where O has other
    /// functions of N than polynomials.
    pub fn displaced(&self, mode: Mode, alpha: Complex64) -> Option<Self> {
        let power = |base: Self, exponent: u32| (0..exponent).fold(Self::from(1.0), |product, _| product * &base);
        let mut moved = Vec::new();
        for (word, c) in self.terms() {
            let (before, factor, after) = word.around(mode.0);
            let factor = match factor {
                None => Self::from(1.0),
                Some(Factor::Band(band)) if !band.alternating && band.functions().is_empty() => {
                    let lower = mode.lower() + Self::from(alpha);
                    power(lower.adjoint(), band.raise) * power(lower, band.lower)
                }
                Some(_) => return None,
            };
            let [before, after] = [before, after].map(|word| Self::of([(word, Complex64::ONE)]));
            moved.push(c * (before * factor * after));
        }
        Some(moved.into_iter().sum())
    }
}
