//! Where a run may end and why it did: fixed prefixes of the trajectories, never whoever finished first.

use serde::{Deserialize, Serialize};

/// Why a run ended where it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stopped {
    /// Every target was reached.
    Target,
    /// All trajectories (with a target: as many as allowed) were run.
    Trajectories,
    /// The time was over.
    #[serde(rename = "time limit")]
    TimeLimit,
    /// Somebody asked for it.
    Interrupted,
}

impl Stopped {
    /// False when the run was cut short from outside: its length then says something about the machine, too.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::Target | Self::Trajectories)
    }

    /// The same in words, as in result files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Trajectories => "trajectories",
            Self::TimeLimit => "time limit",
            Self::Interrupted => "interrupted",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Why there.
    pub stopped: Stopped,
    /// How often it was asked whether the trajectories were enough (0 without a target).
    pub looks: u64,
}

/// The numbers of blocks after which a run is looked at: a first one, then a quarter more each time, and the top.
///
/// Trajectories that finish early have had fewer jumps, so a run that ends as soon as *those finished so far* suffice is
/// biased. Here the candidates are fixed before anything runs, and each is judged when all its blocks, and no others, are
/// done. A quarter is a compromise: a run overshoots its target by a tenth on average, and is looked at so seldom (three
/// times per doubling) that choosing the moment hardly tells on the coverage of its error bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    first: u64,
    top: u64,
}

/// A run is not looked at before it has this many blocks.
const FEWEST_BLOCKS: u64 = 4;

impl Ladder {
    /// The ladder of a run of at most `trajectories` in blocks of `block`; without a `first_look` it is the top alone.
    pub fn new(first_look: Option<u64>, trajectories: u64, block: u64) -> Self {
        let top = trajectories.div_ceil(block);
        let first = first_look.map_or(top, |least| least.div_ceil(block).max(FEWEST_BLOCKS).min(top));
        Self { first, top }
    }

    /// The rungs of all runs with this `first_look`, however many trajectories they have; none when nobody looks.
    pub fn rungs(first_look: Option<u64>, block: u64) -> Vec<u64> {
        const MOST_TRAJECTORIES: u64 = 1 << 53;
        let Some(first_look) = first_look else { return Vec::new() };
        let ladder = Self::new(Some(first_look), MOST_TRAJECTORIES, block);
        std::iter::successors(Some(ladder.first), |rung| ladder.after(*rung)).collect()
    }

    /// Blocks at the first look.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The rung after `rung`, which must be one; `None` above the top.
    pub fn after(&self, rung: u64) -> Option<u64> {
        (rung < self.top).then(|| (rung + rung.div_ceil(4)).min(self.top))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rungs(ladder: Ladder) -> Vec<u64> {
        std::iter::successors(Some(ladder.first()), |rung| ladder.after(*rung)).collect()
    }

    #[test]
    fn the_ladder_climbs_by_quarters_from_the_first_look_to_the_top() {
        assert_eq!(rungs(Ladder::new(Some(256), 1000, 32)), [8, 10, 13, 17, 22, 28, 32]);
        assert_eq!(rungs(Ladder::new(Some(2), 200, 32)), [4, 5, 7], "never fewer than four blocks");
        assert_eq!(rungs(Ladder::new(Some(256), 100, 32)), [4], "never more than there are");
        assert_eq!(rungs(Ladder::new(None, 1 << 20, 32)), [1 << 15], "nobody looks");
        assert_eq!(rungs(Ladder::new(Some(256), 1 << 53, 2)).len(), 141, "three looks per doubling");
    }

    #[test]
    fn names_are_those_of_the_result_file() {
        for stopped in [Stopped::Target, Stopped::Trajectories, Stopped::TimeLimit, Stopped::Interrupted] {
            assert_eq!(serde_json::to_value(stopped).unwrap(), stopped.name());
        }
    }
}
