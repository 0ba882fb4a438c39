//! The vector loop of a generator that is quadratic in a and a†.

use multiversion::{multiversion, target::target_cfg_f};

use super::kernel::inside;
use crate::hilbert::PAD;

/// out = (−iE_n − D_n) ψ_n + u b_n ψ_{n−2} + v b_{n+2} ψ_{n+2}, b_n = √(n(n−1)), u and v complex (re, im); `from` and `to` are
/// [re, im] with pads.
#[multiversion(targets("x86_64+avx2+fma"))]
pub fn quadratic(
    levels: (&[f64], &[f64]),
    band: &[f64],
    up: (f64, f64),
    down: (f64, f64),
    from: &[f64],
    to: &mut [f64],
) {
    const FUSED: bool = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    #[inline(always)]
    fn fma<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
        if FUSED { a.mul_add(b, c) } else { a * b + c }
    }
    let len = levels.0.len();
    let (energy, decay) = (&levels.0[..len], &levels.1[..len]);
    let stride = len + 2 * PAD;
    let (re, im) = from.split_at(stride);
    let (out_re, out_im) = to.split_at_mut(stride);
    let (low_re, mid_re, high_re) = (&re[PAD - 2..PAD - 2 + len], &re[PAD..PAD + len], &re[PAD + 2..PAD + 2 + len]);
    let (low_im, mid_im, high_im) = (&im[PAD - 2..PAD - 2 + len], &im[PAD..PAD + len], &im[PAD + 2..PAD + 2 + len]);
    let (out_re, out_im) = (inside(out_re, len), inside(out_im, len));
    let (from_below, from_above) = (&band[..len], &band[2..2 + len]);
    for j in 0..len {
        let (e, d) = (energy[j], decay[j]);
        let (lr, li) = (from_below[j] * low_re[j], from_below[j] * low_im[j]);
        let (hr, hi) = (from_above[j] * high_re[j], from_above[j] * high_im[j]);
        let a = fma::<FUSED>(e, mid_im[j], -d * mid_re[j]);
        let b = -fma::<FUSED>(e, mid_re[j], d * mid_im[j]);
        let a = fma::<FUSED>(up.0, lr, fma::<FUSED>(down.0, hr, a));
        let b = fma::<FUSED>(up.0, li, fma::<FUSED>(down.0, hi, b));
        out_re[j] = fma::<FUSED>(-up.1, li, fma::<FUSED>(-down.1, hi, a));
        out_im[j] = fma::<FUSED>(up.1, lr, fma::<FUSED>(down.1, hr, b));
    }
}
