//! The vector loops: compiled for AVX2 with fused multiply–add and for the baseline, chosen at run time.
#![allow(clippy::too_many_arguments, reason = "a loop over named arrays reads best with the arrays named")]

use std::ops::Range;

use multiversion::{multiversion, target::target_cfg_f};

use super::combine::part;
use crate::hilbert::PAD;
use crate::hilbert::lanes::{Kernel, Lanes, run};

/// a·b + c, fused where the compiled version has the instruction (a library call elsewhere would be ten times slower).
#[inline(always)]
fn fma<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Names of the processor features the loops are using.
pub fn cpu_features() -> Vec<String> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        return vec!["avx2".into(), "fma".into()];
    }
    vec!["baseline".into()]
}

/// One chain: out = (−iE − D) ψ − i (c_n ψ_{n−1} + c_{n+1} ψ_{n+1}), E, D, c real and D given as `growth` = −D; `from` and
/// `to` are [re, im] with pads.
pub fn chain(energy: &[f64], growth: &[f64], coupling: &[f64], from: &[f64], to: &mut [f64]) {
    run(ChainRow { energy, growth, coupling, from, to });
}

/// The same in a row: vector k of `vectors` from the one before it, for all k in `powers`.
pub fn chain_powers(
    energy: &[f64],
    growth: &[f64],
    coupling: &[f64],
    vectors: &mut [f64],
    width: usize,
    powers: Range<usize>,
) {
    run(ChainPowers { energy, growth, coupling, vectors, width, powers });
}

struct ChainPowers<'a> {
    energy: &'a [f64],
    growth: &'a [f64],
    coupling: &'a [f64],
    vectors: &'a mut [f64],
    width: usize,
    powers: Range<usize>,
}

impl Kernel for ChainPowers<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { energy, growth, coupling, vectors, width, powers } = self;
        for k in powers {
            let (done, rest) = vectors.split_at_mut(k * width);
            let (from, to) = (&done[(k - 1) * width..], &mut rest[..width]);
            ChainRow { energy, growth, coupling, from, to }.run(lanes);
        }
    }
}

struct ChainRow<'a> {
    energy: &'a [f64],
    growth: &'a [f64],
    coupling: &'a [f64],
    from: &'a [f64],
    to: &'a mut [f64],
}

impl Kernel for ChainRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let len = self.energy.len();
        let (re, im) = self.from.split_at(len + 2 * PAD);
        let (out_re, out_im) = self.to.split_at_mut(len + 2 * PAD);
        let (out_re, out_im) = (L::vectors_mut(inside(out_re, len)), L::vectors_mut(inside(out_im, len)));
        let part = |cells, start| part::<L>(cells, start, len);
        let (energy, growth) = (part(self.energy, 0), part(self.growth, 0));
        let (below, above) = (part(self.coupling, 0), part(self.coupling, 1));
        let (left_re, mid_re, right_re) = (part(re, PAD - 1), part(re, PAD), part(re, PAD + 1));
        let (left_im, mid_im, right_im) = (part(im, PAD - 1), part(im, PAD), part(im, PAD + 1));
        for k in 0..energy.len() {
            let (e, d, l, r) = (energy[k], growth[k], below[k], above[k]);
            let a = lanes.mul_add(e, mid_im[k], lanes.mul(d, mid_re[k]));
            let b = lanes.sub_mul(lanes.mul(d, mid_im[k]), e, mid_re[k]);
            out_re[k] = lanes.mul_add(l, left_im[k], lanes.mul_add(r, right_im[k], a));
            out_im[k] = lanes.sub_mul(lanes.sub_mul(b, r, right_re[k]), l, left_re[k]);
        }
    }
}

/// The cells of a part inside its pads, which it clears: whoever asked for the memory need not have.
#[inline(always)]
pub fn inside(part: &mut [f64], len: usize) -> &mut [f64] {
    part[..PAD].fill(0.0);
    part[PAD + len..].fill(0.0);
    &mut part[PAD..PAD + len]
}

/// Some levels of a row of a register in a rotating frame: out = (−i(E_n + E) − (D_n + D)) ψ − i w (c_n φ_{n−1} + c_{n+1} φ_{n+1}) with
/// φ = c + id where it is raised and φ = c − id where it is lowered; D is given as growth, −D; `turned` holds c and d, `from` and `to` real
/// and imaginary parts, all but `to` with pads.
#[multiversion(targets("x86_64+avx2+fma"))]
pub fn turning_row(
    levels: (&[f64], &[f64]),
    row: (f64, f64),
    weight: f64,
    coupling: &[f64],
    from: (&[f64], &[f64]),
    turned: [&[f64]; 2],
    to: (&mut [f64], &mut [f64]),
) {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    let (energy, growth) = levels;
    let len = energy.len();
    let stride = len + 2 * PAD;
    let (re, im) = from;
    let [(c_re, c_im), (d_re, d_im)] = turned.map(|part| part.split_at(stride));
    let (_, mid_re, _) = stencil(re, len);
    let (_, mid_im, _) = stencil(im, len);
    let (below_c_re, _, above_c_re) = stencil(c_re, len);
    let (below_c_im, _, above_c_im) = stencil(c_im, len);
    let (below_d_re, _, above_d_re) = stencil(d_re, len);
    let (below_d_im, _, above_d_im) = stencil(d_im, len);
    let (out_re, out_im) = (&mut to.0[..len], &mut to.1[..len]);
    let (growth, below, above) = (&growth[..len], &coupling[..len], &coupling[1..1 + len]);
    for j in 0..len {
        let (e, d) = (energy[j] + row.0, growth[j] + row.1);
        let (l, r) = (weight * below[j], weight * above[j]);
        let a = fma::<FUSED>(e, mid_im[j], d * mid_re[j]);
        let b = fma::<FUSED>(e, mid_re[j], -d * mid_im[j]);
        let (left_re, left_im) = (below_c_re[j] - below_d_im[j], below_c_im[j] + below_d_re[j]);
        let (right_re, right_im) = (above_c_re[j] + above_d_im[j], above_c_im[j] - above_d_re[j]);
        out_re[j] = fma::<FUSED>(l, left_im, fma::<FUSED>(r, right_im, a));
        out_im[j] = -fma::<FUSED>(l, left_re, fma::<FUSED>(r, right_re, b));
    }
}

/// Adds a drive in a rotating frame: out −= i w (x c + y d), `drive` = (x, y); `turned` holds c and d with pads.
#[multiversion(targets("x86_64+avx2+fma"))]
pub fn drive_row(weight: f64, drive: (f64, f64), turned: [&[f64]; 2], to: (&mut [f64], &mut [f64])) {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    let len = to.0.len();
    let [(c_re, c_im), (d_re, d_im)] = turned.map(|part| part.split_at(len + 2 * PAD));
    let ((_, c_re, _), (_, c_im, _)) = (stencil(c_re, len), stencil(c_im, len));
    let ((_, d_re, _), (_, d_im, _)) = (stencil(d_re, len), stencil(d_im, len));
    let (out_re, out_im) = (&mut to.0[..len], &mut to.1[..len]);
    let (x, y) = (weight * drive.0, weight * drive.1);
    for j in 0..len {
        out_re[j] = fma::<FUSED>(x, c_im[j], fma::<FUSED>(y, d_im[j], out_re[j]));
        out_im[j] = fma::<FUSED>(-x, c_re[j], fma::<FUSED>(-y, d_re[j], out_im[j]));
    }
}

/// Adds the squeezing terms: out += u b_n ψ_{n−2} + v b_{n+2} ψ_{n+2}, b_n = √(n(n−1)), u and v complex (re, im).
#[multiversion(targets("x86_64+avx2+fma"))]
pub fn squeeze_row(band: &[f64], up: (f64, f64), down: (f64, f64), from: &[f64], to: &mut [f64]) {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    let len = band.len() - 2;
    let stride = len + 2 * PAD;
    let (re, im) = from.split_at(stride);
    let (out_re, out_im) = to.split_at_mut(stride);
    let (low_re, high_re) = (&re[PAD - 2..PAD - 2 + len], &re[PAD + 2..PAD + 2 + len]);
    let (low_im, high_im) = (&im[PAD - 2..PAD - 2 + len], &im[PAD + 2..PAD + 2 + len]);
    let (out_re, out_im) = (&mut out_re[PAD..PAD + len], &mut out_im[PAD..PAD + len]);
    let (from_below, from_above) = (&band[..len], &band[2..2 + len]);
    for j in 0..len {
        let (lr, li) = (from_below[j] * low_re[j], from_below[j] * low_im[j]);
        let (hr, hi) = (from_above[j] * high_re[j], from_above[j] * high_im[j]);
        let a = fma::<FUSED>(up.0, lr, fma::<FUSED>(down.0, hr, out_re[j]));
        let b = fma::<FUSED>(up.0, li, fma::<FUSED>(down.0, hi, out_im[j]));
        out_re[j] = fma::<FUSED>(-up.1, li, fma::<FUSED>(-down.1, hi, a));
        out_im[j] = fma::<FUSED>(up.1, lr, fma::<FUSED>(down.1, hr, b));
    }
}

#[inline(always)]
fn stencil(part: &[f64], len: usize) -> (&[f64], &[f64], &[f64]) {
    (&part[PAD - 1..PAD - 1 + len], &part[PAD..PAD + len], &part[PAD + 1..PAD + 1 + len])
}
