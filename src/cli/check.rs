//! `fluctuator check`: is the run file sound, how large is the run, how long will it take?

use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{HumanBytes, HumanDuration};

use super::{Outcome, RunFileArguments, table};
use crate::Result;
use crate::analysis::{excess, trajectories_needed, trajectory_point};
use crate::ensemble::{self, Ensemble, Estimator, Guide, Ladder, Plan, Sampling};
use crate::hilbert::Cutoff;
use crate::io::run_file::{RunFile, RunPoint};
use crate::io::{JUMP_BYTES, RECORDS_FILE};
use crate::propagate::MAX_ORDER;
use crate::system::{OpenSystem, Register};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    file: RunFileArguments,
}

/// Pilot trajectories per point are doubled until they have taken this long.
const PILOT: Duration = Duration::from_millis(300);

/// Pilot trajectories of the control variates where there is no time for more.
const FEW: u64 = 8;

/// Prints a table of the sweep points and the predicted time.
pub fn run(arguments: &CheckArguments) -> Result<Outcome> {
    let (file, threads) = (arguments.file.load()?, arguments.file.threads()?);
    let header =
        ["point", "spins", "Fock levels", "ket + series", "jumps", "trajectories", "per trajectory", "predicted"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let (mut total, mut jumps) = (0.0, 0.0);
    for (index, point) in file.points.iter().enumerate() {
        let (row, seconds, jumps_here) = pilot(&file, index, point, threads)?;
        rows.push(row);
        total += seconds;
        jumps += jumps_here;
    }
    say!("{}: the run file is sound", table::title(&file.title));
    table::print_aligned(&rows);
    let sampled = file.points.iter().any(|point| point.experiment.is_sampled());
    if sampled {
        say!("the initial state is mixed: every trajectory starts from a pure state drawn from it");
    }
    say!(
        "predicted time on {threads} threads: {} ({} sweep points; from pilot trajectories, good to a factor of about 1.5)",
        HumanDuration(Duration::from_secs_f64(total.min(1e15))),
        file.points.len()
    );
    if file.records.jumps {
        say!("{RECORDS_FILE} will hold about {jumps:.2e} jumps in {}", HumanBytes((jumps * JUMP_BYTES as f64) as u64));
    }
    Ok(Outcome::Done)
}

/// Runs a few trajectories of a point; returns its row, the seconds its ensemble would take and its jumps.
fn pilot(file: &RunFile, index: usize, point: &RunPoint, threads: usize) -> Result<(Vec<String>, f64, f64)> {
    let (experiment, tolerances) = (&point.experiment, &point.tolerances);
    let plan = Plan { block: 2, sampling: Sampling::Direct, ..point.plan(1) };
    let timed = |trajectories, guide: Option<&Guide>| -> Result<(Option<Ensemble>, Duration)> {
        let begun = Instant::now();
        let plan = Plan { trajectories, ..plan };
        Ok((ensemble::run_from(0, guide, experiment, tolerances, &plan, &())?, begun.elapsed()))
    };
    let learned = |pilot| {
        let plan = Plan { estimator: Estimator::Controlled { pilot }, ..plan };
        ensemble::learn(experiment, tolerances, &plan, &())
    };
    // As many pilot trajectories as the run will have, if there is time.
    let (mut guide, mut pilots) = (None, 0);
    if let Estimator::Controlled { pilot } = plan.estimator {
        pilots = pilot;
        guide = learned(pilot.min(FEW))?;
        let each = timed(2, guide.as_ref())?.1.as_secs_f64() / 2.0;
        let affordable = (PILOT.as_secs_f64() / each) as u64;
        if affordable.min(pilot) > FEW {
            guide = learned(affordable.min(pilot))?;
        }
    }
    let mut trajectories = 2;
    let (ensemble, seconds) = loop {
        let (ensemble, elapsed) = timed(trajectories, guide.as_ref())?;
        if elapsed >= PILOT || 2 * trajectories > point.stopping.trajectories {
            break (ensemble, elapsed.as_secs_f64() / trajectories as f64);
        }
        trajectories *= 2;
    };
    let Some(ensemble) = ensemble else { unreachable!("nobody stops a pilot") };
    let result = trajectory_point(&point.experiment, &ensemble, point.parameters.clone());
    let rows = Register::of(&point.experiment).rows();
    let bytes = result.diagnostics.largest_window * rows * 16 * (MAX_ORDER + 4);
    let levels = match point.experiment.cutoff {
        Cutoff::Auto => format!("auto ({} seen)", result.diagnostics.highest_level),
        Cutoff::Levels(levels) => format!("{levels} (window ≤ {})", result.diagnostics.largest_window),
    };
    let jumps: f64 = result.jumps.values().map(|jumps| jumps.mean).fold(0.0, |sum, mean| sum + mean);
    let (expected, shown) = expected_trajectories(point, &ensemble);
    let blocks = usize::try_from(expected.div_ceil(point.block)).unwrap_or(usize::MAX);
    let whole = seconds * (pilots + expected) as f64 / threads.min(blocks) as f64;
    let whole = point.stopping.time_limit.map_or(whole, |limit| whole.min(limit.as_secs_f64()));
    let row = vec![
        table::point_label(file, index),
        point.experiment.model.spins().len().to_string(),
        levels,
        format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        table::count(jumps),
        shown,
        format!("{:.3} ms", 1e3 * seconds),
        format!("{whole:.1} s"),
    ];
    Ok((row, whole, jumps * expected as f64))
}

/// How many trajectories the run will take, and how that is shown: with a target, judged from the pilot.
fn expected_trajectories(point: &RunPoint, pilot: &Ensemble) -> (u64, String) {
    let stopping = &point.stopping;
    let most = stopping.trajectories;
    if stopping.targets.is_empty() {
        return (most, most.to_string());
    }
    let excess = excess(&stopping.targets, &point.experiment, pilot);
    let needed = trajectories_needed(pilot.tally.trajectories, excess);
    if needed > most as f64 {
        return (most, format!("{most} (not enough for the target)"));
    }
    let ladder = Ladder::new(Some(stopping.min_trajectories), most, point.block);
    let rungs = std::iter::successors(Some(ladder.first()), |rung| ladder.after(*rung));
    let expected = rungs.map(|rung| (rung * point.block).min(most)).find(|count| *count as f64 >= needed);
    let expected = expected.unwrap_or(most);
    (expected, format!("about {expected} of {most}"))
}
