//! Straight lines through few points, with honest errors of the slope.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::digamma;

/// y = intercept + slope·x.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Slope.
    pub slope: f64,
    /// Its standard error.
    pub slope_error: f64,
    /// Value at x = 0.
    pub intercept: f64,
    /// Number of points used.
    pub points: usize,
    /// Smallest and largest x among them.
    pub range: [f64; 2],
}

impl Fit {
    /// The line at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

/// Least squares through points of equal weight; the error of the slope from the scatter about the line.
///
/// `None` for fewer than three points (two have no scatter) or a single abscissa.
pub fn fit_line(points: &[(f64, f64)]) -> Option<Fit> {
    let n = points.len() as f64;
    if points.len() < 3 {
        return None;
    }
    let mean = |part: fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let slope = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / spread;
    let intercept = y - slope * x;
    let scatter: f64 = points.iter().map(|p| (p.1 - intercept - slope * p.0).powi(2)).sum();
    let slope_error = (scatter / (n - 2.0) / spread).sqrt();
    let fit = Fit { slope, slope_error, intercept, points: points.len(), range: range(points.iter().map(|p| p.0)) };
    (fit.slope.is_finite() && fit.slope_error.is_finite()).then_some(fit)
}

/// A power law through root mean squares over nested groups: `(M, rms, degrees of freedom)`, the smallest M first, where
/// the groups of each rung are unions of those of the rung before. The line is log₁₀ rms against log₁₀ M.
///
/// The mean square of d independent normal deviations is σ²χ²_d/d, so ln rms has the mean ln σ + ½(ψ(d/2) − ln(d/2)) and
/// the variance ψ′(d/2)/4. Rungs share their trajectories: with d_k groups of σ_k², Cov(A_k, A_l) relative to σ_k²σ_l² is
/// 2/max(d_k, d_l), which is the covariance of a random walk that starts at the rung of most groups. Its increments are
/// independent, with variances ψ′(d_l/2)/4 − ψ′(d_k/2)/4; generalised least squares is a weighted mean of the increments'
/// slopes. Treating the rungs as independent would give an error of the slope that is too small.
///
/// `None` for fewer than three rungs.
pub fn fit_nested(rungs: &[(f64, f64, usize)]) -> Option<Fit> {
    if rungs.len() < 3 || rungs.iter().any(|(m, rms, d)| !(*m > 0.0 && *rms > 0.0 && rms.is_finite() && *d > 0)) {
        return None;
    }
    let bias = |d: usize| 0.5 * (digamma(d as f64 / 2.0) - (d as f64 / 2.0).ln());
    let variance = |d: usize| 0.25 * trigamma(d as f64 / 2.0);
    let logarithms: Vec<(f64, f64, f64)> =
        rungs.iter().map(|&(m, rms, d)| (m.ln(), rms.ln() - bias(d), variance(d))).collect();
    let (mut weighted, mut weights) = (0.0, 0.0);
    for pair in logarithms.windows(2) {
        let [(x, y, v), (next_x, next_y, next_v)] = [pair[0], pair[1]];
        let weight = (next_x - x) / (next_v - v).max(1e-12);
        weighted += weight * (next_y - y);
        weights += weight * (next_x - x);
    }
    let slope = weighted / weights;
    // The rung of most groups alone fixes the intercept: later ones are it plus independent increments.
    let (x, y, _) = logarithms[0];
    let intercept = (y - slope * x) / std::f64::consts::LN_10;
    let range = range(rungs.iter().map(|rung| rung.0.log10()));
    Some(Fit { slope, slope_error: weights.powf(-0.5), intercept, points: rungs.len(), range })
}

fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
}

/// ψ′(x) for x > 0, by its recurrence and asymptotic series (Abramowitz and Stegun 6.4.6, 6.4.12).
fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    sum + 1.0 / x + 0.5 * inverse + inverse / x * (1.0 / 6.0 - inverse * (1.0 / 30.0 - inverse / 42.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn known_slopes_are_recovered() {
        for slope in [-0.5, 1.0, 0.93, -3.0] {
            let points: Vec<(f64, f64)> = (0..7).map(|i| (f64::from(i), 2.5 + slope * f64::from(i))).collect();
            let fit = fit_line(&points).expect("enough points");
            assert_relative_eq!(fit.slope, slope, max_relative = 1e-12);
            assert_relative_eq!(fit.intercept, 2.5, max_relative = 1e-12);
            assert!(fit.slope_error < 1e-12 && (fit.at(2.0) - 2.5 - 2.0 * slope).abs() < 1e-12);
        }
        // Textbook case: residuals −1, +1, +1, −1 about a line of slope 0; σ̂² = 4/2, Σ(x − x̄)² = 5.
        let fit = fit_line(&[(0.0, -1.0), (1.0, 1.0), (2.0, 1.0), (3.0, -1.0)]).expect("enough points");
        assert_relative_eq!(fit.slope, 0.0);
        assert_relative_eq!(fit.slope_error, (2.0f64 / 5.0).sqrt(), max_relative = 1e-12);
        assert_eq!(fit_line(&[(0.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(fit_line(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None, "one abscissa has no slope");
    }

    #[test]
    fn trigamma_has_its_known_values() {
        let pi2 = std::f64::consts::PI.powi(2);
        assert_relative_eq!(trigamma(1.0), pi2 / 6.0, max_relative = 1e-10);
        assert_relative_eq!(trigamma(0.5), pi2 / 2.0, max_relative = 1e-10);
        assert_relative_eq!(trigamma(1.5), pi2 / 2.0 - 4.0, max_relative = 1e-10);
    }

    /// A simple generator of nearly normal numbers, enough to test the algebra of the fit.
    fn normal(state: &mut u64) -> f64 {
        let mut uniform = || {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }

    /// Over many draws the slope of nested groups scatters about −½ by its own error; a fit that takes the rungs for
    /// independent would report too small an error.
    #[test]
    fn the_error_of_a_nested_slope_is_its_scatter() {
        const DRAWS: usize = 2000;
        let mut state = 1;
        let (mut pulls, mut squares, mut naive) = (0.0, 0.0, 0.0);
        for _ in 0..DRAWS {
            let mut means: Vec<f64> = (0..64).map(|_| normal(&mut state)).collect();
            let mut rungs = Vec::new();
            let mut size = 1.0;
            while means.len() >= 4 {
                let rms = (means.iter().map(|x| x * x).sum::<f64>() / means.len() as f64).sqrt();
                rungs.push((size, rms, means.len()));
                means = means.chunks(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect();
                size *= 2.0;
            }
            let fit = fit_nested(&rungs).expect("five rungs");
            pulls += (fit.slope + 0.5) / fit.slope_error;
            squares += ((fit.slope + 0.5) / fit.slope_error).powi(2);
            // Weighted least squares with independent rungs of variance 1/(2d).
            let (mut w, mut wx, mut wxx) = (0.0, 0.0, 0.0);
            for (m, _, d) in &rungs {
                let weight = 2.0 * *d as f64;
                (w, wx, wxx) = (w + weight, wx + weight * m.ln(), wxx + weight * m.ln().powi(2));
            }
            naive = (wxx - wx * wx / w).powf(-0.5) / fit.slope_error;
        }
        let (mean, variance) = (pulls / DRAWS as f64, squares / DRAWS as f64);
        // Five standard errors of the mean and of the mean square of 2000 unit normal pulls.
        assert!(mean.abs() < 5.0 / (DRAWS as f64).sqrt(), "mean pull {mean}");
        assert!((variance - 1.0).abs() < 5.0 * (2.0 / DRAWS as f64).sqrt(), "variance of the pull {variance}");
        assert!(naive < 0.95, "the naive error is {naive} of the right one: the test cannot tell them apart");
    }
}
