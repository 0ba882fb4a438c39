//! What events do at once, from every instant that trial trajectories were looked at.

use std::collections::BTreeMap;

use super::Layout;
use super::block::Path;
use super::candidates::{Candidate, Chosen};
use super::study::{Effect, KINDS, Sums, kind};
use super::trial::{Restarted, Trial};
use crate::system::Experiment;

/// The jumps that were forced stand for all that could happen as long as they have this part of their immediate effect, at least.
const REPRESENTED: f64 = 0.25;

/// What events of a kind do at once to an observable at an output time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AtOnce {
    /// Those since the output time before, where the jumps that were forced do not stand for them.
    pub since_output: Effect,
    /// Those since the run began.
    pub since_start: Effect,
}

/// What events do at once to every observable, in the order of a record, and after that to the weight at every output time, kind by
/// kind. `counts` says how much a jump counts in the run's own trajectories, by
/// whether the trajectory has jumped before.
///
/// Forced jumps tell what becomes of a change later, but only a few of all that could happen are forced. What a jump would do at
/// once is computed for every channel at every instant looked at, so that no channel is missed.
pub fn immediate(
    experiment: &Experiment,
    layout: Layout,
    tests: &[Trial],
    counts: impl Fn(bool) -> f64,
) -> Vec<[AtOnce; KINDS]> {
    let mut all = vec![[Sums::default(); KINDS]; weight_entry(layout, experiment.times.len())];
    let mut forced = all.clone();
    for trial in tests {
        let [mut candidates, mut chosen] = [(); 2].map(|()| Of { experiment, layout, sums: BTreeMap::new() });
        let mut look = |path: &Path, found: &[Candidate], next: Option<(&Chosen, f64)>, (often, mean, jumped)| {
            for candidate in found {
                let often = often * counts(jumped || candidate.after_another);
                for (channel, rate) in candidate.rates.iter().enumerate() {
                    candidates.add(path, candidate, channel, often * rate * candidate.instant.duration, mean);
                }
            }
            if let Some((Chosen { jump, place, often: one, after_another, .. }, trials)) = next {
                let often = trials * often * one * counts(jumped || *after_another);
                chosen.add(path, &found[*place], jump.channel, often, mean);
            }
        };
        // A second forced jump is in every second trial, a third in every fourth.
        let next = |order: usize| trial.jumped.get(order).map(|jumped| (&jumped.last, f64::from(1u32 << order)));
        look(&trial.natural, &trial.candidates, next(0), (1.0, trial.rarity, false));
        let (mut often, mut mean) = (1.0, trial.rarity);
        for (order, jumped) in trial.jumped.iter().enumerate() {
            often *= jumped.last.often;
            mean *= jumped.last.rarity.min(1.0);
            let trials = f64::from(1u32 << order);
            let next = next(order + 1).map(|(last, more)| (last, more / trials));
            look(&jumped.path, &jumped.candidates, next, (trials * often, mean, true));
        }
        if let Some(Restarted { path, weight, rarity, candidates, jumped, .. }) = &trial.restarted {
            let next = jumped.as_ref().map(|jumped| (&jumped.last, 1.0));
            look(path, candidates, next, (*weight, *rarity, false));
            if let Some(jumped) = jumped {
                let (often, mean) = (weight * jumped.last.often, rarity * jumped.last.rarity.min(1.0));
                look(&jumped.path, &jumped.candidates, None, (often, mean, true));
            }
        }
        candidates.finish(&mut all);
        chosen.finish(&mut forced);
    }
    let mut effects = vec![[AtOnce::default(); KINDS]; all.len()];
    for column in 0..=experiment.observables.len() {
        let mut until = [Sums::default(); KINDS];
        for time in 0..experiment.times.len() {
            let entry = entry(experiment, layout, time, column);
            for (kind, effect) in effects[entry].iter_mut().enumerate() {
                let (all, forced) = (all[entry][kind], forced[entry][kind]);
                until[kind].merge(all);
                let represented = forced.second() >= REPRESENTED * all.second();
                effect.since_output = if represented { Effect::default() } else { all.effect(tests.len()) };
                effect.since_start = until[kind].mean_effect(tests.len());
            }
        }
    }
    effects
}

/// Where what happens to the weight at an output time is.
pub fn weight_entry(layout: Layout, time: usize) -> usize {
    layout.heating_rate() + time
}

/// Where what happens to an observable is, or, beyond the last of them, to the weight.
fn entry(experiment: &Experiment, layout: Layout, time: usize, column: usize) -> usize {
    if column < experiment.observables.len() {
        layout.observable(time, column)
    } else {
        weight_entry(layout, time)
    }
}

/// Sums of one trial, by entry and kind.
struct Of<'a> {
    experiment: &'a Experiment,
    layout: Layout,
    sums: BTreeMap<(usize, usize), Sums>,
}

impl Of<'_> {
    /// Adds what `channel` would do at an instant of a path, as one of `often` such jumps; the path itself happens `mean` times in a
    /// trajectory.
    fn add(&mut self, path: &Path, candidate: &Candidate, channel: usize, often: f64, mean: f64) {
        let (times, columns) = (&self.experiment.times, self.experiment.observables.len() + 1);
        let last = times.len() - 1;
        let end = times.partition_point(|time| *time < candidate.instant.time).min(last);
        let weight = self.layout.weight(end).map_or(1.0, |entry| path.record[entry]);
        let kind = kind(mean * (candidate.rates[channel] * times[last]).min(1.0));
        let squares = &candidate.squares[channel * columns..][..columns];
        for (column, square) in squares.iter().enumerate().filter(|(_, square)| **square > 0.0) {
            let entry = entry(self.experiment, self.layout, end, column);
            let sums = self.sums.entry((entry, kind)).or_default();
            sums.add(often, square * weight * weight);
        }
    }

    fn finish(self, into: &mut [[Sums; KINDS]]) {
        for ((entry, kind), one) in self.sums {
            into[entry][kind].add_trial(one);
        }
    }
}
