//! Trial trajectories: run before the ensemble, with events made to happen, to learn how to estimate it and what it may miss.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::block::Path;
use super::controls::{CONTROLS, Guide};
use super::engine::Job;
use super::preparation::another;
use super::sampling::{Confined, Never};
use super::threads::Threads;
use super::{BlockRunner, Purpose, Streams, draw};
use crate::model::PurePreparation;
use crate::propagate::Stop;
use crate::system::Followed;
use crate::unravelling::{Chance, ForcedJump};
use crate::{Error, Result};

/// Initial states whose trajectory without jumps is looked at.
const SILENT_STATES: usize = 4;

/// A trajectory and what an event makes of it.
pub struct Trial {
    /// The pure state it began in.
    pub state: PurePreparation,
    /// As it went by itself.
    pub natural: Path,
    /// The same with a jump forced, then with another one after that, and so on.
    pub jumped: Vec<Jumped>,
    /// The same chances from another initial state, how often that state is drawn in comparison, and how rare it is.
    pub restarted: Option<(Path, f64, f64)>,
}

/// A trajectory with forced jumps.
pub struct Jumped {
    /// How it went.
    pub path: Path,
    /// The density with which the time of the last of them was chosen.
    pub density: f64,
}

/// Jumps forced one after the other: in every trial one, in every second one another, in every fourth a third.
const MOST_JUMPS: u32 = 3;

/// Trajectories without any jump, by the state they begin in.
pub type Silent = Vec<(PurePreparation, Path)>;

/// What a trial run needs beside the job.
pub struct Trials<'a, S> {
    /// The system.
    pub system: &'a S,
    /// The guide of the controls, if there are any.
    pub guide: Option<&'a Guide>,
    /// Coefficients of the weights as controls, where trajectories carry weights.
    pub weights: Option<&'a [[f64; CONTROLS]]>,
    /// Lower end and width of the part that first thresholds are confined to.
    pub part: Option<(f64, f64)>,
    /// How many trajectories are run as they come, before those with events.
    pub plain: u64,
    /// How many of them are run with events.
    pub pairs: u64,
}

impl<'a, S: Followed> Trials<'a, S> {
    /// Runs them on all threads, those with events last; `None` when the watcher stops it.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn run(&self, job: &Job, threads: &Threads) -> Result<Option<Vec<Trial>>> {
        let count = self.plain + self.pairs;
        let next = AtomicU64::new(0);
        let outcomes = Mutex::new(Vec::new());
        threads.each(|| {
            let stop = || job.watcher.stop();
            let mut runner = self.runner(job);
            runner.stop_when(Stop::when(&stop));
            while !job.watcher.stop() {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                let ran = self.one(job, index, &mut runner);
                if matches!(ran, Err(Error::Stopped)) {
                    break;
                }
                outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((index, ran));
            }
        });
        let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        if outcomes.len() as u64 != count {
            return Ok(None);
        }
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, ran)| ran).collect::<Result<Vec<_>>>().map(Some)
    }

    /// The trajectories without jumps from the first few states that `trials` began in.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn silent(&self, job: &Job, trials: &[Trial]) -> Result<Option<Silent>> {
        let stop = || job.watcher.stop();
        let mut runner = self.runner(job);
        runner.stop_when(Stop::when(&stop));
        let mut silent = Silent::new();
        for Trial { state, .. } in trials {
            if silent.len() == SILENT_STATES {
                break;
            }
            if silent.iter().all(|(known, _)| known != state) {
                match runner.path(state, &mut Never, &[]) {
                    Err(Error::Stopped) => return Ok(None),
                    path => silent.push((*state, path?)),
                }
            }
        }
        Ok(Some(silent))
    }

    fn runner<'b>(&'b self, job: &'b Job) -> BlockRunner<'b, S> {
        let mut runner = BlockRunner::new(self.system, job.experiment, job.tolerances, job.plan.seed, self.guide);
        if let Some(coefficients) = self.weights {
            runner.control_weights(coefficients);
        }
        runner
    }

    fn one(&self, job: &Job, index: u64, runner: &mut BlockRunner<'_, S>) -> Result<Trial> {
        let &Job { experiment, plan, .. } = job;
        let streams = Streams::new(plan.seed);
        let mut preparation = streams.open(index, Purpose::TrialPreparation);
        let state = draw(experiment.oscillator, experiment.model.spins(), &mut preparation);
        let chances = || Confined { inner: streams.open(index, Purpose::TrialJumps), part: self.part };
        let natural = runner.path(&state, &mut chances(), &[])?;
        let mut trial = Trial { state, natural, jumped: Vec::new(), restarted: None };
        if index < self.plain {
            return Ok(trial);
        }
        let mut events = streams.open(index, Purpose::TrialEvents);
        if self.system.channels().iter().any(|channel| channel.rate > 0.0) {
            // Times and channels are spread evenly over the trials, by a lattice with one shift for all of them.
            let mut shift = streams.open(0, Purpose::TrialShift);
            let number = (index - self.plain) as f64;
            let place = (number + shift.uniform()) / self.pairs as f64;
            let mut choice = (number * GOLDEN + shift.uniform()).fract();
            let end = experiment.times.last().copied().unwrap_or(0.0);
            let (mut time, mut density) = instant(&experiment.times, place);
            let mut jumps = Vec::new();
            for _ in 0..=index.trailing_zeros().min(MOST_JUMPS - 1) {
                jumps.push(ForcedJump { time, choice });
                let path = runner.path(&state, &mut chances(), &jumps)?;
                trial.jumped.push(Jumped { path, density });
                density = 1.0 / (end - time);
                (time, choice) = (time + (end - time) * events.uniform(), events.uniform());
            }
        }
        if let Some((other, weight, rarity)) = another(experiment, &state, &mut events) {
            trial.restarted = Some((runner.path(&other, &mut chances(), &[])?, weight, rarity));
        }
        Ok(trial)
    }
}

/// (√5 − 1)/2: its multiples, modulo 1, are spread most evenly.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Least share of events before the first output time.
const EARLY: f64 = 0.2;

/// The instant at the place `u` in (0, 1) of those at which jumps are forced, and the density there: evenly before the first
/// output time, then evenly in ln t, so that every output time has events before it.
fn instant(times: &[f64], u: f64) -> (f64, f64) {
    let end = times.last().copied().unwrap_or(1.0);
    let first = times.iter().copied().find(|time| *time > 0.0).unwrap_or(end);
    let decades = (end / first).ln();
    let early = if decades > 0.0 { (1.0 / (1.0 + decades)).max(EARLY) } else { 1.0 };
    if u < early {
        (first * u / early, early / first)
    } else {
        let time = first * ((u - early) / (1.0 - early) * decades).exp();
        (time, (1.0 - early) / (decades * time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_the_density_that_they_say() {
        for times in [vec![0.0, 2.0], vec![0.0, 0.01, 10.0], vec![0.0, 1.0, 1.5]] {
            let end = times[times.len() - 1];
            let places = (0..20_000).map(|i| (f64::from(i) + 0.5) / 20_000.0);
            // ∫ dt = E[1/density], and ∫ t dt = E[t/density].
            let sums = places.map(|u| instant(&times, u)).fold([0.0; 2], |[a, b], (time, density)| {
                assert!(time > 0.0 && time < end);
                [a + 1.0 / density, b + time / density]
            });
            let [whole, first] = sums.map(|sum| sum / 20_000.0);
            assert!((whole / end - 1.0).abs() < 1e-3 && (first / (0.5 * end * end) - 1.0).abs() < 1e-3);
        }
    }
}
