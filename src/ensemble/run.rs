//! The parallel run: threads claim blocks in order, the tree merges them, a stop leaves a complete prefix.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::ThreadPoolBuilder;

use super::tree::{Merge, Tree};
use super::{BlockRunner, Layout, Tally};
use crate::hilbert::Cutoff;
use crate::model::{Model, OscillatorPreparation};
use crate::propagate::Tolerances;
use crate::system::{Chain, Channel, Experiment, OpenSystem, Register};
use crate::{Error, Result};

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

impl Ensemble {
    /// Adds the trajectories of `next`, which follow those of this ensemble and are of the same experiment.
    pub fn append(&mut self, next: Self) {
        self.complete &= next.complete;
        self.tally.merge(next.tally);
    }
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
    run_from(0, experiment, tolerances, plan, watcher)
}

/// The same for the `plan.trajectories` trajectories of the seed from number `first` on: one of several disjoint groups.
///
/// # Errors
/// As [`run`].
pub fn run_from(
    first: u64,
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
) -> Result<Option<Ensemble>> {
    let tree = Mutex::new(Tree::new());
    let insert = |block, tally| lock(&tree).insert(block, tally);
    let (layout, channels) = dispatch(first, experiment, tolerances, plan, watcher, &insert)?;
    let tally = tree.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).finish();
    Ok(tally.map(|tally| Ensemble { complete: tally.records.count() == plan.trajectories, layout, channels, tally }))
}

/// Every trajectory of the plan by itself, in order: for comparing trajectories with common random numbers. `None` when
/// it was stopped.
///
/// # Errors
/// As [`run`].
pub fn run_each(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
) -> Result<Option<Vec<Ensemble>>> {
    let single = Plan { block: 1, ..*plan };
    let tallies = Mutex::new(BTreeMap::new());
    let insert = |block, tally| drop(lock(&tallies).insert(block, tally));
    let (layout, channels) = dispatch(0, experiment, tolerances, &single, watcher, &insert)?;
    let tallies = tallies.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let whole = tallies.len() as u64 == plan.trajectories;
    let alone = |tally| Ensemble { tally, layout, channels: channels.clone(), complete: true };
    Ok(whole.then(|| tallies.into_values().map(alone).collect()))
}

/// What takes the finished blocks: their index and what was kept of them.
type Insert<'a> = &'a (dyn Fn(u64, Tally) + Sync);

/// Runs the blocks on the smallest system that holds the experiment.
fn dispatch(
    first: u64,
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
    insert: Insert,
) -> Result<(Layout, Vec<Channel>)> {
    if let (Model::OscillatorSpins(model), false) =
        (&experiment.model, matches!(experiment.oscillator, OscillatorPreparation::Coherent(_)))
        && let Some(chain) = Chain::new(model, experiment.cutoff)
    {
        return run_on(&chain, first, experiment, tolerances, plan, watcher, insert);
    }
    let register = Register::new(&experiment.model, experiment.cutoff);
    run_on(&register, first, experiment, tolerances, plan, watcher, insert)
}

fn run_on<S: OpenSystem>(
    system: &S,
    first: u64,
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
    insert: Insert,
) -> Result<(Layout, Vec<Channel>)> {
    let blocks = plan.trajectories.div_ceil(plan.block);
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let failures = Mutex::new(Vec::new());
    let work = || {
        let mut runner = BlockRunner::new(system, experiment, tolerances, plan.seed);
        while !watcher.stop() && !failed.load(Ordering::Relaxed) {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= blocks {
                break;
            }
            let begin = block * plan.block;
            let range = first + begin..first + (begin + plan.block).min(plan.trajectories);
            let count = range.end - range.start;
            match runner.run(range) {
                Ok(Tally { clipped_at: Some((trajectory, population)), .. }) => {
                    failed.store(true, Ordering::Relaxed);
                    lock(&failures).push((block, Failure::Clipped { trajectory, population }));
                }
                Ok(tally) => {
                    insert(block, tally);
                    watcher.finished(count);
                }
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    lock(&failures).push((block, Failure::Other(error)));
                }
            }
        }
    };
    let pool = ThreadPoolBuilder::new()
        .num_threads(plan.threads.min(usize::try_from(blocks).unwrap_or(usize::MAX)))
        .build()
        .map_err(|error| Error::Numerical(format!("cannot start {} threads: {error}", plan.threads)))?;
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
    Ok((Layout::new(experiment, system.channels().len()), system.channels().to_vec()))
}

enum Failure {
    Clipped { trajectory: u64, population: f64 },
    Other(Error),
}

/// A poisoned lock means that another thread panicked; the panic itself is passed on by the pool.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The error for a clipped trajectory, which is run again without a cutoff to tell what would do.
fn clipped(experiment: &Experiment, tolerances: &Tolerances, seed: u64, trajectory: u64, population: f64) -> Error {
    let Cutoff::Levels(cutoff) = experiment.cutoff else { unreachable!("only a hard cutoff clips") };
    let free = Experiment { cutoff: Cutoff::Auto, ..experiment.clone() };
    let system = Register::new(&free.model, Cutoff::Auto);
    let highest = BlockRunner::new(&system, &free, tolerances, seed)
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
