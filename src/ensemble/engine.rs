//! The parallel run: blocks are claimed in order, the tree merges them, a stop leaves a complete prefix.

use std::sync::atomic::{AtomicU64, Ordering};

use super::correlations::Grid;
use super::dispatch::{Clipping, Dispatch, Failure, RunDispatch};
use super::job::Job;
use super::records::Reordering;
use super::retained::Retained;
use super::sampling::{Baseline, Sampling};
use super::scheduler::{Scheduler, State};
use super::stopping::{Ending, Ladder, Stopped};
use super::stored_run::StoredRun;
use super::sums::{Ledger, Shape};
use super::threads::Threads;
use super::tree::Tree;
use super::worker::{Keeps, Worker};
use super::{BlockRunner, Ensemble, Estimator, Layout, Lessons, Recording, Tally};
use crate::hilbert::Cutoff;
use crate::model::{Model, OscillatorPreparation};
use crate::propagate::Stop;
use crate::system::{Chain, Channel, Experiment, OpenSystem, Quadratic, Register};
use crate::{Error, Result};

/// A probability of jumps below this is rounding.
const LEAST_WEIGHT: f64 = 1e-12;

/// What came of it.
pub struct Outcome<T> {
    /// What was kept of the blocks; `None` without any.
    pub kept: Option<T>,
    /// Where the quantities lie in the records.
    pub layout: Layout,
    /// The jump channels.
    pub channels: Vec<Channel>,
    /// What was counted of the times between jumps, and the end of the run.
    pub grid: Option<(Grid, f64)>,
    /// The run's tolerance.
    pub tolerance: f64,
    /// The probability of no jump, where that trajectory was not left to chance.
    pub no_jump_probability: Option<f64>,
    /// Why there are not more trajectories.
    pub ending: Ending,
}

impl<T> Outcome<T> {
    /// That of a run without blocks.
    fn empty(shape: &Shape, channels: &[Channel], tolerance: f64) -> Self {
        Self {
            kept: None,
            layout: shape.layout,
            channels: channels.to_vec(),
            grid: shape.grid.map(|(grid, end)| (grid.clone(), end)),
            tolerance,
            no_jump_probability: None,
            ending: Ending { stopped: Stopped::Trajectories, looks: 0 },
        }
    }
}

/// The smallest system that holds an experiment.
pub(super) enum System {
    /// A parity chain.
    Chain(Chain),
    /// Spins beside the oscillator.
    Register(Register),
    /// The oscillator alone, Eq. (23).
    Quadratic(Quadratic),
}

impl System {
    /// The smallest one.
    pub(super) fn of(experiment: &Experiment) -> Self {
        let chain = match (&experiment.model, experiment.oscillator) {
            (Model::BornMarkov(model), initial) => {
                return Self::Quadratic(Quadratic::new(model, initial, experiment.cutoff));
            }
            (_, OscillatorPreparation::Coherent(_)) | (Model::Adiabatic(_), _) => None,
            (Model::OscillatorSpins(spins), _) => Chain::new(spins, experiment.cutoff),
        };
        chain.map_or_else(|| Self::Register(Register::of(experiment)), Self::Chain)
    }
}

/// Runs the pilots of a job, or only those that teach the law of its control variates.
pub fn learn(job: &Job, law_alone: bool) -> Result<Option<Lessons>> {
    fn on<S: OpenSystem>(system: &S, job: &Job, law_alone: bool) -> Result<Option<Lessons>> {
        let threads = Threads::start(job.plan.threads)?;
        if law_alone { Lessons::law(system, job, &threads) } else { learn_on(system, job, &threads) }
    }
    match System::of(job.experiment) {
        System::Chain(system) => on(&system, job, law_alone),
        System::Register(system) => on(&system, job, law_alone),
        System::Quadratic(system) => on(&system, job, law_alone),
    }
}

fn learn_on<S: OpenSystem>(system: &S, job: &Job, threads: &Threads) -> Result<Option<Lessons>> {
    let confined = threads.within(|| confine(system, job))?;
    let part = confined.as_ref().map(|baseline| (baseline.probability, baseline.weight()));
    Lessons::learn(system, job, part, threads)
}

/// Runs blocks for another process, on the smallest system that holds the experiment, until `dispatch` has no more.
pub fn assist(job: &Job, recording: &Recording<'_>, dispatch: &dyn Dispatch) -> Result<()> {
    match System::of(job.experiment) {
        System::Chain(system) => assist_on(&system, job, recording, dispatch),
        System::Register(system) => assist_on(&system, job, recording, dispatch),
        System::Quadratic(system) => assist_on(&system, job, recording, dispatch),
    }
}

fn assist_on<S: OpenSystem>(system: &S, job: &Job, recording: &Recording<'_>, dispatch: &dyn Dispatch) -> Result<()> {
    let threads = Threads::start(job.plan.threads)?;
    let confined = match threads.within(|| confine(system, job)) {
        Err(Error::Stopped) => return Ok(()),
        ran => ran?,
    };
    if let Some(worker) = Worker::prepare(system, job, Keeps::of(recording, None), confined.as_ref(), &threads)? {
        worker.run(dispatch, &Reordering::new(None));
    }
    Ok(())
}

/// Runs the blocks on the smallest system that holds the experiment.
pub fn run<'a, T: Retained>(job: &Job, recording: Recording<'a>, stored_run: StoredRun<'a>) -> Result<Outcome<T>> {
    match System::of(job.experiment) {
        System::Chain(system) => run_on(&system, job, recording, stored_run),
        System::Register(system) => run_on(&system, job, recording, stored_run),
        System::Quadratic(system) => run_on(&system, job, recording, stored_run),
    }
}

fn run_on<'a, S: OpenSystem, T: Retained>(
    system: &S,
    job: &Job,
    mut recording: Recording<'a>,
    stored_run: StoredRun<'a>,
) -> Result<Outcome<T>> {
    let &Job { experiment, tolerances, plan, watcher, .. } = job;
    if let Some(sink) = &mut recording.sink {
        sink.begin(experiment, system.channels())?;
    }
    let StoredRun { stored, ledger, shard, elsewhere, scattered, others } = stored_run;
    let is_shard = shard.is_some();
    let first_look = watcher.first_look().filter(|_| !is_shard);
    let ladder = Ladder::new(first_look, plan.trajectories, plan.block);
    let blocks = shard.unwrap_or(0..ladder.first());
    // Those without a block of their own take part in the others' work.
    let threads = Threads::start(plan.threads)?;
    let layout = Layout::new(experiment, system.channels().len());
    let end = experiment.times.last().copied().unwrap_or(0.0);
    let grid = recording.correlations.map(|grid| (grid, end));
    let shape = Shape { layout, controlled: plan.estimator != Estimator::Plain, grid };
    super::stored_run::check(&stored, &shape, plan, first_look)?;
    let mut outcome = Outcome::empty(&shape, system.channels(), tolerances.ket);
    let confined = match threads.within(|| confine(system, job)) {
        Err(Error::Stopped) => {
            outcome.ending.stopped = watcher.reason();
            return Ok(outcome);
        }
        ran => ran?,
    };
    outcome.no_jump_probability = confined.as_ref().map(|baseline| baseline.probability);
    let (channels, no_jump_probability) = (system.channels(), outcome.no_jump_probability);
    let count = AtomicU64::new(0);
    let ladder = &ladder;
    let looks = Looks { job, ledger, ladder, first_look, is_shard, layout, channels, no_jump_probability, count };
    let look = |rung: u64, tree: &Tree<T>| looks.look(rung, tree);
    let scheduler = {
        let stored = stored.into_iter().map(|(node, sums)| (node, T::from(sums))).collect();
        Scheduler::<T, Failure>::new(blocks.clone(), stored, &elsewhere)
    };
    if scheduler.begin(look) && !watcher.stop() {
        let worker = Worker::prepare(system, job, Keeps::of(&recording, ledger), confined.as_ref(), &threads)?;
        let reordering = Reordering::new(recording.sink);
        let dispatch = RunDispatch { scheduler: &scheduler, look, ledger, watcher };
        match (worker, others) {
            (None, _) => {}
            (Some(worker), None) => worker.run(&dispatch, &reordering),
            (Some(worker), Some(others)) => std::thread::scope(|scope| {
                scope.spawn(|| others.serve(&dispatch));
                worker.run(&dispatch, &reordering);
            }),
        }
    }
    let State { mut tree, stored, failures, stopped, .. } = scheduler.into_state();
    refuse(job, failures)?;
    ledger.map_or(Ok(()), Ledger::settle)?;
    let looks = looks.count.into_inner();
    outcome.ending = Ending { stopped: stopped.unwrap_or_else(|| watcher.reason()), looks };
    outcome.kept = if scattered && stopped.is_none() {
        stored.into_iter().for_each(|(node, value)| tree.insert(node, value));
        tree.finish()
    } else {
        tree.finish_prefix(elsewhere.first_gap(blocks.start))
    };
    Ok(outcome)
}

/// Looks at complete prefixes of a run, to end it when they are enough.
struct Looks<'a> {
    job: &'a Job<'a>,
    ledger: Option<&'a dyn Ledger>,
    ladder: &'a Ladder,
    first_look: Option<u64>,
    is_shard: bool,
    layout: Layout,
    channels: &'a [Channel],
    no_jump_probability: Option<f64>,
    count: AtomicU64,
}

impl Looks<'_> {
    /// The rung after this one, or why there is none.
    fn look<T: Retained>(&self, rung: u64, tree: &Tree<T>) -> std::result::Result<u64, Stopped> {
        if self.first_look.is_some() {
            let looks = self.count.fetch_add(1, Ordering::Relaxed) + 1;
            // A failure is told at the end, where it is met again.
            if self.ledger.is_some_and(|ledger| ledger.settle().is_err()) {
                return Err(Stopped::Interrupted);
            }
            let sums = tree.clone().finish().and_then(T::into_sums);
            let so_far = sums.map(|sums| Ensemble {
                tally: sums.tally,
                layout: self.layout,
                channels: self.channels.to_vec(),
                correlations: None,
                tolerance: self.job.tolerances.ket,
                no_jump_probability: self.no_jump_probability,
                ending: Ending { stopped: Stopped::Trajectories, looks },
            });
            if so_far.is_some_and(|so_far| self.job.watcher.enough(&so_far)) {
                return Err(Stopped::Target);
            }
        }
        // Whoever runs a shard ends with it.
        self.ladder.after(rung).filter(|_| !self.is_shard).ok_or(Stopped::Trajectories)
    }
}

/// # Errors
/// The failure of the first block that has one: blocks are claimed in order and every claimed one is finished, so that it is the same on
/// any number of threads.
fn refuse(job: &Job, failures: Vec<(u64, Failure)>) -> Result<()> {
    match failures.into_iter().min_by_key(|(block, _)| *block) {
        Some((_, Failure::Other(error))) => Err(error),
        Some((_, Failure::Clipped(Clipping { trajectory, population }))) => Err(clipped(job, trajectory, population)),
        None => Ok(()),
    }
}

/// The trajectory without jumps, where that is not left to chance; `None` where nothing can jump, or nearly nothing: there is
/// then nothing to condition on.
fn confine<S: OpenSystem>(system: &S, job: &Job) -> Result<Option<Baseline>> {
    let &Job { experiment, tolerances, plan, watcher, .. } = job;
    if plan.sampling == Sampling::Direct {
        return Ok(None);
    }
    let stop = || watcher.stop();
    let mut runner = BlockRunner::new(system, experiment, tolerances, plan.seed, None);
    runner.stop_when(Stop::when(&stop));
    let (baseline, report) = runner.run_without_jumps(plan.sampling == Sampling::Stratified)?;
    if report.window.clipped.min(1.0) > tolerances.max_clipped {
        return Err(clipped(job, 0, report.window.clipped));
    }
    Ok(Some(baseline).filter(|baseline| baseline.weight() > LEAST_WEIGHT))
}

/// The error for a clipped trajectory, which is run again without a cutoff to tell what would do.
fn clipped(job: &Job, trajectory: u64, population: f64) -> Error {
    let &Job { experiment, tolerances, .. } = job;
    let Cutoff::Levels(cutoff) = experiment.cutoff else { unreachable!("only a hard cutoff clips") };
    let free = Experiment { cutoff: Cutoff::Auto, ..experiment.clone() };
    let once = trajectory..trajectory + 1;
    let tally = match System::of(&free) {
        System::Quadratic(system) => run_once(&system, &free, job, once),
        System::Chain(_) | System::Register(_) => run_once(&Register::new(&free.model, Cutoff::Auto), &free, job, once),
    };
    let highest = tally.map(|tally| tally.map(|tally| tally.counts.highest_level));
    let advice = match highest {
        Ok(Some(levels)) => format!(
            "without a cutoff this trajectory held {levels} levels: cutoff = {} would do, or \"auto\"",
            (levels + levels / 4).next_multiple_of(8)
        ),
        Ok(None) | Err(_) => "raise the cutoff or set it to \"auto\"".into(),
    };
    Error::Clipped { cutoff, population, trajectory, allowed: tolerances.max_clipped, advice }
}

/// The trajectories `range` of another experiment by themselves; `None` when the watcher stopped them.
fn run_once<S: OpenSystem>(
    system: &S,
    experiment: &Experiment,
    job: &Job,
    range: std::ops::Range<u64>,
) -> Result<Option<Tally>> {
    let stop = || job.watcher.stop();
    let mut runner = BlockRunner::new(system, experiment, job.tolerances, job.plan.seed, None);
    runner.stop_when(Stop::when(&stop));
    runner.run_unless(range, &stop)
}
