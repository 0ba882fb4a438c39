//! A bath at a temperature, traced out: the coefficients (24a–d) of the Born–Markov equation with their errors.

use std::f64::consts::FRAC_PI_2;

use super::quadrature::{Integrand, integrate, principal_value};
use super::{BathCoefficients, BathKind, SpectralDensity, SpinList, Table, Value, ohmic};
use crate::{Error, Result};

/// A sharp line this close to Ω₀, relative to it, is on resonance.
const RESONANCE: f64 = 1e-9;

/// Everything that the coefficients (24a–d) depend on; ħ = k_B = 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Bath {
    /// Spins or oscillators.
    pub kind: BathKind,
    /// J(ω).
    pub density: SpectralDensity,
    /// Temperature T ≥ 0.
    pub temperature: f64,
    /// Mass M > 0 of the oscillator.
    pub mass: f64,
    /// Its frequency Ω₀ > 0.
    pub frequency: f64,
    /// D₀ ≥ 0 of Eq. (24c): not determined by J (∫₀^∞ C₀ cos Ω₀τ dτ = 0 in the Abel sense), so given by hand.
    pub diffusion_floor: f64,
    /// Largest error that a coefficient may have, relative to it or, where it is small, to what D₁/(MΩ₀) makes in its unit.
    pub tolerance: f64,
}

/// γ, D₁, f₁, Ω̃₀².
#[derive(Debug, Clone, Copy)]
struct Four([Value; 4]);

const NAMES: [&str; 4] = ["γ", "D₁", "f₁", "Ω̃₀²"];

impl Bath {
    /// The coefficients (24a–d): with c and d of [`BathKind`],
    ///
    /// ```text
    /// γ   = (π/2) J(Ω₀) d(Ω₀)/(MΩ₀)                 D₁ = (π/2) J(Ω₀) c(Ω₀)
    /// f₁  = (1/M) P∫ J(ω) c(ω)/(ω² − Ω₀²) dω        Ω̃₀² = −(2/M) P∫ J(ω) d(ω) ω/(ω² − Ω₀²) dω
    /// ```
    ///
    /// in closed form for the Ohmic density (25) (but for Ω̃₀² of the spin bath at T > 0), as sums over a sharp comb, else by
    /// adaptive principal-value quadrature.
    ///
    /// The error of a table is what leaving out every second row changes (the larger of the two ways, in quadrature with the
    /// same of its Hilbert transform), and twice what tails ∝ ω below and ∝ ω⁻² above its range would add.
    ///
    /// ```
    /// use fluctuator::bath::{Bath, BathKind, SpectralDensity};
    /// let density = SpectralDensity::OhmicDrude { mass: 1.0, gamma0: 0.1, cutoff: 5.0 };
    /// let (kind, temperature) = (BathKind::Spin, 1.0);
    /// let bath =
    ///     Bath { kind, density, temperature, mass: 1.0, frequency: 1.0, diffusion_floor: 0.0, tolerance: 1e-8 };
    /// let found = bath.coefficients()?;
    /// assert!((found.gamma.value - 0.1 * 25.0 / 26.0 * 0.5f64.tanh()).abs() < 1e-15); // Eq. (26)
    /// # Ok::<(), fluctuator::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a coefficient diverges or is not determined (a sharp line on resonance, a table that misses Ω₀, J(0) > 0 for a
    /// warm oscillator bath), or an error exceeds the tolerance.
    pub fn coefficients(&self) -> Result<BathCoefficients> {
        self.found(true)
    }

    /// The same by quadrature alone (sums for a sharp comb): a second route to the closed forms.
    ///
    /// # Errors
    /// As [`Self::coefficients`].
    pub fn coefficients_by_quadrature(&self) -> Result<BathCoefficients> {
        self.found(false)
    }

    fn found(&self, closed_forms: bool) -> Result<BathCoefficients> {
        let four = match &self.density {
            SpectralDensity::Spins(spins) if spins.is_sharp() => self.comb(spins)?,
            SpectralDensity::Table(table) => self.table(table)?,
            density => self.integrals(density, closed_forms)?,
        };
        let Four([gamma, diffusion, anomalous, frequency_shift_squared]) = four;
        self.check(&four)?;
        Ok(BathCoefficients { gamma, floor: self.diffusion_floor, diffusion, anomalous, frequency_shift_squared })
    }

    /// Refuses errors above the tolerance.
    fn check(&self, four: &Four) -> Result<()> {
        let rate = four.0[1].value.abs() / (self.mass * self.frequency);
        let scales = [rate, rate * self.mass * self.frequency, rate, rate * self.frequency];
        for ((found, scale), name) in four.0.iter().zip(scales).zip(NAMES) {
            if found.error > self.tolerance * found.value.abs().max(scale) {
                let advice = match self.density {
                    SpectralDensity::Table(_) => {
                        "the table is too coarse or too short for this error; give more rows or"
                    }
                    SpectralDensity::OhmicDrude { .. }
                    | SpectralDensity::PowerExponential { .. }
                    | SpectralDensity::Spins(_) => "quadrature comes no closer; give",
                };
                let allowed = format!(
                    "{name} = {:.6e} is known to ± {:.1e}: {advice} a larger tolerance",
                    found.value, found.error
                );
                return Err(Error::value("model.density.tolerance", self.tolerance, allowed));
            }
        }
        Ok(())
    }

    /// γ and D₁ from J(Ω₀) with its error.
    fn local(&self, density: Value) -> [Value; 2] {
        let scaled = |factor: f64| Value {
            value: factor * density.value,
            error: factor * (density.error + 8.0 * f64::EPSILON * density.value),
        };
        let dissipation = self.kind.dissipation(self.frequency, self.temperature);
        let noise = self.kind.noise(self.frequency, self.temperature);
        [scaled(FRAC_PI_2 * dissipation / (self.mass * self.frequency)), scaled(FRAC_PI_2 * noise)]
    }

    fn integrals(&self, density: &SpectralDensity, closed_forms: bool) -> Result<Four> {
        let [gamma, diffusion] = self.local(Value { value: density.at(self.frequency), error: 0.0 });
        let (&Self { temperature, frequency, mass, kind, .. }, shape) = (self, density.shape());
        let anomalous = || {
            let function = |w: f64| density.at(w) * kind.noise(w, temperature);
            let power = shape.power + kind.noise_power(temperature);
            if power <= -1.0 && shape.low == 0.0 {
                let allowed = "f₁ of Eq. (24d) diverges: J(0) > 0 needs a spin bath or T = 0, since coth(ω/2T) ≈ 2T/ω";
                return Err(Error::value("model.density", format!("J(0) = {}", density.at(0.0)), allowed));
            }
            let found =
                principal_value(&Integrand { function: &function, power, shape: &shape, temperature }, frequency)?;
            Ok(times(found, 1.0 / mass))
        };
        let shift = || {
            let function = |w: f64| density.at(w) * kind.dissipation(w, temperature) * w;
            let power = shape.power + kind.dissipation_power(temperature) + 1.0;
            let found =
                principal_value(&Integrand { function: &function, power, shape: &shape, temperature }, frequency)?;
            Ok::<_, Error>(times(found, -2.0 / mass))
        };
        match density {
            SpectralDensity::OhmicDrude { mass: of_density, gamma0, cutoff } if closed_forms => {
                let gamma0 = gamma0 * of_density / mass;
                let anomalous = ohmic::anomalous(gamma0, *cutoff, frequency, temperature, kind);
                let shift = match (kind, temperature > 0.0) {
                    (BathKind::Spin, true) => shift()?,
                    (BathKind::Spin, false) | (BathKind::Oscillator, _) => {
                        ohmic::frequency_shift_squared(gamma0, *cutoff, frequency)
                    }
                };
                Ok(Four([gamma, diffusion, anomalous, shift]))
            }
            SpectralDensity::OhmicDrude { .. }
            | SpectralDensity::PowerExponential { .. }
            | SpectralDensity::Table(_)
            | SpectralDensity::Spins(_) => Ok(Four([gamma, diffusion, anomalous()?, shift()?])),
        }
    }

    /// Sums over a sharp comb: J(Ω₀) = 0, so γ = D₁ = 0.
    fn comb(&self, spins: &SpinList) -> Result<Four> {
        let (mut anomalous, mut shift) = (Value { value: 0.0, error: 0.0 }, Value { value: 0.0, error: 0.0 });
        for &(line, weight) in spins.lines() {
            let detuning = (line - self.frequency) / self.frequency;
            if detuning.abs() <= RESONANCE {
                let allowed = "a sharp line on resonance with Ω₀ makes γ and D₁ infinite; give density.broadening > 0";
                return Err(Error::value("model.density.spins", format!("a spin with ω̃ = {line}"), allowed));
            }
            let denominator = (line - self.frequency) * (line + self.frequency);
            let rounding = 8.0 * f64::EPSILON * (1.0 + 1.0 / detuning.abs());
            let term = |value: f64| Value { value, error: rounding * value.abs() };
            let noise = self.kind.noise(line, self.temperature);
            let dissipation = self.kind.dissipation(line, self.temperature);
            anomalous = anomalous + term(weight * noise / denominator / self.mass);
            shift = shift + term(-2.0 * weight * dissipation * line / denominator / self.mass);
        }
        let nothing = Value { value: 0.0, error: 0.0 };
        Ok(Four([nothing, nothing, anomalous, shift]))
    }

    /// The integrals over a table, and what interpolation and the missing tails may have to do with them.
    fn table(&self, table: &Table) -> Result<Four> {
        let [first, last] = table.range();
        if !(first < self.frequency && self.frequency < last) {
            let allowed = format!("the table must reach beyond Ω₀ = {} on both sides", self.frequency);
            return Err(Error::value("model.density.file", format!("ω from {first} to {last}"), allowed));
        }
        let Four(mut found) = self.integrals(&SpectralDensity::Table(table.clone()), true)?;
        let thinned = table.thinned();
        let mut differences = [0.0f64; 4];
        for thin in &thinned {
            let Four(coarse) = self.integrals(&SpectralDensity::Table(thin.clone()), true)?;
            for ((difference, coarse), fine) in differences.iter_mut().zip(coarse).zip(found) {
                *difference = difference.max((coarse.value - fine.value).abs());
            }
        }
        // Two curves may cross at Ω₀ by chance, but not they and their Hilbert transforms: D₁/MΩ₀ and f₁ are such a pair, and γ
        // and Ω̃₀²/2Ω₀; errors are those of the pair.
        let momentum = self.mass * self.frequency;
        let local = self.local(Value { value: table.at(self.frequency), error: table.doubt(&thinned, self.frequency) });
        let noise = (local[1].error / momentum).hypot(differences[2]);
        let dissipation = local[0].error.hypot(differences[3] / (2.0 * self.frequency));
        let tails = self.tails(table)?;
        found[0].error += dissipation;
        found[1].error += momentum * noise;
        found[2].error += noise + 2.0 * tails[0];
        found[3].error += 2.0 * self.frequency * dissipation + 2.0 * tails[1];
        Ok(Four(found))
    }

    /// What |f₁| and |Ω̃₀²| would gain by J ∝ ω below the table and ∝ ω⁻² above it.
    fn tails(&self, table: &Table) -> Result<[f64; 2]> {
        let ([first, last], [low, high]) = (table.range(), table.ends());
        let below = |w: f64| low * w / first;
        let above = |w: f64| high * (last / w).powi(2);
        let mut tails = [0.0; 2];
        for (k, tail) in tails.iter_mut().enumerate() {
            let weight = |w: f64| match k {
                0 => self.kind.noise(w, self.temperature) / self.mass,
                _ => 2.0 * w * self.kind.dissipation(w, self.temperature) / self.mass,
            };
            let part = |w: f64, j: f64| j * weight(w) * w / ((w - self.frequency) * (w + self.frequency));
            if first > 0.0 && low > 0.0 {
                *tail +=
                    integrate(|x| part(x.exp(), below(x.exp())), [first.ln() - 40.0, first.ln()], &[])?.value.abs();
            }
            if high > 0.0 {
                *tail += integrate(|x| part(x.exp(), above(x.exp())), [last.ln(), last.ln() + 40.0], &[])?.value.abs();
            }
        }
        Ok(tails)
    }
}

fn times(found: Value, factor: f64) -> Value {
    Value { value: factor * found.value, error: factor.abs() * found.error }
}
