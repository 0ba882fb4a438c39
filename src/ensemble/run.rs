//! The parallel run: threads claim blocks in order, the tree merges them, a stop leaves a complete prefix.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::ThreadPoolBuilder;

use super::tree::Tree;
use super::{BlockRunner, Layout, Tally, pilot};
use crate::hilbert::Cutoff;
use crate::model::{Model, OscillatorPreparation};
use crate::propagate::Tolerances;
use crate::system::{Chain, Channel, Experiment, Followed, Register};
use crate::{Error, Result};

/// How the mean over trajectories is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    /// The plain average.
    Plain,
    /// The average corrected by martingale control variates, beside the plain one.
    Controlled {
        /// Pilot trajectories that the controls' weights are learned from; without any they are not weighted.
        pilot: u64,
    },
}

impl Estimator {
    /// Control variates with as many pilot trajectories as pay for `trajectories`: an eighth of them, at most 128.
    pub fn controlled(trajectories: u64) -> Self {
        Self::Controlled { pilot: (trajectories / 8).min(128) }
    }
}

/// How many trajectories, from which seed, in blocks of which size, on how many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Trajectories to run.
    pub trajectories: u64,
    /// Seed of the random streams.
    pub seed: u64,
    /// Trajectories per block, a power of two; part of what determines the last bits of the result.
    pub block: u64,
    /// Threads; changes nothing but the time it takes.
    pub threads: usize,
    /// Plain, or with control variates.
    pub estimator: Estimator,
}

/// Who hears of progress and may ask the run to stop after the blocks in hand.
pub trait Watcher: Sync {
    /// `trajectories` more are done.
    fn finished(&self, trajectories: u64);

    /// True when no further block should be begun.
    fn stop(&self) -> bool;
}

/// Nobody watches, nobody stops.
impl Watcher for () {
    fn finished(&self, _trajectories: u64) {}

    fn stop(&self) -> bool {
        false
    }
}

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// What was kept of the trajectories 0 … count − 1.
    pub tally: Tally,
    /// Where the quantities lie in the records.
    pub layout: Layout,
    /// The jump channels.
    pub channels: Vec<Channel>,
    /// False when the run was stopped early.
    pub complete: bool,
}

/// Runs the ensemble on the smallest system that holds it: the parity chain where there is one, else the register.
///
/// The result depends on the experiment, the tolerances, the seed, the block size and the number of trajectories alone.
/// `None` when it was stopped before the first block was complete.
///
/// # Errors
/// When a hard cutoff clips the state beyond `max_clipped`, or a Fock window outgrows the memory.
pub fn run(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
) -> Result<Option<Ensemble>> {
    if let (Model::OscillatorSpins(model), false) =
        (&experiment.model, matches!(experiment.oscillator, OscillatorPreparation::Coherent(_)))
        && let Some(chain) = Chain::new(model, experiment.cutoff)
    {
        return run_on(&chain, experiment, tolerances, plan, watcher);
    }
    run_on(&Register::new(&experiment.model, experiment.cutoff), experiment, tolerances, plan, watcher)
}

fn run_on<S: Followed>(
    system: &S,
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
) -> Result<Option<Ensemble>> {
    let threads = plan.threads.min(usize::try_from(plan.trajectories.div_ceil(plan.block)).unwrap_or(usize::MAX));
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::Numerical(format!("cannot start {threads} threads: {error}")))?;
    let guide = match plan.estimator {
        Estimator::Plain => None,
        Estimator::Controlled { pilot } => {
            match pilot::learn(system, experiment, tolerances, plan, pilot, &pool, watcher)? {
                Some(guide) => Some(guide),
                None => return Ok(None),
            }
        }
    };
    let blocks = plan.trajectories.div_ceil(plan.block);
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let tree = Mutex::new(Tree::new());
    let failures = Mutex::new(Vec::new());
    let work = || {
        let mut runner = BlockRunner::new(system, experiment, tolerances, plan.seed, guide.as_ref());
        while !watcher.stop() && !failed.load(Ordering::Relaxed) {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= blocks {
                break;
            }
            let first = block * plan.block;
            let range = first..(first + plan.block).min(plan.trajectories);
            let count = range.end - range.start;
            match runner.run(range) {
                Ok(Tally { clipped_at: Some((trajectory, population)), .. }) => {
                    failed.store(true, Ordering::Relaxed);
                    lock(&failures).push((block, Failure::Clipped { trajectory, population }));
                }
                Ok(tally) => {
                    lock(&tree).insert(block, tally);
                    watcher.finished(count);
                }
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    lock(&failures).push((block, Failure::Other(error)));
                }
            }
        }
    };
    pool.broadcast(|_| work());

    // Blocks are claimed in order and every claimed one is finished: the first failure is the same on any number of threads.
    let mut failures = failures.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    failures.sort_by_key(|(block, _)| *block);
    match failures.into_iter().next() {
        Some((_, Failure::Other(error))) => return Err(error),
        Some((_, Failure::Clipped { trajectory, population })) => {
            return Err(clipped(experiment, tolerances, plan.seed, trajectory, population));
        }
        None => {}
    }
    let tally = tree.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).finish();
    Ok(tally.map(|tally| Ensemble {
        complete: tally.records.count() == plan.trajectories,
        layout: Layout::new(experiment, system.channels().len()),
        channels: system.channels().to_vec(),
        tally,
    }))
}

enum Failure {
    Clipped { trajectory: u64, population: f64 },
    Other(Error),
}

/// A poisoned lock means that another thread panicked; the panic itself is passed on by the pool.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The error for a clipped trajectory, which is run again without a cutoff to tell what would do.
fn clipped(experiment: &Experiment, tolerances: &Tolerances, seed: u64, trajectory: u64, population: f64) -> Error {
    let Cutoff::Levels(cutoff) = experiment.cutoff else { unreachable!("only a hard cutoff clips") };
    let free = Experiment { cutoff: Cutoff::Auto, ..experiment.clone() };
    let system = Register::new(&free.model, Cutoff::Auto);
    let highest = BlockRunner::new(&system, &free, tolerances, seed, None)
        .run(trajectory..trajectory + 1)
        .map(|tally| tally.counts.highest_level);
    let advice = match highest {
        Ok(levels) => format!(
            "without a cutoff this trajectory held {levels} levels: cutoff = {} would do, or \"auto\"",
            (levels + levels / 4).next_multiple_of(8)
        ),
        Err(_) => "raise the cutoff or set it to \"auto\"".into(),
    };
    Error::Clipped { cutoff, population, trajectory, allowed: tolerances.max_clipped, advice }
}
