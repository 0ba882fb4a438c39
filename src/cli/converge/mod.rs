//! `fluctuator converge`: how fast each error falls with what controls it, and which one is the largest.

mod measure;
mod report;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::Value;

use self::measure::{Budget, Study};
use super::interrupt::Interrupt;
use super::provenance::provenance;
use super::{Outcome, RunFileArguments};
use crate::analysis::Method;
use crate::analysis::convergence::{CONVERGENCE_VERSION, Convergence, Settings, Verdict};
use crate::hilbert::Cutoff;
use crate::io::{prepare_directory, refuse_to_replace_report, write_convergence};
use crate::{Error, Result};

/// Arguments of `converge`.
#[derive(Debug, Args)]
pub struct ConvergeArguments {
    #[command(flatten)]
    file: RunFileArguments,
    /// Result directory [default: out/RUN_FILE_STEM/converge].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a finished study of another run file or sweep point that lies in the result directory.
    #[arg(long)]
    force: bool,
    /// Sweep point to study, from 0.
    #[arg(long, value_name = "I", default_value_t = 0)]
    point: usize,
    /// Seconds the study may take, about; it decides how many trajectories are run.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, conflicts_with = "quick")]
    budget: f64,
    /// The same as --budget 10.
    #[arg(long)]
    quick: bool,
}

const QUICK: f64 = 10.0;

/// Runs the four studies, writes converge.json and the pictures, prints the tables and the sentence.
pub fn run(arguments: &ConvergeArguments) -> Result<Outcome> {
    let (file, threads) = (arguments.file.load()?, arguments.file.threads()?);
    let seconds = if arguments.quick { QUICK } else { arguments.budget };
    if !(seconds > 0.0 && seconds <= 1e6) {
        return Err(Error::value("--budget", seconds, "must be > 0 seconds (at most 1e6)"));
    }
    let Some(point) = file.points.get(arguments.point) else {
        let allowed = format!("the run file has the sweep points 0 to {}", file.points.len() - 1);
        return Err(Error::value("--point", arguments.point, allowed));
    };
    let default = || arguments.file.default_directory().join("converge");
    let directory = arguments.out.clone().unwrap_or_else(default);
    prepare_directory(&directory)?;
    if !arguments.force {
        let elsewhere = |report: &Value| report["point"].as_u64() != Some(arguments.point as u64);
        refuse_to_replace_report(&directory, "converge", &file, elsewhere)?;
    }
    let interrupt = Interrupt::listen()?;
    let begun = Instant::now();
    let settings = Settings {
        trajectories: point.stopping.trajectories,
        tolerance: point.tolerances.ket,
        window_tolerance: point.tolerances.window,
        cutoff: match point.experiment.cutoff {
            Cutoff::Auto => None,
            Cutoff::Levels(levels) => Some(levels),
        },
        end: point.experiment.times.last().copied().unwrap_or(0.0),
    };
    let mut study = Study::new(point, threads, arguments.file.quiet, Budget::new(seconds), &interrupt);
    let measured = (|| -> Result<_> {
        let pilot = study.pilot()?;
        Ok((study.sampling(&pilot)?, study.tolerance(&pilot)?, study.window(&pilot)?, study.cutoff(&pilot)?))
    })();
    if interrupt.seen() {
        tell!("interrupted: a study is all or nothing, so nothing is saved");
        return Ok(Outcome::NothingSaved);
    }
    let (sampling, tolerance, window, cutoff) = measured?;
    let convergence = Convergence {
        format_version: CONVERGENCE_VERSION,
        provenance: provenance(&file, Method::Trajectories, sampling.trajectories, true, begun, threads),
        point: arguments.point,
        parameters: point.parameters.clone(),
        settings,
        verdict: Verdict::new(&settings, &sampling, [&tolerance, &window, &cutoff]),
        sampling,
        tolerance,
        window,
        cutoff,
        left_out: study.left_out,
    };
    write_convergence(&directory, &convergence)?;
    if !arguments.file.quiet {
        report::print(&convergence);
        say!("{:.1} s; results in {}", convergence.provenance.wall_time_seconds, directory.display());
    }
    Ok(Outcome::Done)
}
