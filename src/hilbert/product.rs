//! Initial kets: a pure oscillator state times one row of the register.

use num_complex::Complex64;

use super::{Cutoff, Ket, Window};
use crate::model::PureOscillator;

/// Amplitudes of a pure oscillator state on consecutive levels, normalised, and what a hard cutoff took from it.
#[derive(Debug, Clone, PartialEq)]
pub struct OscillatorAmplitudes {
    /// Level of the first amplitude.
    pub lo: usize,
    /// ⟨n|φ⟩ for n = lo, lo + 1, …, normalised after the cutoff.
    pub amplitudes: Vec<Complex64>,
    /// Population that lay beyond the cutoff before normalising.
    pub clipped: f64,
}

impl OscillatorAmplitudes {
    /// The state on all levels whose population exceeds `tail` times that of the most likely one.
    ///
    /// Coherent amplitudes follow c_{n+1} = c_n α/√(n+1) both ways from n ≈ |α|², so that the relative error of a level
    /// does not grow with |α|².
    pub fn new(state: PureOscillator, tail: f64, cutoff: Cutoff) -> Self {
        let (lo, mut amplitudes) = match state {
            PureOscillator::Fock(n) => (n, vec![Complex64::ONE]),
            PureOscillator::Coherent(alpha) => coherent(alpha, tail),
        };
        let population = |part: &[Complex64]| part.iter().map(Complex64::norm_sqr).sum::<f64>();
        let total = population(&amplitudes);
        if let Cutoff::Levels(levels) = cutoff {
            amplitudes.truncate(levels.saturating_sub(lo));
        }
        if amplitudes.is_empty() {
            // A number state beyond the cutoff: all of it is lost, and the highest level stands in for it.
            let top = if let Cutoff::Levels(levels) = cutoff { levels - 1 } else { lo };
            return Self { lo: top, amplitudes: vec![Complex64::ONE], clipped: 1.0 };
        }
        let kept = population(&amplitudes);
        for c in &mut amplitudes {
            *c /= kept.sqrt();
        }
        Self { lo, amplitudes, clipped: if kept == total { 0.0 } else { 1.0 - kept / total } }
    }
}

fn coherent(alpha: Complex64, tail: f64) -> (usize, Vec<Complex64>) {
    let mode = alpha.norm_sqr().floor() as usize;
    let mut up = vec![Complex64::ONE];
    let mut n = mode;
    let mut c = Complex64::ONE;
    while c.norm_sqr() > tail && c.norm_sqr() > 0.0 {
        n += 1;
        c *= alpha / (n as f64).sqrt();
        up.push(c);
    }
    let mut down = Vec::new();
    let mut n = mode;
    let mut c = Complex64::ONE;
    while n > 0 && c.norm_sqr() > tail {
        c *= (n as f64).sqrt() / alpha;
        n -= 1;
        down.push(c);
    }
    down.reverse();
    down.extend(up);
    (n, down)
}

/// The normalised ket of `oscillator` in row `row` of `rows`, on the smallest window with `guard` spare levels around.
///
/// Returns the population a hard cutoff took away. `ket` keeps its allocation.
pub fn product_ket(
    ket: &mut Ket,
    oscillator: PureOscillator,
    row: usize,
    tail: f64,
    guard: usize,
    cutoff: Cutoff,
) -> f64 {
    let state = OscillatorAmplitudes::new(oscillator, tail, cutoff);
    let support = Window::around(state.lo, state.lo + state.amplitudes.len());
    let window = support.grown(guard, guard, cutoff);
    ket.reset(window, 0);
    let (re, im) = ket.row_mut(row);
    for (j, c) in state.amplitudes.iter().enumerate() {
        re[state.lo - window.lo() + j] = c.re;
        im[state.lo - window.lo() + j] = c.im;
    }
    state.clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coherent_amplitudes_are_poissonian() {
        let alpha = Complex64::new(1.5, -0.5);
        let state = OscillatorAmplitudes::new(PureOscillator::Coherent(alpha), 1e-20, Cutoff::Auto);
        assert_eq!(state.lo, 0);
        let mut exact = Complex64::from((-alpha.norm_sqr() / 2.0).exp());
        for (n, c) in state.amplitudes.iter().enumerate() {
            // Amplitudes are defined up to one common phase; here the most likely level is real.
            assert!((c.norm() - exact.norm()).abs() < 1e-14, "level {n}");
            exact *= alpha / ((n + 1) as f64).sqrt();
        }
    }

    #[test]
    fn a_cutoff_reports_what_it_took() {
        let state =
            OscillatorAmplitudes::new(PureOscillator::Coherent(Complex64::new(2.0, 0.0)), 1e-24, Cutoff::Levels(5));
        let kept: f64 = (0..5).map(|n| (-4f64).exp() * 4f64.powi(n) / [1.0, 1.0, 2.0, 6.0, 24.0][n as usize]).sum();
        assert!((state.clipped - (1.0 - kept)).abs() < 1e-12);
        assert!((state.amplitudes.iter().map(Complex64::norm_sqr).sum::<f64>() - 1.0).abs() < 1e-14);
    }

    #[test]
    fn high_coherent_states_keep_only_their_support() {
        let state =
            OscillatorAmplitudes::new(PureOscillator::Coherent(Complex64::new(1000.0, 0.0)), 1e-16, Cutoff::Auto);
        assert!(state.lo > 980_000 && state.amplitudes.len() < 20_000);
        let mean: f64 = state.amplitudes.iter().enumerate().map(|(j, c)| c.norm_sqr() * (state.lo + j) as f64).sum();
        assert!((mean - 1e6).abs() < 1e-4, "{mean}");
    }
}
