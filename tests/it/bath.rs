//! The coefficients (24a–d): the reference, closed forms against quadrature, independent routes, and honest errors.

#![allow(clippy::unwrap_used)]

use std::f64::consts::PI;
use std::path::Path;

use fluctuator::bath::{Bath, BathCoefficients, BathKind, Coefficients, SpectralDensity, Table};
use serde_json::Value as Json;
use statrs::function::gamma::gamma;

/// A bath of one of the reference's rows.
fn bath(row: &Json) -> Bath {
    let density = &row["density"];
    let number = |value: &Json| value.as_f64().unwrap();
    let (mass, gamma0, cutoff) = (number(&density["mass"]), number(&density["gamma0"]), number(&density["cutoff"]));
    Bath {
        kind: if row["bath"] == "spin" { BathKind::Spin } else { BathKind::Oscillator },
        density: match density["kind"].as_str().unwrap() {
            "ohmic-drude" => SpectralDensity::OhmicDrude { mass, gamma0, cutoff },
            _ => SpectralDensity::PowerExponential { mass, gamma0, cutoff, exponent: number(&density["exponent"]) },
        },
        temperature: number(&row["temperature"]),
        mass,
        frequency: number(&row["frequency"]),
        diffusion_floor: 0.0,
        tolerance: 1e-8,
    }
}

fn reference() -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/born-markov-coefficients.json");
    serde_json::from_str::<Vec<Json>>(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Largest relative deviation of γ, D₁, f₁, Ω̃₀² from a row.
fn deviation(found: &Coefficients, row: &Json) -> f64 {
    let pairs = [
        (found.gamma, "gamma"),
        (found.diffusion, "D1"),
        (found.anomalous, "f1"),
        (found.frequency_shift_squared, "frequency_shift_squared"),
    ];
    let relative = |(value, key): (f64, &str)| (value / row[key].as_f64().unwrap() - 1.0).abs();
    pairs.into_iter().map(relative).fold(0.0, f64::max)
}

/// J of Eq. (25) for M = 1.3, γ₀ = 0.1, Λ = 5.
fn ohmic() -> SpectralDensity {
    SpectralDensity::OhmicDrude { mass: MASS, gamma0: 0.1, cutoff: 5.0 }
}

/// J ∝ ω^s e^{−ω/Λ} with the same γ₀ and Λ = 2.
fn power(exponent: f64) -> SpectralDensity {
    SpectralDensity::PowerExponential { mass: MASS, gamma0: 0.1, cutoff: 2.0, exponent }
}

const MASS: f64 = 1.3;

fn with(kind: BathKind, density: SpectralDensity, temperature: f64, frequency: f64) -> Bath {
    Bath { kind, density, temperature, mass: MASS, frequency, diffusion_floor: 0.0, tolerance: 1e-8 }
}

/// Every coefficient within its error of `expected` (γ, D₁, f₁, Ω̃₀²), to which its own error may be added.
fn assert_covered(found: &BathCoefficients, expected: [(f64, f64); 4], what: &str) {
    let all = [found.gamma, found.diffusion, found.anomalous, found.frequency_shift_squared];
    for (name, (found, (value, error))) in ["γ", "D₁", "f₁", "Ω̃₀²"].iter().zip(all.into_iter().zip(expected))
    {
        let difference = (found.value - value).abs();
        assert!(difference <= found.error + error, "{what}: {name} = {found:?}, not {value}: {difference:e}");
    }
}

#[test]
fn the_reference_is_reproduced() {
    let rows = reference();
    assert_eq!(rows.len(), 60);
    for row in &rows {
        let bath = bath(row);
        for found in [bath.coefficients().unwrap(), bath.coefficients_by_quadrature().unwrap()] {
            let deviation = deviation(&found.into(), row);
            assert!(deviation < 1e-8, "{deviation:e} at {row}: {found:?}");
        }
    }
}

/// The control: c and d of the other kind of bath are noticed in every row at T > 0, and nowhere at T = 0.
#[test]
fn a_wrong_d_is_noticed_by_the_reference() {
    for row in &reference() {
        let own = bath(row);
        let other = if own.kind == BathKind::Spin { BathKind::Oscillator } else { BathKind::Spin };
        let deviation = deviation(&Bath { kind: other, ..own.clone() }.coefficients().unwrap().into(), row);
        assert_eq!(deviation > 1e-6, own.temperature > 0.0, "{deviation:e} at {row}");
    }
}

/// Closed forms (26)–(28), the digamma form of f₁ and the limits T = 0 against quadrature, over all orders of scales.
#[test]
fn closed_forms_agree_with_quadrature_at_every_scale() {
    for kind in BathKind::ALL {
        for temperature in [0.0, 1e-9, 0.01, 0.3, 1.0, 10.0, 1e6] {
            for frequency in [1e-6, 0.02, 0.7, 5.0, 40.0, 1e5] {
                let bath = with(kind, ohmic(), temperature, frequency);
                let (closed, found) = (bath.coefficients().unwrap(), bath.coefficients_by_quadrature().unwrap());
                let all = [closed.gamma, closed.diffusion, closed.anomalous, closed.frequency_shift_squared];
                let what = format!("{kind:?}, T = {temperature}, Ω₀ = {frequency}");
                assert_covered(&found, all.map(|value| (value.value, value.error)), &what);
                let scale = found.diffusion.value / (MASS * frequency);
                assert!(found.anomalous.error < 1e-12 * scale.max(found.anomalous.value.abs()), "{what}: {found:?}");
            }
        }
    }
}

/// Ei(z) and E₁(z) by their common series, for z < 30: Ei loses nothing, E₁ is taken as a continued fraction above 1.
fn exponential_integrals(z: f64) -> (f64, f64) {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let series = |z: f64| {
        let mut term = 1.0;
        EULER
            + z.abs().ln()
            + (1..200)
                .map(|k| {
                    term *= z / f64::from(k);
                    term / f64::from(k)
                })
                .sum::<f64>()
    };
    let fraction = (1..400).rev().fold(z, |tail, k| z + f64::from(k) / (1.0 + f64::from(k) / tail));
    (series(z), if z < 1.0 { -series(-z) } else { (-z).exp() / fraction })
}

/// s = 1 with exponential cutoff, T = 0: P∫ e^{−ω/Λ}/(ω ∓ Ω) = −e^{−z}Ei(z), e^z E₁(z), z = Ω/Λ.
#[test]
fn exponential_cutoff_at_zero_temperature_is_an_exponential_integral() {
    for z in [0.001, 0.2, 0.9, 3.0, 12.0] {
        let (cutoff, gamma0) = (2.0, 0.1);
        let (ei, e1) = exponential_integrals(z);
        let (near, far) = (-f64::exp(-z) * ei, f64::exp(z) * e1);
        let strength = 2.0 * gamma0 / PI;
        let anomalous = strength * 0.5 * (near + far);
        let shift = -2.0 * strength * cutoff * (1.0 + 0.5 * z * (near - far));
        let local = gamma0 * f64::exp(-z);
        let found = with(BathKind::Spin, power(1.0), 0.0, z * cutoff).coefficients().unwrap();
        let rounding = |value: f64| (value, 4e-15 * value.abs().max(strength * cutoff));
        let expected = [local, MASS * z * cutoff * local, anomalous, shift].map(rounding);
        assert_covered(&found, expected, &format!("z = {z}"));
    }
}

/// Kramers and Kronig: Ω̃₀² over all frequencies gives back γ, −(2ω/π) P∫ χ'(Ω)/(Ω² − ω²) dΩ = χ''(ω).
#[test]
fn the_frequency_shift_knows_the_damping() {
    let shift = |kind, density: &SpectralDensity, temperature, frequency| {
        let bath = Bath { tolerance: 0.5, ..with(kind, density.clone(), temperature, frequency) };
        bath.coefficients().unwrap().frequency_shift_squared.value
    };
    for (kind, density, temperature) in [
        (BathKind::Spin, ohmic(), 0.6),
        (BathKind::Spin, power(0.5), 0.6),
        (BathKind::Oscillator, power(2.5), 0.6),
        (BathKind::Spin, power(1.0), 0.0),
    ] {
        let frequency = 1.7;
        // Midpoints in ln Ω around ω converge exponentially.
        let step = 0.05;
        let pair = |k: u32| {
            let x = (f64::from(k) + 0.5) * step;
            let at = |x: f64| shift(kind, &density, temperature, frequency * x.exp());
            (at(x) - at(-x)) / x.sinh() * step
        };
        let found = (0..800).map(pair).sum::<f64>() / (2.0 * frequency) / PI;
        // χ' = −MΩ̃₀²/π and χ'' = J d, γ = (π/2) J d/(MΩ₀)
        let expected = with(kind, density.clone(), temperature, frequency).coefficients().unwrap().gamma.value;
        assert!((found / expected - 1.0).abs() < 1e-6, "{density:?}: {found} {expected}");
    }
}

/// The definitions (24a–d): half-range integrals over the kernels, here with kernels that fall off as τ⁻⁶.
#[test]
fn the_definitions_over_the_kernels_give_the_same() {
    const NODES: [(f64, f64); 5] = [
        (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
        (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.0, 0.568_888_888_888_888_9),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.906_179_845_938_664, 0.236_926_885_056_189_1),
    ];
    const WIDTH: f64 = 0.15;
    for kind in BathKind::ALL {
        let bath = with(kind, power(5.0), 0.8, 1.7);
        let points =
            (0..100).flat_map(|k| NODES.map(|(x, w)| ((f64::from(k) + 0.5 + 0.5 * x) * WIDTH, 0.5 * WIDTH * w)));
        let mut integrals = [0.0; 4];
        for (delay, weight) in points {
            let (noise, dissipation) = (bath.noise_kernel(delay).unwrap(), bath.dissipation_kernel(delay).unwrap());
            let (sin, cos) = (bath.frequency * delay).sin_cos();
            let terms =
                [dissipation.value * sin, noise.value * cos, -noise.value * sin, -2.0 * dissipation.value * cos];
            integrals.iter_mut().zip(terms).for_each(|(integral, term)| *integral += weight * term);
        }
        let divisors = [MASS * bath.frequency, 1.0, MASS * bath.frequency, MASS];
        let found = Coefficients::from(bath.coefficients().unwrap());
        let found = [found.gamma, found.diffusion, found.anomalous, found.frequency_shift_squared];
        for ((integral, divisor), found) in integrals.iter().zip(divisors).zip(found) {
            assert!((integral / divisor / found - 1.0).abs() < 1e-5, "{kind:?}: {integrals:?} {found:?}");
        }
    }
}

/// A slow oscillator sees −(2/M)∫J/ω, a fast one (2/M)∫Jω/Ω₀², for sub- and super-Ohmic baths.
#[test]
fn the_frequency_shift_obeys_its_sum_rules() {
    for exponent in [0.05, 0.5, 1.0, 3.5, 100.0] {
        let strength = 0.1 * 2.0 * MASS / PI;
        let shift = |frequency: f64| {
            let bath = Bath { tolerance: 0.5, ..with(BathKind::Oscillator, power(exponent), 1.0, frequency) };
            bath.coefficients().unwrap().frequency_shift_squared.value
        };
        let slow = -2.0 / MASS * strength * 2.0 * gamma(exponent);
        // The next term is of the relative order Ω^min(s, 2).
        let tolerance = 20.0 * 1e-30f64.powf(exponent.min(2.0)).max(1e-14) * exponent.max(1.0);
        assert!((shift(1e-30) / slow - 1.0).abs() < tolerance, "s = {exponent}: {} {slow}", shift(1e-30));
        if exponent > 10.0 {
            continue; // 1e6 is not fast: J ends near 400
        }
        let fast = 2.0 / MASS * strength * 8.0 * gamma(exponent + 2.0) / 1e12;
        assert!((shift(1e6) / fast - 1.0).abs() < 1e-9, "s = {exponent}: {} {fast}", shift(1e6));
    }
}

/// (22): an oscillator bath with J tanh(ω/2T) does what the spin bath with J does; with J alone it does not.
#[test]
fn the_surrogate_density_does_what_the_spin_bath_does() {
    let (temperature, density) = (0.7, power(1.0));
    let rows = |density: &dyn Fn(f64) -> f64| -> Table {
        Table::new(&(0..=4000).map(|k| f64::from(k) * 0.02).map(|w| (w, density(w))).collect::<Vec<_>>()).unwrap()
    };
    let surrogate = rows(&|w| if w == 0.0 { 0.0 } else { BathKind::Spin.surrogate(density.at(w), w, temperature) });
    let plain = rows(&|w| density.at(w));
    let spin = with(BathKind::Spin, density.clone(), temperature, 1.3).coefficients().unwrap();
    let all = [spin.gamma, spin.diffusion, spin.anomalous, spin.frequency_shift_squared];
    let with_table = |table: Table| Bath {
        tolerance: 1e-3,
        ..with(BathKind::Oscillator, SpectralDensity::Table(table), temperature, 1.3)
    };
    let mapped = with_table(surrogate).coefficients().unwrap();
    assert_covered(&mapped, all.map(|value| (value.value, value.error)), "J tanh");
    let unmapped = with_table(plain).coefficients().unwrap();
    assert!((unmapped.gamma.value / spin.gamma.value - 1.0).abs() > 0.1);
}
