//! From what a run kept to the numbers it reports.

use std::collections::BTreeMap;

use serde_json::Value;

use super::emission::emission;
use super::summary::{Diagnostics, Estimate, HeatingRate, Point, Scalar};
use crate::ensemble::{Ensemble, Moments};
use crate::hilbert::Cutoff;
use crate::master::Exact;
use crate::model::{Model, QuantumNoise, adiabatic_number, heating_rate_adiabatic};
use crate::system::{Channel, Experiment, Observable};

/// The result of an ensemble at one sweep point.
pub fn trajectory_point(experiment: &Experiment, ensemble: &Ensemble, parameters: BTreeMap<String, Value>) -> Point {
    let (records, layout, counts) = (&ensemble.tally.records, ensemble.layout, ensemble.tally.counts);
    // Channels that can fire but hardly have: what they would do has not been seen.
    let fired = |index: usize| records.mean()[layout.jumps(index)] * records.count() as f64;
    let explored = |(index, channel): (usize, &Channel)| channel.rate == 0.0 || fired(index) >= ENOUGH_JUMPS;
    let explored = ensemble.channels.iter().enumerate().all(explored);
    let widest = |observable: usize| {
        let variances = (0..experiment.times.len()).map(|time| records.variance(layout.observable(time, observable)));
        let seen = variances.fold(0.0, f64::max).sqrt();
        if explored { seen } else { seen.max(effect_of_a_jump(experiment.observables[observable])) }
    };
    let curve = |observable: usize| {
        let entries: Vec<usize> = (0..experiment.times.len()).map(|time| layout.observable(time, observable)).collect();
        let widest = widest(observable);
        // Nothing can have happened yet at t = 0, which comes first.
        estimate(records, &entries, |position| if position == 0 { 0.0 } else { widest })
    };
    let names = experiment.observables.iter().map(ToString::to_string);
    let scalar =
        |entry: usize| Scalar { mean: records.mean()[entry], standard_error: Some(records.standard_error(entry)) };
    let heating = scalar(layout.heating_rate());
    Point {
        parameters,
        trajectories: records.count(),
        times: experiment.times.clone(),
        observables: names.enumerate().map(|(index, name)| (name, curve(index))).collect(),
        heating_rate: HeatingRate {
            value: heating.mean,
            standard_error: heating.standard_error.map(|error| {
                let [from, to] = experiment.heating_window.map(|index| experiment.times[index]);
                error.hypot(unseen(widest(experiment.number_index()) / (to - from), records.count()))
            }),
            plain_value: Some(heating.mean),
            plain_standard_error: heating.standard_error,
            ..theory_of_heating(experiment)
        },
        fock_distribution: estimate(
            &ensemble.tally.fock,
            &(0..ensemble.tally.fock.mean().len()).collect::<Vec<_>>(),
            |_| 0.0,
        ),
        jumps: (ensemble.channels.iter().enumerate())
            .map(|(index, channel)| {
                // A channel that has not fired yet may still fire once.
                let spread =
                    if channel.rate > 0.0 { records.variance(layout.jumps(index)).sqrt().max(1.0) } else { 0.0 };
                let mut jumps = scalar(layout.jumps(index));
                jumps.standard_error = jumps.standard_error.map(|error| error.hypot(unseen(spread, records.count())));
                (channel.name.clone(), jumps)
            })
            .collect(),
        closed_forms: closed_forms(experiment),
        emission: (ensemble.correlations.as_ref())
            .map_or_else(BTreeMap::new, |correlations| emission(correlations, &ensemble.channels)),
        diagnostics: Diagnostics {
            cutoff: hard_cutoff(experiment),
            worst_norm_defect: counts.norm_defect,
            largest_edge_population: counts.edge_population,
            clipped_population: counts.clipped,
            largest_window: counts.largest_window,
            highest_level: counts.highest_level,
            steps: counts.steps,
            applications: counts.applications,
        },
    }
}

/// The density-matrix result at one sweep point.
pub fn exact_point(experiment: &Experiment, exact: &Exact, parameters: BTreeMap<String, Value>) -> Point {
    let exactly = |mean: &[f64]| Estimate { mean: mean.to_vec(), estimator: "exact".into(), ..Estimate::default() };
    let names = experiment.observables.iter().map(ToString::to_string);
    let number = &exact.observables[experiment.number_index()];
    Point {
        parameters,
        trajectories: 0,
        times: experiment.times.clone(),
        observables: names.zip(&exact.observables).map(|(name, mean)| (name, exactly(mean))).collect(),
        heating_rate: HeatingRate {
            value: experiment.heating_rate(|time| number[time]),
            ..theory_of_heating(experiment)
        },
        fock_distribution: exactly(&exact.fock),
        jumps: BTreeMap::new(),
        closed_forms: closed_forms(experiment),
        emission: BTreeMap::new(),
        diagnostics: Diagnostics {
            cutoff: hard_cutoff(experiment),
            worst_norm_defect: exact.trace_defect,
            largest_edge_population: exact.top_population,
            clipped_population: if hard_cutoff(experiment) > 0 { exact.top_population } else { 0.0 },
            largest_window: exact.levels,
            highest_level: exact.levels,
            steps: 0,
            applications: exact.applications,
        },
    }
}

/// Jumps of a channel that a sample must hold before its own spread is trusted.
const ENOUGH_JUMPS: f64 = 10.0;

/// The order of what a single jump changes: one quantum, or the spin's flip.
fn effect_of_a_jump(observable: Observable) -> f64 {
    match observable {
        Observable::Number | Observable::NumberSquared | Observable::Energy => 1.0,
        Observable::X | Observable::P | Observable::Inversion(_) => 2.0,
        Observable::XSquared | Observable::PSquared => 4.0,
    }
}

/// What trajectories not seen may add to a mean over `count`: three of them, as far off as `spread`.
///
/// A sample cannot know the events it has missed: as long as a jump is rarer than one in `count`, the sample variance is
/// too small or even zero, and so would be an error bar made from it alone. If n trajectories have not shown an event, up
/// to 3/n of all trajectories may (95 %; the "rule of three", Hanley and Lippman-Hand, JAMA 249, 1743 (1983)). Where the
/// sample variance is at its widest this adds only 9/(2 count) to the standard error, relatively.
fn unseen(spread: f64, count: u64) -> f64 {
    3.0 * spread / count as f64
}

/// Means with their errors: the sample's, and what it may have missed given the `spread` at each position.
fn estimate(moments: &Moments, entries: &[usize], spread: impl Fn(usize) -> f64) -> Estimate {
    let mean: Vec<f64> = entries.iter().map(|entry| moments.mean()[*entry]).collect();
    let plain: Vec<f64> = entries.iter().map(|entry| moments.standard_error(*entry)).collect();
    let whole =
        plain.iter().enumerate().map(|(position, error)| error.hypot(unseen(spread(position), moments.count())));
    Estimate {
        mean: mean.clone(),
        standard_error: Some(whole.collect()),
        estimator: "plain".into(),
        plain_mean: Some(mean),
        plain_standard_error: Some(plain),
    }
}

fn hard_cutoff(experiment: &Experiment) -> usize {
    match experiment.cutoff {
        Cutoff::Auto => 0,
        Cutoff::Levels(levels) => levels,
    }
}

/// 2Γ of Eq. (41), where the model has one.
fn paper_rate(model: &Model) -> Option<f64> {
    match model {
        Model::OscillatorSpins(model) => heating_rate_adiabatic(model),
        Model::Adiabatic(model) => Some(2.0 * model.diffusion),
    }
}

fn quantum_noise(model: &Model) -> Option<QuantumNoise> {
    match model {
        Model::OscillatorSpins(model) => QuantumNoise::of(model),
        Model::Adiabatic(_) => None,
    }
}

/// What theory says of the heating rate, with the measured fields still empty.
fn theory_of_heating(experiment: &Experiment) -> HeatingRate {
    let window = experiment.heating_window.map(|index| experiment.times[index]);
    let number = |noise: QuantumNoise, time: f64| noise.number(experiment.initial_number(), time);
    HeatingRate {
        value: f64::NAN,
        standard_error: None,
        plain_value: None,
        plain_standard_error: None,
        window,
        paper: paper_rate(&experiment.model),
        quantum_noise: quantum_noise(&experiment.model)
            .map(|noise| (number(noise, window[1]) - number(noise, window[0])) / (window[1] - window[0])),
    }
}

/// ⟨N⟩(t) by the adiabatic equation (40) and by the quantum-noise rates, where they apply.
fn closed_forms(experiment: &Experiment) -> BTreeMap<String, Vec<f64>> {
    let initial = experiment.initial_number();
    let bath = match &experiment.model {
        Model::OscillatorSpins(model) => model.oscillator_bath,
        Model::Adiabatic(_) => None,
    };
    let mut curves = BTreeMap::new();
    let mut add = |name: &str, number: &dyn Fn(f64) -> f64| {
        curves.insert(name.to_owned(), experiment.times.iter().map(|t| number(*t)).collect());
    };
    if let Some(rate) = paper_rate(&experiment.model) {
        add("adiabatic", &|t| adiabatic_number(rate, bath, initial, t));
    }
    if let Some(noise) = quantum_noise(&experiment.model) {
        add("quantum_noise", &|t| noise.number(initial, t));
    }
    curves
}
