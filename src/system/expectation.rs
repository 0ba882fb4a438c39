//! Expectation values that only need the Fock window: powers of N, ladder overlaps.

use num_complex::Complex64;

use crate::hilbert::lanes::{Kernel, Lanes, WIDTH, run};
use crate::hilbert::{Cutoff, Ket};

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
    let mut sums = [0.0; 3];
    for row in 0..ket.rows() {
        let (re, im) = ket.row(row);
        for (sum, parts) in sums.iter_mut().zip(run(Populations::<true> { re, im })) {
            *sum += parts[0] + parts[1];
        }
    }
    let [norm, first, second] = sums;
    let lo = ket.window().lo() as f64;
    NumberMoments { norm, first: first + lo * norm, second: second + lo * (2.0 * first + lo * norm) }
}

/// Populations of the Fock levels from 0 on, as far as `cutoff` leaves them.
pub fn level_populations(ket: &Ket, cutoff: Cutoff, populations: &mut Vec<f64>) {
    let window = ket.window();
    populations.clear();
    populations.resize(window.lo(), 0.0);
    populations.extend((0..window.live(cutoff)).map(|j| ket.level_population(j)));
}

/// Populations Σ|ψ|² of row `row` at even and at odd Fock levels.
pub fn populations_by_parity(ket: &Ket, row: usize) -> [f64; 2] {
    let (re, im) = ket.row(row);
    let [[first, second], ..] = run(Populations::<false> { re, im });
    if ket.window().lo().is_multiple_of(2) { [first, second] } else { [second, first] }
}

/// Σ p, and with moments Σ j p and Σ j² p, over the even and over the odd places j of a row.
struct Populations<'a, const MOMENTS: bool> {
    re: &'a [f64],
    im: &'a [f64],
}

impl<const MOMENTS: bool> Kernel for Populations<'_, MOMENTS> {
    type Output = [[f64; 2]; 3];

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> [[f64; 2]; 3] {
        let (re, im) = (L::vectors(self.re).as_chunks::<2>().0, L::vectors(self.im).as_chunks::<2>().0);
        let mut sums = [[lanes.splat(0.0); 2]; 3];
        let mut place = [0, 1].map(|i| L::pack(std::array::from_fn(|lane| (i * WIDTH + lane) as f64)));
        let step = lanes.splat(2.0 * WIDTH as f64);
        for (re, im) in re.iter().zip(im) {
            for i in 0..2 {
                if MOMENTS {
                    let p = lanes.mul_add(re[i], re[i], lanes.mul(im[i], im[i]));
                    let jp = lanes.mul(place[i], p);
                    sums[0][i] = lanes.add(sums[0][i], p);
                    sums[1][i] = lanes.add(sums[1][i], jp);
                    sums[2][i] = lanes.mul_add(place[i], jp, sums[2][i]);
                    place[i] = lanes.add(place[i], step);
                } else {
                    sums[0][i] = lanes.mul_add(re[i], re[i], lanes.mul_add(im[i], im[i], sums[0][i]));
                }
            }
        }
        sums.map(|[a, b]| {
            let cells = L::cells(lanes.add(a, b));
            [cells[0] + cells[2], cells[1] + cells[3]]
        })
    }
}

/// Σ_n √(n+1) ψ*_{n, bra} ψ_{n+1, ket}: the matrix element of a between two rows.
pub fn lowering(state: &Ket, bra: usize, ket: usize) -> Complex64 {
    overlap(state, bra, ket, 1, |n| (n + 1.0).sqrt())
}

/// Σ_s Σ_n √((n+1)(n+2)) ψ*_n ψ_{n+2}: ⟨a²⟩.
pub fn lowering_twice(state: &Ket) -> Complex64 {
    (0..state.rows()).map(|row| overlap(state, row, row, 2, |n| ((n + 1.0) * (n + 2.0)).sqrt())).sum()
}

/// Σ_s Σ_n n √(n+1) ψ*_n ψ_{n+1}: ⟨Na⟩.
pub fn number_lowering(state: &Ket) -> Complex64 {
    (0..state.rows()).map(|row| overlap(state, row, row, 1, |n| n * (n + 1.0).sqrt())).sum()
}

/// Σ_n ψ*_{n, bra} ψ_{n, ket} of two rows.
pub fn inner(state: &Ket, bra: usize, ket: usize) -> Complex64 {
    overlap(state, bra, ket, 0, |_| 1.0)
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
