//! Integrals of smooth functions over a stretch of time, at every instant of it, from their values at Chebyshev nodes.

use std::f64::consts::PI;
use std::sync::LazyLock;

use crate::system::combine_together;

/// Degrees in use: the nodes inside come in fours, or two of them, as kets are evaluated together.
pub const DEGREES: [usize; 11] = [3, 5, 7, 9, 13, 17, 21, 25, 33, 45, 61];

/// The Chebyshev–Lobatto rule of one degree d: nodes −cos(πi/d), i = 0 … d, both ends included.
#[derive(Debug)]
pub struct Rule {
    /// The degree d.
    pub degree: usize,
    /// (1 − cos(πi/d))/2: the nodes as fractions of the stretch.
    pub fractions: Vec<f64>,
    /// Row k, column i: coefficient of T_k from the value at node i.
    transform: Vec<f64>,
    /// Weights of the integral over the whole stretch, in units of its length (Clenshaw and Curtis).
    whole: Vec<f64>,
    /// The coefficients of T_d, T_{d−1}, T_{d−2} and T_{d−3} from the value at each node.
    tail: Vec<[f64; 4]>,
    /// ln of the part of [`Self::left_out`] that the integral over the whole stretch can have, less than at its other instants.
    pub log_share_of_whole: f64,
    /// ln d!.
    pub log_factorial: f64,
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
        let mut rule = Self {
            degree,
            fractions: (0..=degree).map(|i| 0.5 * (1.0 - (PI * i as f64 / d).cos())).collect(),
            transform: (0..=degree).flat_map(|k| (0..=degree).map(move |i| element(k, i))).collect(),
            whole: Vec::new(),
            tail: Vec::new(),
            log_share_of_whole: share_of_whole(degree).ln(),
            log_factorial: (1..=degree).map(|k| (k as f64).ln()).sum(),
        };
        rule.tail = (0..=degree).map(|i| std::array::from_fn(|k| element(degree - k, i))).collect();
        let mut whole = vec![0.0; degree + 1];
        rule.weights_until(1.0, &mut whole);
        rule.whole = whole;
        rule
    }

    /// Weights of the integral over the whole stretch, in units of its length.
    pub fn weights(&self) -> &[f64] {
        &self.whole
    }

    /// Weights of the integral from the stretch's beginning to the fraction `fraction` of it, in units of its length.
    ///
    /// ∫₋₁ˣ T_k = T_{k+1}(x)/(2(k+1)) − T_{k−1}(x)/(2(k−1)) up to its value at −1, and half of it per unit of length.
    pub fn weights_until(&self, fraction: f64, weights: &mut [f64]) {
        let x = 2.0 * fraction - 1.0;
        let nodes = self.degree + 1;
        weights[..nodes].fill(0.0);
        // T_{k−1}, T_k, T_{k+1} at x; T_k(−1) = (−1)^k.
        let (mut below, mut here, mut sign) = (x, 1.0, 1.0);
        for (k, row) in self.transform.chunks_exact(nodes).enumerate() {
            let above = if k == 0 { x } else { 2.0 * x * here - below };
            let order = k as f64;
            let integral = match k {
                0 => x + 1.0,
                1 => 0.5 * (x * x - 1.0),
                _ => 0.5 * (above + sign) / (order + 1.0) - 0.5 * (below + sign) / (order - 1.0),
            };
            for (weight, element) in weights.iter_mut().zip(row) {
                *weight += 0.5 * integral * element;
            }
            (below, here, sign) = (here, above, -sign);
        }
    }

    /// What the interpolation of several functions (values node by node) leaves out of their integrals, per unit of length: the
    /// next two coefficients, extrapolated from the last two pairs and weighted as ∫T_k weights them. The mean is no such
    /// coefficient: at degree 3 the second pair is T_1 twice. `scratch` lends memory for four times as many numbers.
    pub fn left_out(&self, values: &[f64], scratch: &mut [f64], left: &mut [f64]) {
        let width = left.len();
        let (a, b) = scratch[..4 * width].split_at_mut(2 * width);
        let ((a, b), (c, d)) = (a.split_at_mut(width), b.split_at_mut(width));
        combine_together(&self.tail, values, [&mut *a, &mut *b, &mut *c, &mut *d]);
        let last = a.iter().zip(&*b).map(|(a, b)| a.abs() + b.abs());
        let before = c.iter().zip(&*d).map(|(c, d)| c.abs() + if self.degree > 3 { d.abs() } else { c.abs() });
        let share = 0.5 / self.degree as f64;
        for ((left, last), before) in left.iter_mut().zip(last).zip(before) {
            let fall = if before > last { last / before } else { 1.0 };
            *left = share * fall * last;
        }
    }
}

/// The part of [`Rule::left_out`] that the integral over the whole stretch can have, less than at its other instants.
///
/// At the nodes T_{d+j} is T_{d−j}. ∫₋₁¹T_k is 2/(1 − k²) for even k and 0 for odd ones, so that taking one for the other makes
/// an error of 8dj/(((d+j)² − 1)((d−j)² − 1)) or none, here for j = 2, the larger, and in units of ½·2/(2d).
fn share_of_whole(degree: usize) -> f64 {
    let d = degree as f64;
    let square = |k: f64| k * k - 1.0;
    if degree < 5 { 1.0 } else { (16.0 * d * d / (square(d + 2.0) * square(d - 2.0))).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::combine;

    #[test]
    fn integrals_of_two_functions_at_once() {
        // ∫₀ˢ cos(3t) and ∫₀ˢ e^{−2t} over a stretch of length 1.5.
        let length = 1.5;
        for rule in &RULES[6..] {
            let values: Vec<f64> =
                rule.fractions.iter().flat_map(|f| [(3.0 * f * length).cos(), (-2.0 * f * length).exp()]).collect();
            let mut weights = vec![0.0; rule.degree + 1];
            let mut left = [0.0; 2];
            rule.left_out(&values, &mut [0.0; 32], &mut left);
            assert!(left.iter().all(|bound| *bound < 1e-12), "{left:?}");
            for fraction in [0.0, 0.1, 0.37, 0.5, 1.0] {
                rule.weights_until(fraction, &mut weights);
                if fraction == 1.0 {
                    assert_eq!(weights, rule.weights());
                }
                let (s, mut found) = (fraction * length, [0.0; 2]);
                combine(&weights, &values, &mut found);
                let exact = [(3.0 * s).sin() / 3.0, (1.0 - (-2.0 * s).exp()) / 2.0];
                let error = |i: usize| (length * found[i] - exact[i]).abs();
                assert!(error(0) < 1e-13 && error(1) < 1e-13, "{} nodes: {found:?} {exact:?}", rule.degree);
            }
        }
    }

    /// The next coefficients, one by one: the error of the whole integral is no larger than the part of the foretold one.
    #[test]
    fn whole_integrals_err_less() {
        for rule in &RULES[1..8] {
            for order in [rule.degree + 1, rule.degree + 2] {
                let chebyshev = |f: &f64| (order as f64 * (2.0 * f - 1.0).acos()).cos();
                let values: Vec<f64> = rule.fractions.iter().map(chebyshev).collect();
                let mut found = [0.0];
                combine(rule.weights(), &values, &mut found);
                let k = order as f64;
                let exact = if order % 2 == 0 { 1.0 / (1.0 - k * k) } else { 0.0 };
                let bound = share_of_whole(rule.degree) * 0.5 / rule.degree as f64;
                assert!((found[0] - exact).abs() <= bound * (1.0 + 1e-9), "{} {order}", rule.degree);
            }
        }
    }

    #[test]
    fn too_few_nodes_are_noticed() {
        for rule in &RULES[..6] {
            let values: Vec<f64> = rule.fractions.iter().map(|f| (12.0 * f + 0.3).cos()).collect();
            let (mut left, mut found) = ([0.0], [0.0]);
            rule.left_out(&values, &mut [0.0; 32], &mut left);
            combine(rule.weights(), &values, &mut found);
            let error = (found[0] - (12.3f64.sin() - 0.3f64.sin()) / 12.0).abs();
            assert!(left[0] > 0.1 * error && left[0] > 1e-9, "degree {}: bound {left:?} error {error}", rule.degree);
        }
    }
}
