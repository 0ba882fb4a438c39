//! The picture of a sweep: the heating rate against a swept parameter, beside 2Γ (41) and the quantum-noise rate.

use serde_json::Value;

use super::figure::{BAND, Figure, NAMED_POINTS, NEUTRAL, Sketch, Swatch, colour};
use super::labels::{Names, own_label, unit};
use crate::analysis::{HeatingRate, Point, Summary};

/// An axis is logarithmic when its values are all positive and span more than this factor.
const WIDE: f64 = 30.0;

/// Draws the heating rate against the swept key that runs fastest among those with several numbers as values; `None` when
/// there is no such key.
///
/// Each combination of the other keys has its colour: crosses with bars of ±2 standard errors are the points' own rates,
/// circles those of the points of `exact` with the same parameters, lines the paper's 2Γ (41) and dashes the quantum-noise
/// rate, where they apply.
pub fn draw_heating(summary: &Summary, exact: Option<&Summary>) -> Option<Figure> {
    let names = Names::of(&summary.points);
    let key = names.keys().rev().find(|key| varies(&summary.points, key))?;
    let curves = curves(&summary.points, key, &names);
    let points = || curves.iter().flat_map(|(_, points)| points);
    let rates = points().flat_map(|(_, point)| {
        let HeatingRate { value, paper, quantum_noise, .. } = point.heating_rate;
        bar(point).into_iter().flatten().chain([value]).chain(paper).chain(quantum_noise)
    });
    let twins = points().filter_map(|(_, point)| Some(twin(exact, point)?.heating_rate.value));
    let axes = [wide(points().map(|(x, _)| *x)), wide(rates.chain(twins))];

    let x_label = format!("{}{}", names.name(key), unit(key));
    let title = &summary.provenance.title;
    let mut sketch = Sketch::new(title, &x_label, "heating rate (quanta × frequency unit)").logarithmic(axes);
    let colour = |index| colour(index, curves.len());
    let [mut paper, mut noise, mut circles, mut bars] = [false; 4];
    for (index, (_, points)) in curves.iter().enumerate() {
        let line = |rate: fn(&HeatingRate) -> Option<f64>| finite(points, |point| rate(&point.heating_rate));
        let (of_paper, of_noise) = (line(|rate| rate.paper), line(|rate| rate.quantum_noise));
        sketch.line(&of_paper, &colour(index));
        sketch.dashes(&of_noise, &colour(index));
        paper |= !of_paper.is_empty();
        noise |= !of_noise.is_empty();
    }
    for (index, (_, points)) in curves.iter().enumerate() {
        let edges: Vec<_> = points.iter().filter_map(|(x, point)| Some((*x, bar(point)?))).collect();
        let twins = finite(points, |point| Some(twin(exact, point)?.heating_rate.value));
        sketch.bars(&edges, &colour(index));
        sketch.circles(&twins, &colour(index));
        sketch.crosses(&finite(points, |point| Some(point.heating_rate.value)), &colour(index));
        bars |= !edges.is_empty();
        circles |= !twins.is_empty();
    }

    if curves.len() > 1 {
        let named = NAMED_POINTS.min(curves.len());
        for index in (0..named).map(|entry| entry * (curves.len() - 1) / (named - 1).max(1)) {
            sketch.entry(Swatch::Line, &colour(index), &curves[index].0);
        }
        if named < curves.len() {
            sketch.entry(Swatch::None, NEUTRAL, &format!("… and {} more between", curves.len() - named));
        }
    }
    let error = if bars { ", ±2 standard errors" } else { "" };
    sketch.entry(Swatch::Cross, NEUTRAL, &format!("{}{error}", own_label(summary)));
    for (shown, swatch, label) in [
        (circles, Swatch::Circle, "exact (density matrix)"),
        (paper, Swatch::Line, "2Γ, Eq. (41)"),
        (noise, Swatch::Dashes, "quantum noise"),
    ] {
        if shown {
            sketch.entry(swatch, NEUTRAL, label);
        }
    }
    Some(sketch.finish())
}

/// The points with one combination of the other parameters: its name, and abscissa and point in ascending order.
type Curve<'a> = (String, Vec<(f64, &'a Point)>);

/// Whether a key has a number at every point, and not always the same.
fn varies(points: &[Point], key: &str) -> bool {
    let values: Option<Vec<f64>> = points.iter().map(|point| abscissa(point, key)).collect();
    values.is_some_and(|values| values.iter().any(|value| *value != values[0]))
}

fn abscissa(point: &Point, key: &str) -> Option<f64> {
    point.parameters.get(key).and_then(Value::as_f64).filter(|value| value.is_finite())
}

/// One curve per combination of the parameters beside `key`, in the order of the sweep.
fn curves<'a>(points: &'a [Point], key: &str, names: &Names) -> Vec<Curve<'a>> {
    let others = |point: &'a Point| point.parameters.iter().filter(|(other, _)| *other != key);
    let mut curves: Vec<Curve> = Vec::new();
    for point in points {
        let Some(x) = abscissa(point, key) else { continue };
        match curves.iter_mut().find(|(_, curve)| others(curve[0].1).eq(others(point))) {
            Some((_, curve)) => curve.push((x, point)),
            None => curves.push((names.label(point, Some(key)), vec![(x, point)])),
        }
    }
    curves.iter_mut().for_each(|(_, curve)| curve.sort_by(|a, b| a.0.total_cmp(&b.0)));
    curves
}

/// The points where there is a finite ordinate.
fn finite(points: &[(f64, &Point)], ordinate: impl Fn(&Point) -> Option<f64>) -> Vec<(f64, f64)> {
    points.iter().filter_map(|(x, point)| Some((*x, ordinate(point).filter(|y| y.is_finite())?))).collect()
}

/// Rate ± 2 standard errors.
fn bar(point: &Point) -> Option<[f64; 2]> {
    let (value, error) = (point.heating_rate.value, point.heating_rate.standard_error?);
    (value.is_finite() && error.is_finite()).then_some([value - BAND * error, value + BAND * error])
}

/// The exact point with the same parameters.
fn twin<'a>(exact: Option<&'a Summary>, point: &Point) -> Option<&'a Point> {
    exact?.points.iter().find(|twin| twin.parameters == point.parameters)
}

/// Whether values ask for a logarithmic axis.
fn wide(values: impl Iterator<Item = f64>) -> bool {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    low > 0.0 && high > WIDE * low
}
