//! The parallel run: threads claim blocks in order, the tree merges them, a stop leaves a complete prefix.

use std::sync::atomic::{AtomicU64, Ordering};

use super::course::{Course, State};
use super::records::{Guard, Reordering};
use super::sampling::Sampling;
use super::stopping::{Ending, Ladder, Stopped};
use super::threads::Threads;
use super::tree::Merge;
use super::{
    BlockRunner, Correlations, Ensemble, Estimator, Guide, Layout, Plan, Recording, Tallies, Tally, Watcher, pilot,
};
use crate::hilbert::Cutoff;
use crate::model::{Model, OscillatorPreparation};
use crate::propagate::Tolerances;
use crate::system::{Chain, Channel, Experiment, Followed, OpenSystem, Quadratic, Register};
use crate::{Error, Result};

/// A probability of jumps below this is rounding.
const LEAST_WEIGHT: f64 = 1e-12;

/// What is to be run.
pub struct Job<'a> {
    /// Number of the first trajectory.
    pub first: u64,
    /// The guide of the control variates, if it has been learned already.
    pub guide: Option<&'a Guide>,
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Its error budget.
    pub tolerances: &'a Tolerances,
    /// How many trajectories of which seed.
    pub plan: &'a Plan,
    /// Who watches.
    pub watcher: &'a dyn Watcher,
}

/// What came of it.
pub struct Outcome<T> {
    /// What was kept of the blocks; `None` without any.
    pub kept: Option<T>,
    /// Where the quantities lie in the records.
    pub layout: Layout,
    /// The jump channels.
    pub channels: Vec<Channel>,
    /// Counts of the times between jumps, if they were asked for.
    pub correlations: Option<Correlations>,
    /// The run's tolerance.
    pub tolerance: f64,
    /// The probability of no jump, where that trajectory was not left to chance.
    pub no_jump_probability: Option<f64>,
    /// Why there are not more trajectories.
    pub ending: Ending,
}

/// What is kept of finished blocks.
pub trait Kept: Merge + Clone + From<Tally> + Send {
    /// The moments of all of them, where that is what is kept.
    fn into_tally(self) -> Option<Tally>;
}

impl Kept for Tally {
    fn into_tally(self) -> Option<Tally> {
        Some(self)
    }
}

/// The blocks one by one, in order.
#[derive(Clone)]
pub struct Singles(pub Vec<Tally>);

impl From<Tally> for Singles {
    fn from(tally: Tally) -> Self {
        Self(vec![tally])
    }
}

impl Merge for Singles {
    fn merge(&mut self, right: Self) {
        self.0.extend(right.0);
    }
}

impl Kept for Singles {
    fn into_tally(self) -> Option<Tally> {
        None
    }
}

/// The smallest system that holds an experiment.
enum System {
    Chain(Chain),
    Register(Register),
    Quadratic(Quadratic),
}

impl System {
    fn of(experiment: &Experiment) -> Self {
        let chain = match (&experiment.model, experiment.oscillator) {
            (Model::BornMarkov(model), initial) => {
                return Self::Quadratic(Quadratic::new(model, initial, experiment.cutoff));
            }
            (_, OscillatorPreparation::Coherent(_)) | (Model::Adiabatic(_), _) => None,
            (Model::OscillatorSpins(spins), _) => Chain::new(spins, experiment.cutoff),
        };
        chain.map_or_else(|| Self::Register(Register::new(&experiment.model, experiment.cutoff)), Self::Chain)
    }
}

/// Learns the guide that a job asks for.
pub fn learn(job: &Job) -> Result<Option<Guide>> {
    let Estimator::Controlled { pilot } = job.plan.estimator else { return Ok(None) };
    let threads = Threads::start(job.plan.threads)?;
    match System::of(job.experiment) {
        System::Chain(system) => pilot::learn(&system, job, pilot, None, &threads),
        System::Register(system) => pilot::learn(&system, job, pilot, None, &threads),
        // Weights are the controls where there are any.
        System::Quadratic(system) if system.is_weighted() => Ok(None),
        System::Quadratic(system) => pilot::learn(&system, job, pilot, None, &threads),
    }
}

/// Runs the blocks on the smallest system that holds the experiment.
pub fn dispatch<T: Kept>(job: &Job, recording: Recording<'_>) -> Result<Outcome<T>> {
    match System::of(job.experiment) {
        System::Chain(system) => run_on(&system, job, recording),
        System::Register(system) => run_on(&system, job, recording),
        System::Quadratic(system) => run_on(&system, job, recording),
    }
}

fn run_on<S: Followed, T: Kept>(system: &S, job: &Job, mut recording: Recording<'_>) -> Result<Outcome<T>> {
    let &Job { experiment, tolerances, plan, watcher, .. } = job;
    if let Some(sink) = &mut recording.sink {
        sink.begin(experiment, system.channels())?;
    }
    let ladder = Ladder::new(watcher.first_look(), plan.trajectories, plan.block);
    let threads = Threads::start(plan.threads.min(usize::try_from(ladder.top()).unwrap_or(usize::MAX)))?;
    let layout = Layout::new(experiment, system.channels().len());
    // Where nothing can jump, or nearly nothing, there is nothing to condition on.
    let confined = match plan.sampling {
        Sampling::Direct => None,
        Sampling::NoJump | Sampling::Stratified => {
            let (baseline, report) = BlockRunner::new(system, experiment, tolerances, plan.seed, None)
                .run_without_jumps(plan.sampling == Sampling::Stratified)?;
            if report.window.clipped.min(1.0) > tolerances.max_clipped {
                return Err(clipped(experiment, tolerances, plan.seed, 0, report.window.clipped));
            }
            Some(baseline).filter(|baseline| baseline.weight() > LEAST_WEIGHT)
        }
    };
    let part = confined.as_ref().map(|baseline| (baseline.probability, baseline.weight()));
    let outcome = |kept, correlations, stopped, looks| Outcome {
        kept,
        layout,
        channels: system.channels().to_vec(),
        correlations,
        tolerance: tolerances.ket,
        no_jump_probability: part.map(|part| part.0),
        ending: Ending { stopped, looks },
    };
    let learned = match (plan.estimator, job.guide) {
        (Estimator::Plain, _) | (_, Some(_)) => None,
        _ if system.is_weighted() => None,
        (Estimator::Controlled { pilot }, None) => match pilot::learn(system, job, pilot, part, &threads)? {
            Some(guide) => Some(guide),
            None => return Ok(outcome(None, None, watcher.reason(), 0)),
        },
    };
    let guide = job.guide.or(learned.as_ref());
    // Once more, with its controls.
    let baseline = match &confined {
        None => None,
        Some(bare) => Some(
            BlockRunner::new(system, experiment, tolerances, plan.seed, guide).run_without_jumps(bare.stratified)?.0,
        ),
    };
    let end = experiment.times.last().copied().unwrap_or(0.0);
    let (keep_records, grid) = (recording.wants(), recording.correlations);
    let reordering = Reordering::new(recording, end);
    let looks = AtomicU64::new(0);
    let course = Course::<T, Failure>::new(ladder.first());
    threads.each(|| {
        let mut runner = BlockRunner::new(system, experiment, tolerances, plan.seed, guide);
        if let Some(baseline) = &baseline {
            runner.sample_jumps(baseline);
        }
        if system.is_weighted() && plan.estimator != Estimator::Plain {
            runner.control_weights();
        }
        if let Some(jumps) = keep_records {
            runner.keep_records(jumps);
        }
        let (_guard, _attendance) = (Guard(&reordering), course.attend());
        let fail = |block, failure| {
            course.fail(block, failure);
            reordering.abandon();
        };
        while let Some(block) = course.claim(|| watcher.stop()) {
            let begin = block * plan.block;
            let range = job.first + begin..job.first + (begin + plan.block).min(plan.trajectories);
            let count = range.end - range.start;
            let tally = match runner.run(range) {
                Ok(Tally { clipped_at: Some((trajectory, population)), .. }) => {
                    fail(block, Failure::Clipped { trajectory, population });
                    continue;
                }
                Ok(tally) => tally,
                Err(error) => {
                    fail(block, Failure::Other(error));
                    continue;
                }
            };
            if let Some(records) = runner.take_records() {
                let tallies = grid.map(|grid| Tallies::of(grid, end, &records));
                if let Err(error) = reordering.accept(block, records, tallies) {
                    fail(block, Failure::Other(error));
                    continue;
                }
            }
            watcher.finished(count);
            course.finish(block, tally.into(), |rung, tree| {
                if watcher.first_look().is_some() {
                    let look = looks.fetch_add(1, Ordering::Relaxed) + 1;
                    let tally = tree.clone().finish().and_then(T::into_tally);
                    let so_far = tally.map(|tally| Ensemble {
                        tally,
                        layout,
                        channels: system.channels().to_vec(),
                        correlations: None,
                        tolerance: tolerances.ket,
                        no_jump_probability: part.map(|part| part.0),
                        ending: Ending { stopped: Stopped::Trajectories, looks: look },
                    });
                    if so_far.is_some_and(|so_far| watcher.enough(&so_far)) {
                        return Err(Stopped::Target);
                    }
                }
                ladder.after(rung).ok_or(Stopped::Trajectories)
            });
        }
    });

    // Blocks are claimed in order and every claimed one is finished: the first failure is the same on any number of threads.
    let State { tree, mut failures, stopped, .. } = course.into_state();
    failures.sort_by_key(|(block, _)| *block);
    match failures.into_iter().next() {
        Some((_, Failure::Other(error))) => return Err(error),
        Some((_, Failure::Clipped { trajectory, population })) => {
            return Err(clipped(experiment, tolerances, plan.seed, trajectory, population));
        }
        None => {}
    }
    let stopped = stopped.unwrap_or_else(|| watcher.reason());
    Ok(outcome(tree.finish(), reordering.finish(), stopped, looks.into_inner()))
}

enum Failure {
    Clipped { trajectory: u64, population: f64 },
    Other(Error),
}

/// The error for a clipped trajectory, which is run again without a cutoff to tell what would do.
fn clipped(experiment: &Experiment, tolerances: &Tolerances, seed: u64, trajectory: u64, population: f64) -> Error {
    let Cutoff::Levels(cutoff) = experiment.cutoff else { unreachable!("only a hard cutoff clips") };
    let free = Experiment { cutoff: Cutoff::Auto, ..experiment.clone() };
    let once = trajectory..trajectory + 1;
    let tally = match System::of(&free) {
        System::Quadratic(system) => BlockRunner::new(&system, &free, tolerances, seed, None).run(once),
        _ => {
            let system = Register::new(&free.model, Cutoff::Auto);
            BlockRunner::new(&system, &free, tolerances, seed, None).run(once)
        }
    };
    let highest = tally.map(|tally| tally.counts.highest_level);
    let advice = match highest {
        Ok(levels) => format!(
            "without a cutoff this trajectory held {levels} levels: cutoff = {} would do, or \"auto\"",
            (levels + levels / 4).next_multiple_of(8)
        ),
        Err(_) => "raise the cutoff or set it to \"auto\"".into(),
    };
    Error::Clipped { cutoff, population, trajectory, allowed: tolerances.max_clipped, advice }
}
