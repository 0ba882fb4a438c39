//! The mean of a value corrected by its control variates, without the bias of fitted coefficients.

use crate::ensemble::{CONTROLS, Comoments, least_squares};

/// Fewest trajectories that coefficients are fitted to.
const FEWEST: u64 = 32;

/// Hotelling's T² of the controls, whose means are zero in truth, up to which their sample is taken for balanced: four normal
/// controls exceed it with probability 5e-5.
const BALANCED: f64 = 25.0;

/// The control whose coefficient is 1 where the sample cannot tell: M_O, which makes the drift estimator.
const OWN: usize = 1;

/// An estimate with control variates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controlled {
    /// The estimate.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Variance over trajectories that is left after the correction.
    pub variance: f64,
}

/// The mean of y from trajectories that carry y and controls c of mean zero: the average of y − β·c, cross-fitted.
///
/// For any fixed β this is unbiased. The best β = Cov(c)⁻¹Cov(c, y) is a regression; fitted to the same trajectories it
/// would bias the mean by O(1/M), because a trajectory takes part in choosing its own correction. So the trajectories are
/// dealt into folds, and each fold is corrected with the β that all others have fitted, which is independent of it: the
/// mean of every fold is unbiased, and so is their average (cross-fitting; Chernozhukov and others, Econometrics
/// Journal 21, C1 (2018)). The standard error is that of the corrected values, each under the β that was used for it.
///
/// Where the controls do not vary in the sample (no jump has happened yet) β is 1 for M_O and 0 for the others: the drift
/// estimator ⟨O⟩_0 + ∫⟨𝓛†O⟩dt. `None` for fewer trajectories than 32 or folds without any; and where the means of the
/// controls are too far from zero for their spread: some large, rare change that balances them is missing, and coefficients
/// fitted to what there is would shift the mean.
pub fn controlled(folds: &[Comoments], entry: usize) -> Option<Controlled> {
    let count: u64 = folds.iter().map(Comoments::count).sum();
    if count < FEWEST || folds.iter().any(|fold| fold.count() < 2) {
        return None;
    }
    let whole = pooled(folds, entry);
    if whole.imbalance() > BALANCED {
        return None;
    }
    let (mut means, mut squares) = (Vec::with_capacity(folds.len()), 0.0);

    for fold in folds {
        let beta = whole.without(fold, entry).coefficients();
        let ([mean, controls @ ..], n) = (fold.means(entry), fold.count() as f64);
        means.push((mean - dot(&beta, &controls), n));
        let product = |i, j| fold.product(entry, i, j);
        squares += residual(&beta, product);
    }
    let mean = means.iter().fold(0.0, |sum, (mean, n)| sum + mean * n) / count as f64;
    squares += means.iter().fold(0.0, |sum, (fold, n)| sum + n * (fold - mean) * (fold - mean));
    let variance = squares.max(0.0) / (count - 1) as f64;
    Some(Controlled { mean, standard_error: (variance / count as f64).sqrt(), variance })
}

/// The drift estimator of a value: β = 1 for M_O, nothing fitted.
pub fn drift(folds: &[Comoments], entry: usize) -> Option<Controlled> {
    let mut beta = [0.0; CONTROLS];
    beta[OWN] = 1.0;
    let whole = pooled(folds, entry);
    if whole.count < 2.0 {
        return None;
    }
    let [mean, controls @ ..] = whole.means;
    let variance = residual(&beta, |i, j| whole.products[i][j]).max(0.0) / (whole.count - 1.0);
    let standard_error = (variance / whole.count).sqrt();
    Some(Controlled { mean: mean - dot(&beta, &controls), standard_error, variance })
}

fn dot(a: &[f64; CONTROLS], b: &[f64; CONTROLS]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

/// Σ (y − β·c − its mean)².
fn residual(beta: &[f64; CONTROLS], product: impl Fn(usize, usize) -> f64) -> f64 {
    let mut sum = product(0, 0);
    for (i, b) in beta.iter().enumerate() {
        sum -= 2.0 * b * product(0, i + 1);
        for (j, c) in beta.iter().enumerate() {
            sum += b * c * product(i + 1, j + 1);
        }
    }
    sum
}

/// Moments of one entry over several folds.
#[derive(Debug, Clone, Copy)]
struct Pooled {
    count: f64,
    means: [f64; CONTROLS + 1],
    products: [[f64; CONTROLS + 1]; CONTROLS + 1],
}

fn pooled(folds: &[Comoments], entry: usize) -> Pooled {
    let mut whole = Pooled { count: 0.0, means: [0.0; CONTROLS + 1], products: [[0.0; CONTROLS + 1]; CONTROLS + 1] };
    for fold in folds.iter().filter(|fold| fold.count() > 0) {
        let n = fold.count() as f64;
        let (means, total) = (fold.means(entry), whole.count + n);
        let step: [f64; CONTROLS + 1] = std::array::from_fn(|i| means[i] - whole.means[i]);
        whole.means.iter_mut().zip(step).for_each(|(mean, step)| *mean += step * n / total);
        for (i, row) in whole.products.iter_mut().enumerate() {
            for (j, product) in row.iter_mut().enumerate() {
                *product += fold.product(entry, i, j) + step[i] * step[j] * whole.count * n / total;
            }
        }
        whole.count = total;
    }
    whole
}

impl Pooled {
    /// The same without one fold.
    fn without(&self, fold: &Comoments, entry: usize) -> Self {
        let (n, means) = (fold.count() as f64, fold.means(entry));
        let mut rest = *self;
        rest.count -= n;
        rest.means = std::array::from_fn(|i| (self.means[i] * self.count - means[i] * n) / rest.count);
        let step: [f64; CONTROLS + 1] = std::array::from_fn(|i| means[i] - rest.means[i]);
        for (i, row) in rest.products.iter_mut().enumerate() {
            for (j, product) in row.iter_mut().enumerate() {
                *product -= fold.product(entry, i, j) + step[i] * step[j] * rest.count * n / self.count;
            }
        }
        rest
    }

    fn gram(&self) -> Vec<f64> {
        (1..=CONTROLS).flat_map(|i| self.products[i][1..].iter().copied()).collect()
    }

    /// Hotelling's T² = M c̄·Cov(c)⁻¹c̄ (Annals of Mathematical Statistics 2, 360 (1931)), over the controls that vary.
    fn imbalance(&self) -> f64 {
        let means = &self.means[1..];
        let whitened = least_squares(&self.gram(), means, CONTROLS);
        let product = means.iter().zip(&whitened).fold(0.0, |sum, (mean, x)| sum + mean * x);
        self.count * (self.count - 1.0) * product
    }

    /// β: least squares of y − M_O on the controls, plus 1 for M_O.
    fn coefficients(&self) -> [f64; CONTROLS] {
        let right: Vec<f64> = (1..=CONTROLS).map(|i| self.products[0][i] - self.products[OWN + 1][i]).collect();
        let fitted = least_squares(&self.gram(), &right, CONTROLS);
        std::array::from_fn(|i| fitted[i] + if i == OWN { 1.0 } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deals samples (y, c…) into folds.
    fn deal(samples: &[[f64; CONTROLS + 1]]) -> Vec<Comoments> {
        let mut folds = vec![Comoments::default(); 4];
        for (index, [y, controls @ ..]) in samples.iter().enumerate() {
            folds[index % 4].push(&[*y], &[*controls]);
        }
        folds
    }

    /// Numbers in (−½, ½) that look random.
    fn noise(count: usize) -> Vec<f64> {
        let mut x = 0.3f64;
        (0..count)
            .map(|_| {
                x = (x * 1021.0 + 0.377).fract();
                x - 0.5
            })
            .collect()
    }

    #[test]
    fn a_perfect_control_leaves_no_variance() {
        let samples: Vec<_> = noise(64).into_iter().map(|c| [3.0 + 2.0 * c, 0.0, c, 0.0, 0.0]).collect();
        let found = controlled(&deal(&samples), 0).expect("enough trajectories");
        assert!((found.mean - 3.0).abs() < 1e-12 && found.standard_error < 1e-9, "{found:?}");
    }

    #[test]
    fn identical_trajectories_give_the_drift_estimator() {
        let found = controlled(&deal(&[[3.0, 7.0, -0.25, 5.0, 5.0]; 64]), 0).expect("enough trajectories");
        assert!((found.mean - 3.25).abs() < 1e-12 && found.standard_error < 1e-12, "{found:?}");
        assert!(controlled(&deal(&[[3.0; CONTROLS + 1]; 16]), 0).is_none());
    }

    /// A control that creeps down and makes up for it by a leap in one trajectory of 10 000, which the sample does not hold: its
    /// creep follows y, and the fit would take its mean for luck.
    #[test]
    fn controls_that_do_not_balance_are_refused() {
        let creeping = |offset: f64| -> Vec<_> {
            noise(512).into_iter().map(|c| [3.0 + c, 0.0, 0.0, 1e-3 * (c - offset), 0.0]).collect()
        };
        assert!(controlled(&deal(&creeping(0.0)), 0).is_some());
        assert!(controlled(&deal(&creeping(10.0)), 0).is_none());
    }

    /// Small samples of a skewed value whose best β varies with the control: cross-fitting has no bias, the ordinary fit has.
    #[test]
    fn cross_fitting_removes_the_bias_of_the_fit() {
        let draws = noise(40 * 4000);
        let (mut crossed, mut ordinary) = (Vec::new(), Vec::new());
        for group in draws.chunks(40) {
            let samples: Vec<_> = group.iter().map(|c| [c * c * c + 6.0 * c * c, 0.0, *c, 0.0, 0.0]).collect();
            let folds = deal(&samples);
            crossed.push(controlled(&folds, 0).expect("enough").mean - 0.5);
            let whole = pooled(&folds, 0);
            let beta = whole.coefficients();
            ordinary.push(whole.means[0] - beta[OWN] * whole.means[OWN + 1] - 0.5);
        }
        let z = |x: &[f64]| {
            let n = x.len() as f64;
            let mean = x.iter().sum::<f64>() / n;
            mean / (x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n / (n - 1.0)).sqrt()
        };
        assert!(z(&crossed).abs() < 5.0, "cross-fitted: {}", z(&crossed));
        assert!(z(&ordinary).abs() > 5.0, "an ordinary fit: {}", z(&ordinary));
    }
}
