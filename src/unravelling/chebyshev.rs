//! Integrals of smooth functions over a stretch of time, at every instant of it, from their values at Chebyshev nodes.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Degrees in use; the nodes of each are among those of the next.
pub const DEGREES: [usize; 5] = [4, 8, 16, 32, 64];

/// The Chebyshev–Lobatto rule of one degree d: nodes −cos(πi/d), i = 0 … d, both ends included.
#[derive(Debug)]
pub struct Rule {
    /// The degree d.
    pub degree: usize,
    /// (1 − cos(πi/d))/2: the nodes as fractions of the stretch.
    pub fractions: Vec<f64>,
    /// Row k, column i: coefficient of T_k from the value at node i.
    transform: Vec<f64>,
}

/// The rules of [`DEGREES`].
pub static RULES: LazyLock<[Rule; 5]> = LazyLock::new(|| DEGREES.map(Rule::new));

impl Rule {
    fn new(degree: usize) -> Self {
        let d = degree as f64;
        let halved = |i: usize| if i == 0 || i == degree { 0.5 } else { 1.0 };
        let element = |k: usize, i: usize| {
            let angle = PI * (k * (degree - i)) as f64 / d;
            halved(k) * halved(i) * 2.0 / d * angle.cos()
        };
        Self {
            degree,
            fractions: (0..=degree).map(|i| 0.5 * (1.0 - (PI * i as f64 / d).cos())).collect(),
            transform: (0..=degree).flat_map(|k| (0..=degree).map(move |i| element(k, i))).collect(),
        }
    }

    /// Coefficients of T_0 … T_d of `width` functions at once from their values, node by node.
    pub fn coefficients(&self, values: &[f64], width: usize, coefficients: &mut [f64]) {
        let nodes = self.degree + 1;
        for (row, out) in self.transform.chunks_exact(nodes).zip(coefficients.chunks_exact_mut(width)) {
            out.fill(0.0);
            for (weight, values) in row.iter().zip(values.chunks_exact(width)) {
                for (out, value) in out.iter_mut().zip(values) {
                    *out += weight * value;
                }
            }
        }
    }
}

/// Turns coefficients of f into those of ∫ f from the left end on, over a stretch of length `length`:
/// b_k = (c_{k−1} − c_{k+1})·length/(4k), one more of them.
pub fn integrate(coefficients: &[f64], width: usize, length: f64, integral: &mut [f64]) {
    let count = coefficients.len() / width;
    let c = |k: usize, j: usize| if k < count { coefficients[k * width + j] } else { 0.0 };
    integral[..width].fill(0.0);
    for k in 1..=count {
        let (scale, sign) = (0.25 * length / k as f64, if k % 2 == 0 { 1.0 } else { -1.0 });
        for j in 0..width {
            let below = if k == 1 { 2.0 * c(0, j) } else { c(k - 1, j) };
            let b = scale * (below - c(k + 1, j));
            integral[k * width + j] = b;
            integral[j] -= sign * b;
        }
    }
}

/// Σ_k coefficients[k] T_k(x) of every function, x = 2 `fraction` − 1.
pub fn evaluate(coefficients: &[f64], width: usize, fraction: f64, values: &mut [f64]) {
    let x = 2.0 * fraction - 1.0;
    let (mut previous, mut current) = (1.0, x);
    values.copy_from_slice(&coefficients[..width]);
    for row in coefficients.chunks_exact(width).skip(1) {
        for (value, c) in values.iter_mut().zip(row) {
            *value += current * c;
        }
        (previous, current) = (current, 2.0 * x * current - previous);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrals_of_two_functions_at_once() {
        // ∫₀ˢ cos(3t) and ∫₀ˢ e^{−2t} over a stretch of length 1.5.
        let length = 1.5;
        let rule = &RULES[2];
        let values: Vec<f64> =
            rule.fractions.iter().flat_map(|f| [(3.0 * f * length).cos(), (-2.0 * f * length).exp()]).collect();
        let mut coefficients = vec![0.0; values.len()];
        rule.coefficients(&values, 2, &mut coefficients);
        let mut integral = vec![0.0; values.len() + 2];
        integrate(&coefficients, 2, length, &mut integral);
        for fraction in [0.0, 0.1, 0.37, 0.5, 1.0] {
            let s: f64 = fraction * length;
            let mut found = [0.0; 2];
            evaluate(&integral, 2, fraction, &mut found);
            let exact = [(3.0 * s).sin() / 3.0, (1.0 - (-2.0 * s).exp()) / 2.0];
            assert!((found[0] - exact[0]).abs() < 1e-13 && (found[1] - exact[1]).abs() < 1e-13, "{found:?} {exact:?}");
        }
    }
}
