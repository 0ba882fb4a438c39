//! Trial trajectories: run before the ensemble, with events made to happen, to learn how to estimate it and what it may miss.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::block::Path;
use super::candidates::{Candidate, Candidates, Chosen, Instant};
use super::controls::{CONTROLS, Guide};
use super::instants::{after, around};
use super::job::Job;
use super::preparation::{GOLDEN, Turn, another, rarity};
use super::sampling::{Confined, Never};
use super::threads::Threads;
use super::{BlockRunner, Purpose, Stream, Streams, draw};
use crate::model::PurePreparation;
use crate::propagate::Stop;
use crate::system::OpenSystem;
use crate::unravelling::{Chance, ForcedJump, Silenced};
use crate::{Error, Result};

/// Initial states whose trajectory without jumps is looked at.
const SILENT_STATES: usize = 4;

/// A trajectory and what an event makes of it.
pub struct Trial {
    /// The pure state it began in.
    pub state: PurePreparation,
    /// How rare that is, or another one further out.
    pub rarity: f64,
    /// As it went by itself.
    pub natural: Path,
    /// What could have happened to it.
    pub candidates: Vec<Candidate>,
    /// The same with a jump forced, then with another one after that, and so on.
    pub jumped: Vec<Jumped>,
    /// The same without some of its jumps.
    pub silenced: Option<Silence>,
    /// The same chances from another initial state.
    pub restarted: Option<Restarted>,
}

/// A trajectory in which a channel does not fire any more that did.
pub struct Silence {
    /// How it went, with the probability of the silence.
    pub path: Path,
    /// How many choices of a jump to be missing this one stands for.
    pub often: f64,
    /// Whether the channel never fires.
    pub from_start: bool,
}

/// A trajectory from another initial state.
pub struct Restarted {
    /// That state.
    pub state: PurePreparation,
    /// How it went.
    pub path: Path,
    /// How often that state is drawn, in comparison.
    pub weight: f64,
    /// How rare it is, or another one further out.
    pub rarity: f64,
    /// What could have happened to it.
    pub candidates: Vec<Candidate>,
    /// The same with a jump forced.
    pub jumped: Option<Jumped>,
    /// The same without some of its jumps.
    pub silenced: Option<Silence>,
}

/// A trajectory with forced jumps.
pub struct Jumped {
    /// How it went.
    pub path: Path,
    /// The last of them.
    pub last: Chosen,
    /// What could happen after it.
    pub candidates: Vec<Candidate>,
    /// How many trials it stands for: not in every one are as many jumps forced.
    pub trials: f64,
}

/// In every trial so many jumps are forced one after the other.
const JUMPS: usize = 2;

/// In one of so many trials another one is, after those.
const ANOTHER: u64 = 2;

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

impl<'a, S: OpenSystem> Trials<'a, S> {
    /// Runs them on all threads, those with events last; `None` when the watcher stops it.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn run(&self, job: &Job, threads: &Threads) -> Result<Option<Vec<Trial>>> {
        let stop = || job.watcher.stop();
        let one = |index, runner: &mut _| self.one(job, index, runner);
        self.on_all_threads(job, (threads, &stop), self.plain + self.pairs, one)
    }

    /// Runs `one` for all numbers below `count`, in any order; `None` when it is to stop.
    pub fn on_all_threads<'b, T: Send>(
        &'b self,
        job: &'b Job,
        (threads, stop): (&Threads, &'b (dyn Fn() -> bool + Sync)),
        count: u64,
        one: impl Fn(u64, &mut BlockRunner<'b, S>) -> Result<T> + Sync,
    ) -> Result<Option<Vec<T>>> {
        let next = AtomicU64::new(0);
        let outcomes = Mutex::new(Vec::new());
        threads.each(|| {
            let mut runner = self.runner(job);
            runner.stop_when(Stop::when(stop));
            while !stop() {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                let ran = one(index, &mut runner);
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

    /// The trajectories without jumps from the first few states that `trials` began in, and from as many that they were begun in anew.
    ///
    /// # Errors
    /// When a trajectory fails.
    pub fn silent(&self, job: &Job, trials: &[Trial]) -> Result<Option<Silent>> {
        let stop = || job.watcher.stop();
        let mut runner = self.runner(job);
        runner.stop_when(Stop::when(&stop));
        let mut silent = Silent::new();
        let begun = trials.iter().map(|trial| trial.state).collect::<Vec<_>>();
        let anew = trials.iter().flat_map(|trial| &trial.restarted).map(|restarted| restarted.state).collect();
        for states in [begun, anew] {
            let most = silent.len() + SILENT_STATES;
            for state in states {
                if silent.len() < most && silent.iter().all(|(known, _)| *known != state) {
                    match runner.path(&state, &mut Never, &[]) {
                        Err(Error::Stopped) => return Ok(None),
                        path => silent.push((state, path?)),
                    }
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

    fn one<'b>(&'b self, job: &'b Job, index: u64, runner: &mut BlockRunner<'b, S>) -> Result<Trial> {
        let &Job { experiment, plan, .. } = job;
        let streams = Streams::new(plan.seed);
        let mut preparation = streams.open(index, Purpose::TrialPreparation);
        let state = draw(experiment.oscillator, experiment.model.spins(), &mut preparation);
        let rarity = rarity(experiment, &state);
        let mut trial = Trial {
            state,
            rarity,
            natural: Path::default(),
            candidates: Vec::new(),
            jumped: Vec::new(),
            silenced: None,
            restarted: None,
        };
        if index < self.plain {
            trial.natural = runner.path(&state, &mut self.chances(job, index), &[])?;
            return Ok(trial);
        }
        // Times and choices are spread evenly over the trials, by a lattice with one shift for all of them.
        let mut shift = streams.open(0, Purpose::TrialShift);
        let number = (index - self.plain) as f64;
        let place = (number + shift.uniform()) / self.pairs as f64;
        let choice = (number * GOLDEN + shift.uniform()).fract();
        let mut events = streams.open(index, Purpose::TrialEvents);
        let missing = [(choice + 0.5).fract(), (number * SILVER + shift.uniform()).fract()];
        let lot = Lot { index, place, choice, missing };
        let instants = around(&experiment.times, place, &mut events);
        let look = self.look((job, lot), runner, &state, &[], instants, choice)?;
        trial.silenced = self.silence((job, lot), runner, &state, look.silenced)?;
        (trial.natural, trial.candidates) = (look.path, look.found);
        let most = JUMPS + usize::from((index - self.plain).is_multiple_of(ANOTHER));
        trial.jumped = self.jump((job, lot), runner, &state, look.chosen, most, &mut events)?;
        let trial_number = [index - self.plain, self.pairs].map(|number| number as usize);
        let turn = Turn { trial: trial_number, shift: [shift.uniform(), shift.uniform()] };
        if let Some(other) = another(experiment, &state, turn) {
            trial.restarted = Some(self.restart((job, lot), runner, other, &mut events)?);
        }
        Ok(trial)
    }

    /// The numbers that jumps of a trial are drawn with.
    pub fn chances(&self, job: &Job, index: u64) -> Confined<Stream> {
        Confined { inner: Streams::new(job.plan.seed).open(index, Purpose::TrialJumps), part: self.part }
    }

    /// A trajectory with these jumps forced, looked at to choose one more by `u`, and one to be missing.
    fn look<'b>(
        &'b self,
        (job, lot): (&'b Job, Lot),
        runner: &mut BlockRunner<'b, S>,
        state: &PurePreparation,
        forced: &[ForcedJump],
        instants: Vec<Instant>,
        u: f64,
    ) -> Result<Look> {
        let mut candidates = Candidates::new(self.system, job.experiment, instants);
        let path = runner.path_with(state, &mut self.chances(job, lot.index), forced, Some(&mut candidates))?;
        let (chosen, silenced) = (candidates.choose(u), candidates.silence(lot.missing));
        Ok(Look { path, found: candidates.found(), chosen, silenced })
    }

    /// The trajectory with a channel silenced, if there is one to be.
    fn silence<'b>(
        &'b self,
        (job, lot): (&'b Job, Lot),
        runner: &mut BlockRunner<'b, S>,
        state: &PurePreparation,
        chosen: Option<(Silenced, f64)>,
    ) -> Result<Option<Silence>> {
        let Some((silenced, often)) = chosen else { return Ok(None) };
        let path = runner.path_silenced(state, &mut self.chances(job, lot.index), silenced)?;
        Ok(Some(Silence { path, often, from_start: silenced.from == 0.0 }))
    }

    /// The trajectory with at most so many jumps forced one after the other, the first of which is `next`.
    fn jump<'b>(
        &'b self,
        (job, lot): (&'b Job, Lot),
        runner: &mut BlockRunner<'b, S>,
        state: &PurePreparation,
        mut next: Option<Chosen>,
        most: usize,
        events: &mut Stream,
    ) -> Result<Vec<Jumped>> {
        let (mut forced, mut jumped) = (Vec::new(), Vec::new());
        while let Some(last) = next.filter(|_| forced.len() < most) {
            forced.push(last.jump);
            let instants = after(last.jump.time, &job.experiment.times, events);
            let u = events.uniform();
            let Look { path, found, chosen, .. } = self.look((job, lot), runner, state, &forced, instants, u)?;
            let trials = if forced.len() > JUMPS { ANOTHER as f64 } else { 1.0 };
            jumped.push(Jumped { path, last, candidates: found, trials });
            next = chosen;
        }
        Ok(jumped)
    }

    /// The trajectory from another state, with its weight and rarity.
    fn restart<'b>(
        &'b self,
        (job, lot): (&'b Job, Lot),
        runner: &mut BlockRunner<'b, S>,
        (state, weight, rarity): (PurePreparation, f64, f64),
        events: &mut Stream,
    ) -> Result<Restarted> {
        let instants = around(&job.experiment.times, lot.place, events);
        let look = self.look((job, lot), runner, &state, &[], instants, lot.choice)?;
        let silenced = self.silence((job, lot), runner, &state, look.silenced)?;
        let jumped = match look.chosen {
            Some(last) => {
                let instants = after(last.jump.time, &job.experiment.times, events);
                let Look { path, found, .. } =
                    self.look((job, lot), runner, &state, &[last.jump], instants, lot.choice)?;
                Some(Jumped { path, last, candidates: found, trials: 1.0 })
            }
            None => None,
        };
        Ok(Restarted { state, path: look.path, weight, rarity, candidates: look.found, jumped, silenced })
    }
}

/// What chance says of a trial.
#[derive(Clone, Copy)]
struct Lot {
    /// Its number.
    index: u64,
    /// Where among all instants its events lie.
    place: f64,
    /// Which of those that could happen there does.
    choice: f64,
    /// Which channel is silenced, and from when on.
    missing: [f64; 2],
}

/// A trajectory that was looked at.
struct Look {
    path: Path,
    found: Vec<Candidate>,
    /// The jump to be forced next.
    chosen: Option<Chosen>,
    /// The channel to be silenced, and how many such choices it stands for.
    silenced: Option<(Silenced, f64)>,
}

/// √2 − 1: so are its multiples, and independently of those of [`GOLDEN`].
const SILVER: f64 = 0.414_213_562_373_095_05;
