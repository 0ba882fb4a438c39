//! An ensemble is run, whole or in parts.

use super::dispatch::Dispatch;
use super::engine::{self, Outcome};
use super::job::Job;
use super::retained::Singles;
use super::sampling::Sampling;
use super::stored_run::StoredRun;
use super::sums::Sums;
use super::{CorrelationGrid, Correlations, Ensemble, Estimator, Lessons, Plan, Recording, Watcher};
use crate::Result;
use crate::propagate::Tolerances;
use crate::system::Experiment;

/// Runs the ensemble on the smallest system that holds it: the parity chain where there is one, else the register.
///
/// The result depends on the experiment, the tolerances, the seed, the block size, the estimator and the number of
/// trajectories alone; so does that number where the watcher decides by [`Watcher::enough`].
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
    engine::run(
        &Job { first: 0, lessons: None, experiment, tolerances, plan, watcher },
        recording,
        StoredRun::default(),
    )
    .map(ensemble)
}

/// The same as [`run`] beside what is in `stored_run`, counting the times between jumps on `correlations`: blocks that are stored
/// are not run again, and those that are run go to the ledger before anything is concluded from them.
///
/// The result is to the last bit that of an uninterrupted [`run`] with the same binary on the same kind of processor. With
/// `stored_run.shard`, targets are not looked at, and the ensemble is that of the shard's blocks alone.
///
/// # Errors
/// As [`run`]; when the ledger fails; when what is stored does not belong to this run.
pub fn run_stored(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
    correlations: Option<&CorrelationGrid>,
    stored_run: StoredRun<'_>,
) -> Result<Option<Ensemble>> {
    let job = Job { first: 0, lessons: None, experiment, tolerances, plan, watcher };
    engine::run(&job, Recording { sink: None, correlations }, stored_run).map(ensemble)
}

/// Runs blocks of a [`run_stored`] that another process holds together, until its `dispatch` has none left.
///
/// # Errors
/// As [`run`], before the first block; what becomes of blocks is told to it.
pub fn assist(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    correlations: Option<&CorrelationGrid>,
    dispatch: &dyn Dispatch,
) -> Result<()> {
    let job = Job { first: 0, lessons: None, experiment, tolerances, plan, watcher: &Elsewhere(dispatch) };
    engine::assist(&job, &Recording { sink: None, correlations }, dispatch)
}

/// Whoever watches is in the other process.
struct Elsewhere<'a>(&'a dyn Dispatch);

impl Watcher for Elsewhere<'_> {
    fn finished(&self, _trajectories: u64) {}

    fn stop(&self) -> bool {
        self.0.gives_up()
    }
}

/// What a run with this plan learns from its pilots, for groups that are to share it; `None` when it was stopped.
///
/// # Errors
/// As [`run`].
pub fn learn(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
) -> Result<Option<Lessons>> {
    engine::learn(&Job { first: 0, lessons: None, experiment, tolerances, plan, watcher }, false)
}

/// What makes trajectories of this plan take as long as they do: the law of their control variates alone. Estimates made with
/// that know nothing of events that a sample may miss.
///
/// # Errors
/// As [`run`].
pub fn learn_law(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
) -> Result<Option<Lessons>> {
    engine::learn(&Job { first: 0, lessons: None, experiment, tolerances, plan, watcher }, true)
}

/// The same as [`run`] for the `plan.trajectories` trajectories of the seed from number `first` on: one of several disjoint
/// groups, which may share their `lessons`.
///
/// # Errors
/// As [`run`].
pub fn run_from(
    first: u64,
    lessons: Option<&Lessons>,
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
) -> Result<Option<Ensemble>> {
    engine::run(
        &Job { first, lessons, experiment, tolerances, plan, watcher },
        Recording::default(),
        StoredRun::default(),
    )
    .map(ensemble)
}

/// Every trajectory of the plan by itself, in order and without controls: for comparing trajectories with common random
/// numbers. `None` when it was stopped.
///
/// # Errors
/// As [`run`].
pub fn run_each(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
) -> Result<Option<Vec<Ensemble>>> {
    let single = Plan { block: 1, estimator: Estimator::Plain, sampling: Sampling::Direct, ..*plan };
    let job = Job { first: 0, lessons: None, experiment, tolerances, plan: &single, watcher };
    let Outcome { kept, layout, channels, ending, .. } =
        engine::run::<Singles>(&job, Recording::default(), StoredRun::default())?;
    let tallies = kept.map_or_else(Vec::new, |singles| singles.0);
    let whole = tallies.len() as u64 == plan.trajectories;
    let alone = |tally| Ensemble {
        tally,
        layout,
        channels: channels.clone(),
        correlations: None,
        tolerance: tolerances.ket,
        no_jump_probability: None,
        ending,
    };
    Ok(whole.then(|| tallies.into_iter().map(alone).collect()))
}

/// The ensemble that is left of a run; `None` without a block.
fn ensemble(outcome: Outcome<Sums>) -> Option<Ensemble> {
    let Outcome { kept, layout, channels, grid, tolerance, no_jump_probability, ending } = outcome;
    let Sums { tally, groups } = kept?;
    let correlations = grid.map(|(grid, end)| Correlations::new(&grid, end, groups.unwrap_or_default()));
    Some(Ensemble { tally, layout, channels, correlations, tolerance, no_jump_probability, ending })
}
