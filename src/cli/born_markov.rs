//! What `run` and `exact` say of Eq. (23) in a sentence: the completion's effect, the weights, positivity.

use super::table;
use crate::analysis::{BornMarkovPoint, Point, Summary};
use crate::error::shown::{MOST_DIGITS, number, significant};

/// Significant digits of moments.
const DIGITS: usize = 7;

/// Uncertainty products below ½ by more than this are no rounding.
const LEAST_PRODUCT: f64 = 0.5 - 1e-9;

/// Says it on stdout, one sentence to a line, for every sweep point of this kind.
pub fn print_born_markov(summary: &Summary) {
    for point in &summary.points {
        let Some(found) = &point.born_markov else { continue };
        let at = match point.parameters.is_empty() {
            true => String::new(),
            false => format!("{}: ", table::parameters(&point.parameters)),
        };
        for sentence in sentences(point, found) {
            say!("{at}{sentence}");
        }
    }
}

/// Warns on stderr where the sign problem has used up the sample.
pub fn warn_of_weights(summary: &Summary) {
    for point in &summary.points {
        let weights = point.born_markov.as_ref().and_then(|found| found.weights.as_ref());
        let at = match point.parameters.is_empty() {
            true => String::new(),
            false => format!(" at {}", table::parameters(&point.parameters)),
        };
        if let Some(time) = weights.and_then(|weights| weights.ends_at) {
            tell!(
                "warning: the sign problem has used up the sample{at}: the weights of its {} trajectories cancel no more after \
                 t = {}, where all curves and the heating rate's window end; more trajectories go a little further",
                point.trajectories,
                number(time, MOST_DIGITS)
            );
        }
        if let Some(time) = weights.and_then(|weights| weights.used_up_from) {
            tell!(
                "warning: the sign problem has used up the sample{at}: from t = {} on fewer than a tenth of the {} \
                 trajectories count, and error bars there cannot be trusted",
                number(time, MOST_DIGITS),
                point.trajectories
            );
        }
    }
}

fn sentences(point: &Point, found: &BornMarkovPoint) -> Vec<String> {
    let mut said = Vec::new();
    let last = point.times.len() - 1;
    let end = number(point.times[last], MOST_DIGITS);
    let digits = |value: f64| significant(value, DIGITS);
    if let Some(bare) = &found.bare_number {
        let (own, bare) = (found.moments.number[last], bare[last]);
        let sign = if own > bare { "+" } else { "" };
        said.push(format!(
            "the {} form changes ⟨N⟩(t = {end}) by {sign}{}: {} instead of {} by the bare Eq. (23) (moment equations)",
            found.form,
            digits(own - bare),
            digits(own),
            digits(bare)
        ));
    }
    if let Some(steady) = &found.steady_state {
        let state = if steady.uncertainty_product < LEAST_PRODUCT { ", which no state has" } else { "" };
        said.push(format!(
            "it tends to ⟨N⟩ = {}, ⟨X²⟩ = {}, ⟨P²⟩ = {}, uncertainty product {}{state}",
            digits(steady.number),
            digits(steady.x_squared),
            digits(steady.p_squared),
            digits(steady.uncertainty_product)
        ));
    }
    let products = found.moments.uncertainty_product.iter().zip(&point.times);
    if let Some((_, time)) = products.into_iter().find(|(product, _)| **product < LEAST_PRODUCT) {
        said.push(format!(
            "the moments leave the uncertainty relation at t = {}: ρ is not positive there",
            number(*time, MOST_DIGITS)
        ));
    }
    if let (Some(time), Some(eigenvalues)) = (found.not_positive_from, &found.smallest_eigenvalue) {
        let least = eigenvalues.iter().copied().fold(f64::INFINITY, f64::min);
        said.push(format!(
            "ρ is not positive from t = {} on (looked at the output times): its smallest eigenvalue is {least:.3e}",
            number(time, MOST_DIGITS)
        ));
    } else if found.smallest_eigenvalue.is_some() {
        said.push("ρ stays positive at all output times".into());
    }
    if let Some(weights) = &found.weights {
        let (mean, error) = (weights.mean[last], weights.standard_error[last]);
        said.push(format!(
            "mean weight at t = {end}: {}, effective sample {:.1} % of the trajectories",
            table::with_error(mean, Some(error)),
            100.0 * weights.effective_fraction[last]
        ));
    }
    said
}
