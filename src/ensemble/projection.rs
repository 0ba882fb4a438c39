//! What M and V make of some combinations of the followed quantities, without all of V.

use super::closure::Closure;
use crate::hilbert::LANES;
use crate::system::combine;

/// Some combinations c·y of the followed quantities, and what the [`Closure`] makes of them within an interval: between its ends E and R
/// are interpolated linearly, from 1 to what they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// How many there are, padded for the vector loops.
    stride: usize,
    /// c, twice: row i has what V_i, then what the gain of M_i adds to every combination at the beginning of an interval.
    before: Vec<f64>,
    /// The same at its end.
    after: Vec<f64>,
}

impl Projection {
    /// Of these combinations, each with a coefficient for every quantity of the law.
    pub fn new(closure: &Closure, combinations: &[Vec<f64>]) -> Self {
        let (order, stride) = (closure.order(), combinations.len().next_multiple_of(LANES));
        let mut cells = [(); 2].map(|()| vec![0.0; 2 * order * stride]);
        for (column, combination) in combinations.iter().enumerate() {
            for row in 0..2 * order {
                let [before, after] = &mut cells;
                before[row * stride + column] = combination[row % order];
                after[row * stride + column] = closure.row(row).iter().zip(combination).map(|(law, c)| law * c).sum();
            }
        }
        let [before, after] = cells;
        Self { stride, before, after }
    }

    /// Length of the rows that are written.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// c·M.
    pub fn of_martingales(&self, martingales: &[f64], to: &mut [f64]) {
        combine(martingales, &self.before[..martingales.len() * self.stride], to);
    }

    /// c·V after the fraction `0 ≤ f ≤ 1` of an interval, of the state of [`Closure::predict`]; `spare` is as long as `to`.
    pub fn of_prediction(&self, fraction: f64, state: &[f64], spare: &mut [f64], to: &mut [f64]) {
        // Nothing has been gained at the beginning.
        let rows = if fraction > 0.0 { state.len() } else { state.len() / 2 };
        combine(&state[..rows], &self.before[..rows * self.stride], to);
        if fraction > 0.0 {
            combine(state, &self.after, spare);
            to.iter_mut().zip(spare).for_each(|(to, after)| *to = fraction * *after + (1.0 - fraction) * *to);
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
        let mut rows = [(); 2].map(|()| vec![f64::NAN; projection.stride()]);
        for fraction in [0.0, 0.25, 1.0] {
            let [spare, found] = &mut rows;
            projection.of_prediction(fraction, &state, spare, found);
            for (c, found) in combinations.iter().zip(&*found) {
                let gain = if fraction > 0.0 { gain } else { [0.0; 2] };
                let at = |i: usize| fraction * next[i] + (1.0 - fraction) * (v[i] + gain[i]);
                let known = c[0] * at(0) + c[1] * at(1);
                assert!((found - known).abs() < 1e-14, "{fraction}: {found}, not {known}");
            }
        }
        projection.of_martingales(&gain, &mut rows[0]);
        assert!((rows[0][1] - (0.6 - 0.125)).abs() < 1e-14, "{:?}", rows[0]);
    }
}
