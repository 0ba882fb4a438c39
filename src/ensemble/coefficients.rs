//! The coefficients of control variates: those of the law or fitted to trials, whichever leave less.

use super::Layout;
use super::controls::{CONTROLS, Guide};
use super::evidence::Evidence;
use super::job::Job;
use super::least_squares::least_squares_along;
use super::trial::Trial;
use crate::system::{Experiment, OpenSystem, quantity};

/// The coefficients of every value with controls.
pub struct Coefficients {
    /// One set per entry that is estimated; all zero where the curve is not corrected.
    pub entries: Vec<[f64; CONTROLS]>,
    /// Whether each curve is corrected.
    pub controlled: Vec<bool>,
}

impl Coefficients {
    /// The plain averages.
    pub fn none(layout: Layout) -> Self {
        Self { entries: vec![[0.0; CONTROLS]; layout.estimates()], controlled: vec![false; layout.curves()] }
    }
}

/// What the choice of coefficients is made from.
pub struct Selection<'a> {
    /// The run.
    pub job: &'a Job<'a>,
    /// Where values lie in a record.
    pub layout: Layout,
    /// The law of the controls.
    pub guide: Option<&'a Guide>,
    /// What numerical errors make of every curve.
    pub scales: Vec<Scale>,
    /// What trials with events tell of a value's variance.
    pub evidence: &'a Evidence<'a>,
    /// Trials to fit coefficients to.
    pub fits: &'a [Trial],
    /// The part of all thresholds that first ones are drawn from.
    pub width: f64,
}

impl Selection<'_> {
    /// By how much a value corrected with these coefficients may err, in units of the tolerance.
    pub fn scale(&self, entry: usize, beta: &[f64; CONTROLS]) -> f64 {
        let Scale { value, controls } = self.scales[self.layout.curve(entry)];
        controls.iter().zip(beta).map(|(scale, beta)| scale * beta.abs()).sum::<f64>().max(value)
    }

    /// For every entry those of the law, or those fitted to trials where the trials with events say that these leave less; none for a curve
    /// of which the plain averages leave less over all its values.
    pub fn coefficients(&self) -> Coefficients {
        let mut chosen = Coefficients::none(self.layout);
        // What the plain average and the best correction of a curve leave of its variance, over all its values.
        let mut left = vec![[0.0; 2]; self.layout.curves()];
        for (entry, best) in chosen.entries.iter_mut().enumerate() {
            let curve = self.layout.curve(entry);
            let base = self.guide.map_or([0.0; CONTROLS], |guide| guide.drift(self.layout, entry));
            let fitted = self.fit(entry, base);
            let [plain, drift, fitted_left] = [[0.0; CONTROLS], base, fitted].map(|beta| self.variance(entry, &beta));
            let (beta, corrected) = if fitted_left < drift { (fitted, fitted_left) } else { (base, drift) };
            *best = beta;
            chosen.controlled[curve] |= beta.iter().any(|beta| *beta != 0.0);
            left[curve][0] += plain;
            left[curve][1] += corrected;
        }
        for (controlled, [plain, corrected]) in chosen.controlled.iter_mut().zip(left) {
            *controlled &= corrected <= plain;
        }
        for (entry, beta) in chosen.entries.iter_mut().enumerate() {
            if !chosen.controlled[self.layout.curve(entry)] {
                *beta = [0.0; CONTROLS];
            }
        }
        chosen
    }

    /// The variance of a trajectory's value by all that is known. A control errs by the tolerance in the same direction in every trajectory:
    /// the error of a mean does not fall with their number, and in units of a trajectory's variance it grows with that.
    fn variance(&self, entry: usize, beta: &[f64; CONTROLS]) -> f64 {
        let numerical = self.job.tolerances.ket * self.scale(entry, beta);
        self.evidence.variance(entry, beta) + self.job.plan.trajectories as f64 * numerical * numerical
    }

    fn fit(&self, entry: usize, base: [f64; CONTROLS]) -> [f64; CONTROLS] {
        let noise = self.job.tolerances.ket * self.scales[self.layout.curve(entry)].value;
        let experiment = self.job.experiment;
        let window_end = |place: usize| experiment.functional(place).window[1];
        let end = self.layout.functional_at(entry).map_or(experiment.times.len() - 1, window_end);
        let time = self.layout.time(entry).unwrap_or(end);
        fit(self.fits, (entry, time), base, noise, self.width)
    }
}

/// Least squares of a value on its controls, beside the coefficients `base` where the trajectories do not tell: what varies by no
/// more than `noise` counts as constant.
///
/// A fit to a few trajectories that have jumped once leaves no residue and knows nothing of two jumps in a row. So it tells of a
/// combination of controls only if n jumped trajectories out of N carry it ((Σ|x|)²/Σx² by how far they are from the median) with n²/2N > 1, so
/// that one of them jumped twice; where first jumps are drawn from `width` of all thresholds, that many times less.
fn fit(
    trials: &[Trial],
    (entry, time): (usize, usize),
    base: [f64; CONTROLS],
    noise: f64,
    width: f64,
) -> [f64; CONTROLS] {
    if trials.is_empty() {
        return base;
    }
    let rows: Vec<[f64; CONTROLS + 1]> = trials
        .iter()
        .map(|trial| {
            let controls = &trial.natural.controls[entry];
            let rest = controls.iter().zip(base).fold(trial.natural.record[entry], |y, (c, beta)| y - beta * c);
            std::array::from_fn(|i| if i == 0 { rest } else { controls[i - 1] })
        })
        .collect();
    let count = rows.len() as f64;
    let means: [f64; CONTROLS + 1] = std::array::from_fn(|i| rows.iter().map(|row| row[i]).sum::<f64>() / count);
    let product = |i: usize, j: usize| rows.iter().map(|row| (row[i] - means[i]) * (row[j] - means[j])).sum::<f64>();
    let ridge = |i: usize, j: usize| if i == j { count * noise * noise } else { 0.0 };
    let pairs = (1..=CONTROLS).flat_map(|i| (1..=CONTROLS).map(move |j| (i, j)));
    let gram: Vec<f64> = pairs.map(|(i, j)| product(i, j) + ridge(i, j)).collect();
    let right: Vec<f64> = (1..=CONTROLS).map(|i| product(0, i)).collect();
    let jumped: Vec<bool> = trials.iter().map(|trial| trial.natural.log_survival[time] == f64::NEG_INFINITY).collect();
    let known = |weights: &[f64]| {
        let along = |row: &[f64; CONTROLS + 1]| (0..CONTROLS).map(|k| weights[k] * row[k + 1]).sum::<f64>();
        let values: Vec<f64> = rows.iter().map(along).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        let far = values.iter().zip(&jumped).filter(|(_, jumped)| **jumped).map(|(value, _)| (value - median).abs());
        let [first, second] = far.fold([0.0; 2], |[first, second], x| [first + x, second + x * x]);
        // n²/2N > 1 with n = first²/second.
        width * first.powi(4) > 2.0 * count * second * second
    };
    let fitted = least_squares_along(&gram, &right, CONTROLS, known);
    std::array::from_fn(|i| fitted[i] + base[i])
}

/// What numerical errors make of a curve, in units of the tolerance.
#[derive(Clone, Copy)]
pub struct Scale {
    /// Those of every followed quantity of its values.
    value: f64,
    /// Those of the martingales of each control.
    controls: [f64; CONTROLS],
}

/// That of every curve.
pub fn scales<S: OpenSystem>(system: &S, experiment: &Experiment, guide: Option<&Guide>) -> Vec<Scale> {
    let amplification = guide.map(|guide| guide.closure.amplification());
    let of = |expression: Vec<f64>| {
        let value = expression.iter().map(|c| c.abs()).sum::<f64>().max(1.0);
        let Some(amplification) = amplification else { return Scale { value, controls: [value; CONTROLS] } };
        let fitted = expression.iter().zip(amplification).map(|(c, error)| c.abs() * error).sum();
        let more = guide.and_then(Guide::power).map_or(0.0, |place| amplification[place]);
        Scale { value, controls: [fitted, value, more, 1.0] }
    };
    let expressions = match guide {
        Some(guide) => guide.expressions().to_vec(),
        None => quantity::expressions(system, &quantity::followed(system), &experiment.observables),
    };
    let mut scales: Vec<Scale> = expressions.into_iter().map(of).collect();
    for place in 0..experiment.functional_count() {
        let functional = experiment.functional(place);
        let (factor, Scale { value, controls }) = (functional.size(&experiment.times), scales[functional.observable]);
        scales.push(Scale { value: factor * value, controls: controls.map(|scale| factor * scale) });
    }
    scales
}
