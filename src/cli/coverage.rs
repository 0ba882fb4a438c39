//! `fluctuator coverage`: do the error bars of a run file cover?

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::interrupt::Interrupt;
use super::origin::provenance;
use super::progress::Progress;
use super::watcher::EnsembleWatcher;
use super::{Outcome, RunFileArguments, table};
use crate::analysis::{
    Coverage, Level, Method, PointCoverage, Provenance, THRESHOLD, Tester, exact_point, trajectory_point,
};
use crate::ensemble::{self, Plan};
use crate::io::run_file::{RunFile, RunPoint};
use crate::io::{prepare_directory, refuse_to_replace_report, today, write_report};
use crate::master::{self, Limits};
use crate::{Error, Result};

/// Arguments of `coverage`.
#[derive(Debug, Args)]
pub struct CoverageArguments {
    #[command(flatten)]
    file: RunFileArguments,
    /// Independent runs per sweep point, with the seeds seed, seed + 1, ….
    #[arg(long, value_name = "N", default_value_t = 1000)]
    seeds: u64,
    /// Also at every output time, not only at the end of the run.
    #[arg(long)]
    every_time: bool,
    /// Result directory [default: out/RUN_FILE_STEM/coverage].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a finished report of another run file, or of more seeds, that lies in the result directory.
    #[arg(long)]
    force: bool,
}

/// Deviations up to this are numerical, as in `compare`.
const NUMERICAL: f64 = 1e-6;

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
pub fn run(arguments: &CoverageArguments) -> Result<Outcome> {
    let (file, threads) = (arguments.file.load()?, arguments.file.threads()?);
    if !(2..=1 << 40).contains(&arguments.seeds) {
        return Err(Error::value("--seeds", arguments.seeds, "must be between 2 and 2^40"));
    }
    let directory = arguments.out.clone().unwrap_or_else(|| arguments.file.default_directory().join("coverage"));
    prepare_directory(&directory)?;
    if !arguments.force {
        refuse_to_replace_report(&directory, "coverage", &file, |report| {
            let points = report["points"].as_array().into_iter().flatten();
            points.filter_map(|point| point["seeds"].as_u64()).any(|seeds| seeds > arguments.seeds)
        })?;
    }
    let interrupt = Interrupt::listen()?;
    let begun = Instant::now();
    let mut points = Vec::new();
    for (index, point) in file.points.iter().enumerate() {
        let label = table::point_label(&file, index);
        let located = |error| table::located(error, point);
        points.extend(cover(point, &label, arguments, threads, &interrupt).map_err(located)?);
        if interrupt.seen() {
            break;
        }
    }
    if points.is_empty() {
        tell!("interrupted before two seeds were complete: nothing to save");
        return Ok(Outcome::NothingSaved);
    }
    let complete = points.len() == file.points.len() && points.iter().all(|point| point.seeds == arguments.seeds);
    let trajectories = file.points[0].stopping.trajectories;
    let provenance = provenance(&file, Method::Trajectories, trajectories, complete, begun, threads);
    let report = Report { date: today(), every_time: arguments.every_time, provenance, points };
    let text = describe(&file, &report);
    write_report(&directory, "coverage", &report, &text)?;
    if !arguments.file.quiet {
        say!("{}", text.trim_end());
        say!("results in {}", directory.display());
    }
    if !complete {
        tell!("interrupted: the seeds so far are saved in {}", directory.display());
        return Ok(Outcome::Incomplete);
    }
    Ok(if report.too_low() > 0 { Outcome::Deviates } else { Outcome::Done })
}

impl Report {
    /// Reported error bars that cover too seldom, for `coverage`'s exit code.
    fn too_low(&self) -> usize {
        let low = |row: &&Coverage| row.reported && row.levels.iter().any(Level::is_low);
        self.points.iter().flat_map(|point| &point.rows).filter(low).count()
    }
}

/// The coverage at one sweep point over the seeds that were complete; `None` when there are not two of them.
fn cover(
    point: &RunPoint,
    label: &str,
    arguments: &CoverageArguments,
    threads: usize,
    interrupt: &Interrupt,
) -> Result<Option<PointCoverage>> {
    let Some(exact) = master::solve(&point.experiment, &Limits::default(), |_| !interrupt.seen())? else {
        return Ok(None);
    };
    let truth = exact_point(&point.experiment, &exact, point.parameters.clone());
    let mut tester = Tester::new(truth, NUMERICAL, arguments.every_time);
    let progress = Progress::new(label, "seeds", arguments.seeds, arguments.file.quiet);
    let mut seeds = 0;
    for seed in (0..arguments.seeds).map(|offset| point.seed.wrapping_add(offset)) {
        let plan = Plan { seed, ..point.plan(threads) };
        let watcher = EnsembleWatcher::unlimited(point, interrupt);
        let ensemble = ensemble::run(&point.experiment, &point.tolerances, &plan, &watcher)?;
        let Some(ensemble) = ensemble.filter(|ensemble| ensemble.ending.stopped.is_complete()) else { break };
        let result = trajectory_point(&point.experiment, &ensemble, point.parameters.clone());
        tester.push(&result, ensemble.ending);
        seeds += 1;
        progress.advance(1);
    }
    progress.finish();
    Ok((seeds >= 2).then(|| tester.result()))
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
        "{}: coverage of the error bars{} and of the heating rate\n{}, {}, seeds {} to {}, {:.0} s\n\n{}\n\
         Each run's deviation from the density matrix in units of its own error bar is z: normal if the error bar is right.\n\
         ± is one binomial standard error (of the mean and the variance of z: that of normal deviations). \"reported\" is\n\
         standard_error, which allows for unseen events; \"sample alone\" is plain_standard_error. \"too low\": below the\n\
         nominal coverage by more than {THRESHOLD} binomial standard errors; \"generous\": above it by as much.\n\
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
