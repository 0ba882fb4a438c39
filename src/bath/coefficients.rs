//! The four coefficients of the Born–Markov equation (23), alone and with how they were found.

/// The coefficients of Eq. (23),
/// `dρ/dt = −i[H_S + ½M Ω̃₀² X², ρ] − iγ[X, {P, ρ}] − D[X, [X, ρ]] − f[X, [P, ρ]]`.
///
/// ħ = 1, X = (a + a†)/√(2MΩ₀) and P = −i√(MΩ₀/2)(a − a†).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// Momentum damping γ (1/time), Eq. (24b).
    pub gamma: f64,
    /// Normal diffusion D = D₀ + D₁ (momentum²/time), Eq. (24c).
    pub diffusion: f64,
    /// Anomalous diffusion f = f₁ (1/time), Eq. (24d).
    pub anomalous: f64,
    /// Shift Ω̃₀² of the squared frequency (1/time²), usually negative, Eq. (24a).
    pub frequency_shift_squared: f64,
}

/// A number with a bound on its absolute error, as the method that found it judges it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// The number.
    pub value: f64,
    /// Estimated absolute error, ≥ 0: rounding alone for closed forms, also the quadrature's or the table's otherwise.
    pub error: f64,
}

/// The coefficients (24a–d) of a bath with their errors, D₀ and D₁ apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BathCoefficients {
    /// Momentum damping γ (1/time), Eq. (24b).
    pub gamma: Value,
    /// The free part D₀ ≥ 0 of the diffusion (momentum²/time), given by hand.
    pub floor: f64,
    /// D₁ of Eq. (24c) (momentum²/time).
    pub diffusion: Value,
    /// f₁ of Eq. (24d) (1/time).
    pub anomalous: Value,
    /// Ω̃₀² of Eq. (24a) (1/time²).
    pub frequency_shift_squared: Value,
}

impl From<BathCoefficients> for Coefficients {
    fn from(bath: BathCoefficients) -> Self {
        Self {
            gamma: bath.gamma.value,
            diffusion: bath.floor + bath.diffusion.value,
            anomalous: bath.anomalous.value,
            frequency_shift_squared: bath.frequency_shift_squared.value,
        }
    }
}
