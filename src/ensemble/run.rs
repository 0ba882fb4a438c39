//! The parallel run: threads claim blocks in order, the tree merges them, a stop leaves a complete prefix.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::ThreadPoolBuilder;

use super::course::{Course, State};
use super::stopping::{Ending, Ladder, Stopped};
use super::{BlockRunner, Layout, Tally};
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
    /// Trajectories to run; the most of them where the [`Watcher`] may find that fewer are enough.
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

/// Who hears of progress, may find that the trajectories so far are enough, and may ask the run to stop after the blocks
/// in hand.
pub trait Watcher: Sync {
    /// `trajectories` more are done.
    fn finished(&self, trajectories: u64);

    /// True when no further block should be begun.
    fn stop(&self) -> bool;

    /// Why, once [`Watcher::stop`] has been true.
    fn reason(&self) -> Stopped {
        Stopped::Interrupted
    }

    /// The least number of trajectories that may be enough; `None`: never look, run them all.
    fn first_look(&self) -> Option<u64> {
        None
    }

    /// Whether these trajectories are enough. Asked at the prefixes of [`Ladder`] alone, with no block in hand; the answer
    /// must depend on nothing but `ensemble`, or the result would depend on more than the run file and the seed.
    fn enough(&self, _ensemble: &Ensemble) -> bool {
        false
    }
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
    /// Why there are not more of them.
    pub ending: Ending,
}

/// Runs the ensemble on the smallest system that holds it: the parity chain where there is one, else the register.
///
/// The result depends on the experiment, the tolerances, the seed, the block size and the number of trajectories alone; so
/// does that number where the watcher decides by [`Watcher::enough`].
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
    let ladder = Ladder::new(watcher.first_look(), plan.trajectories, plan.block);
    let blocks = ladder.top();
    let ensemble = |tally, stopped, looks| Ensemble {
        tally,
        layout: Layout::new(experiment, system.channels().len()),
        channels: system.channels().to_vec(),
        ending: Ending { stopped, looks },
    };
    let looks = AtomicU64::new(0);
    let course = Course::new(ladder.first());
    let work = || {
        let mut runner = BlockRunner::new(system, experiment, tolerances, plan.seed);
        let _attendance = course.attend();
        while let Some(block) = course.claim(|| watcher.stop()) {
            let first = block * plan.block;
            let range = first..(first + plan.block).min(plan.trajectories);
            let count = range.end - range.start;
            match runner.run(range) {
                Ok(Tally { clipped_at: Some((trajectory, population)), .. }) => {
                    course.fail(block, Failure::Clipped { trajectory, population });
                }
                Ok(tally) => {
                    watcher.finished(count);
                    course.finish(block, tally, |rung, tree| {
                        if watcher.first_look().is_some() {
                            let look = looks.fetch_add(1, Ordering::Relaxed) + 1;
                            let so_far =
                                tree.clone().finish().map(|tally| ensemble(tally, Stopped::Trajectories, look));
                            if so_far.is_some_and(|so_far| watcher.enough(&so_far)) {
                                return Err(Stopped::Target);
                            }
                        }
                        ladder.after(rung).ok_or(Stopped::Trajectories)
                    });
                }
                Err(error) => course.fail(block, Failure::Other(error)),
            }
        }
    };
    pool.broadcast(|_| work());

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
    Ok(tree.finish().map(|tally| ensemble(tally, stopped, looks.into_inner())))
}

enum Failure {
    Clipped { trajectory: u64, population: f64 },
    Other(Error),
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
