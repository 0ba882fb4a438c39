//! The frame that moves with the mean of a quadratic equation of motion: what a ket in it says of the laboratory.

use num_complex::Complex64;

use crate::hilbert::Ket;

/// Expectation values of a normalised ket of definite parity in the moving frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relative {
    /// ⟨N⟩.
    pub number: f64,
    /// ⟨N²⟩.
    pub number_squared: f64,
    /// ⟨a²⟩.
    pub squeezed: Complex64,
}

impl Relative {
    /// ⟨N⟩ of D(α)ψ, where a becomes a + α.
    pub fn number_at(&self, alpha: Complex64) -> f64 {
        self.number + alpha.norm_sqr()
    }

    /// ⟨N²⟩ of D(α)ψ: ⟨(N + α*a + αa† + |α|²)²⟩, terms of odd parity left out.
    pub fn number_squared_at(&self, alpha: Complex64) -> f64 {
        let shift = alpha.norm_sqr();
        let fluctuation = 2.0 * (alpha.conj() * alpha.conj() * self.squeezed).re + shift * (2.0 * self.number + 1.0);
        self.number_squared + shift * (shift + 2.0 * self.number) + fluctuation
    }

    /// ⟨(a + a†)²⟩ (`sign` 1) or ⟨−(a − a†)²⟩ (`sign` −1) of D(α)ψ.
    pub fn quadrature_squared_at(&self, sign: f64, alpha: Complex64) -> f64 {
        let mean = if sign > 0.0 { alpha.re } else { alpha.im };
        2.0 * self.number + 1.0 + sign * 2.0 * self.squeezed.re + 4.0 * mean * mean
    }
}

/// A displacement beyond this |α|² is not carried out: its cost goes with |α|⁴.
const FARTHEST: f64 = 1e4;

/// Amplitudes further out than this many widths of a coherent state are left out.
const WIDTHS: f64 = 7.0;

/// |⟨n|D(α)|ψ⟩|² for n = 0, 1, … of a ket of one row; empty beyond |α|² = 10⁴.
///
/// e^{αa† − α*a} by its power series, in steps so short that its terms never exceed the sum by much.
pub fn displaced_populations(ket: &Ket, alpha: Complex64) -> Vec<f64> {
    if alpha.norm_sqr() > FARTHEST {
        return Vec::new();
    }
    let (re, im) = ket.row(0);
    let (lo, hi) = (ket.window().lo(), ket.window().hi());
    let reach = (hi as f64).sqrt() + alpha.norm() + if alpha == Complex64::ZERO { 0.0 } else { WIDTHS };
    let levels = if alpha == Complex64::ZERO { hi } else { (reach * reach).ceil() as usize };
    let mut state = vec![Complex64::ZERO; levels];
    for (j, (re, im)) in re.iter().zip(im).enumerate() {
        state[lo + j] = Complex64::new(*re, *im);
    }
    let roots: Vec<f64> = (0..=levels).map(|n| (n as f64).sqrt()).collect();
    let steps = (2.0 * alpha.norm() * roots[levels]).ceil();
    let step = alpha / steps.max(1.0);
    let (mut term, mut next) = (state.clone(), state.clone());
    for _ in 0..steps as usize {
        term.copy_from_slice(&state);
        for order in 1..=30u8 {
            let mut size = 0.0f64;
            for n in 0..levels {
                let raised = if n > 0 { step * roots[n] * term[n - 1] } else { Complex64::ZERO };
                let lowered = if n + 1 < levels { step.conj() * roots[n + 1] * term[n + 1] } else { Complex64::ZERO };
                next[n] = (raised - lowered) / f64::from(order);
                size = size.max(next[n].norm_sqr());
            }
            std::mem::swap(&mut term, &mut next);
            state.iter_mut().zip(&term).for_each(|(sum, term)| *sum += term);
            if size < 1e-34 {
                break;
            }
        }
    }
    state.iter().map(Complex64::norm_sqr).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hilbert::{Cutoff, Window, product_ket};
    use crate::model::PureOscillator;

    #[test]
    fn a_displaced_vacuum_is_poissonian_and_a_displaced_number_state_has_its_moments() {
        let alpha = Complex64::new(1.2, -2.1);
        let mut ket = Ket::zeros(Window::around(0, 8), 1);
        product_ket(&mut ket, PureOscillator::Fock(0), 0, 1e-18, 8, Cutoff::Auto);
        let mut poisson = (-alpha.norm_sqr()).exp();
        for (n, found) in displaced_populations(&ket, alpha).into_iter().enumerate().take(30) {
            assert!((found - poisson).abs() < 1e-14, "level {n}: {found} {poisson}");
            poisson *= alpha.norm_sqr() / (n + 1) as f64;
        }
        product_ket(&mut ket, PureOscillator::Fock(3), 0, 1e-18, 8, Cutoff::Auto);
        let relative = Relative { number: 3.0, number_squared: 9.0, squeezed: Complex64::ZERO };
        let populations = displaced_populations(&ket, alpha);
        let moment =
            |power: i32| -> f64 { populations.iter().enumerate().map(|(n, p)| (n as f64).powi(power) * p).sum() };
        assert!((moment(0) - 1.0).abs() < 1e-12);
        assert!((moment(1) - relative.number_at(alpha)).abs() < 1e-10);
        assert!((moment(2) - relative.number_squared_at(alpha)).abs() < 1e-8);
    }
}
