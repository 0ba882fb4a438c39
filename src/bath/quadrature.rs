//! Integrals over 0 < ω < ∞: principal values and half-range Fourier integrals, by adaptive Gauss–Kronrod rules.

use std::f64::consts::{FRAC_PI_2, PI};

use bilby::{AdaptiveIntegrator, GKPair};

use super::Value;
use super::density::Shape;
use crate::{Error, Result};

/// Relative accuracy asked of every piece; rounding ends the search before where a piece cancels.
const RELATIVE: f64 = 1e-13;
const MAX_EVALUATIONS: usize = 40_000_000;
/// Widest panel to begin with, in ln ω.
const PANEL: f64 = 2.0;
/// Frequencies below this fraction of the smallest scale follow the power law of ω → 0.
const NEGLIGIBLE: f64 = 1e-17;
/// Smallest frequency that may be reached, relative to the oscillator's.
const SMALLEST: f64 = 1e-290;
/// Most half-periods of a Fourier integral over a finite range, and over an infinite one.
const MAX_HALF_PERIODS: f64 = 200_000.0;
const MAX_ACCELERATED: usize = 400;

/// F(ω) ∝ ω^power at ω → 0, with what is known of where it changes.
pub(super) struct Integrand<'a> {
    /// F.
    pub function: &'a dyn Fn(f64) -> f64,
    /// Power of ω at ω → 0, > −1.
    pub power: f64,
    /// Where J changes.
    pub shape: &'a Shape,
    /// Temperature, a scale of its own if > 0.
    pub temperature: f64,
}

impl Integrand<'_> {
    /// All scales: where breaks belong.
    fn scales(&self) -> impl Iterator<Item = f64> {
        let ends = [self.temperature, self.shape.low, self.shape.high].into_iter();
        ends.chain(self.shape.breaks.iter().copied()).filter(|scale| *scale > 0.0 && scale.is_finite())
    }

    /// Where integration begins and whether F ∝ ω^power below (else F = 0 there).
    fn beginning(&self, frequency: f64) -> Result<(f64, bool)> {
        if self.shape.low > 0.0 {
            return Ok((self.shape.low, false));
        }
        let begin = NEGLIGIBLE * self.scales().fold(frequency, f64::min);
        if begin < SMALLEST * frequency.min(1.0) || begin < f64::MIN_POSITIVE {
            let reason = "the scales of temperature, cutoff and frequency lie too far apart (give temperature 0)";
            return Err(Error::Numerical(reason.into()));
        }
        Ok((begin, true))
    }

    /// Where F has become negligible beside ω⁰, or zero.
    fn end(&self, frequency: f64) -> f64 {
        let largest = self.scales().fold(frequency, f64::max);
        self.shape.high.min(largest / NEGLIGIBLE)
    }
}

/// P∫₀^∞ F(ω)/(ω² − Ω²) dω.
///
/// With ω = Ωe^{±x} this is (1/2Ω) ∫₀^∞ [F(Ωe^x) − F(Ωe^{−x})]/sinh x dx: symmetric around the pole, smooth at x = 0, and
/// every scale (Ω, Λ, T, lines, rows) has a width of order one in x, however far apart they are. What lies below 1e-17 of the
/// smallest scale is added in closed form, so 0 < s < 1 needs no special case.
pub(super) fn principal_value(integrand: &Integrand, frequency: f64) -> Result<Value> {
    let f = |x: f64| (integrand.function)(frequency * x.exp());
    let kernel = |x: f64| 0.5 / (frequency * x.sinh());
    let (begin, power_law) = integrand.beginning(frequency)?;
    let (down, up) = ((frequency / begin).ln(), (integrand.end(frequency) / frequency).ln());
    let breaks: Vec<f64> = integrand.scales().map(|scale| (scale / frequency).ln()).collect();
    // Both sides reach as far as `near`; beyond, each goes its own way.
    let near = down.min(up).min(1.0);
    let mut sum = Value { value: 0.0, error: 0.0 };
    if near > 0.0 {
        let both: Vec<f64> = breaks.iter().map(|x| x.abs()).collect();
        // F(Ω)/2Ω is what both sides are made of, before they cancel: nothing can be known better than its rounding.
        let floor = RELATIVE * f(0.0).abs() / (2.0 * frequency);
        sum = sum + integrate_to(floor, |x| (f(x) - f(-x)) * kernel(x), [0.0, near], &both)?;
    }
    sum = sum + integrate(|x| f(x) * kernel(x), [near.max(0.0), up], &breaks)?;
    let mirrored: Vec<f64> = breaks.iter().map(|x| -x).collect();
    sum = sum + integrate(|x| -f(-x) * kernel(x), [near.max(0.0), down], &mirrored)?;
    if power_law {
        let below = (integrand.function)(begin) * begin / (integrand.power + 1.0);
        sum.value -= below / (frequency * frequency);
    }
    finite(sum)
}

/// cos or sin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wave {
    Cosine,
    Sine,
}

/// ∫₀^∞ F(ω) cos ωτ dω or ∫₀^∞ F(ω) sin ωτ dω, τ > 0.
///
/// From 0 to the wave's first zero in ln ω; then from zero to zero, all at once where F ends, and where it does not (F falling
/// off as a power) by Wynn's ε-algorithm on the alternating sums.
pub(super) fn fourier(integrand: &Integrand, delay: f64, wave: Wave) -> Result<Value> {
    let oscillation = |frequency: f64| match wave {
        Wave::Cosine => (frequency * delay).cos(),
        Wave::Sine => (frequency * delay).sin(),
    };
    let function = |frequency: f64| (integrand.function)(frequency) * oscillation(frequency);
    let first = if wave == Wave::Cosine { FRAC_PI_2 / delay } else { PI / delay };
    let (begin, power_law) = integrand.beginning(first)?;
    let end = integrand.shape.high;
    let logarithms: Vec<f64> = integrand.scales().map(f64::ln).collect();
    let mut sum = integrate(|x| function(x.exp()) * x.exp(), [begin.ln(), first.min(end).ln()], &logarithms)?;
    if power_law {
        let (power, phase) = if wave == Wave::Cosine { (1.0, 1.0) } else { (2.0, delay * begin) };
        sum.value += (integrand.function)(begin) * begin * phase / (integrand.power + power);
    }
    let breaks: Vec<f64> = integrand.scales().collect();
    if end.is_finite() {
        let half_periods = (end - first) * delay / PI;
        if half_periods > MAX_HALF_PERIODS {
            let reason =
                format!("a delay of {delay} is {half_periods:.0} half-periods of the bath's highest frequency");
            return Err(Error::Numerical(reason));
        }
        let zeros = (1..=half_periods.max(0.0) as usize).map(|k| first + k as f64 * PI / delay);
        let breaks: Vec<f64> = zeros.chain(breaks).collect();
        return finite(sum + integrate(function, [first.max(begin), end], &breaks)?);
    }
    let mut sums = vec![sum.value];
    let mut before = f64::INFINITY;
    for k in 0..MAX_ACCELERATED {
        let from = first + k as f64 * PI / delay;
        sum = sum + integrate(function, [from, from + PI / delay], &breaks)?;
        sums.push(sum.value);
        let limit = accelerated(&sums);
        let change = (limit - before).abs();
        before = limit;
        let rounding = RELATIVE * sums.iter().fold(0.0, |largest: f64, s| largest.max(s.abs()));
        if k > 6 && change <= rounding {
            // Differences of differences of partial sums: rounding comes back some ten times larger.
            return finite(Value { value: limit, error: sum.error + 10.0 * (change + rounding) });
        }
    }
    let change = (before - sum.value).abs();
    finite(Value { value: before, error: sum.error + change })
}

/// Limit of a sequence by Wynn's ε-algorithm (MTAC 10, 91 (1956)), from its last thirty members.
fn accelerated(sums: &[f64]) -> f64 {
    let recent = &sums[sums.len().saturating_sub(31)..];
    let (mut before, mut now) = (vec![0.0; recent.len() + 1], recent.to_vec());
    let mut best = recent[recent.len() - 1];
    for column in 1..recent.len() {
        let next: Vec<f64> = (0..now.len() - 1)
            .map(|k| {
                let step = now[k + 1] - now[k];
                before[k + 1] + 1.0 / step
            })
            .collect();
        before = now;
        now = next;
        let Some(&last) = now.last().filter(|last| last.is_finite()) else { break };
        if column % 2 == 0 {
            best = last;
        }
    }
    best
}

/// ∫ f over a finite range, adaptively, with an error estimate that is honest about rounding; 0 over an empty range.
pub(super) fn integrate(f: impl Fn(f64) -> f64, range: [f64; 2], breaks: &[f64]) -> Result<Value> {
    integrate_to(0.0, f, range, breaks)
}

/// The same, content with an absolute error of `floor`.
fn integrate_to(floor: f64, f: impl Fn(f64) -> f64, range: [f64; 2], breaks: &[f64]) -> Result<Value> {
    let [from, to] = range;
    if from >= to {
        return Ok(Value { value: 0.0, error: 0.0 });
    }
    let panels = ((to - from) / PANEL).ceil().clamp(1.0, 2000.0);
    let step = (to - from) / panels;
    let inside = |point: &f64| *point > from && *point < to;
    let even = (1..panels as usize).map(|k| from + k as f64 * step);
    let points: Vec<f64> = even.chain(breaks.iter().copied()).filter(inside).collect();
    let rule = AdaptiveIntegrator::default().with_pair(GKPair::G10K21).with_rel_tol(RELATIVE);
    let rule = rule.with_abs_tol(floor.max(f64::MIN_POSITIVE)).with_max_evals(MAX_EVALUATIONS);
    let found =
        rule.integrate_with_breaks(from, to, &points, f).map_err(|error| Error::Numerical(error.to_string()))?;
    Ok(Value { value: found.value, error: found.error_estimate })
}

fn finite(value: Value) -> Result<Value> {
    match value.value.is_finite() && value.error.is_finite() {
        true => Ok(value),
        false => Err(Error::Numerical("an integral over the spectral density leaves the range of numbers".into())),
    }
}

impl std::ops::Add for Value {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, error: self.error + other.error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(low: f64, high: f64) -> Shape {
        Shape { power: 0.0, low, high, breaks: vec![1.0] }
    }

    /// P∫₀^∞ ω^{s−1}/(ω² − Ω²) dω = −(π/2) Ω^{s−2} cot(πs/2), cut off by 1/(1 + ω²), which splits off.
    #[test]
    fn powers_have_their_principal_value() {
        for s in [0.02, 0.3, 0.5, 0.9, 1.0, 1.5, 1.9] {
            for frequency in [1e-6, 0.3, 1.0, 7.0, 1e5] {
                let function = |w: f64| w.powf(s - 1.0) / (1.0 + w * w);
                let shape = shape(0.0, f64::INFINITY);
                let integrand = Integrand { function: &function, power: s - 1.0, shape: &shape, temperature: 0.0 };
                let found = principal_value(&integrand, frequency).unwrap();
                let o2 = frequency * frequency;
                let pole = -FRAC_PI_2 * f64::powf(frequency, s - 2.0) / f64::tan(FRAC_PI_2 * s);
                let cutoff = FRAC_PI_2 / f64::sin(FRAC_PI_2 * s);
                let expected = (pole - cutoff) / (1.0 + o2);
                let (error, scale) = ((found.value - expected).abs(), (pole.abs() + cutoff) / (1.0 + o2));
                assert!(
                    error <= found.error + 1e-14 * scale,
                    "s = {s}, Ω = {frequency}: {error:e} > {:e}",
                    found.error
                );
                assert!(found.error < 1e-9 * scale.max(f64::powf(frequency, s - 2.0)), "{s} {frequency} {found:?}");
            }
        }
    }

    /// ∫₀^∞ cos ωτ/(1 + ω²) = (π/2)e^{−τ}, ∫₀^∞ ω sin ωτ/(1 + ω²) = (π/2)e^{−τ}; and a box.
    #[test]
    fn fourier_integrals_with_and_without_an_end() {
        for delay in [1e-3, 0.1, 1.0, 5.0, 20.0] {
            let expected = FRAC_PI_2 * f64::exp(-delay);
            let infinite = shape(0.0, f64::INFINITY);
            for (wave, power) in [(Wave::Cosine, 0.0), (Wave::Sine, 1.0)] {
                let function = |w: f64| w.powf(power) / (1.0 + w * w);
                let integrand = Integrand { function: &function, power, shape: &infinite, temperature: 0.0 };
                let found = fourier(&integrand, delay, wave).unwrap();
                let error = (found.value - expected).abs();
                assert!(error <= found.error.max(1e-14) && error < 1e-9, "τ = {delay}, {wave:?}: {error:e} {found:?}");
            }
            let boxed = shape(0.5, 2.0);
            let integrand = Integrand { function: &|_| 1.0, power: 0.0, shape: &boxed, temperature: 0.0 };
            let found = fourier(&integrand, delay, Wave::Cosine).unwrap();
            let expected = ((2.0 * delay).sin() - (0.5 * delay).sin()) / delay;
            assert!((found.value - expected).abs() < 1e-12, "{delay} {found:?} {expected}");
        }
    }
}
