//! What a spin bath and an oscillator bath make of the same spectral density at a temperature.

/// What the oscillator of Sec. II is coupled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BathKind {
    /// Independent two-level systems: the paper's oscillator–spin model.
    Spin,
    /// Harmonic oscillators: quantum Brownian motion (QBM).
    Oscillator,
}

impl BathKind {
    /// Both, the spin bath first.
    pub const ALL: [Self; 2] = [Self::Spin, Self::Oscillator];

    /// The word of the run file: `spin` or `oscillator`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::Oscillator => "oscillator",
        }
    }

    /// c(ω) of the noise kernel ν(τ) = ∫ J c cos ωτ dω: 1 for spins (19), coth(ω/2T) for oscillators (20a); ω > 0, T ≥ 0.
    pub fn noise(self, frequency: f64, temperature: f64) -> f64 {
        match self {
            Self::Spin => 1.0,
            Self::Oscillator => 1.0 / thermal_tanh(frequency, temperature),
        }
    }

    /// d(ω) of the dissipation kernel η(τ) = ∫ J d sin ωτ dω: tanh(ω/2T) for spins (19), 1 for oscillators (20b).
    pub fn dissipation(self, frequency: f64, temperature: f64) -> f64 {
        match self {
            Self::Spin => thermal_tanh(frequency, temperature),
            Self::Oscillator => 1.0,
        }
    }

    /// J of the other kind of bath that acts on the oscillator as J of this kind does: a spin bath's
    /// J_osc = J tanh(ω/2T), Eq. (22), an oscillator bath's J = J_osc coth(ω/2T), Eq. (21).
    ///
    /// ```
    /// use fluctuator::bath::BathKind;
    /// let (omega, temperature, j) = (1.5, 0.7, 0.2);
    /// let surrogate = BathKind::Spin.surrogate(j, omega, temperature);
    /// assert!((surrogate - 0.2 * (1.5f64 / 1.4).tanh()).abs() < 1e-15);
    /// assert!((BathKind::Oscillator.surrogate(surrogate, omega, temperature) - j).abs() < 1e-15);
    /// ```
    pub fn surrogate(self, density: f64, frequency: f64, temperature: f64) -> f64 {
        match self {
            Self::Spin => density * thermal_tanh(frequency, temperature),
            Self::Oscillator => density / thermal_tanh(frequency, temperature),
        }
    }

    /// Power of ω by which c(ω) goes to a constant times ω^power at ω → 0.
    pub(super) fn noise_power(self, temperature: f64) -> f64 {
        if self == Self::Oscillator && temperature > 0.0 { -1.0 } else { 0.0 }
    }

    /// The same of d(ω).
    pub(super) fn dissipation_power(self, temperature: f64) -> f64 {
        if self == Self::Spin && temperature > 0.0 { 1.0 } else { 0.0 }
    }
}

/// tanh(ω/2T), 1 at T = 0 (for ω > 0).
fn thermal_tanh(frequency: f64, temperature: f64) -> f64 {
    if temperature == 0.0 { 1.0 } else { (0.5 * frequency / temperature).tanh() }
}
