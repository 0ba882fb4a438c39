//! `fluctuator check`: is the run file sound, how large is the run, how long will it take?

use std::time::Duration;

use clap::Args;

use super::forecast::{Forecast, forecast, seconds_of};
use super::needs::{Memory, spread};
use super::progress::{human_bytes, human_time};
use super::{Outcome, RunFileArguments, table};
use crate::Result;
use crate::analysis::needed;
use crate::ensemble::{ControlSet, Ensemble, Footprint, Ladder};
use crate::error::shown::significant;
use crate::hilbert::Cutoff;
use crate::io::run_file::{RunFile, RunPoint};
use crate::io::{JUMP_BYTES, RECORDS_FILE, available_memory};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    file: RunFileArguments,
}

/// Time that all trials together may take, and most of it for one point.
const TIME: Duration = Duration::from_secs(6);
const POINT_TIME: Duration = Duration::from_secs(6);

/// Most sweep points that are tried; the others are taken for their neighbours.
const MOST_POINTS: usize = 24;

/// Prints a table of the sweep points and the predicted time.
pub fn run(arguments: &CheckArguments) -> Result<Outcome> {
    let (file, threads) = (arguments.file.load()?, arguments.file.threads()?);
    let Survey { rows, tried, time, seconds: total, jumps, kets, parts, unknown } = Survey::of(&file, threads)?;
    say!("{}: the run file is sound", table::title(&file.title));
    table::print_aligned(&rows);
    let points = file.points.len();
    if tried < points {
        say!("({tried} of {points} sweep points were tried; the others are taken for their neighbours)");
    }
    let sampled = file.points.iter().any(|point| point.experiment.is_sampled());
    if sampled {
        say!("the initial state is mixed: every trajectory starts from a pure state drawn from it");
    }
    let from = match parts {
        0 => "from a few trajectories, good to a factor of about 2",
        _ => "from parts of trajectories, good to a factor of about 2 where later parts are like them",
    };
    match unknown {
        0 => say!("predicted time on {threads} threads: {} ({points} sweep points; {from})", human_time(total)),
        _ => say!(
            "predicted time on {threads} threads: more than anybody waits: no part of a trajectory ended within {time:?}"
        ),
    }
    let memory = Memory::of(&file, threads, true);
    let needed = Memory { kets: kets.max(memory.kets), ..memory }.total();
    let available = available_memory();
    let of = available.map_or_else(String::new, |bytes| format!(" (available: {})", human_bytes(bytes)));
    say!("predicted memory: {}{of}", human_bytes(needed));
    if let Err(error) = memory.check(available) {
        tell!("warning: {error}: `run` would refuse it");
    }
    if file.records.jumps {
        say!("{RECORDS_FILE} will hold about {jumps:.2e} jumps in {}", human_bytes((jumps * JUMP_BYTES as f64) as u64));
    }
    Ok(Outcome::Done)
}

/// What trials of sweep points tell of all.
struct Survey {
    /// The table, with its header.
    rows: Vec<Vec<String>>,
    /// How many points were tried, each for so long.
    tried: usize,
    time: Duration,
    /// Seconds of all ensembles, their jumps, and the largest kets in bytes.
    seconds: f64,
    jumps: f64,
    kets: u64,
    /// How many points were known from a part of a trajectory, and how many not at all.
    parts: usize,
    unknown: usize,
}

impl Survey {
    fn of(file: &RunFile, threads: usize) -> Result<Self> {
        let header = [
            "point",
            "spins",
            "Fock levels",
            "jumps",
            "trajectories",
            "controls",
            "per trajectory",
            "predicted",
            "memory",
        ];
        let chosen = spread(file.points.len(), MOST_POINTS);
        let time = POINT_TIME.min(TIME / chosen.len() as u32);
        let rows = vec![header.map(str::to_owned).to_vec()];
        let mut survey =
            Self { rows, tried: chosen.len(), time, seconds: 0.0, jumps: 0.0, kets: 0, parts: 0, unknown: 0 };
        for (place, &index) in chosen.iter().enumerate() {
            let point = &file.points[index];
            let found = forecast(point, time, |_| false).map_err(|error| table::located(error, point))?;
            // It stands for the points up to half way to its neighbours.
            let half =
                |neighbour: Option<&usize>, end: usize| neighbour.map_or(end, |other| (index + other).div_ceil(2));
            let from = if place == 0 { 0 } else { half(chosen.get(place - 1), 0) };
            let stands_for = (half(chosen.get(place + 1), file.points.len()) - from) as f64;
            let trial = describe(file, index, found.as_ref(), threads);
            survey.rows.push(trial.row);
            survey.seconds += stands_for * trial.seconds;
            survey.jumps += stands_for * trial.jumps;
            survey.kets = survey.kets.max(trial.kets);
            survey.parts += usize::from(found.as_ref().is_some_and(|found| found.part.is_some()));
            survey.unknown += usize::from(found.is_none());
        }
        Ok(survey)
    }
}

/// What is said of a sweep point.
struct Trial {
    row: Vec<String>,
    /// Seconds of its ensemble, its jumps and the bytes of its kets.
    seconds: f64,
    jumps: f64,
    kets: u64,
}

fn describe(file: &RunFile, index: usize, found: Option<&Forecast>, threads: usize) -> Trial {
    let point = &file.points[index];
    let (expected, shown) = expected_trajectories(point, found.and_then(|found| found.ensemble.as_ref()));
    let footprint = Footprint::of(&point.experiment, &point.plan(threads), true);
    let mut row = vec![table::point_label(file, index), point.experiment.model.spins().len().to_string()];
    let Some(found) = found else {
        let unknown = || "?".to_owned();
        let memory = human_bytes(footprint.total());
        row.extend([unknown(), unknown(), shown, unknown(), unknown(), unknown(), memory]);
        return Trial { row, seconds: 0.0, jumps: 0.0, kets: 0 };
    };
    let seen = found.part.map_or_else(|| "seen".into(), |part| format!("seen in {part:.0e} of the time"));
    let levels = match point.experiment.cutoff {
        Cutoff::Auto => format!("auto ({} {seen})", found.highest),
        Cutoff::Levels(levels) => format!("{levels} (window ≤ {})", found.window),
    };
    let whole = seconds_of(point, found, expected, threads);
    let seconds = point.stopping.time_limit.map_or(whole, |limit| whole.min(limit.as_secs_f64()));
    let kets = Footprint::kets(&point.experiment, &point.plan(threads), found.window);
    row.extend([
        levels,
        table::count(found.jumps),
        shown,
        controls(found),
        short(found.seconds),
        short(seconds),
        human_bytes(footprint.total().saturating_add(kets)),
    ]);
    Trial { row, seconds, jumps: found.jumps * expected as f64, kets }
}

/// How many quantities the control variates are made of, and what they divide the variance by, as far as the trials have told.
fn controls(found: &Forecast) -> String {
    match &found.control_set {
        Some((ControlSet { quantities, factor: Some(factor), .. }, true)) => {
            format!("{quantities} quantities, variance ÷ {}", significant(*factor, 2))
        }
        Some((ControlSet { quantities, .. }, true)) => format!("{quantities} quantities"),
        Some((ControlSet { quantities, .. }, false)) => format!("{quantities} quantities or more"),
        None => "–".into(),
    }
}

/// A time in the unit that suits it.
fn short(seconds: f64) -> String {
    match seconds {
        ..1.0 => format!("{:.3} ms", 1e3 * seconds),
        ..1e5 => format!("{seconds:.1} s"),
        _ => human_time(seconds),
    }
}

/// How many trajectories the run will take, and how that is shown: with a target, judged from the pilot.
fn expected_trajectories(point: &RunPoint, pilot: Option<&Ensemble>) -> (u64, String) {
    let stopping = &point.stopping;
    let most = stopping.trajectories;
    if stopping.targets.is_empty() {
        return (most, most.to_string());
    }
    let Some(pilot) = pilot else { return (most, format!("at most {most}")) };
    let needed = needed(&stopping.targets, &point.experiment, pilot, most);
    if needed > most as f64 {
        return (most, format!("{most} (not enough for the target)"));
    }
    let ladder = Ladder::new(Some(stopping.min_trajectories), most, point.block);
    let rungs = std::iter::successors(Some(ladder.first()), |rung| ladder.after(*rung));
    let expected = rungs.map(|rung| (rung * point.block).min(most)).find(|count| *count as f64 >= needed);
    let expected = expected.unwrap_or(most);
    (expected, format!("about {expected} of {most}"))
}
