//! From what a run kept to the numbers it reports.

use std::collections::BTreeMap;

use serde_json::Value;

use super::absent::leave_out;
use super::born_markov;
use super::emission::emission;
use super::functional;
use super::sample::{Curve, Sample};
use super::scalar::{Estimate, Scalar};
use super::summary::{Diagnostics, HeatingRate, Point};
use crate::ensemble::Ensemble;
use crate::hilbert::Cutoff;
use crate::master::Exact;
use crate::model::{Model, QuantumNoise, adiabatic_number, adiabaticity, heating_rate_adiabatic};
use crate::system::{Experiment, MovingFrame};

/// The result of an ensemble at one sweep point.
pub fn trajectory_point(experiment: &Experiment, ensemble: &Ensemble, parameters: BTreeMap<String, Value>) -> Point {
    let (layout, counts) = (ensemble.layout, ensemble.tally.counts);
    let sample = Sample::of(ensemble);
    let curve = |observable: usize| {
        let times = experiment.times.iter().enumerate();
        let entries = times.map(|(index, time)| (layout.observable(index, observable), *time > 0.0)).collect();
        sample.curve(&Curve { number: observable, entries })
    };
    let names = experiment.observables.iter().map(ToString::to_string);
    let point = Point {
        parameters,
        trajectories: ensemble.tally.trajectories,
        no_jump_probability: ensemble.no_jump_probability,
        times: experiment.times.clone(),
        observables: names.enumerate().map(|(index, name)| (name, curve(index))).collect(),
        functionals: functional::of_trajectories(experiment, ensemble, &sample),
        heating_rate: heating_rate(experiment, ensemble, &sample),
        fock_distribution: sample.populations(match experiment.cutoff {
            Cutoff::Auto => usize::MAX,
            Cutoff::Levels(levels) => levels,
        }),
        jumps: sample.jumps(),
        closed_forms: closed_forms(experiment),
        born_markov: born_markov::of_trajectories(experiment, ensemble),
        emission: (ensemble.correlations.as_ref())
            .map_or_else(BTreeMap::new, |correlations| emission(correlations, &ensemble.channels)),
        control_set: ensemble.tally.study.as_ref().and_then(|study| study.control_set.clone()),
        diagnostics: Diagnostics {
            cutoff: hard_cutoff(experiment),
            worst_norm_defect: counts.norm_defect,
            largest_edge_population: counts.edge_population,
            clipped_population: counts.clipped,
            displacement: MovingFrame::of(experiment).map(|frame| frame.at(0.0)).map(|alpha| [alpha.re, alpha.im]),
            largest_window: counts.largest_window,
            highest_level: counts.highest_level,
            steps: counts.steps,
            applications: counts.applications,
        },
    };
    leave_out(point, ensemble.tally.records.count())
}

/// The density-matrix result at one sweep point.
pub fn exact_point(experiment: &Experiment, exact: &Exact, parameters: BTreeMap<String, Value>) -> Point {
    let exactly = |mean: &[f64]| Estimate { mean: mean.to_vec(), estimator: "exact".into(), ..Estimate::default() };
    let names = experiment.observables.iter().map(ToString::to_string);
    let number = &exact.observables[experiment.number_index()];
    Point {
        parameters,
        trajectories: 0,
        no_jump_probability: None,
        times: experiment.times.clone(),
        observables: names.zip(&exact.observables).map(|(name, mean)| (name, exactly(mean))).collect(),
        functionals: functional::of_density_matrix(experiment, exact),
        heating_rate: HeatingRate {
            value: experiment.heating_rate(|time| number[time]),
            slope: Some(Scalar { mean: experiment.heating_slope(|time| number[time]), standard_error: None }),
            ..theory_of_heating(experiment)
        },
        fock_distribution: exactly(&exact.fock),
        jumps: BTreeMap::new(),
        closed_forms: closed_forms(experiment),
        born_markov: born_markov::of_density_matrix(experiment, exact),
        emission: BTreeMap::new(),
        control_set: None,
        diagnostics: Diagnostics {
            cutoff: hard_cutoff(experiment),
            worst_norm_defect: exact.trace_defect,
            largest_edge_population: exact.top_population,
            clipped_population: if hard_cutoff(experiment) > 0 { exact.top_population } else { 0.0 },
            displacement: None,
            largest_window: exact.levels,
            highest_level: exact.levels,
            steps: 0,
            applications: exact.applications,
        },
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
        Model::BornMarkov(_) => None,
    }
}

/// How well Eq. (41) applies, where it is an approximation.
fn paper_ratio(model: &Model) -> Option<f64> {
    match model {
        Model::OscillatorSpins(model) => adiabaticity(model),
        Model::Adiabatic(_) | Model::BornMarkov(_) => None,
    }
}

fn quantum_noise(model: &Model) -> Option<QuantumNoise> {
    match model {
        Model::OscillatorSpins(model) => QuantumNoise::of(model),
        Model::Adiabatic(_) | Model::BornMarkov(_) => None,
    }
}

/// The heating rate by difference, by slope and by drift, and what theory says of it.
fn heating_rate(experiment: &Experiment, ensemble: &Ensemble, sample: &Sample) -> HeatingRate {
    let layout = ensemble.layout;
    let functional = |entry: usize| sample.curve(&Curve { number: layout.curve(entry), entries: vec![(entry, true)] });
    let difference = functional(layout.heating_rate());
    let slope = functional(layout.heating_slope());
    let first = |values: &Option<Vec<f64>>| values.as_ref().and_then(|values| values.first().copied());
    let scalar = |mean: f64, standard_error: Option<f64>| Scalar { mean, standard_error };
    HeatingRate {
        value: difference.mean[0],
        standard_error: first(&difference.standard_error),
        plain_value: first(&difference.plain_mean),
        plain_standard_error: first(&difference.plain_standard_error),
        slope: Some(scalar(slope.mean[0], first(&slope.standard_error))),
        plain_slope: first(&slope.plain_mean).map(|mean| scalar(mean, first(&slope.plain_standard_error))),
        drift: sample.drift(),
        estimator: difference.estimator,
        ..theory_of_heating(experiment)
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
        estimator: "exact".into(),
        slope: None,
        plain_slope: None,
        drift: None,
        window,
        paper: paper_rate(&experiment.model),
        paper_ratio: paper_ratio(&experiment.model),
        quantum_noise: quantum_noise(&experiment.model)
            .map(|noise| (number(noise, window[1]) - number(noise, window[0])) / (window[1] - window[0])),
    }
}

/// ⟨N⟩(t) by the adiabatic equation (40) and by the quantum-noise rates, where they apply.
fn closed_forms(experiment: &Experiment) -> BTreeMap<String, Vec<f64>> {
    let initial = experiment.initial_number();
    let bath = match &experiment.model {
        Model::OscillatorSpins(model) => model.oscillator_bath,
        Model::Adiabatic(_) | Model::BornMarkov(_) => None,
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
    curves.extend(born_markov::closed_forms(experiment));
    curves
}
