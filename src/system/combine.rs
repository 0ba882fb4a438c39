//! Sums of many vectors, and of products of two kets, one pass over memory each.

use crate::hilbert::lanes::{Kernel, Lanes, WIDTH, run};
use crate::hilbert::{LANES, PAD, in_pieces};

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

/// Sums over two rows ψ, φ: Re ψ*φ, j Re ψ*φ, j² Re ψ*φ, then √(n+1) ψ*_n φ_{n+1} and √((n+1)(n+2)) ψ*_n φ_{n+2} (re, im),
/// then Im ψ*φ; each over the even and over the odd j.
pub type BilinearSums = [[f64; 2]; 8];

/// The sums over the levels n = lo + j; rows are (re, im), each with its pads; `roots[j]` =
/// √(lo+j+1), one more of them than levels.
pub fn bilinear(roots: &[f64], bra: (&[f64], &[f64]), ket: (&[f64], &[f64])) -> BilinearSums {
    run(Bilinear { roots, bra, ket })
}

struct Bilinear<'a> {
    roots: &'a [f64],
    bra: (&'a [f64], &'a [f64]),
    ket: (&'a [f64], &'a [f64]),
}

impl Kernel for Bilinear<'_> {
    type Output = BilinearSums;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> BilinearSums {
        let len = self.bra.0.len() - 2 * PAD;
        let own = |row, shift| part::<L>(row, PAD + shift, len);
        let (re, im) = (own(self.bra.0, 0), own(self.bra.1, 0));
        let (re0, im0) = (own(self.ket.0, 0), own(self.ket.1, 0));
        let (re1, im1) = (own(self.ket.0, 1), own(self.ket.1, 1));
        let (re2, im2) = (own(self.ket.0, 2), own(self.ket.1, 2));
        let (here, next) = (part::<L>(self.roots, 0, len), part::<L>(self.roots, 1, len));
        let mut sums = [lanes.splat(0.0); 8];
        let mut level = L::pack(std::array::from_fn(|lane| lane as f64));
        let step = lanes.splat(WIDTH as f64);
        for k in 0..re.len() {
            let (x, y) = (re[k], im[k]);
            let p = lanes.mul_add(x, re0[k], lanes.mul(y, im0[k]));
            let jp = lanes.mul(level, p);
            sums[0] = lanes.add(sums[0], p);
            sums[1] = lanes.add(sums[1], jp);
            sums[2] = lanes.mul_add(level, jp, sums[2]);
            sums[7] = lanes.mul_add(x, im0[k], lanes.sub_mul(sums[7], y, re0[k]));
            level = lanes.add(level, step);
            let (x, y) = (lanes.mul(here[k], x), lanes.mul(here[k], y));
            sums[3] = lanes.mul_add(x, re1[k], lanes.mul_add(y, im1[k], sums[3]));
            sums[4] = lanes.mul_add(x, im1[k], lanes.sub_mul(sums[4], y, re1[k]));
            let (x, y) = (lanes.mul(next[k], x), lanes.mul(next[k], y));
            sums[5] = lanes.mul_add(x, re2[k], lanes.mul_add(y, im2[k], sums[5]));
            sums[6] = lanes.mul_add(x, im2[k], lanes.sub_mul(sums[6], y, re2[k]));
        }
        sums.map(|sum| {
            let cells = L::cells(sum);
            [cells[0] + cells[2], cells[1] + cells[3]]
        })
    }
}

/// The vectors of `len` cells from `start` on.
#[inline(always)]
pub fn part<L: Lanes>(cells: &[f64], start: usize, len: usize) -> &[L::Vector] {
    L::vectors(&cells[start..start + len])
}
