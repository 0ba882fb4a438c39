//! Reported standard errors cover: over many seeds the deviations from the exact mean, in standard errors, are standard
//! normal.

use fluctuator::model::OscillatorPreparation;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::systems::{exact, experiment, mean, oscillator, spin, standard_error, trajectories};

const SEEDS: u64 = 1000;
const TRAJECTORIES: u64 = 512;

/// z-scores of ⟨N⟩ and of the inversion at the end of a short run, one pair per seed.
fn z_scores() -> Vec<[f64; 2]> {
    let model = oscillator(vec![spin(2.0, 1.0, 10.0, 1.0)], None);
    let experiment = experiment(model, OscillatorPreparation::Fock(0), 1.0, 2);
    let truth = exact(&experiment);
    let z = |seed| {
        let ensemble = trajectories(&experiment, TRAJECTORIES, seed);
        [0, 4].map(|o| (mean(&ensemble, 1, o) - truth.observables[o][1]) / standard_error(&ensemble, 1, o))
    };
    (0..SEEDS).map(z).collect()
}

/// Whether a fraction `seen` of `SEEDS` lies within 5 binomial standard errors of `expected`.
fn binomially(seen: f64, expected: f64) -> bool {
    (seen - expected).abs() <= 5.0 * (expected * (1.0 - expected) / SEEDS as f64).sqrt()
}

#[test]
fn pooled_deviations_are_standard_normal() {
    let scores = z_scores();
    let n = SEEDS as f64;
    for (index, name) in ["number", "inversion"].into_iter().enumerate() {
        let z: Vec<f64> = scores.iter().map(|pair| pair[index]).collect();
        let mean = z.iter().sum::<f64>() / n;
        let variance = z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // 5σ of the mean and of the variance of n normal numbers: false alarm 1.1e-6 together.
        assert!(mean.abs() <= 5.0 / n.sqrt(), "{name}: mean z = {mean}");
        assert!((variance - 1.0).abs() <= 5.0 * (2.0 / n).sqrt(), "{name}: variance of z = {variance}");
        for sigmas in [1.0, 2.0] {
            let inside = |scale: f64| z.iter().filter(|z| (scale * **z).abs() <= sigmas).count() as f64 / n;
            let expected = 1.0 - 2.0 * Normal::standard().sf(sigmas);
            assert!(binomially(inside(1.0), expected), "{name}: {} inside {sigmas} σ, not {expected}", inside(1.0));
            // Negative control: error bars too small by a quarter do not pass.
            assert!(!binomially(inside(1.0 / 0.75), expected), "{name}: the test cannot see wrong error bars");
        }
    }
}
