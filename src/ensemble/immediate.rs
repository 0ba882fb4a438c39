//! What events do at once, from every instant that trial trajectories were looked at.

use std::collections::BTreeMap;

use super::Layout;
use super::block::Path;
use super::branch::{Branch, Choice, Sought, branches, counts};
use super::candidates::{Candidate, Chosen};
use super::fading::{Fading, Happening};
use super::study::{Effect, EventSums, KINDS, kind};
use super::trial::Trial;
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

/// Sums over events, by entry of a record (see [`entry`]) and kind.
pub type EventTable = Vec<[EventSums; KINDS]>;

/// What all jumps do at once that could happen to trials, and what those do that were forced in them, where a trajectory that jumps
/// counts with the weight `weight`.
pub fn sums(experiment: &Experiment, layout: Layout, tests: &[Trial], weight: f64) -> [EventTable; 2] {
    let mut both = [(); 2].map(|()| vec![[EventSums::default(); KINDS]; weight_entry(layout, experiment.times.len())]);
    for trial in tests {
        let [mut all, mut forced] = [(); 2].map(|()| OneTrial { experiment, layout, sums: BTreeMap::new() });
        for Branch { path, found, next, often, mean, jumped, .. } in branches(trial) {
            for candidate in found {
                let often = often * counts(weight, jumped || candidate.after_another);
                for (channel, rate) in candidate.rates.iter().enumerate() {
                    all.add(path, candidate, channel, often * rate * candidate.instant.duration, mean);
                }
            }
            if let Some((Chosen { jump, place, often: one, after_another, .. }, trials)) = next {
                let often = trials * often * one * counts(weight, jumped || *after_another);
                forced.add(path, &found[*place], jump.channel, often, mean);
            }
        }
        all.finish(&mut both[0]);
        forced.finish(&mut both[1]);
    }
    both
}

/// What events do at once to every observable, in the order of a record, and after that to the weight at every output time, kind by
/// kind. `sums` are those of [`sums`].
///
/// Forced jumps tell what becomes of a change later, but only a few of all that could happen are forced. What a jump would do at
/// once is computed for every channel at every instant looked at, so that no channel is missed.
pub fn immediate(
    experiment: &Experiment,
    layout: Layout,
    (tests, sought): (&[Trial], &[Sought]),
    [all, forced]: &[EventTable; 2],
    weight: f64,
) -> Vec<[AtOnce; KINDS]> {
    let mut fading = Fading::default();
    let mean = |entry: usize| tests.iter().map(|trial| trial.natural.record[entry]).sum::<f64>() / tests.len() as f64;
    let weights = std::iter::repeat_n(1.0, experiment.times.len());
    let usual: Vec<f64> = (0..layout.heating_rate()).map(mean).chain(weights).collect();
    for trial in tests {
        for Branch { path, found, often, mean, jumped, .. } in branches(trial) {
            for candidate in found {
                let often = often * counts(weight, jumped || candidate.after_another) * candidate.instant.duration;
                for (channel, rate) in candidate.rates.iter().enumerate() {
                    let happening = happening(experiment, layout, path, candidate, channel, mean);
                    let typical = |column: usize| usual[entry(experiment, layout, happening.end.0, column)];
                    fading.add(happening, candidate, channel, often * rate, typical);
                }
            }
        }
    }
    let since_start =
        fading.finish(&experiment.times, all.len(), |time, column| entry(experiment, layout, time, column));
    let mut again = OneTrial { experiment, layout, sums: BTreeMap::new() };
    for Sought { choice: Choice { trial, branch, candidate, channel, often }, .. } in sought {
        let Branch { path, found, mean, .. } = &branches(&tests[*trial])[*branch];
        again.add(path, &found[*candidate], *channel, *often, *mean);
    }
    let mut sought = vec![[EventSums::default(); KINDS]; all.len()];
    again.finish(&mut sought);
    let effects = (0..all.len()).map(|entry| {
        std::array::from_fn(|kind| {
            let [all, forced, sought] = [all, forced, &sought].map(|sums| sums[entry][kind]);
            AtOnce {
                since_output: if is_represented(all, [forced, sought]) {
                    Effect::default()
                } else {
                    all.effect(tests.len())
                },
                since_start: since_start[entry][kind].mean_effect(tests.len()),
            }
        })
    });
    effects.collect()
}

/// Whether jumps that were made to happen, chosen in two ways, stand for all that could happen.
pub fn is_represented(all: EventSums, chosen: [EventSums; 2]) -> bool {
    chosen.iter().any(|chosen| chosen.second() >= REPRESENTED * all.second())
}

/// Where what happens to the weight at an output time is.
pub fn weight_entry(layout: Layout, time: usize) -> usize {
    layout.heating_rate() + time
}

/// Where what happens to an observable is, or, beyond the last of them, to the weight.
pub fn entry(experiment: &Experiment, layout: Layout, time: usize, column: usize) -> usize {
    if column < experiment.observables.len() { layout.observable(time, column) } else { weight_entry(layout, time) }
}

/// When and how often what `channel` does at an instant of a path happens, where that path happens `mean` times in a trajectory.
pub fn happening(
    experiment: &Experiment,
    layout: Layout,
    path: &Path,
    candidate: &Candidate,
    channel: usize,
    mean: f64,
) -> Happening {
    let times = &experiment.times;
    let last = times.len() - 1;
    let end = times.partition_point(|time| *time < candidate.instant.time).min(last);
    let weight = layout.weight(end).map_or(1.0, |entry| path.record[entry]);
    let kind = kind(mean * (candidate.rates[channel] * times[last]).min(1.0));
    Happening { end: (end, times[end]), weight, kind }
}

/// Sums of one trial, by entry and kind.
struct OneTrial<'a> {
    experiment: &'a Experiment,
    layout: Layout,
    sums: BTreeMap<(usize, usize), EventSums>,
}

impl OneTrial<'_> {
    /// Adds what `channel` would do at an instant of a path, as one of `often` such jumps; the path itself happens `mean` times in a
    /// trajectory.
    fn add(&mut self, path: &Path, candidate: &Candidate, channel: usize, often: f64, mean: f64) {
        let columns = self.experiment.observables.len() + 1;
        let Happening { end: (end, _), weight, kind } =
            happening(self.experiment, self.layout, path, candidate, channel, mean);
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
