//! The vector loops behind followed quantities: products of two rows level by level, and their sums with weights.

use crate::hilbert::PAD;
use crate::hilbert::lanes::{Kernel, Lanes, WIDTH, run};
use crate::system::combine::part;

/// A row of a ket with its pads: real and imaginary parts.
pub type PaddedRow<'a> = (&'a [f64], &'a [f64]);

/// Re and Im of ψ*_n φ_{n+shift} on the levels of two rows; either may be left out by an empty slice.
pub fn products(bra: PaddedRow, ket: PaddedRow, shift: usize, re: &mut [f64], im: &mut [f64]) {
    run(Products { bra, ket, shift, re, im });
}

struct Products<'a> {
    bra: PaddedRow<'a>,
    ket: PaddedRow<'a>,
    shift: usize,
    re: &'a mut [f64],
    im: &'a mut [f64],
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let len = self.bra.0.len() - 2 * PAD;
        let (a_re, a_im) = (part::<L>(self.bra.0, PAD, len), part::<L>(self.bra.1, PAD, len));
        let at = PAD + self.shift;
        let (b_re, b_im) = (part::<L>(self.ket.0, at, len), part::<L>(self.ket.1, at, len));
        for (k, out) in L::vectors_mut(self.re).iter_mut().enumerate() {
            *out = lanes.mul_add(a_re[k], b_re[k], lanes.mul(a_im[k], b_im[k]));
        }
        for (k, out) in L::vectors_mut(self.im).iter_mut().enumerate() {
            *out = lanes.sub_mul(lanes.mul(a_re[k], b_im[k]), a_im[k], b_re[k]);
        }
    }
}

/// `to` += `factor` · `from`.
pub fn add(factor: f64, from: &[f64], to: &mut [f64]) {
    run(Add { factor, from, to });
}

struct Add<'a> {
    factor: f64,
    from: &'a [f64],
    to: &'a mut [f64],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let factor = lanes.splat(self.factor);
        for (to, from) in L::vectors_mut(self.to).iter_mut().zip(L::vectors(self.from)) {
            *to = lanes.mul_add(factor, *from, *to);
        }
    }
}

/// Σ of `cells` over the even places and over the odd ones.
pub fn sums(cells: &[f64]) -> [f64; 2] {
    run(Sums { cells })
}

struct Sums<'a> {
    cells: &'a [f64],
}

impl Kernel for Sums<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> [f64; 2] {
        let pairs = L::vectors(self.cells).as_chunks::<2>().0;
        let mut sums = [lanes.splat(0.0); 2];
        for [a, b] in pairs {
            sums = [lanes.add(sums[0], *a), lanes.add(sums[1], *b)];
        }
        by_parity(L::cells(lanes.add(sums[0], sums[1])))
    }
}

/// Σ weight · cell over the even places and over the odd ones, for N weights of one length.
pub fn weighted<const N: usize>(cells: &[f64], weights: [&[f64]; N]) -> [[f64; 2]; N] {
    run(Weighted { cells, weights })
}

struct Weighted<'a, const N: usize> {
    cells: &'a [f64],
    weights: [&'a [f64]; N],
}

impl<const N: usize> Kernel for Weighted<'_, N> {
    type Output = [[f64; 2]; N];

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> [[f64; 2]; N] {
        let cells = L::vectors(self.cells);
        let weights = self.weights.map(|weight| &L::vectors(weight)[..cells.len()]);
        let mut sums = [[lanes.splat(0.0); 2]; N];
        // Two sums of each hide the latency of one.
        let pairs = cells.len() / 2;
        for k in 0..pairs {
            for i in 0..2 {
                let x = cells[2 * k + i];
                for (sums, weight) in sums.iter_mut().zip(&weights) {
                    sums[i] = lanes.mul_add(weight[2 * k + i], x, sums[i]);
                }
            }
        }
        sums.map(|[a, b]| by_parity(L::cells(lanes.add(a, b))))
    }
}

fn by_parity(cells: [f64; WIDTH]) -> [f64; 2] {
    [cells[0] + cells[2], cells[1] + cells[3]]
}
