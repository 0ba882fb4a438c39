//! Which set of followed quantities the control variates are made of: the one that leaves least on pilots its law was not fitted to.

use serde::{Deserialize, Serialize};

use super::closure::{COARSER, Closure, FINEST};
use super::pilot_moments::PilotMoments;
use super::pilot_record::{INTERVALS, PilotRecord};
use crate::system::quantity::CandidateSet;

/// Which quantities the control variates of a run are made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ControlSet {
    /// In words.
    pub name: String,
    /// How many they are.
    pub quantities: usize,
    /// By what their law divides the variance in pilots that it was not fitted to: the geometric mean over the observables and over ten
    /// times. `None` where pilots are too few to tell.
    pub factor: Option<f64>,
}

/// Fewest pilots that more than the usual quantities are followed in: with fewer, halves of them tell laws apart by chance.
pub const FEWEST: u64 = 256;

/// Quantities whose following costs as much as all the rest of a trajectory, as measured on a chain.
const QUANTITIES_PER_COST: f64 = 25.0;

/// Intervals after which laws are compared.
const EVERY: usize = 10;

/// What there is to choose from.
pub struct SetChoice<'a> {
    /// The pilots, which followed all quantities.
    pub pilots: &'a [PilotRecord],
    /// Which of those are of the spins alone.
    pub of_spins: &'a [bool],
    /// The sets.
    pub sets: &'a [CandidateSet],
    /// Every observable as a combination of all quantities; of those in every set, where it is one at all.
    pub expressions: &'a [Vec<f64>],
    /// The error of a run's martingales, and that of the pilots'.
    pub tolerance: f64,
    pub error: f64,
}

impl SetChoice<'_> {
    /// The number of the set that is best by variance × cost, its law, fitted to all pilots, and by what that divides variances.
    ///
    /// Laws are fitted to each half of the pilots and tried on the other. What they leave of every observable's variance counts by its
    /// logarithm, on average over the observables and over ten times.
    pub fn best(&self) -> (usize, Closure, Option<f64>) {
        let order = self.of_spins.len();
        let halves = self.pilots.split_at(self.pilots.len() / 2);
        let moments = [halves.0, halves.1].map(|half| PilotMoments::of(half, order));
        let of_spins = |set: &[usize]| set.iter().map(|place| self.of_spins[*place]).collect::<Vec<_>>();
        let are_tried = self.pilots.len() as u64 >= FEWEST;
        let negligible = if are_tried { COARSER } else { FINEST };
        let law = |moments: &PilotMoments, set: &[usize]| {
            Closure::learn(&moments.at(set), &of_spins(set), self.tolerance, negligible)
        };
        let mut best = (0, f64::INFINITY, None);
        if are_tried {
            for (number, CandidateSet { places, .. }) in self.sets.iter().enumerate() {
                let trials = [(&moments[0], halves.1), (&moments[1], halves.0)];
                let logarithms = trials.map(|(moments, others)| self.left(&law(moments, places), places, others));
                let [left, all] = [0, 1].map(|i| 0.5 * (logarithms[0][i] + logarithms[1][i]));
                let score = left + (1.0 + places.len() as f64 / QUANTITIES_PER_COST).ln();
                if score < best.1 {
                    best = (number, score, Some((all - left).exp()));
                }
            }
        }
        let (number, _, factor) = best;
        (number, law(&moments[0].and(&moments[1]), &self.sets[number].places), factor)
    }

    /// The mean logarithm of what a law leaves of the variances of observables in some pilots, and that of those variances.
    fn left(&self, law: &Closure, set: &[usize], pilots: &[PilotRecord]) -> [f64; 2] {
        let (order, all) = (set.len(), self.of_spins.len());
        let times = INTERVALS / EVERY;
        let mut rest = vec![[(); 2].map(|()| Vec::with_capacity(pilots.len())); times * self.expressions.len()];
        let mut state = vec![0.0; 2 * order];
        let mut next = vec![0.0; law.stride()];
        for pilot in pilots {
            let at = |table: &[f64], time: usize, place: usize| table[time * all + place];
            // V begins as M does.
            for (i, place) in set.iter().enumerate() {
                state[i] = at(&pilot.martingales, 0, *place);
            }
            for time in 1..=INTERVALS {
                for (i, place) in set.iter().enumerate() {
                    state[order + i] = at(&pilot.martingales, time, *place) - at(&pilot.martingales, time - 1, *place);
                }
                law.predict(&state, &mut next);
                state[..order].copy_from_slice(&next[..order]);
                if time % EVERY != 0 {
                    continue;
                }
                for (observable, expression) in self.expressions.iter().enumerate() {
                    let [left, all] = &mut rest[(time / EVERY - 1) * self.expressions.len() + observable];
                    let value = |place: usize| at(&pilot.values, time, place);
                    let of = |(i, place): (usize, &usize)| expression[*place] * (value(*place) - state[i]);
                    left.push(set.iter().enumerate().map(of).sum::<f64>());
                    all.push(set.iter().map(|place| expression[*place] * value(*place)).sum::<f64>());
                }
            }
        }
        let told = |i: usize| self.expressions[i % self.expressions.len()].iter().any(|c| *c != 0.0);
        let logarithms: Vec<[f64; 2]> = rest
            .iter()
            .enumerate()
            .filter(|(i, _)| told(*i))
            .map(|(_, [left, all])| {
                let moments = [left, all].map(|values| {
                    let mean = values.iter().sum::<f64>() / values.len() as f64;
                    (mean, values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / values.len() as f64)
                });
                // Below the square of the integrals' error laws do not differ.
                let error = (self.error * (1.0 + moments[0].0.abs())).powi(2);
                moments.map(|(_, variance)| (variance + error).ln())
            })
            .collect();
        [0, 1].map(|i| logarithms.iter().map(|pair| pair[i]).sum::<f64>() / logarithms.len().max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quantity that another drives is explained by both; one that nothing drives by itself, since following costs.
    #[test]
    fn a_set_is_chosen_where_it_explains_more() {
        let mut noise = 0.5f64;
        let mut random = move || {
            noise = (noise * 997.0 + 0.123).fract();
            noise - 0.5
        };
        let mut pilots = |drive: f64| -> Vec<PilotRecord> {
            let pilot = |_| {
                let (mut y, mut m) = ([0.0; 2], [0.0; 2]);
                let mut record =
                    PilotRecord { jumps: 1000, values: y.to_vec(), martingales: m.to_vec(), activity: vec![1.0; 2] };
                for _ in 0..INTERVALS {
                    let gain = [random(), random()];
                    y = [0.9 * y[0] + drive * y[1] + gain[0] + 0.01 * random(), 0.8 * y[1] + gain[1]];
                    m = [m[0] + gain[0], m[1] + gain[1]];
                    record.values.extend(y);
                    record.martingales.extend(m);
                }
                record
            };
            (0..FEWEST).map(pilot).collect()
        };
        for (drive, known) in [(0.3, 1), (0.0, 0)] {
            let pilots = pilots(drive);
            let choice = SetChoice {
                pilots: &pilots,
                of_spins: &[false, false],
                sets: &[vec![0], vec![0, 1]].map(|places| CandidateSet { name: String::new(), places }),
                expressions: &[vec![1.0, 0.0]],
                tolerance: 1e-8,
                error: 1e-5,
            };
            let (best, law, factor) = choice.best();
            assert_eq!((best, law.order()), (known, known + 1), "drive {drive}");
            // The part that no gain explains is 0.01² of the noise.
            let factor = factor.expect("two sets were tried");
            assert!((3e3..1e5).contains(&factor), "drive {drive}: {factor}");
        }
    }
}
