//! `fluctuator coverage RUN.toml`: do the error bars of a run file cover?

use std::time::Instant;

use serde::Serialize;

use super::CoverageArguments;
use super::work::{sample, units};
use crate::analysis::{Coverage, Level, Method, PointCoverage, Provenance, Tester, truth};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Progress;
use crate::cli::provenance::provenance;
use crate::cli::{Outcome, RunFileArguments, table};
use crate::io::run_file::{RunFile, RunPoint};
use crate::io::{prepare_directory, refuse_to_replace_report, today, write_report};
use crate::master::{self, Limits};
use crate::{Error, Result};

/// Seeds unless told otherwise.
const SEEDS: u64 = 1000;

/// What is written: where it came from and what was seen.
#[derive(Serialize)]
struct Report {
    date: String,
    #[serde(skip)]
    every_time: bool,
    provenance: Provenance,
    points: Vec<PointCoverage>,
}

/// Runs the ensemble of every sweep point once per seed, and counts.
pub fn run(arguments: &CoverageArguments, run_file: &RunFileArguments) -> Result<Outcome> {
    let (file, threads) = (run_file.load()?, run_file.threads()?);
    let seeds = arguments.seeds.unwrap_or(SEEDS);
    if !(2..=1 << 40).contains(&seeds) {
        return Err(Error::value("--seeds", seeds, "must be between 2 and 2^40"));
    }
    let directory = arguments.out.clone().unwrap_or_else(|| run_file.default_directory().join("coverage"));
    prepare_directory(&directory)?;
    if !arguments.force {
        refuse_to_replace_report(&directory, "coverage", &file, |report| {
            let points = report["points"].as_array().into_iter().flatten();
            points.filter_map(|point| point["seeds"].as_u64()).any(|earlier| earlier > seeds)
        })?;
    }
    let interrupt = Interrupt::listen()?;
    let begun = Instant::now();
    let mut points = Vec::new();
    for (index, point) in file.points.iter().enumerate() {
        let label = table::point_label(&file, index);
        let located = |error| table::located(error, point);
        let progress = Progress::new(&label, "seeds", seeds, arguments.quiet);
        let covered = cover(point, seeds, threads, arguments.every_time, &progress, &interrupt);
        progress.finish();
        points.extend(covered.map_err(located)?);
        if interrupt.seen() {
            break;
        }
    }
    if points.is_empty() {
        tell!("interrupted before two seeds were complete: nothing to save");
        return Ok(Outcome::NothingSaved);
    }
    let complete = points.len() == file.points.len() && points.iter().all(|point| point.seeds == seeds);
    let trajectories = file.points[0].stopping.trajectories;
    let provenance = provenance(&file, Method::Trajectories, trajectories, complete, begun, threads);
    let report = Report { date: today(), every_time: arguments.every_time, provenance, points };
    let text = describe(&file, &report);
    write_report(&directory, "coverage", &report, &text)?;
    if !arguments.quiet {
        say!("{}", text.trim_end());
        say!("results in {}", directory.display());
    }
    if !complete {
        tell!("interrupted: the seeds so far are saved in {}", directory.display());
        return Ok(Outcome::Incomplete);
    }
    Ok(report.outcome())
}

impl Report {
    /// What a complete report says by its exit code.
    fn outcome(&self) -> Outcome {
        if self.too_low() > 0 { Outcome::Deviates } else { Outcome::Done }
    }

    /// Reported error bars that cover too seldom, for `coverage`'s exit code.
    fn too_low(&self) -> usize {
        let low = |row: &&Coverage| row.reported && row.levels.iter().any(Level::is_low);
        self.points.iter().flat_map(|point| &point.rows).filter(low).count()
    }
}

/// The coverage at one sweep point over the seeds that were complete; `None` when there are not two of them.
fn cover(
    point: &RunPoint,
    seeds: u64,
    threads: usize,
    every_time: bool,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Option<PointCoverage>> {
    let Some(exact) = master::solve(&point.experiment, &Limits::default(), |_| !interrupt.seen())? else {
        return Ok(None);
    };
    let mut known = truth(&point.experiment, &exact, point.tolerances.ket);
    known.retain(|known| every_time || known.is_final(&point.experiment.times));
    let mut tester = Tester::new(point.parameters.clone(), known, units(point));
    let mut done = 0;
    sample(point, seeds, threads, interrupt, |result, ending| {
        tester.push(result, ending);
        done += 1;
        progress.advance(1);
    })?;
    Ok((done >= 2).then(|| tester.result()))
}

/// The table with its date and what it means.
fn describe(file: &RunFile, report: &Report) -> String {
    let header = [
        "point",
        "trajectories",
        "quantity",
        "t",
        "error bar",
        "runs",
        "68.27 %",
        "95.45 %",
        "mean z",
        "variance of z",
        "",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for point in &report.points {
        for (index, row) in point.rows.iter().enumerate() {
            let first = |text: String| if index == 0 { text } else { String::new() };
            let mut cells = vec![first(table::parameters(&point.parameters)), first(trajectories(point))];
            cells.extend(describe_row(row));
            rows.push(cells);
        }
    }
    let seeds = report.points.iter().map(|point| point.seeds).max().unwrap_or(0);
    format!(
        "{}: coverage of the error bars{}\n{}, {}, seeds {} to {}, {:.0} s\n\n{}\n\
         Each run's deviation from the density matrix in units of its own error bar is z: normal if the error bar is right.\n\
         ± is one binomial standard error (of the mean and the variance of z: that of normal deviations). \"reported\" is\n\
         standard_error, which allows for unseen events; \"sample alone\" is plain_standard_error. \"too low\": so low that chance\n\
         gives it once in 3.5 million; \"generous\": above the nominal coverage by more than 5 binomial standard errors. With\n\
         fewer than 32 trajectories (or blocks of a stratified run) intervals are those of Student's t.\n\
         {}\n",
        table::title(&file.title),
        if report.every_time { "" } else { " at the end of the run" },
        report.date,
        report.provenance.program,
        report.provenance.seed,
        report.provenance.seed.wrapping_add(seeds.saturating_sub(1)),
        report.provenance.wall_time_seconds,
        table::aligned(&rows),
        match report.too_low() {
            0 => "No reported error bar is too small.".into(),
            low => format!("TOO SMALL: {low} of the reported error bars."),
        }
    )
}

/// The mean number of trajectories, and how often it was enough for the target.
fn trajectories(point: &PointCoverage) -> String {
    let count = format!("{:.0}", point.mean_trajectories);
    match point.target_reached {
        None => count,
        Some(1.0) => format!("{count} (target)"),
        Some(share) => format!("{count} (target: {:.1} %)", 100.0 * share),
    }
}

fn describe_row(row: &Coverage) -> Vec<String> {
    let runs = row.runs as f64;
    let bar = if row.reported { "reported" } else { "sample alone" };
    let mut cells =
        vec![row.quantity.clone(), row.time.to_string(), format!("{}, {bar}", row.estimator), row.runs.to_string()];
    cells.extend(
        row.levels.iter().map(|level| format!("{:.2} ± {:.2}", 100.0 * level.seen, 100.0 * level.binomial_error)),
    );
    cells.push(format!("{:.3} ± {:.3}", row.mean_z, (1.0 / runs).sqrt()));
    cells.push(format!("{:.3} ± {:.3}", row.variance_z, (2.0 / runs).sqrt()));
    let low = row.levels.iter().any(Level::is_low);
    let right = row.levels.iter().all(Level::is_right);
    cells.push(
        if low {
            "too low"
        } else if right {
            ""
        } else {
            "generous"
        }
        .into(),
    );
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Point;

    const RUN_FILE: &str = "version = 1\n[model]\nkind = \"oscillator-spins\"\nfrequency = 1.0\n\
        spins = [ { tunnelling = 2.0, coupling = 1.0, bath = { gamma = 10.0, nbar = 1.0 } } ]\n\
        [time]\nend = 1.0\npoints = 2\n[ensemble]\ntrajectories = 64\n";

    /// What is said of 60 runs whose error bars are `factor` times those that the program gives.
    fn said(factor: f64) -> (String, Outcome) {
        let file = RunFile::parse(RUN_FILE, "spin", &[]).expect("a run file");
        let (point, interrupt) = (&file.points[0], Interrupt::listen().expect("signals"));
        let exact = master::solve(&point.experiment, &Limits::default(), |_| true).expect("it fits").expect("solved");
        let mut known = truth(&point.experiment, &exact, point.tolerances.ket);
        known.retain(|known| known.is_final(&point.experiment.times));
        let mut tester = Tester::new(point.parameters.clone(), known, units(point));
        let scaled = |result: &Point| {
            let mut result = result.clone();
            let errors = result.observables.values_mut().filter_map(|curve| curve.standard_error.as_mut());
            errors.flatten().for_each(|error| *error *= factor);
            result
        };
        sample(point, 60, 2, &interrupt, |result, ending| tester.push(&scaled(result), ending)).expect("it runs");
        let provenance = provenance(&file, Method::Trajectories, 64, true, Instant::now(), 2);
        let report = Report { date: today(), every_time: false, provenance, points: vec![tester.result()] };
        (describe(&file, &report), report.outcome())
    }

    #[test]
    fn error_bars_that_are_too_small_are_said_to_be_and_right_ones_are_not() {
        let (table, outcome) = said(0.4);
        assert!(table.contains("TOO SMALL: ") && table.lines().any(|line| line.ends_with("too low")), "{table}");
        assert_eq!(outcome, Outcome::Deviates);
        let (table, outcome) = said(1.0);
        let low = |line: &str| line.contains(", reported") && line.ends_with("too low");
        assert!(table.contains("No reported error bar is too small.") && !table.lines().any(low), "{table}");
        assert_eq!(outcome, Outcome::Done);
    }
}
