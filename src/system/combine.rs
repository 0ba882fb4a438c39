//! Sums of many vectors, and of products of two kets, one pass over memory each.

use crate::hilbert::lanes::{Kernel, Lanes, WIDTH, run};
use crate::hilbert::{LANES, in_pieces};

/// `out ← Σ_k coefficients[k] · vectors[k]`, the vectors one after the other, each as long as `out`, best a multiple
/// of 8.
pub fn combine(coefficients: &[f64], vectors: &[f64], out: &mut [f64]) {
    let stride = out.len();
    sum_in_pieces(coefficients.as_chunks().0, vectors, stride, [out]);
}

/// Several such sums at once, which read every vector once: `out[i] ← Σ_k coefficients[k][i] · vectors[k]`.
pub fn combine_together<const N: usize>(coefficients: &[[f64; N]], vectors: &[f64], out: [&mut [f64]; N]) {
    let stride = out.first().map_or(0, |out| out.len());
    sum_in_pieces(coefficients, vectors, stride, out);
}

fn sum_in_pieces<const N: usize>(coefficients: &[[f64; N]], vectors: &[f64], stride: usize, out: [&mut [f64]; N]) {
    in_pieces(out, LANES, &|start, out| {
        run(Combine { coefficients, vectors: vectors.get(start..).unwrap_or(&[]), stride, out });
    });
}

/// Such sums, with vectors that begin `stride` cells (a multiple of 8) from each other.
pub struct Combine<'a, const N: usize> {
    coefficients: &'a [[f64; N]],
    vectors: &'a [f64],
    stride: usize,
    out: [&'a mut [f64]; N],
}

impl<'a> Combine<'a, 1> {
    /// One sum.
    pub fn of(stride: usize, coefficients: &'a [f64], vectors: &'a [f64], out: &'a mut [f64]) -> Self {
        Self { coefficients: coefficients.as_chunks().0, vectors, stride, out: [out] }
    }
}

impl<const N: usize> Kernel for Combine<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let width = self.out.iter().fold(usize::MAX, |width, out| width.min(out.len()));
        if !width.is_multiple_of(2 * WIDTH) || !self.stride.is_multiple_of(WIDTH) {
            for (i, out) in self.out.into_iter().enumerate() {
                for (cell, out) in out.iter_mut().enumerate() {
                    let column = self.vectors[cell..].iter().step_by(self.stride.max(1));
                    *out = self.coefficients.iter().zip(column).map(|(row, x)| row[i] * x).sum();
                }
            }
            return;
        }
        let vectors = L::vectors(self.vectors);
        let mut out = self.out.map(L::vectors_mut);
        // Eight sums hide the latency of one and fit into the registers beside what is read.
        let mut done = 0;
        if N == 1 {
            done = columns::<L, N, 8>(lanes, self.coefficients, vectors, self.stride / WIDTH, &mut out, done);
        }
        if N <= 2 {
            done = columns::<L, N, 4>(lanes, self.coefficients, vectors, self.stride / WIDTH, &mut out, done);
        }
        columns::<L, N, 2>(lanes, self.coefficients, vectors, self.stride / WIDTH, &mut out, done);
    }
}

/// The sums from the `start`th vector on, M of them at a time; returns how far that went.
#[inline(always)]
fn columns<L: Lanes, const N: usize, const M: usize>(
    lanes: L,
    coefficients: &[[f64; N]],
    vectors: &[L::Vector],
    stride: usize,
    out: &mut [&mut [L::Vector]; N],
    mut start: usize,
) -> usize {
    let width = out.iter().fold(usize::MAX, |width, out| width.min(out.len()));
    while start + M <= width {
        let mut sums = [[lanes.splat(0.0); M]; N];
        let mut place = start;
        for row in coefficients {
            let Some(x) = vectors.get(place..place + M) else { break };
            for (sums, c) in sums.iter_mut().zip(row) {
                let c = lanes.splat(*c);
                for i in 0..M {
                    sums[i] = lanes.mul_add(c, x[i], sums[i]);
                }
            }
            place += stride;
        }
        for (out, sums) in out.iter_mut().zip(sums) {
            out[start..start + M].copy_from_slice(&sums);
        }
        start += M;
    }
    start
}

/// The vectors of `len` cells from `start` on.
#[inline(always)]
pub fn part<L: Lanes>(cells: &[f64], start: usize, len: usize) -> &[L::Vector] {
    L::vectors(&cells[start..start + len])
}
