//! Short tables of results on stdout.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Error;
use crate::analysis::{HeatingRate, Point, Scalar, Summary};
use crate::ensemble::{Ending, Stopped, SweepNumbers};
pub use crate::error::shown::with_error;
use crate::error::shown::{self, MOST_DIGITS, number, one_line, significant};
use crate::io::run_file::{RunFile, RunPoint};

/// Prints one line per sweep point: ⟨N⟩ at the end and the heating rate beside what theory says of it.
pub fn print_summary(summary: &Summary) {
    let ends: Vec<f64> = summary.points.iter().filter_map(|point| point.times.last().copied()).collect();
    let common = ends.first().copied().filter(|end| ends.iter().all(|other| other == end));
    let mut rows = vec![vec![
        "point".to_owned(),
        "trajectories".into(),
        common.map_or_else(|| "⟨N⟩(t)".into(), |end| format!("⟨N⟩(t = {})", number(end, MOST_DIGITS))),
        "heating rate".into(),
        "2Γ (41)".into(),
        "quantum noise".into(),
        "jumps".into(),
        "levels".into(),
    ]];
    let endings = summary.provenance.endings.iter().map(Some).chain(std::iter::repeat(None));
    rows.extend(summary.points.iter().zip(endings).map(|(point, ending)| row(point, ending)));
    if common.is_none() {
        // Points that end at different times have a column for theirs.
        rows[0].insert(2, "t".into());
        rows[1..].iter_mut().zip(&ends).for_each(|(row, end)| row.insert(2, number(*end, MOST_DIGITS)));
    }
    print_aligned(&rows);
    say!("(± one standard error of the mean; rates in quanta per unit time; jumps: mean number per trajectory)");
    if summary.provenance.sweep.as_deref() == Some(SweepNumbers::Common.name()) {
        say!(
            "(the points share their random numbers, so that neighbours deviate together; ensemble.sweep = \"independent\" parts them)"
        );
    }
    print_adiabaticity(summary);
    print_heating_rates(summary);
    print_functionals(summary);
}

/// Prints the functionals that the run file asked for.
fn print_functionals(summary: &Summary) {
    let names: BTreeSet<&String> = summary.points.iter().flat_map(|point| point.functionals.keys()).collect();
    if names.is_empty() {
        return;
    }
    let header =
        std::iter::once("functional").chain(names.iter().map(|name| name.as_str())).map(|cell| one_line(cell, 64));
    let mut rows = vec![header.collect::<Vec<_>>()];
    rows.extend(summary.points.iter().map(|point| {
        let found = |name: &&String| match point.functionals.get(*name) {
            Some(found) => with_error(found.value, found.standard_error),
            None => "–".into(),
        };
        std::iter::once(parameters(&point.parameters)).chain(names.iter().map(found)).collect()
    }));
    say!("");
    print_aligned(&rows);
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
        vec![parameters(&point.parameters), difference, scalar(rate.slope), scalar(rate.drift), of_paper(rate)]
    }));
    say!("");
    print_aligned(&rows);
}

/// Eq. (41) needs spins that relax this many times faster than they and the oscillator turn: Fig. 3 has 5.
const FAST: f64 = 3.0;

/// And is far off where it differs from the measured rate, or from that of quantum noise, by more than this factor.
const FAR: f64 = 3.0;

/// 2Γ of Eq. (41), marked where it cannot hold.
fn of_paper(rate: &HeatingRate) -> String {
    let mark = if doubts(rate).is_some() { "*" } else { "" };
    format!("{}{mark}", optional(rate.paper))
}

/// Why 2Γ of Eq. (41) is not the rate, if that is so.
fn doubts(rate: &HeatingRate) -> Option<String> {
    let paper = rate.paper.filter(|paper| *paper > 0.0)?;
    if let Some(ratio) = rate.paper_ratio.filter(|ratio| *ratio < FAST) {
        let condition = "needs spins that relax much faster than they and the oscillator turn, κ = γ(2n̄+1) ≫ Ω₀, ω̃";
        return Some(format!("{condition}: here κ is {} times the larger of them", significant(ratio, 2)));
    }
    let measured = (Some(rate.value), 2.0 * rate.standard_error.unwrap_or(0.0), "the measured one");
    let others = [(rate.quantum_noise, 0.0, "that of quantum noise"), measured];
    let is_far = |other: f64, doubt: f64| other + doubt < paper / FAR || other - doubt > FAR * paper;
    let mut known = others.into_iter().filter_map(|(rate, doubt, name)| Some((rate?, doubt, name)));
    let (other, _, name) = known.find(|(other, doubt, _)| is_far(*other, *doubt))?;
    let condition = "is for weak coupling and leaves out that spins cool, too";
    Some(format!("{condition}: {name} is {}", significant(other, 2)))
}

/// Says where Eq. (41) cannot hold, and why.
fn print_adiabaticity(summary: &Summary) {
    let found = summary.points.iter().filter_map(|point| Some((point, doubts(&point.heating_rate)?)));
    let found: Vec<_> = found.collect();
    let Some((point, reason)) = found.first() else { return };
    let at = match (summary.points.len(), found.len()) {
        (1, _) => String::new(),
        (_, 1) => format!(" ({})", parameters(&point.parameters)),
        (_, several) => format!(" ({}, and {} more)", parameters(&point.parameters), several - 1),
    };
    say!("(* not the heating rate here: Eq. (41) {reason}{at})");
}

fn row(point: &Point, ending: Option<&Ending>) -> Vec<String> {
    let curve = point.observables.get("number");
    let last = curve.and_then(|curve| curve.mean.last()).copied().unwrap_or(f64::NAN);
    let error = curve.and_then(|curve| curve.standard_error.as_ref()?.last().copied());
    let rate = &point.heating_rate;
    let jumps: f64 = point.jumps.values().map(|jumps| jumps.mean).fold(0.0, |sum, mean| sum + mean);
    vec![
        parameters(&point.parameters),
        trajectories(point, ending),
        with_error(last, error),
        with_error(rate.value, rate.standard_error),
        of_paper(rate),
        optional(rate.quantum_noise),
        if point.jumps.is_empty() { "–".into() } else { count(jumps) },
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

/// Characters of a point's name, and of one value in it, at most.
const LONGEST_NAME: usize = 100;
const LONGEST_VALUE: usize = 40;

/// The swept keys of a point in short: the last part of each key and its value.
pub fn parameters(parameters: &BTreeMap<String, Value>) -> String {
    if parameters.is_empty() {
        return "–".into();
    }
    let shown = |value: &Value| one_line(&shown::value(&value.to_string()), LONGEST_VALUE);
    let short =
        |(key, value): (&String, &Value)| format!("{} = {}", key.rsplit('.').next().unwrap_or(key), shown(value));
    one_line(&parameters.iter().map(short).collect::<Vec<_>>().join(", "), LONGEST_NAME)
}

/// A title, on one line.
pub fn title(title: &str) -> String {
    one_line(title, LONGEST_NAME)
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
        return title(&file.title);
    }
    format!("{}/{} {}", index + 1, file.points.len(), parameters(&point.parameters))
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| significant(value, 4))
}

/// A mean number of events: to a tenth, small ones to two digits.
pub fn count(value: f64) -> String {
    if value == 0.0 || (9.95..1e9).contains(&value) { format!("{value:.1}") } else { significant(value, 2) }
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
