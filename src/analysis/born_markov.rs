//! What a result holds of Eq. (23) beside the observables: moments, steady state, weights, positivity.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sample::Sample;
use crate::ensemble::Ensemble;
use crate::master::{Exact, MomentEquations, Moments};
use crate::model::{BornMarkov, Form, Model};
use crate::system::Experiment;

/// Share of the trajectories below which the effective sample is used up.
const USED_UP: f64 = 0.1;

/// An eigenvalue of ρ below this is no rounding.
const NEGATIVE: f64 = -1e-7;

/// The equation, its exact moments, and how its trajectories or its density matrix fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BornMarkovPoint {
    /// `bare`, `completed` or `secular`.
    pub form: String,
    /// Mass M: `x` and `p` of the observables are X = (a + a†)/√(2MΩ₀) and P = −i√(MΩ₀/2)(a − a†).
    pub mass: f64,
    /// Damping γ (1/time).
    pub gamma: f64,
    /// Diffusion D = D₀ + D₁ (momentum²/time).
    #[serde(rename = "D")]
    pub diffusion: f64,
    /// Anomalous diffusion f (1/time).
    pub f: f64,
    /// Ω̃₀² (1/time²), 0 where the run file leaves the shift out.
    pub frequency_shift_squared: f64,
    /// The moment equations' solution at the output times.
    pub moments: MomentCurves,
    /// Where the moments tend to, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady_state: Option<SteadyState>,
    /// ⟨N⟩ by the moment equations of the bare form, beside another form: what completing or averaging (23) has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bare_number: Option<Vec<f64>>,
    /// Weights of the trajectories, where they carry any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weights>,
    /// Smallest eigenvalue of ρ at the output times (density matrix).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest_eigenvalue: Option<Vec<f64>>,
    /// The first output time at which ρ has an eigenvalue below −10⁻⁷; absent when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_positive_from: Option<f64>,
}

/// The moments as curves over the output times, in the units of Sec. II.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MomentCurves {
    /// ⟨X⟩.
    pub x: Vec<f64>,
    /// ⟨P⟩.
    pub p: Vec<f64>,
    /// ⟨X²⟩.
    pub x_squared: Vec<f64>,
    /// ⟨P²⟩.
    pub p_squared: Vec<f64>,
    /// S = ½⟨XP + PX⟩.
    pub symmetrised: Vec<f64>,
    /// ⟨N⟩.
    pub number: Vec<f64>,
    /// d⟨N⟩/dt.
    pub heating_rate: Vec<f64>,
    /// √(σ_X²σ_P² − σ_XP²), at least ½ for every state.
    pub uncertainty_product: Vec<f64>,
}

/// Stationary second moments; the first are zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SteadyState {
    /// ⟨X²⟩.
    pub x_squared: f64,
    /// ⟨P²⟩.
    pub p_squared: f64,
    /// S.
    pub symmetrised: f64,
    /// ⟨N⟩.
    pub number: f64,
    /// √(σ_X²σ_P² − σ_XP²): below ½ when the equation tends to no state at all.
    pub uncertainty_product: f64,
}

/// The weights of the trajectories, whose mean is 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Mean weight at every output time.
    pub mean: Vec<f64>,
    /// Its standard error.
    pub standard_error: Vec<f64>,
    /// Effective sample size (Σw)²/Σw² over the number of trajectories.
    pub effective_fraction: Vec<f64>,
    /// The first output time at which the effective sample is below a tenth of the trajectories: error bars from there on
    /// cannot be trusted. Absent when it stays above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_up_from: Option<f64>,
    /// The last output time at which the trajectories say anything: all curves end there, and the heating rate's window. The
    /// mean weight is known no better than to ½ from the next one on. Absent when the curves go to the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<f64>,
}

impl BornMarkovPoint {
    /// Ends all curves after the first `known` output times.
    pub(super) fn end_at(&mut self, known: usize) {
        let MomentCurves { x, p, x_squared, p_squared, symmetrised, number, heating_rate, uncertainty_product } =
            &mut self.moments;
        let moments = [x, p, x_squared, p_squared, symmetrised, number, heating_rate, uncertainty_product];
        let weights = self.weights.iter_mut();
        let weights =
            weights.flat_map(|found| [&mut found.mean, &mut found.standard_error, &mut found.effective_fraction]);
        moments.into_iter().chain(&mut self.bare_number).chain(weights).for_each(|curve| curve.truncate(known));
    }
}

fn model(experiment: &Experiment) -> Option<&BornMarkov> {
    if let Model::BornMarkov(model) = &experiment.model { Some(model) } else { None }
}

fn numbers(experiment: &Experiment, model: &BornMarkov) -> Vec<f64> {
    let moments = MomentEquations::new(model).solve(experiment.oscillator, &experiment.times);
    moments.iter().map(|moments| moments.number).collect()
}

/// ⟨N⟩(t) by the `moments` of the equation itself, and by those of the `bare` one beside another form.
pub fn closed_forms(experiment: &Experiment) -> BTreeMap<String, Vec<f64>> {
    let mut curves = BTreeMap::new();
    if let Some(model) = model(experiment) {
        curves.insert("moments".into(), numbers(experiment, model));
        if model.form != Form::Bare {
            curves.insert("bare".into(), numbers(experiment, &BornMarkov { form: Form::Bare, ..*model }));
        }
    }
    curves
}

/// What goes with an ensemble.
pub fn of_trajectories(experiment: &Experiment, ensemble: &Ensemble) -> Option<BornMarkovPoint> {
    Some(BornMarkovPoint { weights: weights(experiment, ensemble), ..bare(experiment)? })
}

/// What goes with a density matrix.
pub fn of_density_matrix(experiment: &Experiment, exact: &Exact) -> Option<BornMarkovPoint> {
    let first = exact.smallest_eigenvalue.iter().position(|eigenvalue| *eigenvalue < NEGATIVE);
    Some(BornMarkovPoint {
        smallest_eigenvalue: Some(exact.smallest_eigenvalue.clone()),
        not_positive_from: first.map(|index| experiment.times[index]),
        ..bare(experiment)?
    })
}

fn bare(experiment: &Experiment) -> Option<BornMarkovPoint> {
    let model = model(experiment)?;
    let equations = MomentEquations::new(model);
    let moments = equations.solve(experiment.oscillator, &experiment.times);
    let curve = |pick: fn(&Moments) -> f64| moments.iter().map(pick).collect::<Vec<f64>>();
    let coefficients = model.coefficients;
    Some(BornMarkovPoint {
        form: model.form.name().into(),
        mass: model.mass,
        gamma: coefficients.gamma,
        diffusion: coefficients.diffusion,
        f: coefficients.anomalous,
        frequency_shift_squared: coefficients.frequency_shift_squared,
        moments: MomentCurves {
            x: curve(|m| m.x),
            p: curve(|m| m.p),
            x_squared: curve(|m| m.x_squared),
            p_squared: curve(|m| m.p_squared),
            symmetrised: curve(|m| m.symmetrised),
            number: curve(|m| m.number),
            heating_rate: curve(|m| m.heating_rate),
            uncertainty_product: curve(|m| m.uncertainty_product),
        },
        steady_state: equations.steady_state().map(|steady| SteadyState {
            x_squared: steady.x_squared,
            p_squared: steady.p_squared,
            symmetrised: steady.symmetrised,
            number: steady.number,
            uncertainty_product: steady.uncertainty_product,
        }),
        bare_number: (model.form != Form::Bare)
            .then(|| numbers(experiment, &BornMarkov { form: Form::Bare, ..*model })),
        weights: None,
        smallest_eigenvalue: None,
        not_positive_from: None,
    })
}

fn weights(experiment: &Experiment, ensemble: &Ensemble) -> Option<Weights> {
    let (records, layout, sample) = (&ensemble.tally.records, ensemble.layout, Sample::of(ensemble));
    let entries = (0..experiment.times.len()).map(|time| layout.weight(time)).collect::<Option<Vec<_>>>()?;
    let count = records.count() as f64;
    let fraction = |entry: usize| {
        let (mean, spread) = (records.mean()[entry], records.squares()[entry] / count);
        // Not a number where the weights have outgrown doubles: nothing counts there.
        let fraction = mean * mean / (mean * mean + spread);
        if fraction.is_finite() { fraction } else { 0.0 }
    };
    let effective_fraction: Vec<f64> = entries.iter().map(|&entry| fraction(entry)).collect();
    let first = effective_fraction.iter().position(|fraction| *fraction < USED_UP);
    Some(Weights {
        mean: entries.iter().map(|&entry| records.mean()[entry]).collect(),
        standard_error: entries.iter().map(|entry| sample.record_error(*entry)).collect(),
        effective_fraction,
        used_up_from: first.map(|index| experiment.times[index]),
        ends_at: None,
    })
}
