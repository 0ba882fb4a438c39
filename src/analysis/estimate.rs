//! From what a run kept to the numbers it reports.

use std::collections::BTreeMap;

use serde_json::Value;

use super::summary::{Diagnostics, Estimate, HeatingRate, Point, Scalar};
use crate::ensemble::{Ensemble, Moments};
use crate::hilbert::Cutoff;
use crate::master::Exact;
use crate::model::{Model, QuantumNoise, adiabatic_number, heating_rate_adiabatic};
use crate::system::Experiment;

/// The result of an ensemble at one sweep point.
pub fn trajectory_point(experiment: &Experiment, ensemble: &Ensemble, parameters: BTreeMap<String, Value>) -> Point {
    let (records, layout, counts) = (&ensemble.tally.records, ensemble.layout, ensemble.tally.counts);
    let curve = |observable: usize| {
        let entries = (0..experiment.times.len()).map(|time| layout.observable(time, observable));
        plain_estimate(records, entries)
    };
    let names = experiment.observables.iter().map(ToString::to_string);
    let scalar = |entry: usize| Scalar { mean: records.mean()[entry], standard_error: Some(records.standard_error(entry)) };
    let heating = scalar(layout.heating_rate());
    Point {
        parameters,
        trajectories: records.count(),
        times: experiment.times.clone(),
        observables: names.enumerate().map(|(index, name)| (name, curve(index))).collect(),
        heating_rate: HeatingRate {
            value: heating.mean,
            standard_error: heating.standard_error,
            plain_value: Some(heating.mean),
            plain_standard_error: heating.standard_error,
            ..theory_of_heating(experiment)
        },
        fock_distribution: plain_estimate(&ensemble.tally.fock, 0..ensemble.tally.fock.mean().len()),
        jumps: (ensemble.channels.iter().enumerate())
            .map(|(channel, name)| (name.clone(), scalar(layout.jumps(channel))))
            .collect(),
        closed_forms: closed_forms(experiment),
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
    let estimate = |mean: &[f64]| Estimate { mean: mean.to_vec(), estimator: "exact".into(), ..Estimate::default() };
    let names = experiment.observables.iter().map(ToString::to_string);
    let number = &exact.observables[experiment.number_index()];
    Point {
        parameters,
        trajectories: 0,
        times: experiment.times.clone(),
        observables: names.zip(&exact.observables).map(|(name, mean)| (name, estimate(mean))).collect(),
        heating_rate: HeatingRate {
            value: experiment.heating_rate(|time| number[time]),
            ..theory_of_heating(experiment)
        },
        fock_distribution: estimate(&exact.fock),
        jumps: BTreeMap::new(),
        closed_forms: closed_forms(experiment),
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

fn plain_estimate(moments: &Moments, entries: impl Iterator<Item = usize> + Clone) -> Estimate {
    let mean: Vec<f64> = entries.clone().map(|entry| moments.mean()[entry]).collect();
    let standard_error: Vec<f64> = entries.map(|entry| moments.standard_error(entry)).collect();
    Estimate {
        mean: mean.clone(),
        standard_error: Some(standard_error.clone()),
        estimator: "plain".into(),
        plain_mean: Some(mean),
        plain_standard_error: Some(standard_error),
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
