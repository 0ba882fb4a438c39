//! The picture of a run: ⟨N⟩(t) at every sweep point, with its error band, the exact curve and the closed form.

use std::path::{Path, PathBuf};

use super::figure::{BAND, Figure, NAMED_POINTS, NEUTRAL, Sketch, Swatch, colour};
use super::files::{remove_file, replace_file};
use super::labels::{own_label, point_labels};
use super::{draw_emission, draw_heating};
use crate::analysis::{Point, Summary};
use crate::{Error, Result};

/// Pixels of a `.png` to the point of its `.svg`.
const PNG_SCALE: f32 = 2.0;
/// The adiabatic ⟨N⟩ is shown up to this multiple of everything else, lest it flatten the other curves.
const ADIABATIC_HEADROOM: f64 = 1.6;

/// Writes `number.svg` and `number.png` (see [`draw_number`]) into `directory`, and likewise `heating` (see
/// [`draw_heating`]) and `emission` (see [`draw_emission`]) if there is something to draw, each whole or not at all;
/// if not, those of an earlier run go.
pub fn write_plots(directory: &Path, summary: &Summary, exact: Option<&Summary>) -> Result<Vec<PathBuf>> {
    let mut written = write_figure(directory, "number", &draw_number(summary, exact))?;
    for (name, figure) in [("heating", draw_heating(summary, exact)), ("emission", draw_emission(summary))] {
        let Some(figure) = figure else {
            // One of an earlier run in the same place would be taken for this one's.
            remove_file(&directory.join(format!("{name}.svg")))?;
            remove_file(&directory.join(format!("{name}.png")))?;
            continue;
        };
        written.extend(write_figure(directory, name, &figure)?);
    }
    Ok(written)
}

pub(super) fn write_figure(directory: &Path, name: &str, figure: &Figure) -> Result<Vec<PathBuf>> {
    let (svg, png) = (directory.join(format!("{name}.svg")), directory.join(format!("{name}.png")));
    let pixels = figure.png(PNG_SCALE).map_err(|reason| Error::Output { what: png.display().to_string(), reason })?;
    replace_file(&svg, figure.svg().as_bytes())?;
    replace_file(&png, &pixels)?;
    Ok(vec![svg, png])
}

/// Draws the mean occupation ⟨N⟩(t) of every sweep point.
///
/// Lines are the points' own curves, in a band of ±2 standard errors if they have any; circles the curves of the points
/// of `exact` with the same swept parameters; crosses the adiabatic ⟨N⟩(t) of Eq. (40), or that of the bare Eq. (23), where it is known.
pub fn draw_number(summary: &Summary, exact: Option<&Summary>) -> Figure {
    let points = &summary.points;
    let colour = |index| colour(index, points.len());
    let mut sketch = Sketch::new(&summary.provenance.title, "time t (1/frequency unit)", "mean occupation ⟨N⟩");

    let bands: Vec<Band> = points.iter().map(band).collect();
    for (index, band) in bands.iter().enumerate() {
        sketch.band(band, &colour(index));
    }
    for (index, point) in points.iter().enumerate() {
        sketch.line(&number(point), &colour(index));
    }
    let markers = if points.len() > NAMED_POINTS { 9 } else { 25 };
    let ceiling = sketch.highest().map_or(f64::INFINITY, |highest| ADIABATIC_HEADROOM * highest);
    let (mut circles, mut crosses) = (false, None);
    for (index, point) in points.iter().enumerate() {
        let twin = exact.and_then(|e| e.points.iter().find(|p| p.parameters == point.parameters));
        let curve = thinned(&twin.map(number).unwrap_or_default(), markers, 1);
        sketch.circles(&curve, &colour(index));
        circles |= !curve.is_empty();

        let Some((curve, label)) = closed_form(point) else { continue };
        let mut curve = thinned(&curve, markers, 3);
        curve.retain(|&(_, number)| number <= ceiling);
        sketch.crosses(&curve, &colour(index));
        if !curve.is_empty() {
            crosses = crosses.or(Some(label));
        }
    }

    let own = own_label(summary);
    let labels = point_labels(points);
    if labels.iter().all(String::is_empty) {
        labels.iter().enumerate().for_each(|(index, _)| sketch.entry(Swatch::Line, &colour(index), &own));
    } else {
        let named = NAMED_POINTS.min(labels.len());
        for index in (0..named).map(|entry| entry * (labels.len() - 1) / (named - 1).max(1)) {
            sketch.entry(Swatch::Line, &colour(index), &labels[index]);
        }
        if named < labels.len() {
            sketch.entry(Swatch::None, NEUTRAL, &format!("… and {} more between", labels.len() - named));
        }
        sketch.entry(Swatch::Line, NEUTRAL, &own);
    }
    for (shown, swatch, label) in [
        (bands.iter().any(|band| band.len() > 1), Swatch::Band, "band: ±2 standard errors"),
        (circles, Swatch::Circle, "exact (density matrix)"),
        (crosses.is_some(), Swatch::Cross, crosses.unwrap_or_default()),
    ] {
        if shown {
            sketch.entry(swatch, NEUTRAL, label);
        }
    }
    sketch.finish()
}

/// A curve: time and value.
type Curve = Vec<(f64, f64)>;
/// A band: time, lower and upper edge.
type Band = Vec<(f64, [f64; 2])>;

/// The finite part of `values` over `times`.
fn curve(times: &[f64], values: &[f64]) -> Curve {
    times.iter().copied().zip(values.iter().copied()).filter(|(t, v)| t.is_finite() && v.is_finite()).collect()
}

/// ⟨N⟩(t).
fn number(point: &Point) -> Curve {
    point.observables.get("number").map(|n| curve(&point.times, &n.mean)).unwrap_or_default()
}

/// The closed form ⟨N⟩(t) that a point is compared with, the first that it has, and what the legend calls it.
fn closed_form(point: &Point) -> Option<(Curve, &'static str)> {
    const NAMES: [(&str, &str); 3] = [
        ("adiabatic", "adiabatic, Eq. (40)"),
        ("bare", "bare Eq. (23), its moment equations"),
        ("moments", "moment equations of Eq. (23)"),
    ];
    let (values, label) = NAMES.iter().find_map(|(name, label)| Some((point.closed_forms.get(*name)?, *label)))?;
    Some((curve(&point.times, values), label))
}

/// ⟨N⟩(t) ± 2 standard errors, not below zero, where there is no oscillator.
fn band(point: &Point) -> Band {
    let Some(number) = point.observables.get("number") else { return Band::new() };
    let errors = number.standard_error.iter().flatten();
    let edges = number.mean.iter().zip(errors).map(|(n, e)| [(n - BAND * e).max(n.min(0.0)), n + BAND * e]);
    point.times.iter().copied().zip(edges).filter(|(t, [l, h])| (t + l + h).is_finite()).collect()
}

/// At most `count` of the points, one per stride, `quarters` of a stride from its beginning.
fn thinned(curve: &[(f64, f64)], count: usize, quarters: usize) -> Curve {
    let stride = curve.len().div_ceil(count).max(1);
    curve.iter().copied().skip(stride * quarters / 4).step_by(stride).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_few_and_spreads_them() {
        let curve: Curve = (0..101).map(|i| (i as f64, 0.0)).collect();
        let (circles, crosses) = (thinned(&curve, 25, 1), thinned(&curve, 25, 3));
        assert!(circles.len() <= 25 && circles.len() > 15, "{}", circles.len());
        assert!(circles.iter().all(|point| !crosses.contains(point)));
        assert_eq!(thinned(&curve[..3], 25, 1).len(), 3);
        assert!(thinned(&[], 25, 3).is_empty());
    }
}
