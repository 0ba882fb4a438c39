//! The parallel run: threads claim blocks in order, the tree merges them, a stop leaves a complete prefix.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::ThreadPoolBuilder;

use super::records::{Guard, Reordering};
use super::tree::Tree;
use super::{BlockRunner, Correlations, Layout, Recording, Tallies, Tally};
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
    /// Counts of the times between jumps, if they were asked for.
    pub correlations: Option<Correlations>,
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
    run_recording(experiment, tolerances, plan, watcher, Recording::default())
}

/// The same, keeping records of single trajectories. They reach the sink in the order of the trajectories, up to the last
/// one of the ensemble that is returned.
///
/// # Errors
/// As [`run`], and when the sink cannot keep the records.
pub fn run_recording(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
    recording: Recording<'_>,
) -> Result<Option<Ensemble>> {
    if let (Model::OscillatorSpins(model), false) =
        (&experiment.model, matches!(experiment.oscillator, OscillatorPreparation::Coherent(_)))
        && let Some(chain) = Chain::new(model, experiment.cutoff)
    {
        return run_on(&chain, experiment, tolerances, plan, watcher, recording);
    }
    run_on(&Register::new(&experiment.model, experiment.cutoff), experiment, tolerances, plan, watcher, recording)
}

fn run_on<S: OpenSystem>(
    system: &S,
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
    mut recording: Recording<'_>,
) -> Result<Option<Ensemble>> {
    if let Some(sink) = &mut recording.sink {
        sink.begin(experiment, system.channels())?;
    }
    let end = experiment.times.last().copied().unwrap_or(0.0);
    let (keep_records, grid) = (recording.wants(), recording.correlations);
    let reordering = Reordering::new(recording, end);
    let blocks = plan.trajectories.div_ceil(plan.block);
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let tree = Mutex::new(Tree::new());
    let failures = Mutex::new(Vec::new());
    let work = || {
        let mut runner = BlockRunner::new(system, experiment, tolerances, plan.seed);
        if let Some(jumps) = keep_records {
            runner.keep_records(jumps);
        }
        let _guard = Guard(&reordering);
        let fail = |block, failure| {
            failed.store(true, Ordering::Relaxed);
            lock(&failures).push((block, failure));
            reordering.abandon();
        };
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
                    fail(block, Failure::Clipped { trajectory, population });
                }
                Ok(tally) => {
                    if let Some(records) = runner.take_records() {
                        let tallies = grid.map(|grid| Tallies::of(grid, end, &records));
                        if let Err(error) = reordering.accept(block, records, tallies) {
                            fail(block, Failure::Other(error));
                            break;
                        }
                    }
                    lock(&tree).insert(block, tally);
                    watcher.finished(count);
                }
                Err(error) => {
                    fail(block, Failure::Other(error));
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
    let tally = tree.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).finish();
    Ok(tally.map(|tally| Ensemble {
        complete: tally.records.count() == plan.trajectories,
        layout: Layout::new(experiment, system.channels().len()),
        channels: system.channels().to_vec(),
        correlations: reordering.finish(),
        tally,
    }))
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
