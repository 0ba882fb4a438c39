//! What M and V make of some combinations of the followed quantities, without all of V.

use super::closure::Closure;
use crate::hilbert::LANES;
use crate::system::{combine, combine_together};

/// Some combinations c·y of the followed quantities, and what the [`Closure`] makes of them within an interval: between its ends E and R
/// are interpolated linearly, from 1 to what they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// How many there are, padded for the vector loops.
    stride: usize,
    /// c: row i has what V_i, M_i or the gain of M_i adds to every combination at the beginning of an interval.
    before: Vec<f64>,
    /// What V_i, and after all those the gain of M_i, adds at its end.
    after: Vec<f64>,
}

impl Projection {
    /// Of these combinations, each with a coefficient for every quantity of the law.
    pub fn new(closure: &Closure, combinations: &[Vec<f64>]) -> Self {
        let (order, stride) = (closure.order(), combinations.len().next_multiple_of(LANES));
        let (mut before, mut after) = (vec![0.0; order * stride], vec![0.0; 2 * order * stride]);
        for (column, combination) in combinations.iter().enumerate() {
            for (row, c) in combination.iter().enumerate() {
                before[row * stride + column] = *c;
            }
            for row in 0..2 * order {
                after[row * stride + column] = closure.row(row).iter().zip(combination).map(|(law, c)| law * c).sum();
            }
        }
        Self { stride, before, after }
    }

    /// Length of the rows that are written.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// c·V after the fraction `0 ≤ f ≤ 1` of an interval, and c·M, of V at its beginning followed by the gains, and of those gains added
    /// to V beside M for every quantity; `spare` is as long as the two that are written.
    pub fn combine(
        &self,
        fraction: f64,
        (state, sums): (&[f64], &[[f64; 2]]),
        spare: &mut [f64],
        [of_v, of_m]: [&mut [f64]; 2],
    ) {
        combine_together(sums, &self.before, [&mut *of_v, of_m]);
        if fraction > 0.0 {
            combine(state, &self.after, spare);
            of_v.iter_mut().zip(spare).for_each(|(v, after)| *v = fraction * *after + (1.0 - fraction) * *v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Combinations of what the closure predicts, and of what an interval began with.
    #[test]
    fn combinations_follow_the_law() {
        let (transfer, response) = ([0.9, 0.2, -0.3, 0.8], [1.1, 0.4, 0.0, 0.7]);
        let closure = Closure::new(2, &[0.9, -0.3, 0.2, 0.8], &[1.1, 0.0, 0.4, 0.7]);
        let combinations = [vec![1.0, 0.0], vec![2.0, -0.5], vec![0.0, 0.0]];
        let projection = Projection::new(&closure, &combinations);
        let (v, gain) = ([1.5, -2.0], [0.3, 0.25]);
        let state = [v[0], v[1], gain[0], gain[1]];
        let mut next = vec![0.0; closure.stride()];
        closure.predict(&state, &mut next);
        for i in 0..2 {
            let known: f64 = (0..2).map(|j| transfer[2 * i + j] * v[j] + response[2 * i + j] * gain[j]).sum();
            assert!((next[i] - known).abs() < 1e-14, "{i}: {}, not {known}", next[i]);
        }
        let m = [0.7, -0.1];
        let sums = [[v[0] + gain[0], m[0]], [v[1] + gain[1], m[1]]];
        let [mut spare, mut of_v, mut of_m] = [(); 3].map(|()| vec![f64::NAN; projection.stride()]);
        for fraction in [0.0, 0.25, 1.0] {
            projection.combine(fraction, (&state, &sums), &mut spare, [&mut of_v, &mut of_m]);
            for (i, c) in combinations.iter().enumerate() {
                let at = |i: usize| fraction * next[i] + (1.0 - fraction) * (v[i] + gain[i]);
                let known = [c[0] * at(0) + c[1] * at(1), c[0] * m[0] + c[1] * m[1]];
                let error = (of_v[i] - known[0]).abs().max((of_m[i] - known[1]).abs());
                assert!(error < 1e-14, "{fraction}: {} and {}, not {known:?}", of_v[i], of_m[i]);
            }
        }
    }
}
