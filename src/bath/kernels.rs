//! Noise and dissipation kernels ν(τ), η(τ) and the bath's self-correlation function C(τ), Eq. (17), (19) and (20).

use num_complex::Complex64;

use super::quadrature::{Integrand, Wave, fourier};
use super::{Bath, BathKind, SpectralDensity, SpinList, Value};
use crate::{Error, Result};

/// ν and η over delays, and C₀.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernels {
    /// Delays τ (1/frequency unit).
    pub delays: Vec<f64>,
    /// ν(τ) = ∫ J c cos ωτ dω (mass·frequency³), (19) and (20a).
    pub noise: Vec<Value>,
    /// η(τ) = ∫ J d sin ωτ dω (mass·frequency³), (19) and (20b).
    pub dissipation: Vec<Value>,
    /// C₀ of Eq. (17): 0 for an oscillator bath, and where J alone is known.
    pub constant: f64,
}

impl Kernels {
    /// Evaluates both kernels of `bath` at `delays`.
    ///
    /// # Errors
    /// As [`Bath::noise_kernel`].
    pub fn of(bath: &Bath, delays: &[f64]) -> Result<Self> {
        Ok(Self {
            delays: delays.to_vec(),
            noise: delays.iter().map(|&delay| bath.noise_kernel(delay)).collect::<Result<_>>()?,
            dissipation: delays.iter().map(|&delay| bath.dissipation_kernel(delay)).collect::<Result<_>>()?,
            constant: bath.constant(),
        })
    }

    /// C(τ) = C₀ + ν(τ) − iη(τ), Eq. (19), at each delay.
    pub fn correlation(&self) -> impl Iterator<Item = Complex64> + '_ {
        let pairs = self.noise.iter().zip(&self.dissipation);
        pairs.map(|(noise, dissipation)| Complex64::new(self.constant + noise.value, -dissipation.value))
    }
}

impl Bath {
    /// C₀ of Eq. (17); an oscillator bath has none.
    pub fn constant(&self) -> f64 {
        match self.kind {
            BathKind::Spin => self.density.constant(self.temperature),
            BathKind::Oscillator => 0.0,
        }
    }

    /// ν(τ) = ∫₀^∞ J(ω) c(ω) cos ωτ dω, τ ≥ 0; sums over a sharp comb, else quadrature.
    ///
    /// # Errors
    /// When the integral diverges (τ = 0 with a Lorentz–Drude cutoff; J(0) > 0 in a warm oscillator bath) or τ is so long
    /// that it oscillates more than quadrature can follow.
    pub fn noise_kernel(&self, delay: f64) -> Result<Value> {
        let weight = |w: f64| self.kind.noise(w, self.temperature);
        self.kernel(delay, Wave::Cosine, self.kind.noise_power(self.temperature), &weight)
    }

    /// η(τ) = ∫₀^∞ J(ω) d(ω) sin ωτ dω, τ ≥ 0.
    ///
    /// # Errors
    /// As [`Self::noise_kernel`].
    pub fn dissipation_kernel(&self, delay: f64) -> Result<Value> {
        let weight = |w: f64| self.kind.dissipation(w, self.temperature);
        self.kernel(delay, Wave::Sine, self.kind.dissipation_power(self.temperature), &weight)
    }

    fn kernel(&self, delay: f64, wave: Wave, power: f64, weight: &dyn Fn(f64) -> f64) -> Result<Value> {
        match &self.density {
            SpectralDensity::Spins(spins) if spins.is_sharp() => return Ok(comb(spins, delay, wave, weight)),
            _ if delay == 0.0 && wave == Wave::Sine => return Ok(Value { value: 0.0, error: 0.0 }),
            _ => {}
        }
        let shape = self.density.shape();
        let power = shape.power + power;
        if power <= -1.0 && shape.low == 0.0 && wave == Wave::Cosine {
            let reason = "ν(τ) diverges: J(0) > 0 needs a spin bath or T = 0, since coth(ω/2T) ≈ 2T/ω";
            return Err(Error::Numerical(reason.into()));
        }
        let function = |w: f64| self.density.at(w) * weight(w);
        if delay > 0.0 {
            let integrand = Integrand { function: &function, power, shape: &shape, temperature: self.temperature };
            return fourier(&integrand, delay, wave);
        }
        if shape.high.is_infinite() {
            let reason = "ν(0) = ∫ J c dω diverges with a Lorentz–Drude cutoff; choose delays > 0";
            return Err(Error::Numerical(reason.into()));
        }
        // The limit τ → 0 of the same routine: no oscillation below `high`.
        let integrand = Integrand { function: &function, power, shape: &shape, temperature: self.temperature };
        fourier(&integrand, 1e-9 / shape.high, Wave::Cosine)
    }
}

fn comb(spins: &SpinList, delay: f64, wave: Wave, weight: &dyn Fn(f64) -> f64) -> Value {
    let mut sum = Value { value: 0.0, error: 0.0 };
    for &(line, strength) in spins.lines() {
        let phase = line * delay;
        let amplitude = strength * weight(line);
        let value = amplitude * if wave == Wave::Cosine { phase.cos() } else { phase.sin() };
        sum = sum + Value { value, error: f64::EPSILON * amplitude * (4.0 + phase) };
    }
    sum
}
