//! Expectation values that only need the Fock window: powers of N, ladder overlaps.

use num_complex::Complex64;

use crate::hilbert::{Ket, LANES};

/// Σ_s of Σ_n p_{n,s}·{1, n, n²}, with p = |ψ|² (unnormalised).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NumberMoments {
    /// ‖ψ‖².
    pub norm: f64,
    /// ⟨ψ|N|ψ⟩.
    pub first: f64,
    /// ⟨ψ|N²|ψ⟩.
    pub second: f64,
}

/// The population sums of N⁰, N¹, N² over all rows.
pub fn number_moments(ket: &Ket) -> NumberMoments {
    let mut sums = [[0.0; LANES]; 3];
    for row in 0..ket.rows() {
        let (re, im) = ket.row(row);
        let pairs = re.as_chunks::<LANES>().0.iter().zip(im.as_chunks::<LANES>().0);
        for (block, (re, im)) in pairs.enumerate() {
            let start = (block * LANES) as f64;
            for lane in 0..LANES {
                let p = re[lane] * re[lane] + im[lane] * im[lane];
                let j = start + lane as f64;
                sums[0][lane] += p;
                sums[1][lane] += j * p;
                sums[2][lane] += j * j * p;
            }
        }
    }
    let [norm, first, second] = sums.map(|lanes| lanes.iter().sum::<f64>());
    let lo = ket.window().lo() as f64;
    NumberMoments { norm, first: first + lo * norm, second: second + lo * (2.0 * first + lo * norm) }
}

/// Populations Σ|ψ|² of row `row` at even and at odd Fock levels.
pub fn populations_by_parity(ket: &Ket, row: usize) -> [f64; 2] {
    let (re, im) = ket.row(row);
    let mut lanes = [0.0; LANES];
    for (re, im) in re.as_chunks::<LANES>().0.iter().zip(im.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            lanes[lane] += re[lane] * re[lane] + im[lane] * im[lane];
        }
    }
    let first: f64 = lanes.iter().step_by(2).sum();
    let second: f64 = lanes.iter().skip(1).step_by(2).sum();
    if ket.window().lo().is_multiple_of(2) { [first, second] } else { [second, first] }
}

/// Σ_n √(n+1) ψ*_{n, bra} ψ_{n+1, ket}: the matrix element of a between two rows.
pub fn lowering(state: &Ket, bra: usize, ket: usize) -> Complex64 {
    overlap(state, bra, ket, 1, |n| (n + 1.0).sqrt())
}

/// Σ_s Σ_n √((n+1)(n+2)) ψ*_n ψ_{n+2}: ⟨a²⟩.
pub fn lowering_twice(state: &Ket) -> Complex64 {
    (0..state.rows()).map(|row| overlap(state, row, row, 2, |n| ((n + 1.0) * (n + 2.0)).sqrt())).sum()
}

fn overlap(state: &Ket, bra: usize, ket: usize, shift: usize, element: impl Fn(f64) -> f64) -> Complex64 {
    let (a_re, a_im) = state.row(bra);
    let (b_re, b_im) = state.row(ket);
    let lo = state.window().lo();
    let mut sum = Complex64::ZERO;
    for j in 0..state.window().len() - shift {
        let (br, bi) = (b_re[j + shift], b_im[j + shift]);
        let weight = element((lo + j) as f64);
        sum.re += weight * (a_re[j] * br + a_im[j] * bi);
        sum.im += weight * (a_re[j] * bi - a_im[j] * br);
    }
    sum
}
