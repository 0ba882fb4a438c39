//! The events that a sample has not seen: how many there may be, and what they may do to its means.

use crate::ensemble::{Ensemble, Layout};
use crate::model::{OscillatorPreparation, Spin};
use crate::system::{Channel, Experiment, Observable, activity};

/// Events of a kind that a sample must hold before its own spread is trusted.
const ENOUGH: f64 = 10.0;

/// Events from which the coefficients of the controls may be fitted: ten for each.
const ENOUGH_TO_FIT: f64 = 40.0;

/// What an unseen event may do to an observable, and how its events are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// What a jump may change: the order of one quantum, or of the spin's flip.
    pub size: f64,
    /// Which [`activity`] counts such jumps.
    activity: usize,
    /// The activity of one of them.
    unit: f64,
    /// Whether every channel must have fired too, because the activity does not tell one spin from another.
    channels: bool,
}

impl Effect {
    /// The effect of a jump on `observable`.
    pub fn on(observable: Observable) -> Self {
        use activity::{FIELD, INVERSION, NUMBER};
        let (size, activity, unit) = match observable {
            Observable::Number | Observable::NumberSquared | Observable::Energy => (1.0, NUMBER, 1.0),
            Observable::XSquared | Observable::PSquared => (4.0, NUMBER, 1.0),
            Observable::X | Observable::P => (2.0, FIELD, 4.0),
            Observable::Inversion(_) => (2.0, INVERSION, 4.0),
        };
        Self { size, activity, unit, channels: activity == INVERSION }
    }

    /// The effect on a linear functional of the curve, `factor` times as large.
    pub fn scaled(self, factor: f64) -> Self {
        Self { size: self.size * factor, ..self }
    }
}

/// What a sample can have seen.
///
/// A sample cannot know from its own spread which events it has missed: as long as they are rarer than one in M trajectories,
/// its variance is too small or even zero. But their rates are known along every trajectory, seen or not: the mean
/// [`activity`] ∫Σ_m‖L_mψ‖²(Δy)²ds is the variance that jumps give y, and in units of what a whole quantum (or flip) changes
/// it is how many such events a trajectory has on average, at most. Without controls nobody has counted that; then events may
/// be as frequent as a sample without any allows.
///
/// The units of a sample are its trajectories, or the blocks of a stratified run.
pub struct Exposure {
    layout: Layout,
    units: f64,
    /// Trajectories per unit over the weight of one that jumps: what turns the activity of all into events of a unit, and the
    /// effect of a jump into that on a unit's mean.
    share: f64,
    /// Mean records, for the activity; `None` if nobody counted it.
    mean: Option<Vec<f64>>,
    /// Whether every channel that can fire has.
    channels: bool,
    /// Whether every initial state that can be drawn has come up.
    draws: bool,
}

impl Exposure {
    /// Of an ensemble of an experiment.
    pub fn of(experiment: &Experiment, ensemble: &Ensemble) -> Self {
        let (tally, layout) = (&ensemble.tally, ensemble.layout);
        let (records, trajectories) = (&tally.records, tally.trajectories as f64);
        let weight = 1.0 - ensemble.no_jump_probability.unwrap_or(0.0);
        // Jumps count with the weight of their trajectory.
        let fired = |index: usize| records.mean()[layout.jumps(index)] * trajectories / weight;
        let seen = |(index, channel): (usize, &Channel)| channel.rate == 0.0 || fired(index) >= ENOUGH;
        let spins = experiment.model.spins().iter().map(Spin::initial_excited_probability);
        let oscillator = match experiment.oscillator {
            OscillatorPreparation::Thermal(nbar) => nbar / (nbar + 1.0),
            OscillatorPreparation::Fock(_) | OscillatorPreparation::Coherent(_) => 0.0,
        };
        let drawn = |p: f64| p == 0.0 || p * trajectories >= ENOUGH;
        Self {
            layout,
            units: records.count() as f64,
            share: trajectories / records.count() as f64 / weight,
            mean: (!tally.folds.is_empty()).then(|| records.mean().to_vec()),
            channels: ensemble.channels.iter().enumerate().all(seen),
            draws: spins.chain([oscillator]).all(|p| drawn(p) && drawn(1.0 - p)),
        }
    }

    /// Events of a unit up to output time `time`, on average, if they were counted.
    fn events(&self, effect: Effect, time: usize) -> Option<f64> {
        let mean = self.mean.as_ref()?;
        Some(mean[self.layout.activity(time, effect.activity)].max(0.0) / effect.unit * self.share)
    }

    /// What one of them does to its unit.
    fn size(&self, effect: Effect) -> f64 {
        effect.size / self.share
    }

    /// Whether the sample holds enough events up to output time `time` to fit coefficients to.
    pub fn can_fit(&self, effect: Effect, time: usize) -> bool {
        self.draws && self.events(effect, time).is_some_and(|events| events * self.units >= ENOUGH_TO_FIT)
    }

    /// The variance of a unit's plain value at output time `time`, of which the sample shows `seen`: where events are few, at
    /// least what their rates say.
    pub fn plain_variance(&self, effect: Effect, time: usize, seen: f64) -> f64 {
        match self.events(effect, time) {
            Some(events) if !self.can_fit(effect, time) => seen.max(events * self.size(effect).powi(2)),
            _ => seen,
        }
    }

    /// What unseen events may add to a mean at output time `time`, for a curve that ends at `end` and whose widest spread is
    /// `spread`.
    ///
    /// If n units have not shown an event, up to 3/n of all may have one (95 %; the "rule of three", Hanley and
    /// Lippman-Hand, JAMA 249, 1743 (1983)), and not more than the rates say. Where enough events have been seen, what is
    /// left unseen changes the value by about its spread, which adds at most 9/(2n) to the standard error, relatively; where
    /// they have only been seen by the end, by the spread over the root of how many there are; else by its physical size.
    pub fn allowance(&self, effect: Effect, time: usize, end: usize, spread: f64) -> f64 {
        let three = 3.0 / self.units;
        let likely = match (self.draws, time) {
            // Initial states not drawn show from the beginning on.
            (false, _) => three,
            // Nothing else can have happened yet at t = 0.
            (true, 0) => 0.0,
            (true, _) => self.events(effect, time).map_or(three, |events| events.min(three)),
        };
        likely * self.change(effect, time, end, spread)
    }

    /// What an event changes.
    fn change(&self, effect: Effect, time: usize, end: usize, spread: f64) -> f64 {
        let (size, counted) = (self.size(effect), self.events(effect, end));
        let enough = |events: f64| events * self.units >= ENOUGH;
        let by_end = counted.unwrap_or((spread / size).powi(2));
        let channels = self.channels || (counted.is_some() && !effect.channels);
        if !(self.draws && channels && enough(by_end)) {
            spread.max(size)
        } else if self.events(effect, time).is_none_or(enough) {
            spread
        } else {
            spread / by_end.min(1.0).sqrt()
        }
    }
}
