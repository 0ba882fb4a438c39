//! exp(tA)v in Krylov subspaces (Arnoldi), with an error estimate and an adaptive step.
//!
//! Y. Saad, SIAM J. Numer. Anal. 29, 209 (1992): the subspace is extended by two dimensions, which gives the corrected
//! result and two error terms that bracket it.

use nalgebra::{DMatrix, DVector};

/// Dimension of the subspace.
const SUBSPACE: usize = 30;

/// Vectors from this length on take so long that stopping between applications is worth the question.
const LONG: usize = 1 << 14;

/// Propagates vectors under a constant real matrix given by its action.
pub struct Krylov {
    basis: Vec<Vec<f64>>,
    step: f64,
    /// Applications of the matrix so far.
    pub applications: u64,
}

impl Krylov {
    /// Vectors kept for a problem of any size.
    pub const VECTORS: usize = SUBSPACE + 2;

    /// A propagator for vectors of length `dimension`.
    pub fn new(dimension: usize) -> Self {
        Self { basis: vec![vec![0.0; dimension]; Self::VECTORS], step: f64::INFINITY, applications: 0 }
    }

    /// `vector` ← exp(`time` A) `vector` with an error below `tolerance` × `time` in the 2-norm, by the estimate.
    ///
    /// `go_on` hears before every step, and with long vectors before every application, how much time is left; when it says no,
    /// the vector stays where it is and the answer is false.
    pub fn advance(
        &mut self,
        apply: impl Fn(&[f64], &mut [f64]),
        vector: &mut [f64],
        time: f64,
        tolerance: f64,
        mut go_on: impl FnMut(f64) -> bool,
    ) -> bool {
        let mut left = time;
        while left > 0.0 {
            if !go_on(left) {
                return false;
            }
            let norm = norm(vector);
            if norm == 0.0 {
                return true;
            }
            let mut while_long = || vector.len() < LONG || go_on(left);
            let Some((mut hessenberg, size)) = self.arnoldi(&apply, vector, norm, &mut while_long) else {
                return false;
            };
            let exact = size < SUBSPACE;
            let mut beyond = 0.0;
            if !exact {
                let [.., last, spare] = &mut self.basis[..] else {
                    unreachable!("the basis has more than two vectors")
                };
                apply(last, spare);
                self.applications += 1;
                beyond = crate::master::krylov::norm(spare);
                hessenberg[(SUBSPACE + 1, SUBSPACE)] = 1.0;
            }
            loop {
                let step = self.step.min(left);
                let exponential = (&hessenberg * step).exp();
                let error = if exact { 0.0 } else { error(&exponential, norm, beyond) };
                let allowed = tolerance * step;
                let change = (allowed / error.max(f64::MIN_POSITIVE)).powf(1.0 / SUBSPACE as f64).clamp(0.2, 5.0);
                if error <= allowed {
                    let used = if exact { size } else { SUBSPACE + 1 };
                    self.combine(&exponential.column(0).rows(0, used).into_owned(), norm, vector);
                    left = if step == left { 0.0 } else { left - step };
                    // A step cut short by the end of the interval says little about the next one.
                    if step == self.step || change < 1.0 {
                        self.step = step * (0.9 * change);
                    }
                    break;
                }
                self.step = step * (0.9 * change).min(0.9);
            }
            if self.step.is_infinite() {
                self.step = time;
            }
        }
        true
    }

    /// Fills the basis from `vector`; returns the Hessenberg matrix and the size of the subspace; `None` when `go_on` said no.
    fn arnoldi(
        &mut self,
        apply: &impl Fn(&[f64], &mut [f64]),
        vector: &[f64],
        norm_of_vector: f64,
        go_on: &mut impl FnMut() -> bool,
    ) -> Option<(DMatrix<f64>, usize)> {
        let mut hessenberg = DMatrix::zeros(SUBSPACE + 2, SUBSPACE + 2);
        for (b, v) in self.basis[0].iter_mut().zip(vector) {
            *b = v / norm_of_vector;
        }
        for k in 0..SUBSPACE {
            if !go_on() {
                return None;
            }
            let (known, rest) = self.basis.split_at_mut(k + 1);
            let next = &mut rest[0];
            apply(&known[k], next);
            self.applications += 1;
            let before = norm(next);
            for (row, basis) in known.iter().enumerate() {
                if row % 8 == 7 && !go_on() {
                    return None;
                }
                let overlap = dot(basis, next);
                hessenberg[(row, k)] = overlap;
                for (n, b) in next.iter_mut().zip(basis) {
                    *n -= overlap * b;
                }
            }
            let length = norm(next);
            // The subspace is invariant: the small exponential is exact.
            if length <= 1e-14 * before || before == 0.0 {
                return Some((hessenberg, k + 1));
            }
            hessenberg[(k + 1, k)] = length;
            for n in next.iter_mut() {
                *n /= length;
            }
        }
        Some((hessenberg, SUBSPACE))
    }

    fn combine(&self, coefficients: &DVector<f64>, norm: f64, vector: &mut [f64]) {
        vector.fill(0.0);
        for (c, basis) in coefficients.iter().zip(&self.basis) {
            for (v, b) in vector.iter_mut().zip(basis) {
                *v += norm * c * b;
            }
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// The error of a step, from what the last two dimensions hold; `beyond` is how far A leads out of the last one.
fn error(exponential: &DMatrix<f64>, norm: f64, beyond: f64) -> f64 {
    let first = (norm * exponential[(SUBSPACE, 0)]).abs();
    let second = (norm * exponential[(SUBSPACE + 1, 0)]).abs() * beyond;
    match (first, second) {
        (a, b) if a > 10.0 * b => b,
        (a, b) if a > b => a * b / (a - b),
        (a, _) => a,
    }
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stiff_decay_and_rotation_together() {
        // Blocks [[−k, w],[−w, −k]] with k up to 1000 and w up to 50; the exponential is known.
        let blocks: Vec<(f64, f64)> = (0..100).map(|b| (0.1 * f64::from(b * b), 0.5 * f64::from(b))).collect();
        let apply = |from: &[f64], to: &mut [f64]| {
            for (b, (k, w)) in blocks.iter().enumerate() {
                to[2 * b] = -k * from[2 * b] + w * from[2 * b + 1];
                to[2 * b + 1] = -w * from[2 * b] - k * from[2 * b + 1];
            }
        };
        let mut vector = vec![0.1; 200];
        Krylov::new(200).advance(apply, &mut vector, 0.7, 1e-11, |_| true);
        for (b, (k, w)) in blocks.iter().enumerate() {
            let (decay, phase) = ((-0.7 * k).exp(), 0.7 * w);
            let exact = 0.1 * decay * (phase.cos() + phase.sin());
            assert!((vector[2 * b] - exact).abs() < 1e-10, "block {b}: {} {exact}", vector[2 * b]);
        }
    }
}
