//! Expectation values that only need the Fock window: powers of N, overlaps by powers of a and a†.

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

/// Σ p, Σ n p and Σ n² p of a row, each over its even and over its odd levels.
pub fn level_moments(ket: &Ket, row: usize) -> [[f64; 2]; 3] {
    let (re, im) = ket.row(row);
    let lo = ket.window().lo();
    let [norm, first, second] = run(Populations::<true> { re, im });
    let sums: [[f64; 3]; 2] = std::array::from_fn(|parity| {
        let (norm, first, second, lo) = (norm[parity], first[parity], second[parity], lo as f64);
        [norm, first + lo * norm, second + lo * (2.0 * first + lo * norm)]
    });
    let [even, odd] = if lo.is_multiple_of(2) { sums } else { [sums[1], sums[0]] };
    std::array::from_fn(|power| [even[power], odd[power]])
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

/// Σ_n √((n+1)(n+2)) ψ*_n ψ_{n+2} over all rows: ⟨a²⟩.
pub fn lowering_twice(state: &Ket) -> Complex64 {
    (0..state.rows()).flat_map(|row| overlap(state, [row; 2], 2, 0, false)).sum()
}

/// ⟨bra|a†ⁱaⁱ⁺ˢ|ket⟩ of two rows, Σ n(n−1)…(n−i+1) √((n+1)…(n+s)) ψ*_n ψ_{n+s}: over the bra's even levels n and over its odd ones, or
/// without `parities` all together and zero.
pub fn overlap(state: &Ket, rows: [usize; 2], shift: usize, power: u32, parities: bool) -> [Complex64; 2] {
    match (shift, power) {
        (0, 0) => weighted(state, rows, 0, parities, |_| 1.0),
        (1, 0) => weighted(state, rows, 1, parities, |n| (n + 1.0).sqrt()),
        (2, 0) => weighted(state, rows, 2, parities, |n| ((n + 1.0) * (n + 2.0)).sqrt()),
        (1, 1) => weighted(state, rows, 1, parities, |n| n * (n + 1.0).sqrt()),
        _ => weighted(state, rows, shift, parities, |n| {
            let falling = (0..power).fold(1.0, |product, k| product * (n - f64::from(k)));
            let rising = (1..=shift).fold(1.0, |product, k| product * (n + k as f64));
            falling * rising.sqrt()
        }),
    }
}

#[inline]
fn weighted(
    state: &Ket,
    [bra, ket]: [usize; 2],
    shift: usize,
    parities: bool,
    element: impl Fn(f64) -> f64,
) -> [Complex64; 2] {
    let ((a_re, a_im), (b_re, b_im)) = (state.row(bra), state.row(ket));
    let (lo, len) = (state.window().lo(), state.window().len().saturating_sub(shift));
    let over = |first: usize, step: usize| {
        let mut sum = Complex64::ZERO;
        for j in (first..len).step_by(step) {
            let (br, bi) = (b_re[j + shift], b_im[j + shift]);
            let weight = element((lo + j) as f64);
            sum.re += weight * (a_re[j] * br + a_im[j] * bi);
            sum.im += weight * (a_re[j] * bi - a_im[j] * br);
        }
        sum
    };
    if parities { [over(lo % 2, 2), over(1 - lo % 2, 2)] } else { [over(0, 1), Complex64::ZERO] }
}
