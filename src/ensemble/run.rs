//! What an ensemble run is asked for, who watches it, and what it returns.

use super::desk::Desk;
use super::engine::{self, Job, Outcome, Singles, dispatch};
use super::sampling::Sampling;
use super::stock::Stock;
use super::stopping::{Ending, Stopped};
use super::sums::Sums;
use super::tree::Merge;
use super::{CorrelationGrid, Correlations, Layout, Lessons, Recording, Tally};
use crate::Result;
use crate::propagate::Tolerances;
use crate::system::{Channel, Experiment};

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
    /// Most pilot trajectories that are an eighth of a run, and most of all, a 32nd, without being asked for.
    const MOST_PILOTS: [u64; 2] = [128, 512];

    /// Fewest pilot trajectories that a law and coefficients are learned from; fewer would teach noise.
    pub(super) const FEWEST_PILOTS: u64 = 32;

    /// Control variates with as many pilot trajectories as pay for `trajectories`: an eighth of them up to 128, and of more than 4096
    /// a 32nd, up to 512. Below 32 they teach no law, and only tell how many trajectories are run with events.
    pub fn controlled(trajectories: u64) -> Self {
        let [few, many] = Self::MOST_PILOTS;
        Self::Controlled { pilot: (trajectories / 8).min(few).max((trajectories / 32).min(many)) }
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
    /// How first jumps are sampled. Beyond direct sampling the initial state must be pure; a stratified run needs whole
    /// blocks, which are then the independent units: moments count blocks.
    pub sampling: Sampling,
}

impl Plan {
    /// Most trajectories of a block that nobody chose.
    const LARGEST_BLOCK: u64 = 32;

    /// Fewest blocks of a run that could have as many: with 64 threads eight for each, so that they end at about the same time.
    const FEWEST_BLOCKS: u64 = 512;

    /// Trajectories per block that suit a run of `trajectories`: the largest power of two of which it has 512 blocks, from 1 to
    /// 32.
    ///
    /// A block is what a thread takes at a time, so that fewer blocks than threads would leave some idle: up to 1023 trajectories
    /// are blocks of their own. Larger ones spare what a block costs by itself, about 0.05 ms, which tells where there are many
    /// short trajectories; below the largest that is at most 1024 times. It follows from the number alone, never from the
    /// machine: the grouping decides the last bits of a result.
    pub fn default_block(trajectories: u64) -> u64 {
        match (trajectories / Self::FEWEST_BLOCKS).min(Self::LARGEST_BLOCK) {
            0 => 1,
            most => 1 << most.ilog2(),
        }
    }
}

/// Who hears of progress, may find that the trajectories so far are enough, and may ask the run to stop.
pub trait Watcher: Sync {
    /// `trajectories` more are done.
    fn finished(&self, trajectories: u64);

    /// True when no further block should be begun; what comes before the first block is dropped then.
    fn stop(&self) -> bool;

    /// True when the blocks in hand should be dropped, too, in the middle of a trajectory.
    fn give_up(&self) -> bool {
        false
    }

    /// Why, once [`Watcher::stop`] has been true.
    fn reason(&self) -> Stopped {
        Stopped::Interrupted
    }

    /// The least number of trajectories that may be enough; `None`: never look, run them all.
    fn first_look(&self) -> Option<u64> {
        None
    }

    /// Whether these trajectories are enough. Asked at the prefixes of [`super::Ladder`] alone, with no block in hand; the answer
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
    /// Counts of the times between jumps, if they were asked for.
    pub correlations: Option<Correlations>,
    /// The run's tolerance: no estimate is better than that.
    pub tolerance: f64,
    /// The probability of no jump, where that trajectory was not left to chance.
    pub no_jump_probability: Option<f64>,
    /// Why there are not more of them.
    pub ending: Ending,
}

impl Ensemble {
    /// Adds the trajectories of `next`, which follow those of this ensemble and are of the same experiment and plan.
    pub fn append(&mut self, next: Self) {
        if self.ending.stopped.is_complete() {
            self.ending = next.ending;
        }
        self.tally.merge(next.tally);
    }

    /// What `trajectories` trajectories of the same kind would leave, as far as this ensemble tells: for predictions.
    pub fn enlarged(&self, trajectories: u64) -> Self {
        let factor = trajectories as f64 / self.tally.trajectories as f64;
        let (tally, channels) = (self.tally.enlarged(factor), self.channels.clone());
        // What the propagation leaves is no matter of numbers.
        Self { tally, channels, correlations: None, tolerance: 0.0, ..*self }
    }

    fn of(outcome: Outcome<Sums>) -> Option<Self> {
        let Outcome { kept, layout, channels, grid, tolerance, no_jump_probability, ending } = outcome;
        let Sums { tally, groups } = kept?;
        let correlations = grid.map(|(grid, end)| Correlations::new(&grid, end, groups.unwrap_or_default()));
        Some(Self { tally, layout, channels, correlations, tolerance, no_jump_probability, ending })
    }
}

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
    dispatch(&Job { first: 0, lessons: None, experiment, tolerances, plan, watcher }, recording, Stock::default())
        .map(Ensemble::of)
}

/// The same as [`run`] beside what is in `stock`, counting the times between jumps on `correlations`: blocks that are stored
/// are not run again, and those that are run go to the ledger before anything is concluded from them.
///
/// The result is to the last bit that of an uninterrupted [`run`] with the same binary on the same kind of processor. With
/// `stock.shard`, targets are not looked at, and the ensemble is that of the shard's blocks alone.
///
/// # Errors
/// As [`run`]; when the ledger fails; when what is stored does not belong to this run.
pub fn run_stored(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    watcher: &dyn Watcher,
    correlations: Option<&CorrelationGrid>,
    stock: Stock<'_>,
) -> Result<Option<Ensemble>> {
    let job = Job { first: 0, lessons: None, experiment, tolerances, plan, watcher };
    dispatch(&job, Recording { sink: None, correlations }, stock).map(Ensemble::of)
}

/// Runs blocks of a [`run_stored`] that another process holds together, until its `desk` has no more.
///
/// # Errors
/// As [`run`], before the first block; what becomes of blocks is told at the desk.
pub fn assist(
    experiment: &Experiment,
    tolerances: &Tolerances,
    plan: &Plan,
    correlations: Option<&CorrelationGrid>,
    desk: &dyn Desk,
) -> Result<()> {
    let job = Job { first: 0, lessons: None, experiment, tolerances, plan, watcher: &Elsewhere(desk) };
    engine::assist(&job, &Recording { sink: None, correlations }, desk)
}

/// Whoever watches is in the other process.
struct Elsewhere<'a>(&'a dyn Desk);

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
    dispatch(&Job { first, lessons, experiment, tolerances, plan, watcher }, Recording::default(), Stock::default())
        .map(Ensemble::of)
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
        dispatch::<Singles>(&job, Recording::default(), Stock::default())?;
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
