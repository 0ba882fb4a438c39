//! Means and co-moments of values with their control variates, mergeable in any grouping.

use serde::{Deserialize, Serialize};

use super::moments::enlargement;

/// Control variates of every value.
pub const CONTROLS: usize = 4;

/// A value and its controls; the distinct products of two of them.
const VARIABLES: usize = CONTROLS + 1;
const PRODUCTS: usize = VARIABLES * (VARIABLES + 1) / 2;

/// Count, means and co-moments Σ(x−x̄)(y−ȳ) of many values, each with its own [`CONTROLS`] controls (Welford; merged as
/// by Chan, Golub, LeVeque).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comoments {
    count: u64,
    means: Vec<[f64; VARIABLES]>,
    products: Vec<[f64; PRODUCTS]>,
}

impl Comoments {
    /// Memory that a value with its controls takes, in bytes.
    pub const BYTES: usize = size_of::<[f64; VARIABLES]>() + size_of::<[f64; PRODUCTS]>();

    /// What `factor` times as many records of the same means and covariances would leave: for predictions.
    pub fn enlarged(&self, factor: f64) -> Self {
        let Self { count, means, products } = self;
        let (more, share) = enlargement(*count, factor);
        let products = products.iter().map(|products| products.map(|product| product * share)).collect();
        Self { count: more, means: means.clone(), products }
    }

    /// Number of records seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Number of values in a record.
    pub fn len(&self) -> usize {
        self.means.len()
    }

    /// Whether there are as many co-moments as means: those read from a file might not.
    pub(super) fn is_sound(&self) -> bool {
        self.means.len() == self.products.len()
    }

    /// Whether no record has been seen.
    pub fn is_empty(&self) -> bool {
        self.means.is_empty()
    }

    /// Means of value `entry` and of its controls.
    pub fn means(&self, entry: usize) -> [f64; VARIABLES] {
        self.means[entry]
    }

    /// Co-moment of variables `i` and `j` of value `entry`; variable 0 is the value, 1 … are its controls.
    pub fn product(&self, entry: usize, i: usize, j: usize) -> f64 {
        let (i, j) = (i.min(j), i.max(j));
        self.products[entry][i * VARIABLES - i * (i + 1) / 2 + j]
    }

    /// Adds one record of values with their controls.
    pub fn push(&mut self, values: &[f64], controls: &[[f64; CONTROLS]]) {
        self.widen(values.len());
        self.count += 1;
        let share = 1.0 / self.count as f64;
        let tables = self.means.iter_mut().zip(&mut self.products);
        for ((means, products), (value, controls)) in tables.zip(values.iter().zip(controls)) {
            let mut deviation = [0.0; VARIABLES];
            deviation[0] = value - means[0];
            for i in 1..VARIABLES {
                deviation[i] = controls[i - 1] - means[i];
            }
            for i in 0..VARIABLES {
                means[i] += deviation[i] * share;
            }
            add_products(products, &deviation, 1.0 - share);
        }
    }

    /// Adds all that `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.widen(other.means.len());
        let (a, b) = (self.count as f64, other.count as f64);
        let total = a + b;
        for entry in 0..self.means.len() {
            let (means, products) = (&mut self.means[entry], &mut self.products[entry]);
            let mut deviation = [0.0; VARIABLES];
            for i in 0..VARIABLES {
                deviation[i] = other.means[entry][i] - means[i];
                means[i] += deviation[i] * (b / total);
            }
            for (product, more) in products.iter_mut().zip(&other.products[entry]) {
                *product += more;
            }
            add_products(products, &deviation, a * b / total);
        }
        self.count += other.count;
    }

    fn widen(&mut self, len: usize) {
        if self.means.len() < len {
            self.means.resize(len, [0.0; VARIABLES]);
            self.products.resize(len, [0.0; PRODUCTS]);
        }
    }
}

/// products += weight · deviation deviationᵀ, upper triangle.
fn add_products(products: &mut [f64; PRODUCTS], deviation: &[f64; VARIABLES], weight: f64) {
    let mut place = 0;
    for i in 0..VARIABLES {
        let scaled = weight * deviation[i];
        for other in &deviation[i..] {
            products[place] += scaled * other;
            place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn merging_equals_pushing_and_both_equal_the_definition() {
        let sample = |i: usize| {
            let x = i as f64;
            ([1e6 + x.sin(), x], [[x.cos(), x.sin(), 0.3 * x, 1.0], [x * x, -x, 2.0, (2.0 * x).cos()]])
        };
        let (mut whole, mut merged) = (Comoments::default(), Comoments::default());
        for i in 0..97 {
            let (values, controls) = sample(i);
            whole.push(&values, &controls);
        }
        for start in (0..97).step_by(13) {
            let mut part = Comoments::default();
            for i in start..(start + 13).min(97) {
                let (values, controls) = sample(i);
                part.push(&values, &controls);
            }
            merged.merge(&part);
        }
        let variable = |entry: usize, i: usize, k: usize| {
            let (values, controls) = sample(k);
            if i == 0 { values[entry] } else { controls[entry][i - 1] }
        };
        for entry in 0..2 {
            for i in 0..VARIABLES {
                for j in i..VARIABLES {
                    let mean = |i| (0..97).map(|k| variable(entry, i, k)).sum::<f64>() / 97.0;
                    let (a, b) = (mean(i), mean(j));
                    let defined: f64 = (0..97).map(|k| (variable(entry, i, k) - a) * (variable(entry, j, k) - b)).sum();
                    for found in [&whole, &merged] {
                        assert_relative_eq!(found.product(entry, j, i), defined, max_relative = 1e-8, epsilon = 1e-6);
                    }
                }
            }
        }
    }
}
