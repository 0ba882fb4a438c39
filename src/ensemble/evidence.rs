//! What trial trajectories say of a value: how it varies, and what events do to it.

use super::Layout;
use super::block::Path;
use super::controls::CONTROLS;
use super::study::{Effect, Effects, KINDS, SILENCE, Study, kind};
use super::trial::{Jumped, Restarted, Silent, Trial};
use crate::model::{OscillatorPreparation, PurePreparation};
use crate::system::Experiment;

/// Trial trajectories with events, ready to be asked.
pub struct Evidence<'a> {
    layout: Layout,
    /// The output time at which the heating window ends, and the last one.
    window_end: usize,
    last: usize,
    tests: &'a [Trial],
    silent: &'a Silent,
    /// The weight of a trajectory that jumps, where the one without jumps counts by itself; else 1.
    weight: f64,
    /// How many jumps of every channel a trajectory has on average.
    jumps: Vec<f64>,
}

/// Variances below this are rounding.
const SMALLEST: f64 = 1e-60;

/// Sums over the events of one kind.
#[derive(Clone, Copy, Default)]
struct Sums {
    second: f64,
    second_squared: f64,
    fourth: f64,
}

impl<'a> Evidence<'a> {
    /// The evidence of `tests` and of the trajectories without jumps.
    pub fn new(
        experiment: &Experiment,
        layout: Layout,
        tests: &'a [Trial],
        silent: &'a Silent,
        weight: Option<f64>,
    ) -> Self {
        let weight = weight.unwrap_or(1.0);
        let mean =
            |channel| tests.iter().map(|trial| jumps_of(trial, channel)).sum::<f64>() / tests.len().max(1) as f64;
        let jumps = (0..layout.channels()).map(mean).collect();
        let [_, window_end] = experiment.heating_window;
        Self { layout, window_end, last: experiment.times.len() - 1, tests, silent, weight, jumps }
    }

    /// The variance of y − β·c over trajectories, by their sample and by what events do.
    pub fn variance(&self, entry: usize, beta: &[f64; CONTROLS]) -> f64 {
        let count = self.tests.len() as f64;
        let values = || self.tests.iter().map(|trial| value(&trial.natural, entry, beta));
        let mean = values().sum::<f64>() / count;
        let sample = values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (count - 1.0).max(1.0);
        self.weight * self.weight * sample + Study::unseen(&self.effects(entry, beta), count)
    }

    /// What events do to y − β·c.
    pub fn effects(&self, entry: usize, beta: &[f64; CONTROLS]) -> Effects {
        let end = match self.layout.time(entry) {
            Some(time) => time,
            None if entry < self.layout.estimates() => self.window_end,
            None => self.last,
        };
        let mut effects = self.gather(end, |path| value(path, entry, beta));
        // How often a channel fires is known better than from the jumps that were forced.
        if let Some(channel) = (0..self.layout.channels()).find(|channel| self.layout.jumps(*channel) == entry) {
            let jumps = self.jumps[channel];
            let effect = &mut effects[kind(jumps)];
            if self.weight * jumps > effect.variance {
                *effect = Effect { variance: self.weight * jumps, events: jumps };
            }
        }
        effects
    }

    /// What events do to the population of every Fock level at the end.
    pub fn fock(&self) -> Vec<Effects> {
        let paths = |trial: &'a Trial| {
            let jumped = trial.jumped.iter().map(|jumped| &jumped.path);
            let restarted = trial.restarted.iter().flat_map(|Restarted { path, jumped, .. }| {
                std::iter::once(path).chain(jumped.as_ref().map(|jumped| &jumped.path))
            });
            std::iter::once(&trial.natural).chain(jumped).chain(restarted)
        };
        let all = self.tests.iter().flat_map(paths).chain(self.silent.iter().map(|(_, path)| path));
        let levels = all.map(|path| path.fock.len()).max().unwrap_or(0);
        let population = |level: usize| move |path: &Path| path.fock.get(level).copied().unwrap_or(0.0);
        (0..levels).map(|level| self.gather(self.last, population(level))).collect()
    }

    /// How many events a trajectory has on average, at most 1, and the mean square change that one makes to the population of the
    /// level that it changes most, given the effects on all of them.
    pub fn any(&self, experiment: &Experiment, fock: &[Effects]) -> [f64; 2] {
        let drawn = |p: f64| p.min(1.0 - p);
        let spins = experiment.model.spins().iter().map(|spin| drawn(spin.initial_excited_probability()));
        let thermal = match experiment.oscillator {
            OscillatorPreparation::Thermal(nbar) => nbar / (nbar + 1.0),
            OscillatorPreparation::Fock(_) | OscillatorPreparation::Coherent(_) => 0.0,
        };
        let events = (self.jumps.iter().sum::<f64>() + spins.sum::<f64>() + thermal).min(1.0);
        let variance = |effects: &Effects| effects.iter().map(|effect| effect.variance).sum::<f64>();
        let largest = fock.iter().map(variance).fold(0.0, f64::max);
        [events, if events > 0.0 { (largest / events).min(1.0) } else { 0.0 }]
    }

    /// The trajectory from a state that goes on without any jump.
    fn without_jumps(&self, state: &PurePreparation) -> Option<&Path> {
        self.silent.iter().find(|(known, _)| known == state).map(|(_, path)| path)
    }

    /// The effects of events up to output time `end` on a value of a trajectory.
    fn gather(&self, end: usize, value: impl Fn(&Path) -> f64) -> Effects {
        let mut sums = [Sums::default(); KINDS];
        let mut add = |kind: usize, how_often: f64, change: f64| {
            let second = how_often * change * change;
            // Smaller changes are none, and their fourth powers no numbers.
            if second > SMALLEST {
                let sums: &mut Sums = &mut sums[kind];
                sums.second += second;
                sums.second_squared += second * second;
                sums.fourth += second * change * change;
            }
        };
        for trial in self.tests {
            let natural = value(&trial.natural);
            let (mut before, mut often, mut mean) = (natural, 1.0, 1.0);
            for (order, Jumped { path, last, .. }) in trial.jumped.iter().enumerate() {
                often *= last.often;
                mean *= last.rarity.min(1.0);
                // Trajectories that jump count with their weight, and their first jump happens more often.
                let counts = if order > 0 || last.after_another { self.weight * self.weight } else { self.weight };
                // A second forced jump is in every second trial, a third in every fourth.
                let trials = f64::from(1u32 << order);
                let value = value(path);
                add(kind(mean), trials * often * counts, value - before);
                before = value;
            }
            if let Some(Restarted { state, path, weight, rarity, jumped, .. }) = &trial.restarted {
                let from = value(path);
                add(kind(*rarity), *weight, from - natural);
                if let Some(Jumped { path, last, .. }) = jumped {
                    add(kind(rarity * last.rarity.min(1.0)), weight * last.often, value(path) - from);
                }
                if let Some(silent) = self.without_jumps(state) {
                    add(SILENCE, weight * silent.log_survival[end].exp(), value(silent) - from);
                }
            }
            if let Some(silent) = self.without_jumps(&trial.state) {
                add(SILENCE, silent.log_survival[end].exp(), value(silent) - natural);
            }
        }
        let count = self.tests.len().max(1) as f64;
        sums.map(|Sums { second, second_squared, fourth }| {
            let mean = second / count;
            let spread = (second_squared / count - mean * mean).max(0.0) / (count - 1.0).max(1.0);
            let events = if fourth > 0.0 { mean * mean / (fourth / count) } else { 0.0 };
            Effect { variance: mean + 2.0 * spread.sqrt(), events }
        })
    }
}

/// How many jumps of a channel a trial tells of: as it goes by itself, and after what is too rare to be in every few trajectories.
fn jumps_of(trial: &Trial, channel: usize) -> f64 {
    let mut sum = trial.jumps[channel];
    let mut often = 1.0;
    for (order, Jumped { last, jumps, .. }) in trial.jumped.iter().enumerate() {
        often *= last.often;
        if kind(last.rarity) > 0 {
            sum += f64::from(1u32 << order) * often * jumps[channel];
        }
    }
    if let Some(Restarted { weight, rarity, jumps, jumped, .. }) = &trial.restarted {
        if kind(*rarity) > 0 {
            sum += weight * jumps[channel];
        }
        if let Some(Jumped { last, jumps, .. }) = jumped
            && kind(rarity * last.rarity) > 0
        {
            sum += weight * last.often * jumps[channel];
        }
    }
    sum
}

fn value(path: &Path, entry: usize, beta: &[f64; CONTROLS]) -> f64 {
    let controls = path.controls.get(entry).into_iter().flatten();
    controls.zip(beta).fold(path.record[entry], |y, (c, beta)| if *beta == 0.0 { y } else { y - beta * c })
}
