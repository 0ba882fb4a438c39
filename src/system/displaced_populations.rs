//! Populations of a displaced ket: |⟨n|D(α)|ψ⟩|², by recurrence far out, by a power series where the ket reaches back to n = 0.

use num_complex::Complex64;

use crate::hilbert::Ket;
use crate::hilbert::lanes::{Kernel, Lanes, WIDTH, run};

/// A power series is not carried out beyond this |α|²: its cost goes with |α|⁴.
const FARTHEST: f64 = 1e4;

/// Levels further out than this beyond the ket's own reach are left out: by the power series, where they bound what rounding makes
/// of them, and by the recurrence, where they hold e^{−2·5²} of the population.
const WIDTHS: f64 = 7.0;
const NARROW_WIDTHS: f64 = 5.0;

/// Σ_s |⟨n, s|D(α)|ψ⟩|² for n = 0, 1, … with D(α) = e^{αa† − α*a} into `populations`; none where |α|² > 10⁴ and the ket holds
/// levels above |α|².
pub fn displaced_populations(ket: &Ket, alpha: Complex64, populations: &mut Vec<f64>) {
    populations.clear();
    if ket.window().hi() as f64 <= alpha.norm_sqr() {
        by_recurrence(ket, alpha, populations);
        return;
    }
    if alpha.norm_sqr() > FARTHEST {
        return;
    }
    for row in 0..ket.rows() {
        let more = by_power_series(ket, row, alpha);
        populations.resize(more.len(), 0.0);
        populations.iter_mut().zip(&more).for_each(|(sum, more)| *sum += more);
    }
}

/// Norm of one step's exponent: its terms then exceed the sum at most tenfold.
const STEP: f64 = 4.0;

/// Terms of one step, the last of which is below 10⁻¹⁷.
const TERMS: u8 = 40;

/// |⟨n|D(α)|ψ⟩|² of one row: with α = |α|e^{iθ}, D(α) = e^{iθN}e^{|α|(a† − a)}e^{−iθN}, and of the outer two factors one acts on
/// the ket and the other on nothing. The inner one is real; it is taken by its power series, in steps.
fn by_power_series(ket: &Ket, row: usize, alpha: Complex64) -> Vec<f64> {
    let (re, im) = ket.row(row);
    let (lo, hi) = (ket.window().lo(), ket.window().hi());
    let size = alpha.norm();
    if size == 0.0 {
        let kept = re.iter().zip(im).map(|(re, im)| re * re + im * im);
        return std::iter::repeat_n(0.0, lo).chain(kept).collect();
    }
    let reach = (hi as f64).sqrt() + size + WIDTHS;
    let levels = (reach * reach).ceil() as usize;
    let steps = (2.0 * size * (levels as f64).sqrt() / STEP).ceil();
    // Level n lies in cell n + 1, between two that stay empty; √n |α|/steps couples it to the one before.
    let couplings: Vec<f64> = (0..=levels).map(|n| (n as f64).sqrt() * size / steps).collect();
    let phase = (alpha / size).conj();
    let (mut turned, mut turn) = ([vec![0.0; levels + 2], vec![0.0; levels + 2]], Complex64::ONE);
    for (cell, (re, im)) in (lo + 1..).zip(re.iter().zip(im)) {
        let x = Complex64::new(*re, *im) * turn;
        turn *= phase;
        (turned[0][cell], turned[1][cell]) = (x.re, x.im);
    }
    let mut populations = vec![0.0; levels];
    let mut next = vec![0.0; levels + 2];
    for mut state in turned {
        let mut term = state.clone();
        for _ in 0..steps as usize {
            term.copy_from_slice(&state);
            for order in 1..=TERMS {
                let inverse = 1.0 / f64::from(order);
                let neighbours = term[..levels].iter().zip(&term[2..]);
                let pairs = neighbours.zip(couplings.iter().zip(&couplings[1..]));
                let mut size = 0.0;
                for ((next, sum), ((below, above), (down, up))) in next[1..].iter_mut().zip(&mut state[1..]).zip(pairs)
                {
                    *next = (down * below - up * above) * inverse;
                    *sum += *next;
                    size += *next * *next;
                }
                std::mem::swap(&mut term, &mut next);
                if size < 1e-34 {
                    break;
                }
            }
        }
        populations.iter_mut().zip(&state[1..]).for_each(|(sum, x)| *sum += x * x);
    }
    populations
}

/// Numbers beyond this are rescaled.
const LARGE: f64 = 1e100;

/// ln of what is too small to count.
const NOTHING: f64 = -300.0;

/// With α = |α|e^{iθ}, ⟨n|D(α)|m⟩ = e^{i(n−m)θ}r_m, where N = D(N + αa† + α*a + |α|²)D† gives
/// |α|√(m+1) r_{m+1} = (n − |α|² − m) r_m − |α|√m r_{m−1}. From r_0 on this grows until m reaches (√n − |α|)² and oscillates up
/// to (√n + |α|)², beyond the ket's window if that ends below |α|²: the recurrence is stable.
fn by_recurrence(ket: &Ket, alpha: Complex64, populations: &mut Vec<f64>) {
    let (lo, hi) = (ket.window().lo(), ket.window().hi());
    let (size, shift) = (alpha.norm(), alpha.norm_sqr());
    let phase = (alpha / size).conj();
    // Row by row e^{−imθ}ψ_m, up to a phase that all have in common.
    let turned: Vec<Complex64> = (0..ket.rows())
        .flat_map(|row| {
            let (re, im) = ket.row(row);
            let mut turn = Complex64::ONE;
            re.iter().zip(im).map(move |(re, im)| {
                let cell = Complex64::new(*re, *im) * turn;
                turn *= phase;
                cell
            })
        })
        .collect();
    let roots: Vec<f64> = (0..=hi).map(|m| (m as f64).sqrt()).collect();
    let inverses: Vec<f64> = (0..hi).map(|m| 1.0 / (size * roots[m + 1])).collect();
    let reach = roots[hi] + NARROW_WIDTHS;
    let begin = (size - reach).max(0.0).powi(2).floor() as usize;
    let end = (size + reach).powi(2).ceil() as usize;
    let logarithms = coherent_logarithms(shift, begin, end);
    populations.resize(end, 0.0);
    let populations = &mut populations[begin..];
    run(Recurrence { begin, logarithms, lo, hi, size, shift, turned, roots, inverses, populations });
}

/// The recurrence, for as many n at once as a vector holds.
struct Recurrence<'a> {
    begin: usize,
    logarithms: Vec<f64>,
    lo: usize,
    hi: usize,
    size: f64,
    shift: f64,
    turned: Vec<Complex64>,
    roots: Vec<f64>,
    inverses: Vec<f64>,
    populations: &'a mut [f64],
}

/// Steps between two looks at the size of numbers, which grow by less than 10¹⁰⁰ in between.
const LOOK: usize = 16;

impl Kernel for Recurrence<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { begin, logarithms, lo, hi, size, shift, turned, roots, inverses, populations } = self;
        let len = hi - lo;
        let mut sums = vec![[lanes.splat(0.0); 2]; turned.len() / len];
        let factor = |log: f64| if log > NOTHING { log.exp() } else { 0.0 };
        let chunks = logarithms.chunks(WIDTH).zip(populations.chunks_mut(WIDTH));
        for (chunk, (logarithms, populations)) in chunks.enumerate() {
            let lane = |i: usize| (begin + chunk * WIDTH + i) as f64 - shift;
            let ahead = L::pack(std::array::from_fn(lane));
            let mut logs: [f64; WIDTH] =
                std::array::from_fn(|i| logarithms.get(i).copied().unwrap_or(f64::NEG_INFINITY));
            let (mut before, mut now) = (lanes.splat(0.0), lanes.splat(1.0));
            let mut factors = L::pack(logs.map(factor));
            sums.fill([lanes.splat(0.0); 2]);
            for m in 0..hi {
                if m >= lo {
                    let weight = lanes.mul(now, factors);
                    for ([re, im], row) in sums.iter_mut().zip(turned.chunks_exact(len)) {
                        let x = row[m - lo];
                        *re = lanes.mul_add(weight, lanes.splat(x.re), *re);
                        *im = lanes.mul_add(weight, lanes.splat(x.im), *im);
                    }
                }
                let growing = lanes.mul(lanes.sub(ahead, lanes.splat(m as f64)), now);
                let falling = lanes.mul(lanes.splat(size * roots[m]), before);
                (before, now) = (now, lanes.mul(lanes.sub(growing, falling), lanes.splat(inverses[m])));
                if m % LOOK == LOOK - 1 {
                    let scales = L::cells(now).map(|now| if now.abs() > LARGE { now.abs() } else { 1.0 });
                    if scales != [1.0; WIDTH] {
                        let inverse = L::pack(scales.map(|scale| 1.0 / scale));
                        (before, now) = (lanes.mul(before, inverse), lanes.mul(now, inverse));
                        logs.iter_mut().zip(scales).for_each(|(log, scale)| *log += scale.ln());
                        factors = L::pack(logs.map(factor));
                    }
                }
            }
            let sum = sums
                .iter()
                .fold(lanes.splat(0.0), |sum, [re, im]| lanes.mul_add(*re, *re, lanes.mul_add(*im, *im, sum)));
            populations.iter_mut().zip(L::cells(sum)).for_each(|(population, sum)| *population = sum);
        }
    }
}

/// ln|⟨n|α⟩| for `begin ≤ n < end`, where nearly all of the population is, from |α|² = `shift`.
fn coherent_logarithms(shift: f64, begin: usize, end: usize) -> Vec<f64> {
    let peak = (shift.floor() as usize).clamp(begin, end - 1);
    let mut logarithms = vec![0.0; end - begin];
    // ⟨n|α⟩ = ⟨n−1|α⟩ α/√n, both ways from the most likely level.
    for n in peak + 1..end {
        logarithms[n - begin] = logarithms[n - begin - 1] + 0.5 * (shift / n as f64).ln();
    }
    for n in (begin..peak).rev() {
        logarithms[n - begin] = logarithms[n - begin + 1] - 0.5 * (shift / (n + 1) as f64).ln();
    }
    let whole: f64 = logarithms.iter().map(|log| (2.0 * log).exp()).sum();
    logarithms.iter_mut().for_each(|log| *log -= 0.5 * whole.ln());
    logarithms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hilbert::Window;
    use crate::system::expectation::{level_moments, overlap};

    /// An arbitrary normalised ket of two rows on the levels `lo` to `lo` + 24.
    fn arbitrary(lo: usize) -> Ket {
        let mut ket = Ket::zeros(Window::around(lo, lo + 24), 2);
        let mut noise = 0.3f64;
        for row in 0..2 {
            let (re, im) = ket.row_mut(row);
            for (j, cell) in re.iter_mut().chain(im).enumerate() {
                noise = (noise * 997.0 + 0.123).fract();
                *cell = (noise - 0.5) * (-0.2 * (j % 24) as f64).exp();
            }
        }
        ket.scale(1.0 / ket.norm_squared().sqrt());
        ket
    }

    fn populations(ket: &Ket, alpha: Complex64) -> Vec<f64> {
        let mut populations = vec![1.0; 3];
        displaced_populations(ket, alpha, &mut populations);
        populations
    }

    #[test]
    fn the_recurrence_gives_what_the_power_series_gives() {
        // The last of them so far up that the recurrence is rescaled on the way.
        for (alpha, lo) in
            [(Complex64::new(4.0, -3.5), 0), (Complex64::new(-6.0, 5.0), 8), (Complex64::new(18.0, -9.0), 360)]
        {
            let ket = arbitrary(lo);
            let found = populations(&ket, alpha);
            let mut largest = 0.0f64;
            let series = [0, 1].map(|row| by_power_series(&ket, row, alpha));
            for (n, found) in found.iter().enumerate() {
                let other: f64 = series.iter().map(|row| row.get(n).copied().unwrap_or(0.0)).sum();
                largest = largest.max((found - other).abs());
            }
            assert!(largest < 1e-13, "α = {alpha}: {largest}");
            // Negative control: the other way round in phase space is seen.
            let turned = populations(&ket, alpha.conj());
            let different = found.iter().zip(&turned).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
            assert!(different > 1e-3, "{different}");
        }
    }

    /// At |α|² = 10⁶ the moments are those of a displaced ket: 1 and ⟨N⟩ + 2 Re α*⟨a⟩ + |α|².
    #[test]
    fn a_large_displacement_keeps_norm_and_mean() {
        let (ket, alpha) = (arbitrary(0), Complex64::new(-600.0, 800.0));
        let populations = populations(&ket, alpha);
        let rows = 0..ket.rows();
        let number: f64 = rows.clone().flat_map(|row| level_moments(&ket, row)[1]).sum();
        let lowered: Complex64 = rows.flat_map(|row| overlap(&ket, [row; 2], 1, 0, false)).sum();
        let moved = number + 2.0 * (alpha.conj() * lowered).re;
        let norm: f64 = populations.iter().sum();
        let mean: f64 = populations.iter().enumerate().map(|(n, p)| (n as f64 - 1e6) * p).sum();
        assert!((norm - 1.0).abs() < 1e-11, "{norm}");
        assert!((mean + 1e6 * (1.0 - norm) - moved).abs() < 1e-5, "{mean}");
    }
}
