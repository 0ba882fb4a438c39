//! Tables and lists of spins, and the kernels: closed forms, the two-level system itself, and errors that cover.

#![allow(clippy::unwrap_used)]

use std::f64::consts::PI;

use fluctuator::bath::{Bath, BathKind, BathSpin, Kernels, SpectralDensity, SpinList, StaticPart, Table};
use num_complex::Complex64;
use statrs::function::gamma::gamma;

const MASS: f64 = 0.7;

fn bath(kind: BathKind, density: SpectralDensity, temperature: f64, frequency: f64) -> Bath {
    Bath { kind, density, temperature, mass: MASS, frequency, diffusion_floor: 0.0, tolerance: 0.5 }
}

fn ohmic() -> SpectralDensity {
    SpectralDensity::OhmicDrude { mass: MASS, gamma0: 0.1, cutoff: 3.0 }
}

fn power(exponent: f64) -> SpectralDensity {
    SpectralDensity::PowerExponential { mass: MASS, gamma0: 0.1, cutoff: 2.0, exponent }
}

/// Rows of J ∝ ω e^{−ω/2} at ω = 80 (k/n)^bend, those inside the range.
fn table(n: u32, bend: f64, range: [f64; 2]) -> SpectralDensity {
    let frequencies = (0..=n).map(|k| 80.0 * (f64::from(k) / f64::from(n)).powf(bend));
    let rows = frequencies.filter(|w| (range[0]..=range[1]).contains(w)).map(|w| (w, power(1.0).at(w)));
    SpectralDensity::Table(Table::new(&rows.collect::<Vec<_>>()).unwrap())
}

/// Truth, errors and their estimates of γ, D₁, f₁ and Ω̃₀² from a table.
fn errors(table: SpectralDensity, kind: BathKind, frequency: f64) -> [(f64, f64, f64); 4] {
    let values = |density: SpectralDensity| {
        let found = bath(kind, density, 0.7, frequency).coefficients().unwrap();
        [found.gamma, found.diffusion, found.anomalous, found.frequency_shift_squared]
    };
    let (truth, found) = (values(power(1.0)), values(table));
    [0, 1, 2, 3].map(|k| (truth[k].value, (found[k].value - truth[k].value).abs(), found[k].error))
}

#[test]
fn errors_of_tables_cover_and_shrink() {
    let mut estimates = Vec::new();
    for (n, bend) in [(100, 1.0), (200, 1.0), (400, 1.0), (801, 1.0), (60, 2.0), (121, 2.0), (400, 2.0)] {
        for kind in BathKind::ALL {
            for step in 0..25 {
                let frequency = 0.5 + 0.2 * f64::from(step);
                let errors = errors(table(n, bend, [0.0, 80.0]), kind, frequency);
                for (truth, error, estimate) in errors {
                    assert!(
                        error <= estimate + 1e-14,
                        "{n} rows, {kind:?}, Ω₀ = {frequency}: {truth} is off by {error:e}, not {estimate:e}"
                    );
                }
                if bend == 1.0 && step == 4 && kind == BathKind::Spin {
                    estimates.push(errors[2].2 / errors[1].0);
                }
            }
        }
    }
    assert!(estimates.windows(2).all(|pair| pair[1] < 0.4 * pair[0]), "{estimates:?}");
    assert!(estimates[3] < 1e-3, "{estimates:?}");
}

#[test]
fn errors_of_tables_that_end_too_early_cover() {
    for (n, range) in [(800, [0.0, 6.0]), (800, [0.3, 80.0]), (1600, [0.2, 9.0])] {
        for kind in BathKind::ALL {
            for (truth, error, estimate) in errors(table(n, 1.0, range), kind, 1.3) {
                assert!(error <= estimate, "{range:?}, {kind:?}: {truth} is off by {error:e}, not {estimate:e}");
            }
        }
    }
}

fn spin(asymmetry: f64, tunnelling: f64, coupling: f64) -> BathSpin {
    BathSpin { asymmetry, tunnelling, coupling }
}

fn list(broadening: f64, static_part: StaticPart) -> SpectralDensity {
    let spins = vec![spin(0.6, 0.9, 0.2), spin(-0.4, 1.7, -0.1), spin(0.0, 3.1, 0.3)];
    SpectralDensity::Spins(SpinList::new(spins, broadening, static_part))
}

/// A broadened comb tends to the sharp one as σ², off resonance; on resonance it is finite.
#[test]
fn a_narrow_comb_is_a_sharp_one() {
    for kind in BathKind::ALL {
        let values = |broadening: f64| {
            let found = bath(kind, list(broadening, StaticPart::Connected), 0.8, 1.4).coefficients().unwrap();
            [found.anomalous.value, found.frequency_shift_squared.value]
        };
        let (sharp, wide, narrow) = (values(0.0), values(0.02), values(0.01));
        for k in [0, 1] {
            let ratio = (wide[k] - sharp[k]) / (narrow[k] - sharp[k]);
            assert!((ratio - 4.0).abs() < 0.1, "{kind:?}: {sharp:?} {wide:?} {narrow:?}");
        }
        let resonant = bath(kind, list(0.05, StaticPart::Connected), 0.8, 0.6f64.hypot(0.9)).coefficients().unwrap();
        let weight = (0.2 * 0.9f64).powi(2) / (0.6f64.powi(2) + 0.9f64.powi(2));
        let noise = kind.noise(0.6f64.hypot(0.9), 0.8);
        let expected = 0.5 * PI * weight * noise / (0.05 * (2.0 * PI).sqrt());
        assert!((resonant.diffusion.value / expected - 1.0).abs() < 1e-10, "{resonant:?} {expected}");
    }
}

/// 2×2 matrices of the two-level system.
type Matrix = [[Complex64; 2]; 2];

fn product(a: Matrix, b: Matrix) -> Matrix {
    [0, 1].map(|i| [0, 1].map(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j]))
}

/// identity·a + (n·σ)·b with n = (Δ, 0, ω)/ω̃.
fn along(spin: BathSpin, a: Complex64, b: Complex64) -> Matrix {
    let (x, z) = (spin.tunnelling / spin.splitting(), spin.asymmetry / spin.splitting());
    [[a + b * z, b * x], [b * x, a - b * z]]
}

/// C(τ) of a list against Σ g² tr(ρ σz(τ) σz), each spin as a 2×2 matrix: with the paper's C₀ as it stands, with the
/// connected one less g²⟨σz⟩².
#[test]
fn the_correlation_function_is_that_of_the_spins() {
    let real = |x: f64| Complex64::new(x, 0.0);
    let sigma: Matrix = [[real(1.0), real(0.0)], [real(0.0), real(-1.0)]];
    for temperature in [0.0, 0.3, 2.0, 1e6] {
        for (form, connected) in [(StaticPart::Paper, false), (StaticPart::Connected, true)] {
            let traced = bath(BathKind::Spin, list(0.0, form), temperature, 1.4);
            let SpectralDensity::Spins(spins) = &traced.density else { unreachable!() };
            let delays = [0.0, 0.3, 1.0, 4.7];
            let kernels = Kernels::of(&traced, &delays).unwrap();
            for (delay, found) in delays.into_iter().zip(kernels.correlation()) {
                let mut expected = real(0.0);
                for &spin in spins.spins() {
                    let tanh = if temperature == 0.0 { 1.0 } else { (0.5 * spin.splitting() / temperature).tanh() };
                    let rho = along(spin, real(0.5), real(-0.5 * tanh));
                    let (sin, cos) = (0.5 * spin.splitting() * delay).sin_cos();
                    let (forward, back) =
                        ([-1.0, 1.0]).map(|sign| along(spin, real(cos), Complex64::new(0.0, sign * sin))).into();
                    let moved = product(product(back, sigma), forward);
                    let trace = |m: Matrix| m[0][0] + m[1][1];
                    let mean = trace(product(rho, sigma));
                    let pair = trace(product(product(rho, moved), sigma));
                    let subtracted = if connected { mean * mean } else { real(0.0) };
                    expected += (pair - subtracted) * spin.coupling.powi(2);
                }
                assert!((found - expected).norm() < 1e-15, "T = {temperature}, τ = {delay}: {found} {expected}");
            }
        }
    }
}

/// η of the oscillator bath (25) is Mγ₀Λ²e^{−Λτ}; its ν is a sum over νₙ = 2πnT; ν of J ∝ ω^s e^{−ω/Λ} is
/// Γ(s+1) Re (1/Λ − iτ)^{−s−1}.
#[test]
fn kernels_have_their_closed_forms() {
    let temperature = 0.4;
    for delay in [0.001, 0.05, 0.4, 2.0, 6.0] {
        let drude = bath(BathKind::Oscillator, ohmic(), temperature, 1.0);
        let strength = MASS * 0.1 * 9.0;
        let decay = f64::exp(-3.0 * delay);
        let eta = drude.dissipation_kernel(delay).unwrap();
        assert!((eta.value - strength * decay).abs() <= eta.error + 1e-15 * strength, "τ = {delay}: {eta:?}");
        let matsubara = |n: u32| 2.0 * PI * f64::from(n) * temperature;
        let terms = (1..40_000).rev().map(matsubara).map(|v| v * (-v * delay).exp() / (9.0 - v * v));
        let expected = strength * (decay / f64::tan(1.5 / temperature) - 4.0 * temperature * terms.sum::<f64>());
        let nu = drude.noise_kernel(delay).unwrap();
        assert!((nu.value - expected).abs() <= nu.error + 1e-12 * strength, "τ = {delay}: {nu:?} {expected}");
        for exponent in [0.3, 1.0, 2.5] {
            let found = bath(BathKind::Spin, power(exponent), temperature, 1.0).noise_kernel(delay).unwrap();
            let root = Complex64::new(0.5, -delay).powf(-exponent - 1.0).re;
            let strength = 2.0 * MASS * 0.1 / PI * 2f64.powf(1.0 - exponent) * gamma(exponent + 1.0);
            assert!(
                (found.value - strength * root).abs() <= found.error + 1e-14,
                "s = {exponent}, τ = {delay}: {found:?}"
            );
        }
    }
}

/// ν(0) = ∫J keeps the weight of a broadened list, and diverges for a Lorentz–Drude cutoff.
#[test]
fn kernels_at_zero_delay() {
    let broad = bath(BathKind::Spin, list(0.3, StaticPart::Connected), 0.4, 1.0);
    let SpectralDensity::Spins(spins) = &broad.density else { unreachable!() };
    let weight: f64 = spins.lines().iter().map(|line| line.1).sum();
    assert!((broad.noise_kernel(0.0).unwrap().value / weight - 1.0).abs() < 1e-11);
    assert_eq!(broad.dissipation_kernel(0.0).unwrap().value, 0.0);
    let message = bath(BathKind::Spin, ohmic(), 0.4, 1.0).noise_kernel(0.0).unwrap_err().to_string();
    assert!(message.contains("diverges with a Lorentz–Drude cutoff"), "{message}");
}
