//! What a few trajectories, or parts of one, tell of a run: measured within a given time, whatever the run file says.

use std::time::{Duration, Instant};

use crate::Result;
use crate::ensemble::{self, ControlSet, Ensemble, Estimator, Footprint, Lessons, Plan, Sampling, Watcher};
use crate::io::run_file::RunPoint;
use crate::propagate::Tolerances;
use crate::system::Experiment;

/// Trajectories are doubled until they have taken this long, or this share of the time where that is shorter.
const LONG: f64 = 0.3;
const SHARE: f64 = 0.1;

/// Whole trajectories are tried for this share of the time, before parts of one are.
const WHOLE: f64 = 0.25;

/// The same where there is a target: only the run's own pilots tell which estimator will reach it.
const WHOLE_WITH_TARGET: f64 = 0.7;

/// Of what is left of that, the most that pilots may take.
const PILOTS: f64 = 0.7;

/// Pilot trajectories of the control variates where there is no time for more.
const FEW: u64 = 8;

/// Numbers in a record up to which whole trajectories are tried: longer ones take much memory.
const LONGEST_RECORD: f64 = 2e5;

/// The first part of a trajectory that is tried, in units of one over the largest frequency: some steps. By how much parts grow and
/// shrink, and the least of all.
const FIRST_TURNS: f64 = 30.0;
const FIRST_LEVELS: usize = 16;
const GROW: f64 = 4.0;
const SHRINK: f64 = 1e-3;
const LEAST_PART: f64 = 1e-18;

/// Steps from which on their time is that of others, and applications of H_eff per unit of its largest frequency × time.
const MANY_STEPS: u64 = 4;
const APPLICATIONS: f64 = 3.0;

/// The work of a trajectory whose window grows with the time t grows no faster than t to this power.
const LARGEST_POWER: f64 = 2.5;

/// Bytes of tallies that are added to others in a second.
const MERGED_PER_SECOND: f64 = 1e9;

/// What was measured.
pub struct Forecast {
    /// Seconds of one trajectory on one thread.
    pub seconds: f64,
    /// Jumps of one trajectory.
    pub jumps: f64,
    /// Most Fock levels held, and the highest one.
    pub window: usize,
    pub highest: usize,
    /// The part of a trajectory that was run, where no whole one was.
    pub part: Option<f64>,
    /// The whole trajectories.
    pub ensemble: Option<Ensemble>,
    /// What their control variates were made of, and whether all pilots of the run had their say.
    pub control_set: Option<(ControlSet, bool)>,
}

/// Ends when the time is over.
struct Until(Instant);

impl Watcher for Until {
    fn finished(&self, _trajectories: u64) {}

    fn stop(&self) -> bool {
        Instant::now() >= self.0
    }

    fn give_up(&self) -> bool {
        self.stop()
    }
}

/// A point whose trajectories are tried.
struct Trial<'a> {
    point: &'a RunPoint,
    experiment: Experiment,
    tolerances: Tolerances,
}

/// Runs trajectories of `point`, or parts of one, for about `time`, or until what the first few tell is `enough`; `None` when not even
/// a small part came to its end.
///
/// # Errors
/// When a trajectory fails.
pub fn forecast(point: &RunPoint, time: Duration, enough: impl Fn(&Forecast) -> bool) -> Result<Option<Forecast>> {
    let values = (point.experiment.times.len() * point.experiment.observables.len()) as f64;
    if values <= LONGEST_RECORD {
        let trial = Trial { point, experiment: point.experiment.clone(), tolerances: point.tolerances };
        if let Some(found) = whole(&trial, time, enough)? {
            return Ok(Some(found));
        }
    }
    parts(point, time.mul_f64(1.0 - WHOLE), (LONGEST_RECORD / values).min(1.0))
}

/// Seconds that a run of `trajectories` trajectories of `point` takes on `threads` threads, pilots included.
pub fn seconds_of(point: &RunPoint, forecast: &Forecast, trajectories: u64, threads: usize) -> f64 {
    let pilots = Lessons::trajectories(point.estimator, &point.experiment);
    let processors = std::thread::available_parallelism().map_or(threads, std::num::NonZero::get);
    let together = |jobs: u64| threads.min(processors).min(usize::try_from(jobs).unwrap_or(usize::MAX)).max(1) as f64;
    let plan = Plan { trajectories: trajectories.max(1), ..point.plan(threads) };
    let merged = Footprint::of(&point.experiment, &plan, true).merged as f64;
    forecast.seconds * (pilots as f64 / together(pilots))
        + forecast.seconds * (trajectories as f64 / together(trajectories.div_ceil(point.block)))
        + merged / MERGED_PER_SECOND
}

impl Trial<'_> {
    /// The plan of one thread; small blocks, so that one ends in time.
    fn plan(&self, trajectories: u64) -> Plan {
        Plan { trajectories, block: self.point.block.min(2), sampling: Sampling::Direct, ..self.point.plan(1) }
    }

    /// The law of the control variates from a few pilots.
    fn law(&self, pilot: u64, watcher: &Until) -> Result<Option<Lessons>> {
        let estimator = match self.point.estimator {
            Estimator::Plain => Estimator::Plain,
            Estimator::Controlled { .. } => Estimator::Controlled { pilot },
        };
        ensemble::learn_law(&self.experiment, &self.tolerances, &Plan { estimator, ..self.plan(1) }, watcher)
    }

    /// All that the run learns.
    fn learn(&self, watcher: &Until) -> Result<Option<Lessons>> {
        ensemble::learn(&self.experiment, &self.tolerances, &self.plan(1), watcher)
    }

    /// Some trajectories, and how long they took; `None` when the time was over before.
    fn run(&self, count: u64, lessons: &Lessons, watcher: &Until) -> Result<Option<(Ensemble, f64)>> {
        let begun = Instant::now();
        let plan = self.plan(count);
        let run = ensemble::run_from(0, Some(lessons), &self.experiment, &self.tolerances, &plan, watcher)?;
        let seconds = begun.elapsed().as_secs_f64();
        Ok(run.filter(|ensemble| ensemble.tally.trajectories == count).map(|ensemble| (ensemble, seconds)))
    }
}

/// Whole trajectories, as many as there is time for, or two that are `enough`; `None` when there is no time for two.
fn whole(trial: &Trial, time: Duration, enough: impl Fn(&Forecast) -> bool) -> Result<Option<Forecast>> {
    let share = if trial.point.stopping.targets.is_empty() { WHOLE } else { WHOLE_WITH_TARGET };
    let until = Until(Instant::now() + time.mul_f64(share));
    let plain = Plan { estimator: Estimator::Plain, ..trial.plan(1) };
    // One by itself, before the pilots.
    let nothing = Lessons::default();
    let alone = ensemble::run_from(0, Some(&nothing), &trial.experiment, &trial.tolerances, &plain, &until)?;
    if alone.is_none() {
        return Ok(None);
    }
    let pilot = match trial.point.estimator {
        Estimator::Plain => 0,
        Estimator::Controlled { pilot } => pilot,
    };
    let Some(mut lessons) = trial.law(pilot.min(FEW), &until)? else { return Ok(None) };
    let mut pilots = pilot.min(FEW);
    let Some((ensemble, seconds)) = trial.run(2, &lessons, &until)? else { return Ok(None) };
    let first =
        Forecast { control_set: control_set(&lessons, pilots >= pilot), ..describe(ensemble, seconds / 2.0, None) };
    if enough(&first) {
        return Ok(Some(first));
    }
    // All pilots that the run will have, if there is time.
    let left = until.0.saturating_duration_since(Instant::now()).as_secs_f64();
    let affordable = (PILOTS * left / (0.5 * seconds)) as u64;
    if affordable > Lessons::trajectories(trial.point.estimator, &trial.experiment) {
        (lessons, pilots) = trial.learn(&until)?.map_or((lessons, pilots), |lessons| (lessons, pilot));
    } else if affordable.min(pilot) > FEW {
        let more = affordable.min(pilot);
        (lessons, pilots) = trial.law(more, &until)?.map_or((lessons, pilots), |lessons| (lessons, more));
    }
    let mut count = 2;
    let mut found = None;
    while let Some((ensemble, seconds)) = trial.run(count, &lessons, &until)? {
        let enough = seconds >= fair(time) || 2 * count > trial.point.stopping.trajectories;
        let control_set = control_set(&lessons, pilots >= pilot);
        found = Some(Forecast { control_set, ..describe(ensemble, seconds / count as f64, None) });
        if enough {
            break;
        }
        count *= 2;
    }
    Ok(found)
}

/// Growing parts of one trajectory, up to the part `most`, until they have taken a fair share of the time; the rest follows the
/// power of the time by which their work has grown.
fn parts(point: &RunPoint, time: Duration, most: f64) -> Result<Option<Forecast>> {
    let until = Until(Instant::now() + time);
    let end = point.experiment.times.last().copied().unwrap_or(0.0);
    let first = most.min(FIRST_TURNS / (ensemble::largest_frequency(&point.experiment, FIRST_LEVELS) * end));
    let mut part = first;
    let mut done: Vec<(f64, f64, Ensemble)> = Vec::new();
    while part >= LEAST_PART {
        // The first one may take half of the time, so that there is time for a smaller one.
        let patience = if part == first { (Instant::now() + time.mul_f64(0.5)).min(until.0) } else { until.0 };
        let trial = beginning(point, part);
        let watcher = Until(patience);
        let lessons = trial.law(1, &watcher)?;
        let run = lessons.map_or(Ok(None), |lessons| trial.run(1, &lessons, &watcher))?;
        match run {
            Some((ensemble, seconds)) => {
                done.push((part, seconds, ensemble));
                if seconds >= fair(time) || part >= most {
                    break;
                }
                part = (GROW * part).min(most);
            }
            None if done.is_empty() && !until.stop() => part *= SHRINK,
            None => break,
        }
    }
    let power = power(&done);
    Ok(done.pop().map(|(part, seconds, ensemble)| {
        let counts = ensemble.tally.counts;
        let whole = match counts.steps {
            // Steps cut short by the end of the part tell only what an application of H_eff takes.
            ..MANY_STEPS => {
                let turns = ensemble::largest_frequency(&point.experiment, counts.largest_window) * end;
                let share = (APPLICATIONS * turns / counts.applications.max(1) as f64).max(1.0);
                seconds * share.min(1.0 / part)
            }
            _ => seconds * part.powf(-power),
        };
        describe(ensemble, whole, Some(part))
    }))
}

/// By which power of the time the work of a trajectory grows: more than 1 where its ket does. Applications of H_eff on so many
/// levels are counted, not seconds, which depend on what else the machine does.
fn power(parts: &[(f64, f64, Ensemble)]) -> f64 {
    let work = |(part, _, ensemble): &(f64, f64, Ensemble)| {
        let counts = ensemble.tally.counts;
        (*part, counts.applications as f64 * counts.largest_window as f64, counts.steps)
    };
    let known: Vec<_> = parts.iter().map(work).filter(|(.., steps)| *steps >= MANY_STEPS).collect();
    let Some([from, .., to]) = known.get(known.len().saturating_sub(3)..) else { return 1.0 };
    ((to.1 / from.1).ln() / (to.0 / from.0).ln()).clamp(1.0, LARGEST_POWER)
}

/// The beginning of the experiment, up to a part of its time.
fn beginning(point: &RunPoint, part: f64) -> Trial<'_> {
    let end = part * point.experiment.times.last().copied().unwrap_or(0.0);
    let mut times: Vec<f64> = point.experiment.times.iter().copied().take_while(|time| *time < end).collect();
    times.push(end);
    let heating_window = [0, times.len() - 1];
    let experiment = Experiment { times, heating_window, functionals: Vec::new(), ..point.experiment.clone() };
    // The same accuracy per unit time; an amplitude that leaves the window counts as its square.
    let Tolerances { ket, window, max_clipped } = point.tolerances;
    Trial { point, experiment, tolerances: Tolerances { ket: part * ket, window: part * part * window, max_clipped } }
}

/// How long trials go on at least, before there is enough to judge from.
fn fair(time: Duration) -> f64 {
    LONG.min(SHARE * time.as_secs_f64())
}

fn control_set(lessons: &Lessons, all: bool) -> Option<(ControlSet, bool)> {
    lessons.study.control_set.clone().map(|set| (set, all))
}

fn describe(ensemble: Ensemble, seconds: f64, part: Option<f64>) -> Forecast {
    let (layout, mean) = (ensemble.layout, ensemble.tally.records.mean());
    let jumps = (0..layout.channels()).fold(0.0, |sum, channel| sum + mean[layout.jumps(channel)]);
    Forecast {
        seconds,
        jumps: jumps / part.unwrap_or(1.0),
        window: ensemble.tally.counts.largest_window,
        highest: ensemble.tally.counts.highest_level,
        part,
        ensemble: Some(ensemble).filter(|_| part.is_none()),
        control_set: None,
    }
}
