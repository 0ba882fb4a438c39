//! The paper's Fig. 2, γ and D of a spin bath and of an oscillator bath against a swept parameter; and the kernels.

use std::collections::BTreeMap;

use serde_json::Value;

use super::coefficient_table::{CoefficientRow, KernelCurve};
use super::figure::{Figure, NEUTRAL, Sketch, Swatch, colour, panels};
use super::labels::unit;
use crate::bath::BathKind;

const TEMPERATURE: &str = "model.temperature";
const BATH: &str = "model.bath";
/// One in so many points of a kernel is a circle.
const THINNED: usize = 5;

/// Draws γ/γ(T = 0) and D/D_QBM(T = 0) as in Fig. 2: lines for the spin bath, circles for the oscillator bath.
///
/// The abscissa is T/Ω₀ if temperature is swept, else the last key with several numbers; every combination of the other keys
/// has its colours. `None` when no number is swept or J(Ω₀) is zero somewhere.
pub fn draw_coefficients(title: &str, rows: &[CoefficientRow]) -> Option<Figure> {
    sketches(rows).map(|sketches| panels(title, sketches.into()))
}

/// Its two panels.
fn sketches(rows: &[CoefficientRow]) -> Option<[Sketch; 2]> {
    let key = abscissa(rows)?;
    if rows.iter().any(|row| row.reference <= 0.0) {
        return None;
    }
    let x_label = match key {
        TEMPERATURE => "temperature T (units of Ω₀)".to_owned(),
        key => format!("{key}{}", unit(key)),
    };
    let place = |row: &CoefficientRow| {
        let x = row.parameters[key].as_f64()?;
        Some(if key == TEMPERATURE { x / row.frequency } else { x })
    };
    let mut groups: BTreeMap<String, [Vec<&CoefficientRow>; 2]> = BTreeMap::new();
    for row in rows {
        groups.entry(others(row, key)).or_default()[usize::from(!row.is_spin())].push(row);
    }
    let draw = |panel: &str, y_label: &str, height: &dyn Fn(&CoefficientRow) -> f64| {
        let mut sketch = Sketch::new(panel, &x_label, y_label);
        for (index, (name, [spins, oscillators])) in groups.iter().enumerate() {
            let points = |rows: &[&CoefficientRow]| {
                let mut points: Vec<_> = rows.iter().filter_map(|row| Some((place(row)?, height(row)))).collect();
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
                points
            };
            let colours = [0, 1].map(|kind| colour(2 * index + kind, 2 * groups.len()));
            let tail = if name.is_empty() { String::new() } else { format!(", {name}") };
            if !spins.is_empty() {
                sketch.line(&points(spins), &colours[0]);
                sketch.entry(Swatch::Line, &colours[0], &format!("spin bath{tail}"));
            }
            if !oscillators.is_empty() {
                sketch.circles(&points(oscillators), &colours[1]);
                sketch.entry(Swatch::Circle, &colours[1], &format!("oscillator bath (QBM){tail}"));
            }
        }
        sketch
    };
    Some([
        draw("(a) dissipation", "γ / γ(T = 0)", &CoefficientRow::relative_damping),
        draw("(b) normal diffusion", "D / D(T = 0) of QBM", &CoefficientRow::relative_diffusion),
    ])
}

/// Temperature if it takes several values, else the last key with several numbers.
fn abscissa(rows: &[CoefficientRow]) -> Option<&str> {
    let varies = |key: &str| {
        let mut numbers = rows.iter().filter_map(|row| row.parameters.get(key)?.as_f64());
        let first = numbers.next();
        first.is_some_and(|first| numbers.any(|number| number != first))
    };
    let keys = || rows.first().into_iter().flat_map(|row| row.parameters.keys()).map(String::as_str);
    keys().find(|key| *key == TEMPERATURE && varies(key)).or_else(|| keys().rfind(|key| varies(key)))
}

/// The swept values beside the abscissa and the kind of bath.
fn others(row: &CoefficientRow, key: &str) -> String {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let kept = row.parameters.iter().filter(|(other, _)| other.as_str() != key && other.as_str() != BATH);
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    kept.map(|(key, value)| format!("{} = {}", last(key), shown(value))).collect::<Vec<_>>().join(", ")
}

/// Draws ν(τ) and η(τ): lines for spin baths, circles for oscillator baths, a colour per sweep point; dashes are
/// Re C(τ) = C₀ + ν(τ) where C₀ is not zero (−Im C is η).
pub fn draw_kernels(title: &str, curves: &[KernelCurve]) -> Figure {
    let mut labels: Vec<&str> = curves.iter().map(|curve| curve.label.as_str()).collect();
    labels.dedup();
    let draw = |panel: &str, y_label: &str, noise: bool| {
        let mut sketch = Sketch::new(panel, "delay τ (1/frequency unit)", y_label);
        for curve in curves {
            let values = if noise { &curve.kernels.noise } else { &curve.kernels.dissipation };
            let points: Vec<_> =
                curve.kernels.delays.iter().zip(values).map(|(delay, found)| (*delay, found.value)).collect();
            let place = labels.iter().position(|label| *label == curve.label).unwrap_or(0);
            let colour = colour(place, labels.len());
            match curve.kind {
                BathKind::Spin => sketch.line(&points, &colour),
                BathKind::Oscillator => {
                    sketch.circles(&points.into_iter().step_by(THINNED).collect::<Vec<_>>(), &colour);
                }
            }
            if noise && curve.kernels.constant != 0.0 {
                let real = curve.kernels.correlation().map(|correlation| correlation.re);
                sketch.dashes(&curve.kernels.delays.iter().copied().zip(real).collect::<Vec<_>>(), &colour);
            }
        }
        for (index, label) in labels.iter().enumerate().filter(|(_, label)| !label.is_empty()) {
            sketch.entry(Swatch::Line, &colour(index, labels.len()), label);
        }
        for (kind, swatch, name) in [
            (BathKind::Spin, Swatch::Line, "spin bath"),
            (BathKind::Oscillator, Swatch::Circle, "oscillator bath (QBM)"),
        ] {
            if curves.iter().any(|curve| curve.kind == kind) {
                sketch.entry(swatch, NEUTRAL, name);
            }
        }
        if noise && curves.iter().any(|curve| curve.kernels.constant != 0.0) {
            sketch.entry(Swatch::Dashes, NEUTRAL, "Re C(τ) = C₀ + ν(τ)");
        }
        sketch
    };
    let sketches = vec![
        draw("noise kernel", "ν(τ) (mass × frequency³)", true),
        draw("dissipation kernel", "η(τ) (mass × frequency³)", false),
    ];
    panels(title, sketches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bath::{Bath, SpectralDensity};

    /// With the closed forms (26)–(28) the highest points of Fig. 2 are 1 and (D₀ + D₁)/D₁(T = 0), whatever mass and frequency are.
    #[test]
    fn both_panels_are_in_the_units_of_zero_temperature() {
        let (mass, gamma0, cutoff, frequency) = (0.7, 0.2, 5.0, 1.3f64);
        let reduced = mass * gamma0 * frequency / (1.0 + (frequency / cutoff).powi(2));
        for (kind, floor) in [(BathKind::Spin, 0.5), (BathKind::Oscillator, 0.25)] {
            let row = |temperature: f64| {
                let density = SpectralDensity::OhmicDrude { mass, gamma0, cutoff };
                let diffusion_floor = floor * reduced;
                let bath = Bath { kind, density, temperature, mass, frequency, diffusion_floor, tolerance: 1e-8 };
                let parameters = BTreeMap::from([(TEMPERATURE.to_owned(), temperature.into())]);
                CoefficientRow::new(&parameters, &bath, &bath.coefficients().expect("coefficients"))
            };
            let panels = sketches(&[row(0.0), row(2.0)]).expect("a sweep");
            let found = panels.map(|panel| panel.highest().expect("points"));
            let warm = if kind == BathKind::Spin { 1.0 } else { 1.0 / (0.25 * frequency).tanh() };
            for (found, expected) in found.into_iter().zip([1.0, floor + warm]) {
                assert!((found - expected).abs() < 1e-12, "{kind:?}: {found} {expected}");
            }
        }
    }
}
