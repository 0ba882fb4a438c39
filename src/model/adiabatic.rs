//! The adiabatic limit: Eq. (40), its heating rate (41), and the quantum-noise rates that keep the frequencies.

use super::{OscillatorBath, OscillatorSpins, Spin};

/// `dρ/dt = −iΩ₀[a†a, ρ] − Γ[X,[X, ρ]]`, Eq. (40): one jump operator √(2Γ) X.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adiabatic {
    /// Oscillator frequency Ω₀ > 0.
    pub frequency: f64,
    /// Momentum-diffusion rate Γ ≥ 0 (1/time), Eq. (41).
    pub diffusion: f64,
}

impl Adiabatic {
    /// Γ = 2g²/(γ(2n̄+1)), Eq. (41).
    ///
    /// ```
    /// assert_eq!(fluctuator::model::Adiabatic::diffusion_from_spin(1.0, 10.0, 0.0), 0.2);
    /// ```
    pub fn diffusion_from_spin(coupling: f64, gamma: f64, nbar: f64) -> f64 {
        2.0 * coupling * coupling / (gamma * (2.0 * nbar + 1.0))
    }
}

/// The paper's heating rate d⟨N⟩/dt = 2Γ, Eq. (41), summed over the spins.
///
/// `None` unless every coupled spin has ω = 0, Δ ≠ 0, a bath with γ > 0 and no dephasing: only then does Eq. (40) follow.
pub fn heating_rate_adiabatic(model: &OscillatorSpins) -> Option<f64> {
    coupled_with_bath(model)?
        .map(|(spin, gamma, nbar)| 2.0 * Adiabatic::diffusion_from_spin(spin.coupling, gamma, nbar))
        .reduce(|a, b| a + b)
}

/// How far the spins are from the limit of Eq. (41), κ = γ(2n̄+1) ≫ Ω₀, ω̃: the smallest κ/max(Ω₀, ω̃) of them.
///
/// `None` under the same condition as [`heating_rate_adiabatic`].
pub fn adiabaticity(model: &OscillatorSpins) -> Option<f64> {
    let ratio =
        |(spin, gamma, nbar): (&Spin, f64, f64)| gamma * (2.0 * nbar + 1.0) / model.frequency.max(spin.splitting());
    coupled_with_bath(model)?.map(ratio).reduce(f64::min)
}

/// Rates of the oscillator's ladder in second order of g: d⟨N⟩/dt = A₊(⟨N⟩+1) − A₋⟨N⟩.
///
/// With κ = γ(2n̄+1), p₊ = n̄/(2n̄+1), p₋ = 1 − p₊ and L(x) = κ/(x² + κ²/4),
/// A₋ = g²[p₋L(Ω₀−ω̃) + p₊L(Ω₀+ω̃)] and A₊ = g²[p₋L(Ω₀+ω̃) + p₊L(Ω₀−ω̃)].
/// They tend to Γ each for κ ≫ Ω₀, ω̃ and, unlike (41), know that the spin also cools. Small g only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantumNoise {
    /// Upward rate A₊ (1/time).
    pub up: f64,
    /// Downward rate A₋ (1/time).
    pub down: f64,
}

impl QuantumNoise {
    /// The rates summed over the spins; `None` under the same condition as [`heating_rate_adiabatic`].
    pub fn of(model: &OscillatorSpins) -> Option<Self> {
        let spectrum = |kappa: f64, x: f64| kappa / (x * x + kappa * kappa / 4.0);
        let (up, down) = coupled_with_bath(model)?
            .map(|(spin, gamma, nbar)| {
                let kappa = gamma * (2.0 * nbar + 1.0);
                let excited = nbar / (2.0 * nbar + 1.0);
                let near = spectrum(kappa, model.frequency - spin.splitting());
                let far = spectrum(kappa, model.frequency + spin.splitting());
                let g2 = spin.coupling * spin.coupling;
                (g2 * ((1.0 - excited) * far + excited * near), g2 * ((1.0 - excited) * near + excited * far))
            })
            .reduce(|a, b| (a.0 + b.0, a.1 + b.1))?;
        let (gain, loss) =
            model.oscillator_bath.map_or((0.0, 0.0), |bath| (bath.kappa * bath.nbar, bath.kappa * (bath.nbar + 1.0)));
        Some(Self { up: up + gain, down: down + loss })
    }

    /// d⟨N⟩/dt at occupation `number`.
    pub fn heating_rate(&self, number: f64) -> f64 {
        self.up * (number + 1.0) - self.down * number
    }

    /// ⟨N⟩ after `time` from occupation `number`: the closed solution of the rate equation.
    pub fn number(&self, number: f64, time: f64) -> f64 {
        relax(number, self.up, self.down - self.up, time)
    }
}

/// ⟨N⟩(t) of the adiabatic equation with heating rate 2Γ, and the oscillator's own loss κ(⟨N⟩ − n̄) if there is one.
pub fn adiabatic_number(heating_rate: f64, bath: Option<OscillatorBath>, number: f64, time: f64) -> f64 {
    let (kappa, nbar) = bath.map_or((0.0, 0.0), |bath| (bath.kappa, bath.nbar));
    relax(number, heating_rate + kappa * nbar, kappa, time)
}

/// Solution of dn/dt = source − damping·n.
fn relax(initial: f64, source: f64, damping: f64, time: f64) -> f64 {
    let x = damping * time;
    let growth = if x.abs() < 1e-12 { time } else { -(-x).exp_m1() / damping };
    initial * (-x).exp() + source * growth
}

/// Spins with g ≠ 0 with their γ and n̄, or `None` when one of them does not have ω = 0, γ > 0 and γφ = 0.
fn coupled_with_bath(model: &OscillatorSpins) -> Option<impl Iterator<Item = (&Spin, f64, f64)>> {
    let coupled = || model.spins.iter().filter(|spin| spin.coupling != 0.0);
    let eliminable = |spin: &Spin| {
        spin.asymmetry == 0.0
            && spin.tunnelling != 0.0
            && spin.dephasing == 0.0
            && spin.bath.is_some_and(|bath| bath.gamma > 0.0)
    };
    coupled().all(eliminable).then(|| coupled().filter_map(|spin| spin.bath.map(|bath| (spin, bath.gamma, bath.nbar))))
}
