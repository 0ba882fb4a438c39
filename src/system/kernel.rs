//! The vector loop of a chain, and the features of the processor that such loops use.

use std::ops::Range;

use super::combine::part;
use crate::hilbert::PAD;
use crate::hilbert::lanes::{Kernel, Lanes, run};

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
