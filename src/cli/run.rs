//! `fluctuator run`: trajectories, averaged.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::interrupt::Interrupt;
use super::origin::provenance;
use super::progress::{EnsembleWatcher, Progress};
use super::{Outcome, RunFileArguments, exact, table};
use crate::Result;
use crate::analysis::{FORMAT_VERSION, Method, Point, Summary, trajectory_point};
use crate::ensemble::{self, Plan};
use crate::io::run_file::{RunFile, RunPoint};
use crate::io::{EXACT_DIRECTORY, prepare_directory, read_exact, write_result};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    file: RunFileArguments,
    /// Result directory [default: out/<run file stem>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs every sweep point, writes the result and prints its table.
pub fn run(arguments: &RunArguments) -> Result<Outcome> {
    let (file, threads) = (arguments.file.load()?, arguments.file.threads()?);
    let directory = arguments.out.clone().unwrap_or_else(|| arguments.file.default_directory());
    prepare_directory(&directory)?;
    let interrupt = Interrupt::listen()?;
    let begun = Instant::now();

    let mut points = Vec::new();
    let mut complete = true;
    for (index, point) in file.points.iter().enumerate() {
        match run_point(&file, index, point, threads, arguments.file.quiet, &interrupt)? {
            Some((result, finished)) => {
                points.push(result);
                complete &= finished;
            }
            None => complete = false,
        }
        if interrupt.seen() {
            complete &= points.len() == file.points.len();
            break;
        }
    }
    let done: u64 = points.iter().map(|point| point.trajectories).sum();
    if points.is_empty() {
        eprintln!("interrupted before the first block was complete: nothing to save");
        return Ok(Outcome::NothingSaved);
    }
    let trajectories = file.points[0].trajectories;
    let provenance = provenance(&file, Method::Trajectories, trajectories, complete, begun, threads);
    let summary = Summary { format_version: FORMAT_VERSION, provenance, points };
    warn_of_clipping(&summary);

    let reference = if file.exact && complete {
        let reference = exact::solve(&file, threads, arguments.file.quiet, &exact::Limits::default(), &interrupt)?;
        if let Some(reference) = &reference {
            write_result(&directory.join(EXACT_DIRECTORY), reference, None)?;
        }
        reference
    } else {
        read_exact(&directory)
            .ok()
            .flatten()
            .filter(|exact| exact.provenance.run_file_hash == summary.provenance.run_file_hash)
    };
    write_result(&directory, &summary, reference.as_ref())?;
    if !arguments.file.quiet {
        say!("{}", summary.provenance.title);
        table::print_summary(&summary);
        let memory = summary
            .provenance
            .peak_memory_bytes
            .map_or_else(String::new, |bytes| format!(", peak memory {:.1} MiB", bytes as f64 / f64::from(1 << 20)));
        say!("{:.1} s{memory}; results in {}", summary.provenance.wall_time_seconds, directory.display());
    }
    if complete {
        return Ok(Outcome::Done);
    }
    eprintln!(
        "interrupted: {done} complete trajectories on {} of {} sweep points are saved in {}",
        summary.points.len(),
        file.points.len(),
        directory.display()
    );
    Ok(Outcome::Incomplete)
}

/// One sweep point; `None` when nothing of it was complete, else whether all of it was.
fn run_point(
    file: &RunFile,
    index: usize,
    point: &RunPoint,
    threads: usize,
    quiet: bool,
    interrupt: &Interrupt,
) -> Result<Option<(Point, bool)>> {
    let plan = Plan { trajectories: point.trajectories, seed: point.seed, block: point.block, threads };
    let label = table::point_label(file, index);
    let progress = Progress::new(&label, "trajectories", plan.trajectories, quiet);
    let watcher = EnsembleWatcher { progress: &progress, interrupt };
    let outcome = ensemble::run(&point.experiment, &point.tolerances, &plan, &watcher);
    progress.finish();
    let Some(ensemble) = outcome? else { return Ok(None) };
    let result = trajectory_point(&point.experiment, &ensemble, point.parameters.clone());
    Ok(Some((result, ensemble.complete)))
}

/// Clipping below the threshold of an error is still said.
fn warn_of_clipping(summary: &Summary) {
    const WORTH_SAYING: f64 = 1e-9;
    for point in &summary.points {
        let (cutoff, clipped) = (point.diagnostics.cutoff, point.diagnostics.clipped_population);
        if clipped > WORTH_SAYING {
            let at = if point.parameters.is_empty() {
                String::new()
            } else {
                format!(" at {}", table::parameters(&point.parameters))
            };
            eprintln!("warning: cutoff = {cutoff} clips up to {clipped:.1e} of the population{at}; \"auto\" would not");
        }
    }
}
