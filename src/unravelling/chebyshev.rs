//! Integrals of smooth functions over a stretch of time, at every instant of it, from their values at Chebyshev nodes.

use std::f64::consts::PI;
use std::sync::LazyLock;

use crate::system::{combine, combine_together};

/// Degrees in use: close together where most stretches are.
pub const DEGREES: [usize; 16] = [3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 17, 21, 25, 33, 45, 61];

/// Rows of weights are padded to a multiple of this, for the vector loops.
const PADDING: usize = 8;

/// Room for the weights of every rule.
pub const MOST_WEIGHTS: usize = (DEGREES[DEGREES.len() - 1] + 1).next_multiple_of(PADDING);

/// The Chebyshev–Lobatto rule of one degree d: nodes −cos(πi/d), i = 0 … d, both ends included.
#[derive(Debug)]
pub struct Rule {
    /// The degree d.
    pub degree: usize,
    /// (1 − cos(πi/d))/2: the nodes as fractions of the stretch.
    pub fractions: Vec<f64>,
    /// Row k, column i: coefficient of T_k from the value at node i; rows are padded with zeros to `stride`.
    transform: Vec<f64>,
    stride: usize,
    /// ¼/(k + 1) and ¼/(k − 1) for k = 2, 3 …
    quarters: Vec<[f64; 2]>,
    /// Weights of the integral over the whole stretch, in units of its length (Clenshaw and Curtis).
    whole: Vec<f64>,
    /// The coefficients of T_d, T_{d−1}, T_{d−2} and T_{d−3} from the value at each node.
    tail: Vec<[f64; 4]>,
    /// The most that a unit of [`Self::left_out`] makes of the integral over the whole stretch, per unit of length.
    pub share_of_whole: f64,
    /// The same of integrals up to an instant within the stretch.
    pub share_within: f64,
    /// log₂ of both.
    pub log2_shares: [f64; 2],
    /// log₂ d!.
    pub log2_factorial: f64,
}

/// The rules of [`DEGREES`].
pub static RULES: LazyLock<[Rule; DEGREES.len()]> = LazyLock::new(|| DEGREES.map(Rule::new));

impl Rule {
    fn new(degree: usize) -> Self {
        let d = degree as f64;
        let halved = |i: usize| if i == 0 || i == degree { 0.5 } else { 1.0 };
        let element = |k: usize, i: usize| {
            let angle = PI * (k * (degree - i)) as f64 / d;
            halved(k) * halved(i) * 2.0 / d * angle.cos()
        };
        let stride = (degree + 1).next_multiple_of(PADDING);
        let padded = |k: usize, i: usize| if i <= degree { element(k, i) } else { 0.0 };
        let quarters = |k: usize| [0.25 / (k + 1) as f64, 0.25 / (k - 1) as f64];
        let mut rule = Self {
            degree,
            stride,
            quarters: (2..=degree).map(quarters).collect(),
            fractions: (0..=degree).map(|i| 0.5 * (1.0 - (PI * i as f64 / d).cos())).collect(),
            transform: (0..=degree).flat_map(|k| (0..stride).map(move |i| padded(k, i))).collect(),
            whole: Vec::new(),
            tail: Vec::new(),
            share_of_whole: most_of_next(degree, &[1.0]),
            share_within: most_of_next(degree, &(0..=INSTANTS).map(|i| i as f64 / INSTANTS as f64).collect::<Vec<_>>()),
            log2_shares: [0.0; 2],
            log2_factorial: (1..=degree).map(|k| (k as f64).log2()).sum(),
        };
        rule.log2_shares = [rule.share_of_whole, rule.share_within].map(f64::log2);
        rule.tail = (0..=degree).map(|i| std::array::from_fn(|k| element(degree - k, i))).collect();
        let mut whole = vec![0.0; stride];
        rule.weights_until(1.0, &mut whole);
        whole.truncate(degree + 1);
        rule.whole = whole;
        rule
    }

    /// Weights of the integral over the whole stretch, in units of its length.
    pub fn weights(&self) -> &[f64] {
        &self.whole
    }

    /// Weights of the integral from the stretch's beginning to the fraction `fraction` of it, in units of its length; `weights`
    /// has room for [`MOST_WEIGHTS`].
    ///
    /// ∫₋₁ˣ T_k = T_{k+1}(x)/(2(k+1)) − T_{k−1}(x)/(2(k−1)) up to its value at −1, and half of it per unit of length.
    pub fn weights_until(&self, fraction: f64, weights: &mut [f64]) {
        let x = 2.0 * fraction - 1.0;
        let mut integrals = [0.0; MOST_WEIGHTS];
        (integrals[0], integrals[1]) = (0.5 * (x + 1.0), 0.25 * (x * x - 1.0));
        // T_{k−1} and T_k at x, and T_k(−1) = (−1)^k.
        let (mut below, mut here, mut sign) = (x, 2.0 * x * x - 1.0, 1.0);
        for (integral, [more, less]) in integrals[2..].iter_mut().zip(&self.quarters) {
            let above = 2.0 * x * here - below;
            *integral = (above + sign) * more - (below + sign) * less;
            (below, here, sign) = (here, above, -sign);
        }
        combine(&integrals[..=self.degree], &self.transform, &mut weights[..self.stride]);
    }

    /// What the interpolation of several functions (values node by node) leaves out: the sizes of the next two coefficients,
    /// extrapolated from the last two pairs. The mean is no such coefficient: at degree 3 the second pair is T_1 twice. `scratch`
    /// lends memory for four times as many numbers.
    pub fn left_out(&self, values: &[f64], scratch: &mut [f64], left: &mut [f64]) {
        let width = left.len();
        let (a, b) = scratch[..4 * width].split_at_mut(2 * width);
        let ((a, b), (c, d)) = (a.split_at_mut(width), b.split_at_mut(width));
        combine_together(&self.tail, values, [&mut *a, &mut *b, &mut *c, &mut *d]);
        let last = a.iter().zip(&*b).map(|(a, b)| a.abs() + b.abs());
        let before = c.iter().zip(&*d).map(|(c, d)| c.abs() + if self.degree > 3 { d.abs() } else { c.abs() });
        for ((left, last), before) in left.iter_mut().zip(last).zip(before) {
            let fall = if before > last { last / before } else { 1.0 };
            *left = fall * last;
        }
    }
}

/// Instants of a stretch at which the errors of rules are compared.
const INSTANTS: usize = 1000;

/// The largest error that the next two coefficients make, each of size 1, of the integral up to these fractions of a stretch, per unit
/// of its length. At the nodes T_{d+j} is T_{d−j}, and so it is taken for that.
fn most_of_next(degree: usize, fractions: &[f64]) -> f64 {
    let integral = |k: usize, x: f64| {
        let (angle, order) = (x.acos(), k as f64);
        let sign = if k.is_multiple_of(2) { 1.0 } else { -1.0 };
        match k {
            1 => 0.5 * (x * x - 1.0),
            _ => {
                0.5 * (((order + 1.0) * angle).cos() + sign) / (order + 1.0)
                    - 0.5 * (((order - 1.0) * angle).cos() + sign) / (order - 1.0)
            }
        }
    };
    let error = |fraction: &f64| {
        let x = 2.0 * fraction - 1.0;
        [1, 2].map(|j| 0.5 * (integral(degree + j, x) - integral(degree - j, x)).abs()).into_iter().fold(0.0, f64::max)
    };
    fractions.iter().map(error).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrals_of_two_functions_at_once() {
        // ∫₀ˢ cos(3t) and ∫₀ˢ e^{−2t} over a stretch of length 1.5.
        let length = 1.5;
        for rule in RULES.iter().filter(|rule| rule.degree >= 21) {
            let values: Vec<f64> =
                rule.fractions.iter().flat_map(|f| [(3.0 * f * length).cos(), (-2.0 * f * length).exp()]).collect();
            let mut weights = [0.0; MOST_WEIGHTS];
            let mut left = [0.0; 2];
            rule.left_out(&values, &mut [0.0; 32], &mut left);
            assert!(left.iter().all(|bound| *bound < 1e-12), "{left:?}");
            for fraction in [0.0, 0.1, 0.37, 0.5, 1.0] {
                rule.weights_until(fraction, &mut weights);
                if fraction == 1.0 {
                    assert_eq!(&weights[..=rule.degree], rule.weights());
                }
                let (s, mut found) = (fraction * length, [0.0; 2]);
                combine(&weights[..=rule.degree], &values, &mut found);
                let exact = [(3.0 * s).sin() / 3.0, (1.0 - (-2.0 * s).exp()) / 2.0];
                let error = |i: usize| (length * found[i] - exact[i]).abs();
                assert!(error(0) < 1e-13 && error(1) < 1e-13, "{} nodes: {found:?} {exact:?}", rule.degree);
            }
        }
    }

    /// The next coefficients, one by one: no integral errs by more than its share, and one errs by nearly that much.
    #[test]
    fn shares_bound_the_errors_of_the_next_coefficients() {
        for rule in &RULES[..12] {
            let mut most = [0.0f64; 2];
            for order in [rule.degree + 1, rule.degree + 2] {
                let chebyshev = |f: &f64| (f64::from(order as u32) * (2.0 * f - 1.0).acos()).cos();
                let values: Vec<f64> = rule.fractions.iter().map(chebyshev).collect();
                let fine = &RULES[RULES.len() - 1];
                for fraction in (0..=100).map(|i| f64::from(i) / 100.0) {
                    let integral = |rule: &Rule, values: &[f64]| {
                        let (mut weights, mut found) = ([0.0; MOST_WEIGHTS], [0.0]);
                        rule.weights_until(fraction, &mut weights);
                        combine(&weights[..=rule.degree], values, &mut found);
                        found[0]
                    };
                    let exact: Vec<f64> = fine.fractions.iter().map(chebyshev).collect();
                    let error = (integral(rule, &values) - integral(fine, &exact)).abs();
                    most[usize::from(fraction == 1.0)] = most[usize::from(fraction == 1.0)].max(error);
                }
            }
            let shares = [rule.share_within, rule.share_of_whole];
            for (most, share) in most.into_iter().zip(shares) {
                assert!(most <= share * (1.0 + 1e-9) && most >= 0.95 * share, "{}: {most} {share}", rule.degree);
            }
        }
    }

    #[test]
    fn too_few_nodes_are_noticed() {
        for rule in RULES.iter().filter(|rule| rule.degree <= 17) {
            let values: Vec<f64> = rule.fractions.iter().map(|f| (12.0 * f + 0.3).cos()).collect();
            let (mut left, mut found) = ([0.0], [0.0]);
            rule.left_out(&values, &mut [0.0; 32], &mut left);
            combine(rule.weights(), &values, &mut found);
            let error = (found[0] - (12.3f64.sin() - 0.3f64.sin()) / 12.0).abs();
            let bound = rule.share_within * left[0];
            assert!(bound > 0.2 * error && bound > 1e-9, "degree {}: bound {bound} error {error}", rule.degree);
        }
    }
}
