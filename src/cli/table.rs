//! Short tables of results on stdout.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Error;
use crate::analysis::{Point, Scalar, Summary};
use crate::ensemble::{Ending, Stopped};
use crate::io::run_file::{RunFile, RunPoint};

/// Prints one line per sweep point: ⟨N⟩ at the end and the heating rate beside what theory says of it.
pub fn print_summary(summary: &Summary) {
    let end = summary.points.first().and_then(|point| point.times.last()).copied().unwrap_or(0.0);
    let mut rows = vec![vec![
        "point".to_owned(),
        "trajectories".into(),
        format!("⟨N⟩(t = {end})"),
        "heating rate".into(),
        "2Γ (41)".into(),
        "quantum noise".into(),
        "jumps".into(),
        "levels".into(),
    ]];
    let endings = summary.provenance.endings.iter().map(Some).chain(std::iter::repeat(None));
    rows.extend(summary.points.iter().zip(endings).map(|(point, ending)| row(point, ending)));
    print_aligned(&rows);
    say!("(± one standard error of the mean; rates in quanta per unit time; jumps: mean number per trajectory)");
    print_heating_rates(summary);
}

/// Prints all estimates of the heating rate at the points of a sweep, if there are several.
fn print_heating_rates(summary: &Summary) {
    let scalar = |scalar: Option<Scalar>| scalar.map_or_else(|| "–".into(), |s| with_error(s.mean, s.standard_error));
    let several = |point: &Point| point.heating_rate.slope.is_some() || point.heating_rate.drift.is_some();
    if summary.points.len() < 2 || !summary.points.iter().any(several) {
        return;
    }
    let mut rows =
        vec![["heating rate", "by difference", "by slope", "by drift", "2Γ (41)"].map(str::to_owned).to_vec()];
    rows.extend(summary.points.iter().map(|point| {
        let rate = &point.heating_rate;
        let difference = with_error(rate.value, rate.standard_error);
        vec![parameters(&point.parameters), difference, scalar(rate.slope), scalar(rate.drift), optional(rate.paper)]
    }));
    say!("");
    print_aligned(&rows);
}

fn row(point: &Point, ending: Option<&Ending>) -> Vec<String> {
    let number = point.observables.get("number");
    let last = number.and_then(|number| number.mean.last()).copied().unwrap_or(f64::NAN);
    let error = number.and_then(|number| number.standard_error.as_ref()?.last().copied());
    let rate = &point.heating_rate;
    let jumps: f64 = point.jumps.values().map(|jumps| jumps.mean).fold(0.0, |sum, mean| sum + mean);
    vec![
        parameters(&point.parameters),
        trajectories(point, ending),
        with_error(last, error),
        with_error(rate.value, rate.standard_error),
        optional(rate.paper),
        optional(rate.quantum_noise),
        if point.jumps.is_empty() { "–".into() } else { format!("{jumps:.1}") },
        format!("{}", point.diagnostics.highest_level),
    ]
}

/// Their number, and why it is not the one of the run file.
fn trajectories(point: &Point, ending: Option<&Ending>) -> String {
    match ending.map(|ending| ending.stopped) {
        None if point.trajectories == 0 => "density matrix".into(),
        None | Some(Stopped::Trajectories) => point.trajectories.to_string(),
        Some(stopped) => format!("{} ({})", point.trajectories, stopped.name()),
    }
}

/// The swept keys of a point in short: the last part of each key and its value.
pub fn parameters(parameters: &BTreeMap<String, Value>) -> String {
    if parameters.is_empty() {
        return "–".into();
    }
    let short = |(key, value): (&String, &Value)| format!("{} = {value}", key.rsplit('.').next().unwrap_or(key));
    parameters.iter().map(short).collect::<Vec<_>>().join(", ")
}

/// An error with the sweep point where it happened.
pub fn located(error: Error, point: &RunPoint) -> Error {
    match point.parameters.is_empty() {
        true => error,
        false => Error::AtPoint { label: parameters(&point.parameters), source: Box::new(error) },
    }
}

/// "2/3 nbar = 1.0", or the title without a sweep.
pub fn point_label(file: &RunFile, index: usize) -> String {
    let point = &file.points[index];
    if point.parameters.is_empty() {
        return file.title.clone();
    }
    format!("{}/{} {}", index + 1, file.points.len(), parameters(&point.parameters))
}

/// A value with as many digits as its error deserves.
pub fn with_error(value: f64, error: Option<f64>) -> String {
    match error {
        Some(error) if error > 0.0 && error.is_finite() => {
            let digits = (1.0 - error.log10().floor()).clamp(0.0, 12.0) as usize;
            format!("{value:.digits$} ± {error:.digits$}")
        }
        _ => format!("{value:.8}"),
    }
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.4}"))
}

/// Prints rows in columns, the first left-aligned.
pub fn print_aligned(rows: &[Vec<String>]) {
    say!("{}", aligned(rows).trim_end_matches('\n'));
}

/// Rows in columns, the first left-aligned, each row with its line end.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
