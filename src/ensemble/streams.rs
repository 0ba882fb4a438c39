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
    /// The pure initial state of a trial trajectory.
    TrialPreparation = 5,
    /// Its jumps.
    TrialJumps = 6,
    /// The events that are made to happen in it.
    TrialEvents = 7,
    /// Where among all instants they lie, the same for all trials.
    TrialShift = 8,
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

    const KNOWN: [f64; 4] = [0.3297494980945997, 0.4679657952148268, 0.2355275923262407, 0.29059775722477593];
}
