//! What trial trajectories say of a value: how it varies, and what events do to it.

use super::Layout;
use super::block::Path;
use super::branch::{Sought, branches, counts};
use super::candidates::jumps;
use super::controls::CONTROLS;
use super::immediate::{AtOnce, EventTable, immediate, weight_entry};
use super::study::{Effect, Effects, EventSums, KINDS, Known, SILENCE, SMALLEST, Study, kind};
use super::trial::{Jumped, Restarted, Silence, Silent, Trial};
use crate::model::{OscillatorPreparation, PurePreparation};
use crate::system::{Experiment, Functional};

/// Trial trajectories with events, ready to be asked.
pub struct Evidence<'a> {
    experiment: &'a Experiment,
    layout: Layout,
    last: usize,
    ran: Ran<'a>,
    /// How the branch of every event that was sought out goes without it.
    without: Vec<&'a Path>,
    /// Lower end and width of the part that first thresholds are confined to, where the trajectory without jumps counts by itself;
    /// else (0, 1). The width is the weight of a trajectory that jumps.
    part: (f64, f64),
    /// How many jumps of every channel a trajectory has on average.
    jumps: Vec<f64>,
    /// What events do at once to every observable, and to weights.
    at_once: Vec<[AtOnce; KINDS]>,
}

/// What was run.
#[derive(Clone, Copy)]
pub struct Ran<'a> {
    /// Trials with events that were forced by chance.
    pub tests: &'a [Trial],
    /// Events on them that were sought out.
    pub sought: &'a [Sought],
    /// Trajectories without jumps.
    pub silent: &'a Silent,
}

impl<'a> Evidence<'a> {
    /// The evidence of all that, with what events do at once to `tests` (see [`super::immediate::sums`]).
    pub fn new(
        experiment: &'a Experiment,
        layout: Layout,
        ran: Ran<'a>,
        at_once: &[EventTable; 2],
        part: Option<(f64, f64)>,
    ) -> Self {
        let Ran { tests, sought, .. } = ran;
        let part = part.unwrap_or((0.0, 1.0));
        let mean =
            |channel| tests.iter().map(|trial| jumps_of(trial, channel)).sum::<f64>() / tests.len().max(1) as f64;
        let jumps = (0..layout.channels()).map(mean).collect();
        let last = experiment.times.len() - 1;
        let at_once = immediate(experiment, layout, (tests, sought), at_once, part.1);
        let without =
            sought.iter().map(|sought| branches(&tests[sought.choice.trial])[sought.choice.branch].path).collect();
        Self { experiment, layout, last, ran, without, part, jumps, at_once }
    }

    /// The variance of y − β·c over trajectories, by their sample and by what events do.
    pub fn variance(&self, entry: usize, beta: &[f64; CONTROLS]) -> f64 {
        let sample = spread(self.ran.tests, entry, beta);
        self.weight() * self.weight() * sample + Study::missed(&self.effects(entry, beta), self.ran.tests.len() as f64)
    }

    /// What events do to y − β·c.
    pub fn effects(&self, entry: usize, beta: &[f64; CONTROLS]) -> Effects {
        let end = match self.layout.time(entry) {
            Some(time) => time,
            None => match self.layout.functional_at(entry) {
                Some(place) => self.experiment.functional(place).window[1],
                None => self.last,
            },
        };
        let mut effects = self.gather(end, |path| value(path, entry, beta));
        self.add_at_once(&mut effects, self.changed(entry, end, beta), 1.0);
        // The heating rates are judged by what happens up to the end of their window alone: the coverage suite has shown no harm yet.
        if let Some(place) = self.layout.functional_at(entry).filter(|place| *place >= Experiment::HEATING_FUNCTIONALS)
        {
            self.add_times_of(&mut effects, self.experiment.functional(place), beta);
        }
        // How often a channel fires is known better than from the jumps that were forced.
        if let Some(channel) = (0..self.layout.channels()).find(|channel| self.layout.jumps(*channel) == entry) {
            let jumps = self.jumps[channel];
            let effect = &mut effects[kind(jumps)].forced;
            if self.weight() * jumps > effect.variance {
                *effect = Effect { variance: self.weight() * jumps, events: jumps };
            }
        }
        effects
    }

    /// Adds what events do at once to values at these places.
    fn add_at_once(&self, effects: &mut Effects, places: Vec<(usize, f64)>, scale: f64) {
        let jumped = self.weight() * self.weight();
        for (place, factor) in places.into_iter().filter(|(_, factor)| *factor != 0.0) {
            for (known, AtOnce { since_output, since_start }) in effects.iter_mut().zip(&self.at_once[place]) {
                known.at_once = known.at_once.beside(*since_output, scale * factor);
                // Trajectories that jump count with their weight: that many change the value by as much less.
                let since_start = Effect { events: since_start.events / jumped, ..*since_start };
                known.if_lasting = known.if_lasting.beside(since_start, scale * factor);
            }
        }
    }

    /// Adds what events do to the part that every single output time has in a functional, where that is more: nothing that happens up
    /// to an early time, or fails to, need be seen at the end of the window.
    fn add_times_of(&self, effects: &mut Effects, functional: Functional, beta: &[f64; CONTROLS]) {
        let [from, to] = functional.window;
        for time in from..=to {
            let weight = functional.of(&self.experiment.times, |other| f64::from(u8::from(other == time)));
            if weight == 0.0 {
                continue;
            }
            let entry = self.layout.observable(time, functional.observable);
            let mut one = self.gather(time, |path| weight * value(path, entry, beta));
            self.add_at_once(&mut one, self.changed(entry, time, beta), weight);
            for (known, one) in effects.iter_mut().zip(&one) {
                known.take_larger(one);
            }
        }
    }

    /// What events do to the population of every Fock level at the end.
    pub fn fock(&self) -> Vec<Effects> {
        (0..self.levels()).map(|level| self.gather(self.last, population(level))).collect()
    }

    /// How many Fock levels any of the trajectories reached.
    fn levels(&self) -> usize {
        let paths = |trial: &'a Trial| {
            let jumped = trial.jumped.iter().map(|jumped| &jumped.path);
            let silenced = trial.silenced.iter().map(|silence| &silence.path);
            let restarted = trial.restarted.iter().flat_map(|Restarted { path, jumped, silenced, .. }| {
                let silenced = silenced.iter().map(|silence| &silence.path);
                std::iter::once(path).chain(jumped.as_ref().map(|jumped| &jumped.path)).chain(silenced)
            });
            std::iter::once(&trial.natural).chain(jumped).chain(silenced).chain(restarted)
        };
        let all = self.ran.tests.iter().flat_map(paths).chain(self.ran.silent.iter().map(|(_, path)| path));
        all.map(|path| path.fock.len()).max().unwrap_or(0)
    }

    /// How many events a trajectory has on average, at most 1, and the largest square change that one made to the population of a level.
    pub fn any(&self, experiment: &Experiment) -> [f64; 2] {
        let drawn = |p: f64| p.min(1.0 - p);
        let spins = experiment.model.spins().iter().map(|spin| drawn(spin.initial_excited_probability()));
        let thermal = match experiment.oscillator {
            OscillatorPreparation::Thermal(nbar) => nbar / (nbar + 1.0),
            OscillatorPreparation::Fock(_) | OscillatorPreparation::Coherent(_) => 0.0,
        };
        let events = (self.jumps.iter().sum::<f64>() + spins.sum::<f64>() + thermal).min(1.0);
        let mut largest = 0.0f64;
        for level in 0..self.levels() {
            let mut add = |_, how_often: f64, change: f64| {
                if how_often * change * change > SMALLEST {
                    largest = largest.max(change * change);
                }
            };
            self.changes(self.last, population(level), &mut add);
            self.sought_changes(population(level), &mut add);
        }
        [events, largest.min(1.0)]
    }

    /// The trajectory from a state that goes on without any jump.
    fn without_jumps(&self, state: &PurePreparation) -> Option<&Path> {
        self.ran.silent.iter().find(|(known, _)| known == state).map(|(_, path)| path)
    }

    /// The effects of events up to output time `end` on a value of a trajectory.
    fn gather(&self, end: usize, value: impl Fn(&Path) -> f64) -> Effects {
        let [mut forced, mut sought] = [[EventSums::default(); KINDS]; 2];
        self.changes(end, &value, |kind, how_often, change| forced[kind].add(how_often, change * change));
        self.sought_changes(&value, |kind, how_often, change| sought[kind].add(how_often, change * change));
        let effect = |sums: EventSums| sums.effect(self.ran.tests.len());
        let known =
            |kind: usize| Known { forced: effect(forced[kind]), sought: effect(sought[kind]), ..Known::default() };
        std::array::from_fn(known)
    }

    /// Tells `add` of every event its kind, how often it happens in a trial, and by how much it changes a value at output time `end`.
    fn changes(&self, end: usize, value: impl Fn(&Path) -> f64, mut add: impl FnMut(usize, f64, f64)) {
        for trial in self.ran.tests {
            let natural = value(&trial.natural);
            let (mut before, mut often, mut mean) = (natural, 1.0, trial.rarity);
            for (order, Jumped { path, last, trials, .. }) in trial.jumped.iter().enumerate() {
                let jumps = often * last.often;
                often *= last.later();
                mean *= last.rarity.min(1.0);
                // Trajectories that jump count with their weight, and their first jump happens more often.
                let counts = counts(self.weight(), order > 0 || last.after_another);
                let value = value(path);
                add(kind(mean), trials * jumps * counts, value - before);
                before = value;
            }
            if let Some(silence) = &trial.silenced {
                let probability = self.missing(silence, end);
                add(kind(trial.rarity * probability), silence.often * probability, value(&silence.path) - natural);
            }
            if let Some(Restarted { state, path, weight, rarity, jumped, silenced, .. }) = &trial.restarted {
                let from = value(path);
                if let Some(silence) = silenced {
                    let probability = self.missing(silence, end);
                    add(kind(rarity * probability), weight * silence.often * probability, value(&silence.path) - from);
                }
                add(kind(*rarity), *weight, from - natural);
                if let Some(Jumped { path, last, .. }) = jumped {
                    add(kind(rarity * last.rarity.min(1.0)), weight * last.often, value(path) - from);
                }
                if let Some(silent) = self.without_jumps(state) {
                    add(SILENCE, weight * self.silence(silent, end), value(silent) - from);
                }
            }
            if let Some(silent) = self.without_jumps(&trial.state) {
                add(SILENCE, self.silence(silent, end), value(silent) - natural);
            }
        }
    }

    /// The same of those that were sought out.
    fn sought_changes(&self, value: impl Fn(&Path) -> f64, mut add: impl FnMut(usize, f64, f64)) {
        for (Sought { choice, path, mean }, before) in self.ran.sought.iter().zip(&self.without) {
            add(kind(*mean), choice.often, value(path) - value(before));
        }
    }

    /// The weight of a trajectory that jumps.
    fn weight(&self) -> f64 {
        self.part.1
    }

    /// How often a trajectory goes on without a jump up to output time `end`, in units of one that counts for itself.
    fn silence(&self, silent: &Path, end: usize) -> f64 {
        let (low, width) = self.part;
        width * (silent.log_survival[end].exp() - low).max(0.0)
    }

    /// How often a channel is silent up to output time `end` as it was in `silence`, in the same units.
    fn missing(&self, silence: &Silence, end: usize) -> f64 {
        if silence.from_start {
            self.silence(&silence.path, end)
        } else {
            silence.path.log_survival[end].exp() * counts(self.weight(), true)
        }
    }

    /// What an event at the last moment before output time `end` changes a value by, as places in what events do at once and factors: of
    /// y − β·c the first two controls change as y does, or, where trajectories carry weights, the first as the weight.
    fn changed(&self, entry: usize, end: usize, beta: &[f64; CONTROLS]) -> Vec<(usize, f64)> {
        if let Some(first) = self.layout.weight(0).filter(|first| entry >= *first) {
            return vec![(weight_entry(self.layout, entry - first), 1.0)];
        }
        let (observable, factor) = match self.layout.functional_at(entry) {
            _ if entry < self.layout.functional(0) => (self.layout.curve(entry), 1.0),
            Some(place) => {
                let functional = self.experiment.functional(place);
                let at_end = |time: usize| f64::from(u8::from(time == functional.window[1]));
                (functional.observable, functional.of(&self.experiment.times, at_end))
            }
            None => return Vec::new(),
        };
        let observable = self.layout.observable(end, observable);
        match self.layout.weight(0) {
            // The control of a rate is the rate of the weights.
            Some(_) => vec![(observable, factor), (weight_entry(self.layout, end), factor * beta[0])],
            None => vec![(observable, factor * (1.0 - beta[0] - beta[1]))],
        }
    }
}

/// How many jumps of a channel a trial tells of: as it goes by itself, and after what is too rare to be in every few trajectories.
fn jumps_of(trial: &Trial, channel: usize) -> f64 {
    let mut sum = jumps(&trial.candidates, channel);
    let mut often = 1.0;
    for Jumped { last, candidates, trials, .. } in &trial.jumped {
        often *= last.later();
        if kind(last.rarity) > 0 {
            sum += trials * often * jumps(candidates, channel);
        }
    }
    if let Some(Restarted { weight, rarity, candidates, jumped, .. }) = &trial.restarted {
        if kind(*rarity) > 0 {
            sum += weight * jumps(candidates, channel);
        }
        if let Some(Jumped { last, candidates, .. }) = jumped
            && kind(rarity * last.rarity) > 0
        {
            sum += weight * last.later() * jumps(candidates, channel);
        }
    }
    sum
}

/// The variance of y − β·c over trials as they went by themselves.
pub fn spread(trials: &[Trial], entry: usize, beta: &[f64; CONTROLS]) -> f64 {
    let values = || trials.iter().map(|trial| value(&trial.natural, entry, beta));
    let mean = values().sum::<f64>() / trials.len().max(1) as f64;
    values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / trials.len().saturating_sub(1).max(1) as f64
}

fn population(level: usize) -> impl Fn(&Path) -> f64 {
    move |path| path.fock.get(level).copied().unwrap_or(0.0)
}

fn value(path: &Path, entry: usize, beta: &[f64; CONTROLS]) -> f64 {
    let controls = path.controls.get(entry).into_iter().flatten();
    controls.zip(beta).fold(path.record[entry], |y, (c, beta)| if *beta == 0.0 { y } else { y - beta * c })
}
