//! What a ket in a frame displaced by α says of the laboratory, where a is a + α.

use num_complex::Complex64;

use super::expectation::{NumberMoments, lowering, lowering_twice, number_lowering, number_moments};
use crate::hilbert::Ket;

/// Expectation values of a normalised ket in the moving frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Relative {
    /// ⟨N⟩.
    pub number: f64,
    /// ⟨N²⟩.
    pub number_squared: f64,
    /// ⟨a⟩: zero in a ket of definite parity.
    pub lowered: Complex64,
    /// ⟨Na⟩: zero in a ket of definite parity.
    pub number_lowered: Complex64,
    /// ⟨a²⟩.
    pub squeezed: Complex64,
}

impl Relative {
    /// The expectation values in `ket`, which need not be normalised.
    pub fn of(ket: &Ket) -> Self {
        let NumberMoments { norm, first, second } = number_moments(ket);
        Self {
            number: first / norm,
            number_squared: second / norm,
            lowered: (0..ket.rows()).map(|row| lowering(ket, row, row)).sum::<Complex64>() / norm,
            number_lowered: number_lowering(ket) / norm,
            squeezed: lowering_twice(ket) / norm,
        }
    }

    /// ⟨α*a + αa†⟩.
    fn field(&self, alpha: Complex64) -> f64 {
        2.0 * (alpha.conj() * self.lowered).re
    }

    /// ⟨N⟩ of D(α)ψ: ⟨N + α*a + αa† + |α|²⟩.
    pub fn number_at(&self, alpha: Complex64) -> f64 {
        self.number + self.field(alpha) + alpha.norm_sqr()
    }

    /// ⟨N²⟩ of D(α)ψ: ⟨(N + α*a + αa† + |α|²)²⟩, with aN = Na + a.
    pub fn number_squared_at(&self, alpha: Complex64) -> f64 {
        let shift = alpha.norm_sqr();
        let field_squared = 2.0 * (alpha.conj() * alpha.conj() * self.squeezed).re + shift * (2.0 * self.number + 1.0);
        let crossed = 4.0 * (alpha.conj() * self.number_lowered).re + self.field(alpha) * (1.0 + 2.0 * shift);
        self.number_squared + shift * (shift + 2.0 * self.number) + field_squared + crossed
    }

    /// ⟨a⟩ of D(α)ψ.
    pub fn lowered_at(&self, alpha: Complex64) -> Complex64 {
        self.lowered + alpha
    }

    /// ⟨(a + a†)²⟩ (`sign` 1) or ⟨−(a − a†)²⟩ (`sign` −1) of D(α)ψ.
    pub fn quadrature_squared_at(&self, sign: f64, alpha: Complex64) -> f64 {
        let part = |z: Complex64| if sign > 0.0 { z.re } else { z.im };
        let (mean, lowered) = (part(alpha), part(self.lowered));
        2.0 * self.number + 1.0 + sign * 2.0 * self.squeezed.re + 4.0 * mean * mean + 8.0 * mean * lowered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hilbert::{Cutoff, Window, product_ket};
    use crate::model::PureOscillator;
    use crate::system::displaced_populations::displaced_populations;

    #[test]
    fn a_displaced_vacuum_is_poissonian_and_a_displaced_number_state_has_its_moments() {
        let alpha = Complex64::new(1.2, -2.1);
        let mut ket = Ket::zeros(Window::around(0, 8), 1);
        product_ket(&mut ket, PureOscillator::Fock(0), 0, 1e-18, 8, Cutoff::Auto);
        let mut poisson = (-alpha.norm_sqr()).exp();
        let mut populations = Vec::new();
        displaced_populations(&ket, alpha, &mut populations);
        for (n, found) in populations.iter().enumerate().take(30) {
            assert!((found - poisson).abs() < 1e-14, "level {n}: {found} {poisson}");
            poisson *= alpha.norm_sqr() / (n + 1) as f64;
        }
        product_ket(&mut ket, PureOscillator::Fock(3), 0, 1e-18, 8, Cutoff::Auto);
        let relative = Relative { number: 3.0, number_squared: 9.0, ..Relative::default() };
        assert_eq!(Relative::of(&ket), relative);
        displaced_populations(&ket, alpha, &mut populations);
        let moment =
            |power: i32| -> f64 { populations.iter().enumerate().map(|(n, p)| (n as f64).powi(power) * p).sum() };
        assert!((moment(0) - 1.0).abs() < 1e-12);
        assert!((moment(1) - relative.number_at(alpha)).abs() < 1e-10);
        assert!((moment(2) - relative.number_squared_at(alpha)).abs() < 1e-8);
    }

    /// D(α)D(β)|0⟩ is the coherent state of α + β, whose moments are known; those of |β⟩ are of no definite parity.
    #[test]
    fn a_displaced_coherent_state_has_the_moments_of_the_sum() {
        let (alpha, beta) = (Complex64::new(2.0, -3.0), Complex64::new(-0.7, 1.1));
        let mut ket = Ket::zeros(Window::around(0, 8), 1);
        product_ket(&mut ket, PureOscillator::Coherent(beta), 0, 1e-24, 8, Cutoff::Auto);
        let (relative, sum) = (Relative::of(&ket), alpha + beta);
        let n = sum.norm_sqr();
        let known = [n, n * n + n, 4.0 * sum.re * sum.re + 1.0, 4.0 * sum.im * sum.im + 1.0];
        let found = [
            relative.number_at(alpha),
            relative.number_squared_at(alpha),
            relative.quadrature_squared_at(1.0, alpha),
            relative.quadrature_squared_at(-1.0, alpha),
        ];
        for (found, known) in found.into_iter().zip(known) {
            assert!((found - known).abs() < 1e-10 * known, "{found} {known}");
        }
        assert!((relative.lowered_at(alpha) - sum).norm() < 1e-12);
    }
}
