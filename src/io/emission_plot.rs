//! The picture of the emission statistics: g²(τ) of every sweep point and channel, with its error band.

use super::figure::{BAND, Figure, NAMED_POINTS, NEUTRAL, Sketch, Swatch, colour};
use super::labels::point_labels;
use crate::analysis::{Emission, Summary};

/// Draws g²(τ) in a band of ±2 standard errors, and the 1 of independent jumps; `None` when the result has no g².
pub fn draw_emission(summary: &Summary) -> Option<Figure> {
    let labels = point_labels(&summary.points);
    let curves: Vec<(String, &Emission, &[f64])> = (summary.points.iter().zip(&labels))
        .flat_map(|(point, label)| point.emission.iter().map(move |(channel, emission)| (label, channel, emission)))
        .filter_map(|(label, channel, emission)| {
            let label = if label.is_empty() { channel.clone() } else { format!("{channel}, {label}") };
            Some((label, emission, emission.g2.as_deref()?))
        })
        .collect();
    let longest = curves.iter().filter_map(|(_, emission, _)| emission.delays.last()).copied().fold(0.0, f64::max);
    if curves.is_empty() {
        return None;
    }
    let colour = |index| colour(index, curves.len());
    let mut sketch = Sketch::new(&summary.provenance.title, "delay τ (1/frequency unit)", "g²(τ) of the jumps");
    let mut bands = false;
    for (index, (_, emission, g2)) in curves.iter().enumerate() {
        let errors = emission.g2_standard_error.iter().flatten();
        let edges = g2.iter().zip(errors).map(|(g, e)| [(g - BAND * e).max(0.0), g + BAND * e]);
        let band: Vec<(f64, [f64; 2])> = emission.delays.iter().copied().zip(edges).collect();
        bands |= !band.is_empty();
        sketch.band(&band, &colour(index));
    }
    sketch.line(&[(0.0, 1.0), (longest, 1.0)], NEUTRAL);
    for (index, (_, emission, g2)) in curves.iter().enumerate() {
        let points: Vec<(f64, f64)> = emission.delays.iter().copied().zip(g2.iter().copied()).collect();
        sketch.line(&points, &colour(index));
    }
    let named = NAMED_POINTS.min(curves.len());
    for index in (0..named).map(|entry| entry * (curves.len() - 1) / (named - 1).max(1)) {
        sketch.entry(Swatch::Line, &colour(index), &curves[index].0);
    }
    if named < curves.len() {
        sketch.entry(Swatch::None, NEUTRAL, &format!("… and {} more between", curves.len() - named));
    }
    sketch.entry(Swatch::Line, NEUTRAL, "independent jumps");
    if bands {
        sketch.entry(Swatch::Band, NEUTRAL, "band: ±2 standard errors");
    }
    Some(sketch.finish())
}
