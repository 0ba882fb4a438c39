//! The exact value of everything that a point of trajectories reports with an error.

use super::functional::FunctionalEstimate;
use super::scalar::Scalar;
use super::summary::Point;
use crate::master::Exact;
use crate::model::{Model, OscillatorPreparation};
use crate::system::{Experiment, Jump, NamedFunctional, OscillatorJump, channels};

/// Fock levels of less probability are not asked for.
const LEAST_POPULATION: f64 = 1e-12;

/// A channel that fires more seldom than this in a whole run does not matter.
const NEVER: f64 = 1e-9;

/// Deviations up to this many times the run's tolerance, times 1 + |value|, are numerical.
const NUMERICAL: f64 = 3.0;

/// What the names of functionals begin with here.
const FUNCTIONAL: &str = "functional.";

/// One quantity at one time, known exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its name: an observable, `heating_rate`, `heating_slope`, `heating_drift`, `functional.NAME`, `jumps.CHANNEL`, `level.N`.
    pub quantity: String,
    /// The output time, or the end of the heating window.
    pub time: f64,
    /// Its exact value.
    pub exact: f64,
    /// Deviations up to this are numerical.
    pub tolerance: f64,
    /// Mean number of jumps of a trajectory by this time, of the channel that fires most seldom of those that fire at all;
    /// `None` where nobody knows.
    pub events: Option<f64>,
    place: Place,
}

/// Where a point has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Observable(usize),
    Functional,
    HeatingRate,
    HeatingSlope,
    HeatingDrift,
    Jumps,
    Level(usize),
    Weight(usize),
}

/// An estimate and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// The estimate.
    pub mean: f64,
    /// Its standard error.
    pub error: f64,
}

impl Found {
    /// The deviation from what is known in standard errors, 0 where it is numerical; infinite without a standard error.
    pub fn z(&self, known: &Known) -> f64 {
        let deviation = self.mean - known.exact;
        match deviation.abs() <= known.tolerance {
            true => 0.0,
            false if self.error > 0.0 && self.error.is_finite() && deviation.is_finite() => deviation / self.error,
            false => f64::INFINITY,
        }
    }

    /// Whether value and error are within the numerical tolerance of what is known.
    pub fn is_numerical(&self, known: &Known) -> bool {
        (self.mean - known.exact).abs() <= known.tolerance && self.error <= known.tolerance
    }
}

/// What `experiment` gives exactly, computed to a `tolerance` as its trajectories are.
pub fn truth(experiment: &Experiment, exact: &Exact, tolerance: f64) -> Vec<Known> {
    let (times, last) = (&experiment.times, experiment.times.len() - 1);
    let jumps = jumps(experiment, exact);
    let numerical = |value: f64| NUMERICAL * tolerance * (1.0 + value.abs());
    let mut list = Vec::new();
    let mut push = |quantity: String, time: usize, exact_value: f64, tolerance: f64, place: Place| {
        let events = rarest(&jumps, time);
        list.push(Known { quantity, time: times[time], exact: exact_value, tolerance, events, place });
    };
    for (observable, curve) in experiment.observables.iter().zip(&exact.observables) {
        for (time, &value) in curve.iter().enumerate() {
            push(observable.to_string(), time, value, numerical(value), Place::Observable(time));
        }
    }
    let number = &exact.observables[experiment.number_index()];
    let [from, to] = experiment.heating_window;
    let widest = number[from..=to].iter().fold(0.0, |widest: f64, value| widest.max(value.abs()));
    let of_rate = 2.0 * numerical(widest) / (times[to] - times[from]);
    let (rate, slope) = (experiment.heating_rate(|time| number[time]), experiment.heating_slope(|time| number[time]));
    push("heating_rate".into(), to, rate, of_rate, Place::HeatingRate);
    push("heating_slope".into(), to, slope, of_rate, Place::HeatingSlope);
    push("heating_drift".into(), to, rate, of_rate, Place::HeatingDrift);
    for NamedFunctional { name, functional } in &experiment.functionals {
        let curve = &exact.observables[functional.observable];
        let [from, to] = functional.window;
        let widest = curve[from..=to].iter().fold(0.0, |widest: f64, value| widest.max(value.abs()));
        let value = functional.of(times, |time| curve[time]);
        let tolerance = functional.size(times) * numerical(widest);
        push(format!("{FUNCTIONAL}{name}"), to, value, tolerance, Place::Functional);
    }
    for (channel, curve) in channels(&experiment.model).iter().zip(&jumps) {
        let mean = curve[last];
        push(format!("jumps.{}", channel.name), last, mean, numerical(mean), Place::Jumps);
    }
    for (level, &population) in exact.fock.iter().enumerate().filter(|(_, population)| **population >= LEAST_POPULATION)
    {
        push(format!("level.{level}"), last, population, numerical(population), Place::Level(level));
    }
    if experiment.model.is_weighted() {
        (0..=last).for_each(|time| push("weight".into(), time, 1.0, numerical(1.0), Place::Weight(time)));
    }
    list
}

/// Mean number of jumps before output time `time` of the channel that fires most seldom of those that fire at all.
fn rarest(jumps: &[Vec<f64>], time: usize) -> Option<f64> {
    let fires = |curve: &&Vec<f64>| curve.last().is_some_and(|total| *total > NEVER);
    jumps.iter().filter(fires).map(|curve| curve[time]).reduce(f64::min)
}

/// Mean numbers of jumps as trajectories count them, by channel, then time.
///
/// Those of Eq. (23) run in the frame that moves with ⟨a⟩, where the jump operators are L − ⟨L⟩: they jump |⟨L⟩|² per unit time
/// less often than in the laboratory.
fn jumps(experiment: &Experiment, exact: &Exact) -> Vec<Vec<f64>> {
    let mut jumps = exact.jumps.clone();
    let (Model::BornMarkov(model), OscillatorPreparation::Coherent(alpha)) = (&experiment.model, experiment.oscillator)
    else {
        return jumps;
    };
    for (channel, curve) in channels(&experiment.model).iter().zip(&mut jumps) {
        let Jump::Oscillator(OscillatorJump::Linear { lower, raise }) = channel.jump else { continue };
        let spared = |time: f64| {
            let amplitude = model.mean_amplitude(alpha, time);
            channel.rate * (lower * amplitude + raise * amplitude.conj()).norm_sqr()
        };
        for (number, &time) in curve.iter_mut().zip(&experiment.times) {
            *number -= simpson(spared, time, model.frequency);
        }
    }
    jumps
}

/// ∫ f dt from 0 to `end` of what does not turn faster than twice `frequency`, by Simpson's rule.
fn simpson(f: impl Fn(f64) -> f64, end: f64, frequency: f64) -> f64 {
    let panels = 2 * (200 + (100.0 * frequency * end) as usize);
    let step = end / panels as f64;
    let weight = |node: usize| match node {
        0 => 1.0,
        node if node == panels => 1.0,
        node => f64::from(2 + 2 * u8::from(node % 2 == 1)),
    };
    step / 3.0 * (0..=panels).map(|node| weight(node) * f(node as f64 * step)).sum::<f64>()
}

impl Known {
    /// Whether it is of the end of the run, or of the run as a whole.
    pub fn is_final(&self, times: &[f64]) -> bool {
        !matches!(self.place, Place::Observable(time) | Place::Weight(time) if time + 1 < times.len())
    }

    /// What `point` reports of it, and the plain average with the sample's own error.
    pub fn found_in(&self, point: &Point) -> [Option<Found>; 2] {
        let found = |mean: Option<f64>, error: Option<f64>| Some(Found { mean: mean?, error: error? });
        let at = |values: &Option<Vec<f64>>, index: usize| values.as_ref()?.get(index).copied();
        let scalar =
            |scalar: Option<&Scalar>| scalar.and_then(|scalar| found(Some(scalar.mean), scalar.standard_error));
        let rate = &point.heating_rate;
        match self.place {
            Place::Observable(time) => {
                let Some(curve) = point.observables.get(&self.quantity) else { return [None; 2] };
                let reported = found(curve.mean.get(time).copied(), at(&curve.standard_error, time));
                [reported, found(at(&curve.plain_mean, time), at(&curve.plain_standard_error, time))]
            }
            Place::Functional => {
                let Some(functional) = self.functional_in(point) else { return [None; 2] };
                [
                    found(Some(functional.value), functional.standard_error),
                    found(functional.plain_value, functional.plain_standard_error),
                ]
            }
            Place::HeatingRate => {
                // The window may have ended earlier, where the weights of trajectories cancel no more.
                match rate.window[1] == self.time {
                    true => [
                        found(Some(rate.value), rate.standard_error),
                        found(rate.plain_value, rate.plain_standard_error),
                    ],
                    false => [None; 2],
                }
            }
            Place::HeatingSlope => [scalar(rate.slope.as_ref()), scalar(rate.plain_slope.as_ref())],
            Place::HeatingDrift => [scalar(rate.drift.as_ref()), None],
            Place::Jumps => {
                let channel = self.quantity.split_once('.').map_or("", |(_, channel)| channel);
                [scalar(point.jumps.get(channel)), None]
            }
            Place::Level(level) => {
                let levels = &point.fock_distribution;
                if levels.mean.is_empty() {
                    return [None; 2];
                }
                // Levels beyond those listed have no more than the error of the last one.
                let listed = level.min(levels.mean.len() - 1);
                let mean = levels.mean.get(level).copied().unwrap_or(0.0);
                [found(Some(mean), at(&levels.standard_error, listed)), None]
            }
            Place::Weight(time) => {
                let weights = point.born_markov.as_ref().and_then(|born_markov| born_markov.weights.as_ref());
                let weights = weights.and_then(|weights| {
                    found(weights.mean.get(time).copied(), weights.standard_error.get(time).copied())
                });
                [weights, None]
            }
        }
    }

    fn functional_in<'a>(&self, point: &'a Point) -> Option<&'a FunctionalEstimate> {
        point.functionals.get(self.quantity.strip_prefix(FUNCTIONAL)?)
    }

    /// Name of the estimator behind what `point` reports of it.
    pub fn estimator_in<'a>(&self, point: &'a Point) -> &'a str {
        match self.place {
            Place::Observable(_) => point.observables.get(&self.quantity).map_or("", |curve| &curve.estimator),
            Place::Functional => self.functional_in(point).map_or("", |functional| &functional.estimator),
            Place::HeatingRate | Place::HeatingSlope => &point.heating_rate.estimator,
            Place::HeatingDrift => "drift",
            Place::Jumps => "counted",
            Place::Level(_) => &point.fock_distribution.estimator,
            Place::Weight(_) => "weight",
        }
    }
}
