//! The coefficients (24a–d): the reference, closed forms against quadrature, independent routes, and honest errors.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use fluctuator::bath::{Bath, BathKind, Coefficients, SpectralDensity};
use serde_json::Value as Json;

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
