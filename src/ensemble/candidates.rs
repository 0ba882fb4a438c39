//! Jumps that could be forced on a trajectory: their rates, what they would do at once, and the choice of one of them.

use crate::hilbert::{Ket, Window};
use crate::system::{Experiment, Jump, OpenSystem, Readout};
use crate::unravelling::{ForcedJump, Silenced, Stretch, choose};

/// The part of a ket that a channel must act on to be forced: what is smaller is rounding, and a ket made of that would be noise.
const NOISE: f64 = 1e-16;

/// Changes of an observable that are smaller than this, relative to its value (at least 1), are none.
const UNCHANGED: f64 = 1e-9;

/// An instant at which a trajectory is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instant {
    /// When.
    pub time: f64,
    /// How much of the run it stands for among all instants of the trajectory.
    pub duration: f64,
    /// How much of the run it stands for among those at which a jump may be forced; 0 where none may.
    pub forced: f64,
}

/// An instant of a trajectory at which any channel could fire.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// When, and what that stands for.
    pub instant: Instant,
    /// Whether the trajectory has jumped before.
    pub after_another: bool,
    /// The rate ‖L_mψ‖² of every channel.
    pub rates: Vec<f64>,
    /// Every observable and, last, the trajectory's weight, which is 1 here.
    pub values: Vec<f64>,
    /// What each channel would change of these at once, channel by channel.
    pub changes: Vec<f64>,
}

/// How many jumps of every channel a trajectory has, as these instants of it tell.
pub fn jumps(found: &[Candidate], channel: usize) -> f64 {
    found.iter().map(|candidate| candidate.rates[channel] * candidate.instant.duration).sum()
}

/// The jump that was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chosen {
    /// When, and of which channel.
    pub jump: ForcedJump,
    /// At which of the candidates.
    pub place: usize,
    /// How many jumps that one stands for: its rate over the density with which it was chosen. The mean of a quantity times this is
    /// the integral of the quantity over all jumps.
    pub often: f64,
    /// How often a trajectory would jump like that if the whole run were like this instant.
    pub rarity: f64,
    /// How many jumps of that channel the trajectory has by its rates.
    pub expected: f64,
    /// Whether the trajectory has jumped before.
    pub after_another: bool,
}

impl Chosen {
    /// How much what comes after the jump counts beside what comes along trajectories as they are: those of them without such a jump
    /// do not tell of it, and so many they are. Where jumps like it fall into every trajectory, what comes later is not more frequent
    /// for that.
    pub fn later(&self) -> f64 {
        self.often * (-self.expected).exp()
    }
}

/// Looks at a trajectory at chosen instants, in the order of time.
pub struct Candidates<'a, S> {
    system: &'a S,
    experiment: &'a Experiment,
    readout: Readout,
    instants: Vec<Instant>,
    found: Vec<Candidate>,
    jumps: Vec<(f64, usize)>,
    ket: Ket,
    after: Ket,
    scratch: Ket,
    before: Vec<f64>,
    values: Vec<f64>,
}

impl<'a, S: OpenSystem> Candidates<'a, S> {
    /// Will look at `instants`.
    pub fn new(system: &'a S, experiment: &'a Experiment, mut instants: Vec<Instant>) -> Self {
        instants.sort_by(|a, b| a.time.total_cmp(&b.time));
        let empty = || Ket::zeros(Window::around(0, 1), system.rows());
        let values = vec![0.0; experiment.observables.len()];
        let [ket, after, scratch] = [empty(), empty(), empty()];
        let (found, jumps, before) = (Vec::new(), Vec::new(), values.clone());
        let readout = Readout::new(system, &experiment.observables);
        Self { system, experiment, readout, instants, found, jumps, ket, after, scratch, before, values }
    }

    /// Takes in a stretch of the trajectory without jumps.
    pub fn stretch(&mut self, stretch: &Stretch) {
        while let Some(&instant) = self.instants.get(self.found.len()) {
            if instant.time > stretch.end_time || stretch.stop.after(self.ket.data().len()) {
                return;
            }
            let within = (instant.time - stretch.begin).clamp(0.0, stretch.length);
            (stretch.evaluate)(&[within], std::slice::from_mut(&mut self.ket));
            self.look(instant);
        }
    }

    /// Takes in a jump of the trajectory.
    pub fn jump(&mut self, time: f64, channel: usize) {
        self.jumps.push((time, channel));
    }

    fn look(&mut self, instant: Instant) {
        let Self { system, experiment, readout, ket, after, scratch, before, values, .. } = self;
        let (observables, time) = (experiment.observables.len(), instant.time);
        let norm = ket.norm_squared();
        let mut rates = vec![0.0; system.channels().len()];
        system.weights(ket, &mut rates);
        readout.observe(*system, time, ket, before);
        let columns = observables + 1;
        let mut changes = vec![0.0; rates.len() * columns];
        for (channel, rate) in rates.iter_mut().enumerate() {
            *rate /= norm;
            if *rate <= NOISE * system.channels()[channel].rate {
                *rate = 0.0;
                continue;
            }
            after.clone_from(ket);
            system.collapse(channel, after, scratch);
            readout.observe(*system, time, after, values);
            // The weight of a trajectory, and with it its values, changes sign.
            let sign = if system.channels()[channel].jump == Jump::Negative { -1.0 } else { 1.0 };
            let changes = &mut changes[channel * columns..][..columns];
            changes[observables] = sign - 1.0;
            for ((found, before), after) in changes.iter_mut().zip(before.iter()).zip(values.iter()) {
                let change = sign * after - before;
                let matters = change.abs() > UNCHANGED * before.abs().max(1.0);
                *found = if matters { change } else { 0.0 };
            }
        }
        let values = before.iter().copied().chain([1.0]).collect();
        self.found.push(Candidate { instant, after_another: !self.jumps.is_empty(), rates, values, changes });
    }

    /// What was found.
    pub fn found(self) -> Vec<Candidate> {
        self.found
    }

    /// The channel that the numbers `u` in (0, 1) choose to be silenced, from when on, and how many such choices it stands for; `None`
    /// where nothing fired.
    pub fn silence(&self, u: [f64; 2]) -> Option<(Silenced, f64)> {
        silence_one(&self.jumps, u)
    }

    /// The jump that the number `u` in (0, 1) chooses to be forced; `None` where nothing can fire.
    pub fn choose(&self, u: f64) -> Option<Chosen> {
        let end = self.experiment.times.last().copied().unwrap_or(0.0);
        let (place, channel, often) = choose_one(&self.found, end, u)?;
        let Candidate { instant: Instant { time, .. }, after_another, ref rates, .. } = self.found[place];
        let rarity = rates[channel] * end;
        let expected = jumps(&self.found, channel);
        Some(Chosen { jump: ForcedJump { time, channel }, place, often, rarity, expected, after_another })
    }
}

/// A channel that fired, to be silenced from before one of its jumps, and over how much of all such choices this was chosen; `None`
/// where nothing fired. `u` are numbers in (0, 1).
///
/// Each channel that fired is chosen as often as any other, and half of the times its last jump: what is missing most often.
fn silence_one(jumps: &[(f64, usize)], [u, v]: [f64; 2]) -> Option<(Silenced, f64)> {
    let mut channels: Vec<usize> = jumps.iter().map(|(_, channel)| *channel).collect();
    channels.sort_unstable();
    channels.dedup();
    let channel = *channels.get((u * channels.len() as f64) as usize)?;
    let times: Vec<f64> = jumps.iter().filter(|(_, fired)| *fired == channel).map(|(time, _)| *time).collect();
    let (last, count) = (times.len() - 1, times.len() as f64);
    let missing = if v < 0.5 { last } else { (((2.0 * v - 1.0) * count) as usize).min(last) };
    let probability = (0.5 / count + if missing == last { 0.5 } else { 0.0 }) / channels.len() as f64;
    let from = missing.checked_sub(1).map_or(0.0, |before| times[before]);
    Some((Silenced { channel, from }, 1.0 / probability))
}

/// An instant, each of which stands for some duration, and a channel that can fire there, with what it stands for: rate × duration
/// over the probability of the choice.
///
/// A third of the choice is by what jumps do at once, rate times change², each observable as often as any other; a third is by
/// their rates, each channel as often as any other; and a third is even, as what matters may come later. In each of them a jump
/// that would happen n times in a run, until `end`, at the rate it has there counts 1/(1 + n): every sample shows what it does. However
/// rare a jump is, and however short the time in which it can happen, it is found if it matters and is among the candidates, and
/// its weight makes up for the choice (sampling/importance resampling; Rubin, JASA 82, 543 (1987)).
fn choose_one(found: &[Candidate], end: f64, u: f64) -> Option<(usize, usize, f64)> {
    let channels = found.first()?.rates.len();
    let observables = found[0].values.len();
    // Channel by channel, so that numbers that are spread evenly take each of them in turn.
    let places = || (0..channels).flat_map(|m| found.iter().enumerate().map(move |(k, found)| (k, m, found)));
    let often: Vec<f64> = places().map(|(_, m, found)| found.rates[m] * found.instant.forced).collect();
    let unseen: Vec<f64> = places().map(|(_, m, found)| 1.0 / (1.0 + end * found.rates[m])).collect();
    let by = |weight: &dyn Fn(usize, &Candidate) -> f64| -> Vec<f64> {
        let often = often.iter().zip(&unseen).map(|(often, unseen)| often * unseen);
        places().zip(often).map(|((_, m, found), often)| often * weight(m, found)).collect()
    };
    let by_change = (0..observables).map(|o| by(&|m, found| found.changes[m * observables + o].powi(2))).collect();
    let by_rate = (0..channels).map(|channel| by(&|m, _| f64::from(u8::from(m == channel)))).collect();
    let even = often.iter().zip(&unseen).map(|(often, unseen)| if *often > 0.0 { *unseen } else { 0.0 }).collect();
    let even = vec![even];
    let mut shares = vec![0.0; often.len()];
    for scores in [by_change, by_rate, even] {
        let with_total = |scores: Vec<f64>| (scores.iter().sum::<f64>(), scores);
        let mut scores: Vec<_> = scores.into_iter().map(with_total).collect();
        scores.retain(|(total, _)| *total > 0.0 && total.is_finite());
        for (total, score) in &scores {
            let whole = total * scores.len() as f64;
            shares.iter_mut().zip(score).for_each(|(share, score)| *share += score / whole);
        }
    }
    let total: f64 = shares.iter().sum();
    if total == 0.0 {
        return None;
    }
    let place = choose(&shares, u);
    Some((place % found.len(), place / found.len(), often[place] * total / shares[place]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(duration: f64, rates: [f64; 3], changes: [f64; 6]) -> Candidate {
        let instant = Instant { time: 1.0, duration, forced: duration };
        Candidate {
            instant,
            after_another: false,
            rates: rates.to_vec(),
            values: vec![0.0; 2],
            changes: changes.to_vec(),
        }
    }

    /// A frequent jump that does nothing, a rare one that changes one of two observables at one instant, and one that never fires.
    fn mixed() -> Vec<Candidate> {
        let nothing = |duration| candidate(duration, [100.0, 1e-12, 0.0], [0.0; 6]);
        let something = candidate(0.3, [100.0, 1e-6, 0.0], [0.0, 0.0, 0.0, 2.0, 0.0, 0.0]);
        vec![nothing(0.1), nothing(0.2), something, nothing(0.4)]
    }

    #[test]
    fn the_weights_make_up_for_the_choice() {
        let found = mixed();
        let mut sums = [[0.0; 3]; 4];
        const NUMBERS: usize = 100_000;
        for i in 0..NUMBERS {
            let (k, m, often) = choose_one(&found, 1.0, (i as f64 + 0.5) / NUMBERS as f64).expect("something fires");
            sums[k][m] += often / NUMBERS as f64;
        }
        for (k, sums) in sums.iter().enumerate() {
            for (m, sum) in sums.iter().enumerate() {
                let right = found[k].rates[m] * found[k].instant.forced;
                assert!((sum - right).abs() <= 1e-3 * right, "{k} {m}: {sum} for {right}");
            }
        }
    }

    /// What is forced after one of many jumps of a trajectory is told by the trajectory as it is; after a rare one it is not.
    #[test]
    fn what_comes_after_frequent_jumps_is_no_more_frequent_for_them() {
        let jump = ForcedJump { time: 1.0, channel: 0 };
        let chosen = |often: f64, expected: f64| {
            Chosen { jump, place: 0, often, rarity: expected, expected, after_another: false }.later()
        };
        // 100 jumps in a trajectory, chosen with probability ½; one in a hundred trajectories, chosen always.
        assert!(chosen(200.0, 100.0) < 1e-40);
        assert!((chosen(0.01, 0.01) / 0.01 - 1.0).abs() < 0.02);
    }

    /// Over all choices every jump that could be missing stands for itself.
    #[test]
    fn every_jump_may_be_missing() {
        let jumps = [(0.1, 2), (0.2, 0), (0.3, 2), (0.7, 2)];
        const NUMBERS: usize = 300;
        let mut sums = std::collections::BTreeMap::<_, f64>::new();
        for i in 0..NUMBERS {
            for j in 0..NUMBERS {
                let u = [i, j].map(|i| (i as f64 + 0.5) / NUMBERS as f64);
                let (Silenced { channel, from }, often) = silence_one(&jumps, u).expect("something fired");
                *sums.entry((channel, (from * 10.0).round() as u32)).or_default() += often / (NUMBERS * NUMBERS) as f64;
            }
        }
        assert_eq!(sums.keys().copied().collect::<Vec<_>>(), [(0, 0), (2, 0), (2, 1), (2, 3)]);
        assert!(sums.values().all(|sum| (sum - 1.0).abs() < 0.02), "{sums:?}");
        assert_eq!(silence_one(&[], [0.5; 2]), None);
    }

    #[test]
    fn a_rare_jump_that_matters_is_chosen_and_nothing_is_chosen_of_nothing() {
        let found = mixed();
        let matters = |u: f64| choose_one(&found, 1.0, u).is_some_and(|(k, m, _)| (k, m) == (2, 1));
        let chosen = (0..1000).filter(|i| matters((f64::from(*i) + 0.5) / 1000.0)).count();
        // A third for what it does, half of a third for its channel, and one of 4 + 4/101 in the last third.
        assert!(chosen.abs_diff(583) <= 2, "{chosen}");
        assert_eq!(choose_one(&[], 1.0, 0.5), None);
        assert_eq!(choose_one(&[candidate(1.0, [0.0; 3], [0.0; 6])], 1.0, 0.5), None);
    }
}
