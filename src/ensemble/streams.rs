//! Random numbers as a pure function of (seed, trajectory, purpose).

use rand::distr::Distribution;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use crate::unravelling::Chance;

/// What a stream's numbers are for; streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Drawing the pure initial state.
    Preparation = 1,
    /// Thresholds and channels of the jumps.
    Jumps = 2,
    /// The same for a pilot trajectory.
    PilotPreparation = 3,
    /// The same for a pilot trajectory.
    PilotJumps = 4,
    /// The seeds of the points of a sweep.
    SweepPoints = 5,
    /// The pure initial state of a trial trajectory.
    TrialPreparation = 6,
    /// Its jumps.
    TrialJumps = 7,
    /// The events that are made to happen in it.
    TrialEvents = 8,
    /// Where among all instants they lie, the same for all trials.
    TrialShift = 9,
    /// Which jumps are sought out and forced once all trials have run.
    TrialSearch = 10,
}

/// The random numbers of the points of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SweepNumbers {
    /// All points use those of the one seed: what a parameter changes is seen through less noise, and the errors of neighbouring
    /// points are correlated.
    #[default]
    Common,
    /// Each point has its own: errors are independent.
    Independent,
}

impl SweepNumbers {
    /// Their names in a run file, in the order of the variants.
    pub const NAMES: [&str; 2] = ["common", "independent"];

    /// The name in a run file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Common => Self::NAMES[0],
            Self::Independent => Self::NAMES[1],
        }
    }

    /// The seed of point `point` in a sweep with this `seed`, which the first one keeps. Others are 63 bits of the generator.
    pub fn seed(self, seed: u64, point: usize) -> u64 {
        match self {
            Self::Common => seed,
            Self::Independent if point == 0 => seed,
            Self::Independent => Streams::new(seed).open(point as u64, Purpose::SweepPoints).generator.next_u64() >> 1,
        }
    }
}

/// The streams of one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The stream of trajectory `trajectory` for `purpose`: ChaCha8 with the seed and the purpose as its key and the
    /// trajectory as its stream number.
    pub fn open(&self, trajectory: u64, purpose: Purpose) -> Stream {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8] = purpose as u8;
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(trajectory);
        Stream { generator }
    }
}

/// One stream of uniform numbers.
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// A draw from any distribution, by as many numbers as it takes.
    pub fn sample<T>(&mut self, distribution: &impl Distribution<T>) -> T {
        distribution.sample(&mut self.generator)
    }
}

impl Chance for Stream {
    /// (k + ½)/2⁵³ from the top 53 bits of the generator's next word: never 0, never 1.
    fn uniform(&mut self) -> f64 {
        ((self.generator.next_u64() >> 11) as f64 + 0.5) * (0.5f64).powi(52) * 0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers: a change of the generator, its keying or the conversion would change every result.
    #[test]
    fn streams_give_the_numbers_they_always_gave() {
        let first = |seed, trajectory, purpose| Streams::new(seed).open(trajectory, purpose).uniform();
        let seen = [
            first(1, 0, Purpose::Jumps),
            first(1, 1, Purpose::Jumps),
            first(1, 0, Purpose::Preparation),
            first(u64::MAX, u64::MAX, Purpose::Jumps),
        ];
        assert_eq!(seen, KNOWN);
    }

    #[test]
    fn points_of_a_sweep_share_their_numbers_or_have_their_own() {
        let seeds = |numbers: SweepNumbers, seed| [0, 1, 2, 9_999].map(|point| numbers.seed(seed, point));
        assert_eq!(seeds(SweepNumbers::Common, 7), [7; 4]);
        assert_eq!(seeds(SweepNumbers::Independent, 1), KNOWN_SEEDS);
        let all: std::collections::BTreeSet<u64> =
            (0..10_000).flat_map(|point| [1, 2].map(|seed| SweepNumbers::Independent.seed(seed, point))).collect();
        assert_eq!(all.len(), 20_000);
    }

    const KNOWN_SEEDS: [u64; 4] = [1, 2569701911599846363, 6501293536260393541, 6786330102660436132];

    const KNOWN: [f64; 4] = [0.3297494980945997, 0.4679657952148268, 0.2355275923262407, 0.29059775722477593];
}
