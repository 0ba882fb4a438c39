//! The vector loops of what is quadratic in a and a†: squeezing terms, alone and beside the levels' own.

use super::combine::part;
use super::kernel::inside;
use crate::hilbert::PAD;
use crate::hilbert::lanes::{Kernel, Lanes, run};

/// u b_n ψ_{n−2} + v b_{n+2} ψ_{n+2}, b_n = √(n(n−1)), u and v complex (re, im).
#[derive(Clone, Copy)]
pub struct Squeezing<'a> {
    /// b from the lowest level of a window to two above it.
    pub band: &'a [f64],
    /// u, of a†².
    pub up: (f64, f64),
    /// v, of a².
    pub down: (f64, f64),
}

impl Squeezing<'_> {
    /// out = (−iE_n − D_n) ψ_n + squeezing, D given as `growth` = −D; `from` and `to` are [re, im] with pads.
    pub fn beside(self, energy: &[f64], growth: &[f64], from: &[f64], to: &mut [f64]) {
        run(Squeezed { squeezing: self, levels: Some((energy, growth)), from, to });
    }

    /// out += squeezing.
    pub fn add(self, from: &[f64], to: &mut [f64]) {
        run(Squeezed { squeezing: self, levels: None, from, to });
    }
}

struct Squeezed<'a> {
    squeezing: Squeezing<'a>,
    levels: Option<(&'a [f64], &'a [f64])>,
    from: &'a [f64],
    to: &'a mut [f64],
}

impl Kernel for Squeezed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { squeezing: Squeezing { band, up, down }, levels, from, to } = self;
        let len = band.len() - 2;
        let (re, im) = from.split_at(len + 2 * PAD);
        let (out_re, out_im) = to.split_at_mut(len + 2 * PAD);
        let (out_re, out_im) = (L::vectors_mut(inside(out_re, len)), L::vectors_mut(inside(out_im, len)));
        let part = |cells, start| part::<L>(cells, start, len);
        let (below, above) = (part(band, 0), part(band, 2));
        let (low_re, mid_re, high_re) = (part(re, PAD - 2), part(re, PAD), part(re, PAD + 2));
        let (low_im, mid_im, high_im) = (part(im, PAD - 2), part(im, PAD), part(im, PAD + 2));
        let levels = levels.map(|(energy, growth)| (part(energy, 0), part(growth, 0)));
        let [up_re, up_im, down_re, down_im] = [up.0, up.1, down.0, down.1].map(|c| lanes.splat(c));
        for k in 0..below.len() {
            let (a, b) = match levels {
                Some((energy, growth)) => (
                    lanes.mul_add(energy[k], mid_im[k], lanes.mul(growth[k], mid_re[k])),
                    lanes.sub_mul(lanes.mul(growth[k], mid_im[k]), energy[k], mid_re[k]),
                ),
                None => (out_re[k], out_im[k]),
            };
            let (lr, li) = (lanes.mul(below[k], low_re[k]), lanes.mul(below[k], low_im[k]));
            let (hr, hi) = (lanes.mul(above[k], high_re[k]), lanes.mul(above[k], high_im[k]));
            let a = lanes.mul_add(up_re, lr, lanes.mul_add(down_re, hr, a));
            let b = lanes.mul_add(up_re, li, lanes.mul_add(down_re, hi, b));
            out_re[k] = lanes.sub_mul(lanes.sub_mul(a, down_im, hi), up_im, li);
            out_im[k] = lanes.mul_add(up_im, lr, lanes.mul_add(down_im, hr, b));
        }
    }
}
