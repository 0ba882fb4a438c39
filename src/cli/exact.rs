//! `fluctuator exact`: the density matrix of the same run file.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::born_markov::print_born_markov;
use super::drawing::draw;
use super::interrupt::Interrupt;
use super::progress::Progress;
use super::provenance::provenance;
use super::{Outcome, RunFileArguments, table};
use crate::analysis::{FORMAT_VERSION, Method, Summary, exact_point};
use crate::io::run_file::RunFile;
use crate::io::{EXACT_DIRECTORY, prepare_directory, refuse_to_replace, write_numbers};
pub use crate::master::Limits;
use crate::{Error, Result, master};

/// Arguments of `exact`.
#[derive(Debug, Args)]
pub struct ExactArguments {
    #[command(flatten)]
    file: RunFileArguments,
    /// Result directory [default: out/RUN_FILE_STEM/exact, beside the trajectories it belongs to].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace another result that lies in the result directory.
    #[arg(long)]
    force: bool,
    /// Most memory the density matrix may take, in GiB.
    #[arg(long, value_name = "GIB", default_value_t = 4.0)]
    memory_limit: f64,
}

/// Progress is shown in thousandths of a point.
const RESOLUTION: f64 = 1000.0;

/// Solves every sweep point, writes the result and prints its table.
pub fn run(arguments: &ExactArguments) -> Result<Outcome> {
    let file = arguments.file.load()?;
    arguments.file.threads()?;
    if !(arguments.memory_limit > 0.0 && arguments.memory_limit <= 1e6) {
        return Err(Error::value("--memory-limit", arguments.memory_limit, "must be > 0 GiB (at most 1e6)"));
    }
    let limits = Limits { memory: (arguments.memory_limit * f64::from(1 << 30)) as u64, ..Limits::default() };
    let default = || arguments.file.default_directory().join(EXACT_DIRECTORY);
    let directory = arguments.out.clone().unwrap_or_else(default);
    prepare_directory(&directory)?;
    if !arguments.force {
        refuse_to_replace(&directory, &file, Method::Exact, |_, _| 0)?;
    }
    let interrupt = Interrupt::listen()?;
    let Some(summary) = solve(&file, arguments.file.quiet, &limits, &|| interrupt.seen())? else {
        tell!("interrupted: a density matrix is all or nothing, so nothing is saved");
        return Ok(Outcome::NothingSaved);
    };
    write_numbers(&directory, &summary)?;
    let drawn = draw(&directory, &summary, None, || interrupt.seen())?;
    if !arguments.file.quiet {
        say!("{} (density matrix)", table::title(&summary.provenance.title));
        table::print_summary(&summary);
        print_born_markov(&summary);
        say!("results in {}", directory.display());
    }
    Ok(if drawn { Outcome::Done } else { Outcome::Incomplete })
}

/// The density-matrix result of a run file; `None` when `stop` said so.
pub fn solve(file: &RunFile, quiet: bool, limits: &Limits, stop: &dyn Fn() -> bool) -> Result<Option<Summary>> {
    let begun = Instant::now();
    let mut points = Vec::with_capacity(file.points.len());
    for (index, point) in file.points.iter().enumerate() {
        let label = format!("density matrix {}", table::point_label(file, index));
        let progress = Progress::new(&label, "‰", RESOLUTION as u64, quiet);
        let mut shown = 0;
        let outcome = master::solve(&point.experiment, limits, |fraction| {
            let now = (fraction * RESOLUTION) as u64;
            progress.advance(now.saturating_sub(shown));
            shown = shown.max(now);
            !stop()
        });
        progress.finish();
        let Some(exact) = outcome? else { return Ok(None) };
        points.push(exact_point(&point.experiment, &exact, point.parameters.clone()));
    }
    let provenance = provenance(file, Method::Exact, 0, true, begun, 1);
    Ok(Some(Summary { format_version: FORMAT_VERSION, provenance, points }))
}
