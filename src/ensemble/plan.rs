//! What an ensemble run is asked for: how many trajectories, from which seed, and by which estimator.

use super::sampling::Sampling;

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
    /// Trajectories to run; the most of them where the [`Watcher`](super::Watcher) may find that fewer are enough.
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
