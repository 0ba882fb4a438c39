//! What events do at once, from every instant that trial trajectories were looked at.

use std::collections::BTreeMap;

use super::Layout;
use super::block::Path;
use super::candidates::{Candidate, Chosen};
use super::fading::{Fading, Happening};
use super::study::{Effect, EventSums, KINDS, kind};
use super::trial::{Restarted, Trial};
use crate::system::Experiment;

/// The jumps that were forced stand for all that could happen as long as they have this part of their immediate effect, at least.
const REPRESENTED: f64 = 0.25;

/// What events of a kind do at once to an observable at an output time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AtOnce {
    /// Those since the output time before, where the jumps that were forced do not stand for them.
    pub since_output: Effect,
    /// Those since the run began, as far as no other jump would have changed the observable since.
    pub since_start: Effect,
}

/// What events do at once to every observable, in the order of a record, and after that to the weight at every output time, kind by
/// kind. `counts` says how much a jump counts in the run's own trajectories, by whether the trajectory has jumped before.
///
/// Forced jumps tell what becomes of a change later, but only a few of all that could happen are forced. What a jump would do at
/// once is computed for every channel at every instant looked at, so that no channel is missed.
pub fn immediate(
    experiment: &Experiment,
    layout: Layout,
    tests: &[Trial],
    counts: impl Fn(bool) -> f64,
) -> Vec<[AtOnce; KINDS]> {
    let mut all = vec![[EventSums::default(); KINDS]; weight_entry(layout, experiment.times.len())];
    let (mut forced, mut fading) = (all.clone(), Fading::default());
    let mean = |entry: usize| tests.iter().map(|trial| trial.natural.record[entry]).sum::<f64>() / tests.len() as f64;
    let weights = std::iter::repeat_n(1.0, experiment.times.len());
    let usual: Vec<f64> = (0..layout.heating_rate()).map(mean).chain(weights).collect();
    for trial in tests {
        let [mut candidates, mut chosen] = [(); 2].map(|()| OneTrial { experiment, layout, sums: BTreeMap::new() });
        let mut look = |path: &Path, found: &[Candidate], next: Option<(&Chosen, f64)>, (often, mean, jumped)| {
            for candidate in found {
                let often = often * counts(jumped || candidate.after_another);
                for (channel, rate) in candidate.rates.iter().enumerate() {
                    let often = often * rate * candidate.instant.duration;
                    candidates.add(path, candidate, channel, often, mean);
                    let happening = candidates.happening(path, candidate, channel, mean);
                    let typical = |column: usize| usual[entry(experiment, layout, happening.end.0, column)];
                    fading.add(happening, candidate, channel, often, typical);
                }
            }
            if let Some((Chosen { jump, place, often: one, after_another, .. }, trials)) = next {
                let often = trials * often * one * counts(jumped || *after_another);
                chosen.add(path, &found[*place], jump.channel, often, mean);
            }
        };
        let next = |order: usize| trial.jumped.get(order).map(|jumped| (&jumped.last, jumped.trials));
        look(&trial.natural, &trial.candidates, next(0), (1.0, trial.rarity, false));
        let (mut often, mut mean) = (1.0, trial.rarity);
        for (order, jumped) in trial.jumped.iter().enumerate() {
            often *= jumped.last.later();
            mean *= jumped.last.rarity.min(1.0);
            let next = next(order + 1).map(|(last, trials)| (last, trials / jumped.trials));
            look(&jumped.path, &jumped.candidates, next, (jumped.trials * often, mean, true));
        }
        if let Some(Restarted { path, weight, rarity, candidates, jumped, .. }) = &trial.restarted {
            let next = jumped.as_ref().map(|jumped| (&jumped.last, 1.0));
            look(path, candidates, next, (*weight, *rarity, false));
            if let Some(jumped) = jumped {
                let (often, mean) = (weight * jumped.last.later(), rarity * jumped.last.rarity.min(1.0));
                look(&jumped.path, &jumped.candidates, None, (often, mean, true));
            }
        }
        candidates.finish(&mut all);
        chosen.finish(&mut forced);
    }
    let since_start =
        fading.finish(&experiment.times, all.len(), |time, column| entry(experiment, layout, time, column));
    let effects = (0..all.len()).map(|entry| {
        std::array::from_fn(|kind| {
            let [all, forced, since_start] = [all[entry][kind], forced[entry][kind], since_start[entry][kind]];
            let represented = forced.second() >= REPRESENTED * all.second();
            AtOnce {
                since_output: if represented { Effect::default() } else { all.effect(tests.len()) },
                since_start: since_start.mean_effect(tests.len()),
            }
        })
    });
    effects.collect()
}

/// Where what happens to the weight at an output time is.
pub fn weight_entry(layout: Layout, time: usize) -> usize {
    layout.heating_rate() + time
}

/// Where what happens to an observable is, or, beyond the last of them, to the weight.
fn entry(experiment: &Experiment, layout: Layout, time: usize, column: usize) -> usize {
    if column < experiment.observables.len() { layout.observable(time, column) } else { weight_entry(layout, time) }
}

/// Sums of one trial, by entry and kind.
struct OneTrial<'a> {
    experiment: &'a Experiment,
    layout: Layout,
    sums: BTreeMap<(usize, usize), EventSums>,
}

impl OneTrial<'_> {
    /// When and how often what `channel` does at an instant of a path happens, where that path happens `mean` times in a trajectory.
    fn happening(&self, path: &Path, candidate: &Candidate, channel: usize, mean: f64) -> Happening {
        let times = &self.experiment.times;
        let last = times.len() - 1;
        let end = times.partition_point(|time| *time < candidate.instant.time).min(last);
        let weight = self.layout.weight(end).map_or(1.0, |entry| path.record[entry]);
        let kind = kind(mean * (candidate.rates[channel] * times[last]).min(1.0));
        Happening { end: (end, times[end]), weight, kind }
    }

    /// Adds what `channel` would do at an instant of a path, as one of `often` such jumps; the path itself happens `mean` times in a
    /// trajectory.
    fn add(&mut self, path: &Path, candidate: &Candidate, channel: usize, often: f64, mean: f64) {
        let columns = self.experiment.observables.len() + 1;
        let Happening { end: (end, _), weight, kind } = self.happening(path, candidate, channel, mean);
        let changes = candidate.changes[channel * columns..][..columns].iter().enumerate();
        for (column, change) in changes.filter(|(_, change)| **change != 0.0) {
            let entry = entry(self.experiment, self.layout, end, column);
            let sums = self.sums.entry((entry, kind)).or_default();
            sums.add(often, change * change * weight * weight);
        }
    }

    fn finish(self, into: &mut [[EventSums; KINDS]]) {
        for ((entry, kind), one) in self.sums {
            into[entry][kind].add_trial(one);
        }
    }
}
