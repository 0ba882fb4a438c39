//! Bose occupations and two-level populations at a temperature (k_B = ħ = 1).

/// How a temperature is turned into the occupation n̄ of a spin's bosonic bath.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Convention {
    /// n̄ = 1/(e^{ω̃/T} − 1): the spin's stationary state obeys detailed balance, p₊/p₋ = e^{−ω̃/T}, Eq. (33).
    #[default]
    DetailedBalance,
    /// n̄ = 1/(e^{ω̃/2T} − 1), Eq. (37) as printed in the paper.
    Paper,
}

/// Bose occupation n̄ of a mode of the given energy at temperature `temperature` (same unit, ≥ 0).
///
/// ```
/// use fluctuator::model::{occupation, Convention};
/// assert_eq!(occupation(1.0, 0.0, Convention::DetailedBalance), 0.0);
/// let n = occupation(1.0, 1.0 / 2f64.ln(), Convention::DetailedBalance);
/// assert!((n - 1.0).abs() < 1e-14);
/// ```
pub fn occupation(energy: f64, temperature: f64, convention: Convention) -> f64 {
    if temperature == 0.0 {
        return 0.0;
    }
    let ratio = match convention {
        Convention::DetailedBalance => energy / temperature,
        Convention::Paper => energy / (2.0 * temperature),
    };
    1.0 / ratio.exp_m1()
}

/// Excited-state probability p₊ = 1/(1 + e^{ω̃/T}) of a two-level system with splitting ω̃ at temperature T ≥ 0.
pub fn excited_probability(splitting: f64, temperature: f64) -> f64 {
    if temperature == 0.0 {
        return 0.0;
    }
    1.0 / (1.0 + (splitting / temperature).exp())
}
