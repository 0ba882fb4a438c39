//! Closed forms for the Ohmic density with Lorentz–Drude cutoff, Eq. (25)–(28), at any temperature where they exist.

use std::f64::consts::PI;

use num_complex::Complex64;

use super::{BathKind, Value};

/// f₁ of Eq. (24d): (2γ₀Λ²/(π(Λ²+Ω²))) ln(Λ/Ω) for the spin bath and at T = 0; for the oscillator bath
///
/// ```text
/// f₁ = (2γ₀Λ²/(Λ²+Ω²)) { (ψ(1 + l) − Re ψ(1 + iy))/π − T/Λ },   l = Λ/2πT, y = Ω/2πT
/// ```
///
/// by coth(ω/2T) = (2T/ω)(1 + 2Σₙ ω²/(ω²+νₙ²)), νₙ = 2πnT, term by term; ψ is the digamma function.
pub(super) fn anomalous(gamma0: f64, cutoff: f64, frequency: f64, temperature: f64, kind: BathKind) -> Value {
    let scale = 2.0 * gamma0 / (1.0 + (frequency / cutoff).powi(2));
    if kind == BathKind::Spin || temperature == 0.0 {
        let logarithm = (cutoff / frequency).ln();
        return Value { value: scale * logarithm / PI, error: scale * 4.0 * f64::EPSILON * (1.0 + logarithm.abs()) };
    }
    let (l, y) = (cutoff / (2.0 * PI * temperature), frequency / (2.0 * PI * temperature));
    let (upper, lower) = (digamma(Complex64::new(1.0 + l, 0.0)).re, digamma(Complex64::new(1.0, y)).re);
    let parts = [upper / PI, -lower / PI, -temperature / cutoff];
    let size: f64 = parts.iter().map(|part| part.abs()).sum();
    Value { value: scale * parts.iter().sum::<f64>(), error: scale * 16.0 * f64::EPSILON * (1.0 + size) }
}

/// Ω̃₀² of Eq. (24a), −2γ₀Λ³/(Λ²+Ω²): for the oscillator bath at any temperature, for the spin bath at T = 0.
pub(super) fn frequency_shift_squared(gamma0: f64, cutoff: f64, frequency: f64) -> Value {
    let value = -2.0 * gamma0 * cutoff / (1.0 + (frequency / cutoff).powi(2));
    Value { value, error: 8.0 * f64::EPSILON * value.abs() }
}

/// ψ(z) for Re z ≥ 1: recurrence up to |z| ≥ 10, then the asymptotic series (Abramowitz and Stegun 6.3.18).
pub(super) fn digamma(z: Complex64) -> Complex64 {
    const SERIES: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32760.0,
        1.0 / 12.0,
        -3617.0 / 8160.0,
    ];
    let (mut z, mut shift) = (z, Complex64::new(0.0, 0.0));
    while z.norm() < 10.0 {
        shift += z.inv();
        z += 1.0;
    }
    let inverse = z.inv() * z.inv();
    let series = SERIES.iter().rev().fold(Complex64::new(0.0, 0.0), |sum, coefficient| (sum + coefficient) * inverse);
    z.ln() - 0.5 * z.inv() - series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digamma_on_the_real_axis_and_beside_it() {
        for x in [1.0, 1.5, 3.3, 9.99, 10.01, 250.0] {
            let known = statrs::function::gamma::digamma(x);
            assert!((digamma(Complex64::new(x, 0.0)).re - known).abs() < 1e-14 * (1.0 + known.abs()), "{x}");
        }
        // Im ψ(1 + iy) = −1/2y + (π/2) coth πy; Re ψ(1 + i) = 0.094650320622476977…
        for y in [0.01, 0.3, 1.0, 4.0, 30.0] {
            let known = -0.5 / y + 0.5 * PI / (PI * y).tanh();
            assert!((digamma(Complex64::new(1.0, y)).im - known).abs() < 1e-13, "{y}");
        }
        assert!((digamma(Complex64::new(1.0, 1.0)).re - 0.094_650_320_622_476_98).abs() < 1e-15);
    }
}
