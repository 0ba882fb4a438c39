//! The trajectories behind the four studies, as many as the time budget allows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::interrupt::Interrupt;
use super::super::progress::Progress;
use crate::analysis::convergence::{Groups, Ladder, Record, Sampling};
use crate::analysis::{Point, exact_point, trajectory_point};
use crate::ensemble::{self, Ensemble, Estimator, Plan, Watcher};
use crate::hilbert::Cutoff;
use crate::io::run_file::RunPoint;
use crate::master::{self, Limits};
use crate::propagate::Tolerances;
use crate::system::Experiment;
use crate::{Error, Result};

/// Pilot trajectories are doubled until they have taken this long.
const PILOT: Duration = Duration::from_millis(300);
/// Shares of the budget: trajectories of the sampling study, density matrix, each of the three ladders, pilot at most.
const SAMPLING_SHARE: f64 = 0.4;
const EXACT_SHARE: f64 = 0.15;
const LADDER_SHARE: f64 = 0.15;
const PILOT_SHARE: f64 = 0.3;
/// A study is stopped where it is when it has taken this many times its share.
const PATIENCE: f64 = 3.0;

/// The run file's trajectories are split into up to 2^this groups of at least this many trajectories.
const MOST_SPLITS: u32 = 5;
const SMALLEST_GROUP: u64 = 8;
/// Up to 2^this times the run file's trajectories are run.
const MOST_DOUBLINGS: u32 = 2;
/// Trajectories per rung of a ladder.
const LADDER_TRAJECTORIES: [u64; 2] = [4, 256];

/// Settings of the ladders, and of what they are compared with.
const TOLERANCES: [f64; 8] = [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10];
const WINDOW_TOLERANCES: [f64; 8] = [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14, 1e-16];
const TIGHT: f64 = 1e-12;
const TIGHTEST: f64 = 1e-13;
const TIGHT_WINDOW: f64 = 1e-20;
const TIGHTEST_WINDOW: f64 = 1e-24;
/// Cutoffs from the largest ⟨N⟩ to the highest level that `auto` held, in this many steps.
const CUTOFFS: usize = 8;
/// Differences below this multiple of the reference's own tolerance stay out of fitted slopes.
const ABOVE_REFERENCE: f64 = 20.0;

/// The time a study may take.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    seconds: f64,
}

impl Budget {
    pub fn new(seconds: f64) -> Self {
        Self { seconds }
    }

    fn deadline(self, share: f64) -> Instant {
        Instant::now() + Duration::from_secs_f64(PATIENCE * share * self.seconds)
    }
}

/// What a few trajectories tell of the rest.
pub struct Pilot {
    /// Seconds per trajectory on one thread.
    seconds: f64,
    /// Highest level held with an automatic cutoff, and largest ⟨N⟩.
    levels: usize,
    number: f64,
}

/// What a ladder varies.
struct Along<'k> {
    /// Key of the run file.
    key: &'k str,
    /// Whether it is a number of orders of magnitude.
    logarithmic: bool,
    /// The reference in words, and how accurate it is.
    against: &'k str,
    accuracy: f64,
    /// The run file's own setting.
    own: Option<f64>,
}

/// Progress that Ctrl-C or the deadline ends.
struct Watch<'a> {
    progress: Progress,
    interrupt: &'a Interrupt,
    deadline: Instant,
}

impl Watcher for Watch<'_> {
    fn finished(&self, trajectories: u64) {
        self.progress.advance(trajectories);
    }

    fn stop(&self) -> bool {
        self.interrupt.seen() || Instant::now() >= self.deadline
    }

    fn give_up(&self) -> bool {
        self.stop()
    }
}

/// The four studies of one sweep point.
pub struct Study<'a> {
    point: &'a RunPoint,
    /// The run file's experiment, whatever it clips.
    experiment: &'a Experiment,
    tolerances: Tolerances,
    threads: usize,
    quiet: bool,
    budget: Budget,
    interrupt: &'a Interrupt,
    /// What there was no time for.
    pub left_out: Vec<String>,
}

impl<'a> Study<'a> {
    pub fn new(point: &'a RunPoint, threads: usize, quiet: bool, budget: Budget, interrupt: &'a Interrupt) -> Self {
        let tolerances = Tolerances { max_clipped: f64::INFINITY, ..point.tolerances };
        let experiment = &point.experiment;
        Self { point, experiment, tolerances, threads, quiet, budget, interrupt, left_out: Vec::new() }
    }

    fn watch(&self, label: &str, total: u64, share: f64) -> Watch<'a> {
        let progress = Progress::new(label, "trajectories", total, self.quiet);
        Watch { progress, interrupt: self.interrupt, deadline: self.budget.deadline(share) }
    }

    /// A few trajectories without a cutoff.
    pub fn pilot(&self) -> Result<Pilot> {
        let free = Experiment { cutoff: Cutoff::Auto, ..self.experiment.clone() };
        let mut trajectories = 2;
        let watch = self.watch("pilot", 0, PILOT_SHARE);
        loop {
            let begun = Instant::now();
            let plan = Plan { trajectories, block: 2, estimator: Estimator::Plain, ..self.point.plan(1) };
            let run = ensemble::run(&free, &self.tolerances, &plan, &watch)?;
            let Some(ensemble) = run.filter(|ensemble| ensemble.ending.stopped.is_complete()) else {
                let reason =
                    format!("{trajectories} trajectories take more than the budget of {} s", self.budget.seconds);
                return Err(Error::Numerical(format!("{reason}: raise --budget")));
            };
            if begun.elapsed() >= PILOT || 2 * trajectories > self.point.stopping.trajectories {
                let number =
                    |time| ensemble.tally.records.mean()[ensemble.layout.observable(time, free.number_index())];
                return Ok(Pilot {
                    seconds: begun.elapsed().as_secs_f64() / trajectories as f64,
                    levels: ensemble.tally.counts.highest_level,
                    number: (0..free.times.len()).map(number).fold(0.0, f64::max),
                });
            }
            trajectories *= 2;
        }
    }

    /// Groups of the run file's own trajectories: how many in all (2^`doublings` groups of `size`).
    fn groups(&self, pilot: &Pilot) -> (u64, u32) {
        let wanted = self.point.stopping.trajectories;
        let splits = (wanted / SMALLEST_GROUP).max(1).ilog2().min(MOST_SPLITS);
        let mut size = (wanted >> splits).max(2);
        let affordable = SAMPLING_SHARE * self.budget.seconds * self.threads as f64 / pilot.seconds;
        let mut doublings = splits + MOST_DOUBLINGS;
        while doublings > 3 && (size << doublings) as f64 > affordable {
            doublings -= 1;
        }
        while size > SMALLEST_GROUP && (size << doublings) as f64 > affordable {
            size /= 2;
        }
        (size, doublings)
    }

    /// Error against number of trajectories.
    pub fn sampling(&mut self, pilot: &Pilot) -> Result<Sampling> {
        let (size, doublings) = self.groups(pilot);
        let watch = self.watch("groups of trajectories", size << doublings, SAMPLING_SHARE);
        // Enough blocks for all threads, of the run file's size where it allows that.
        let block = self.point.block.min((size / 8).max(2).next_power_of_two());
        let plan = Plan { trajectories: size, block, ..self.point.plan(self.threads) };
        let guide = ensemble::learn(self.experiment, &self.tolerances, &plan, &watch)?;
        let mut groups = Groups::default();
        let point = |ensemble: &Ensemble| trajectory_point(self.experiment, ensemble, BTreeMap::new());
        let mut pending: Vec<Ensemble> = Vec::new();
        for group in 0..1u64 << doublings {
            let run =
                ensemble::run_from(group * size, guide.as_ref(), self.experiment, &self.tolerances, &plan, &watch)?;
            let Some(mut ensemble) = run.filter(|ensemble| ensemble.ending.stopped.is_complete()) else {
                self.left_out.push(format!(
                    "{} of {} groups of trajectories",
                    (1 << doublings) - group,
                    1 << doublings
                ));
                break;
            };
            groups.push(&point(&ensemble));
            while let Some(mut left) = pending.pop_if(|left| left.tally.trajectories == ensemble.tally.trajectories) {
                left.append(ensemble);
                groups.push(&point(&left));
                ensemble = left;
            }
            pending.push(ensemble);
        }
        watch.progress.finish();
        // In order: the largest come first.
        let all = pending.into_iter().reduce(|mut all, next| {
            all.append(next);
            all
        });
        let wanted = self.point.stopping.trajectories;
        if let Some(all) = all.filter(|all| all.tally.trajectories < wanted) {
            groups.predict(&point(&all.enlarged(wanted)));
        }
        Ok(groups.finish(self.exact()?.as_ref()))
    }

    /// The density matrix, where it fits into memory and time.
    fn exact(&mut self) -> Result<Option<Point>> {
        const RESOLUTION: u64 = 1000;
        let watch = self.watch("density matrix", RESOLUTION, EXACT_SHARE);
        let outcome = master::solve(self.experiment, &Limits::default(), |_| !watch.stop());
        watch.progress.finish();
        match outcome {
            Ok(Some(exact)) => Ok(Some(exact_point(self.experiment, &exact, BTreeMap::new()))),
            Ok(None) => {
                self.left_out.push("density matrix (no time)".into());
                Ok(None)
            }
            Err(Error::TooLarge { .. }) => {
                self.left_out.push("density matrix (too large)".into());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Error against `numerics.tolerance`, in a generous window.
    pub fn tolerance(&mut self, pilot: &Pilot) -> Result<Ladder> {
        let own = self.tolerances.ket;
        let at =
            |ket: f64| Tolerances { ket, window: TIGHT_WINDOW.min(self.tolerances.window), max_clipped: f64::INFINITY };
        let reference = if own <= 10.0 * TIGHT { TIGHTEST } else { TIGHT };
        let rungs: Vec<_> = descending(&TOLERANCES, own, reference).map(|ket| (ket, self.coarse(), at(ket))).collect();
        let against = &format!("tolerance = {reference:e}");
        let along =
            Along { key: "numerics.tolerance", logarithmic: true, against, accuracy: reference, own: Some(own) };
        self.ladder(pilot, along, (self.coarse(), at(reference)), &rungs)
    }

    /// Error against `numerics.window_tolerance`, with a tight ket.
    pub fn window(&mut self, pilot: &Pilot) -> Result<Ladder> {
        let own = self.tolerances.window;
        let ket = TIGHT.min(self.tolerances.ket);
        let at = |window: f64| Tolerances { ket, window, max_clipped: f64::INFINITY };
        let reference = if own <= 10.0 * TIGHT_WINDOW { TIGHTEST_WINDOW } else { TIGHT_WINDOW };
        let rungs = descending(&WINDOW_TOLERANCES, own, reference);
        let rungs: Vec<_> = rungs.map(|window| (window, self.coarse(), at(window))).collect();
        let against = &format!("window_tolerance = {reference:e}");
        let along =
            Along { key: "numerics.window_tolerance", logarithmic: true, against, accuracy: ket, own: Some(own) };
        self.ladder(pilot, along, (self.coarse(), at(reference)), &rungs)
    }

    /// Error against a hard cutoff, from the largest ⟨N⟩ up to what `auto` held.
    pub fn cutoff(&mut self, pilot: &Pilot) -> Result<Ladder> {
        let tolerances = Tolerances {
            ket: TIGHT.min(self.tolerances.ket),
            window: TIGHT_WINDOW.min(self.tolerances.window),
            max_clipped: f64::INFINITY,
        };
        let step = (pilot.levels as f64 - pilot.number).max(0.0) / CUTOFFS as f64;
        let mut cutoffs: Vec<usize> =
            (1..=CUTOFFS).map(|i| ((pilot.number + i as f64 * step).round() as usize).max(2)).collect();
        if let Cutoff::Levels(levels) = self.experiment.cutoff {
            cutoffs.push(levels);
        }
        cutoffs.sort_unstable();
        cutoffs.dedup();
        let with = |cutoff| Experiment { cutoff, ..self.coarse() };
        let rungs: Vec<_> =
            cutoffs.into_iter().map(|levels| (levels as f64, with(Cutoff::Levels(levels)), tolerances)).collect();
        let (against, accuracy) = ("cutoff = \"auto\"", tolerances.ket);
        let own = match self.experiment.cutoff {
            Cutoff::Auto => None,
            Cutoff::Levels(levels) => Some(levels as f64),
        };
        let along = Along { key: "model.cutoff", logarithmic: false, against, accuracy, own };
        self.ladder(pilot, along, (with(Cutoff::Auto), tolerances), &rungs)
    }

    /// The experiment with the output times that the errors are read at: the grid changes no trajectory.
    fn coarse(&self) -> Experiment {
        let last = self.experiment.times.len() - 1;
        let [from, to] = self.experiment.heating_window;
        let mut kept = vec![0, from, to, last];
        kept.sort_unstable();
        kept.dedup();
        let place = |index: usize| kept.iter().position(|k| *k == index).unwrap_or(0);
        Experiment {
            heating_window: [place(from), place(to)],
            functionals: Vec::new(),
            times: kept.iter().map(|index| self.experiment.times[*index]).collect(),
            ..self.experiment.clone()
        }
    }

    /// The same trajectories at every rung and at the reference. Rungs without time for them are left out.
    fn ladder(
        &mut self,
        pilot: &Pilot,
        along: Along,
        (experiment, tolerances): (Experiment, Tolerances),
        rungs: &[(f64, Experiment, Tolerances)],
    ) -> Result<Ladder> {
        let (key, logarithmic) = (along.key, along.logarithmic);
        let [fewest, most] = LADDER_TRAJECTORIES;
        let runs = (rungs.len() + 2) as f64;
        let affordable = LADDER_SHARE * self.budget.seconds * self.threads as f64 / (pilot.seconds * runs);
        let trajectories = (affordable as u64).clamp(fewest, most);
        let watch = self.watch(key, trajectories * (rungs.len() as u64 + 1), LADDER_SHARE);
        let plan = Plan { trajectories, block: 1, ..self.point.plan(self.threads) };
        let records = |experiment: &Experiment, tolerances: &Tolerances| -> Result<Option<Vec<Record>>> {
            let ensembles = ensemble::run_each(experiment, tolerances, &plan, &watch)?;
            Ok(ensembles.map(|list| list.iter().map(|ensemble| Record::of(experiment, ensemble)).collect()))
        };
        let Some(reference) = records(&experiment, &tolerances)? else {
            watch.progress.finish();
            self.left_out.push(format!("everything about {key}"));
            return Ok(Ladder { key: key.into(), logarithmic, ..Ladder::default() });
        };
        // The run file's own setting first, then from the most accurate down: what is coarse matters least.
        let (mut own, mut others): (Vec<_>, Vec<_>) =
            rungs.iter().enumerate().partition(|(_, rung)| Some(rung.0) == along.own);
        others.reverse();
        own.extend(others);
        let mut done = BTreeMap::new();
        for (index, (setting, experiment, tolerances)) in own {
            match records(experiment, tolerances)? {
                Some(records) => drop(done.insert(index, (*setting, records))),
                None => break,
            }
        }
        if done.len() < rungs.len() {
            self.left_out.push(format!("{} of {} settings of {key}", rungs.len() - done.len(), rungs.len()));
        }
        let done: Vec<_> = done.into_values().collect();
        watch.progress.finish();
        let floor = ABOVE_REFERENCE * along.accuracy;
        Ok(Ladder::new(key, (logarithmic, floor), along.against, &Record::names(&experiment), &reference, &done))
    }
}

/// The settings and `own` among them, largest first, all above the reference.
fn descending(settings: &[f64], own: f64, reference: f64) -> impl Iterator<Item = f64> {
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
    let mut all: Vec<f64> = settings.iter().copied().filter(|s| *s > 2.0 * reference && !near(*s, own)).collect();
    all.push(own);
    all.sort_by(|a, b| b.total_cmp(a));
    all.into_iter()
}
