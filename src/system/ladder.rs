//! Ladder jump operators u a + v a†: their weight and their action on a ket.

use num_complex::Complex64;

use super::expectation::{lowering_twice, number_moments};
use crate::hilbert::{Cutoff, Ket, LANES};

/// ‖(u a + v a†)ψ‖² = |u|²⟨N⟩ + |v|²⟨N+1⟩ + 2 Re(u* v ⟨a²⟩*), a† cut at the highest level.
pub fn ladder_weight(ket: &Ket, lower: Complex64, raise: Complex64, cutoff: Cutoff) -> f64 {
    let moments = number_moments(ket);
    let mut weight = lower.norm_sqr() * moments.first;
    if raise != Complex64::ZERO {
        let mut raised = moments.first + moments.norm;
        if let Cutoff::Levels(levels) = cutoff {
            let (window, top) = (ket.window(), levels - 1);
            if (window.lo()..window.hi()).contains(&top) {
                raised -= levels as f64 * ket.level_population(top - window.lo());
            }
        }
        weight += raise.norm_sqr() * raised;
        if lower != Complex64::ZERO {
            weight += 2.0 * (lower.conj() * raise * lowering_twice(ket).conj()).re;
        }
    }
    weight.max(0.0)
}

/// Share of ‖ψ‖² at an edge of the window from which a ladder operator may carry nothing away.
const EMPTY: f64 = 1e-24;

/// ψ ← (u a + v a†)ψ, in a window widened where the operator would carry amplitude out of it; `scratch` lends memory.
pub fn apply_ladder(ket: &mut Ket, scratch: &mut Ket, lower: Complex64, raise: Complex64, cutoff: Cutoff) {
    let empty = EMPTY * ket.norm_squared();
    let top = ket.window().live(cutoff) - 1;
    let below = lower != Complex64::ZERO && ket.level_population(0) > empty;
    let above = raise != Complex64::ZERO && ket.level_population(top) > empty;
    if below || above {
        let step = |needed| if needed { LANES } else { 0 };
        ket.rewindow(ket.window().grown(step(below), step(above), cutoff), scratch);
    }
    scratch.copy_from(ket);
    let window = ket.window();
    let (lo, live) = (window.lo(), window.live(cutoff));
    for row in 0..ket.rows() {
        let (from_re, from_im) = scratch.row(row);
        let (re, im) = ket.row_mut(row);
        for j in 0..window.len() {
            let mut sum = Complex64::ZERO;
            if j < live {
                if j + 1 < live {
                    sum += lower * ((lo + j + 1) as f64).sqrt() * Complex64::new(from_re[j + 1], from_im[j + 1]);
                }
                if j > 0 {
                    sum += raise * ((lo + j) as f64).sqrt() * Complex64::new(from_re[j - 1], from_im[j - 1]);
                }
            }
            (re[j], im[j]) = (sum.re, sum.im);
        }
    }
}
