//! The parity of a displaced ket, ⟨ψ|D†(α)(−1)^N D(α)|ψ⟩ = ⟨ψ|(−1)^N D(2α)|ψ⟩, by the matrix elements of D(2α) in the ket's window.

use num_complex::Complex64;

use crate::hilbert::Ket;
use crate::hilbert::lanes::{Kernel, Lanes, WIDTH, run};

/// Elements that couple levels further apart than D(2α) moves a level, by so much in √n, are below e^{−7²}.
const WIDTHS: f64 = 7.0;

/// ⟨ψ|D†(α)(−1)^N D(α)|ψ⟩ of a ket that need not be normalised, with D(α) = e^{αa† − α*a}.
///
/// (−1)^N turns D†(α) into D(α), so that this is Σ_nm (−1)ⁿψ*_n ⟨n|D(2α)|m⟩ ψ_m. With 2α = βe^{iθ} and x = β²,
/// ⟨m+k|D(2α)|m⟩ = e^{ikθ} f_m, f_m = √(m!/(m+k)!) β^k e^{−x/2} L_m^{(k)}(x) (Cahill, Glauber, Phys. Rev. 177, 1857 (1969), Eq. B4),
/// and the elements on the other side of the diagonal are (−1)^k times those. Laguerre's recurrence
/// √((m+1)(m+1+k)) f_{m+1} = (2m+1+k−x) f_m − √(m(m+k)) f_{m−1} grows until it oscillates: it is stable.
pub fn displaced_parity(ket: &Ket, alpha: Complex64) -> f64 {
    let (size, (lo, hi)) = (2.0 * alpha.norm(), (ket.window().lo(), ket.window().hi()));
    let phase = if size > 0.0 { (2.0 * alpha / size).conj() } else { Complex64::ONE };
    let roots: Vec<f64> = (0..hi + WIDTH).map(|n| (n as f64).sqrt()).collect();
    let distance = |k: &usize| roots[hi - 1] - roots[hi - 1 - k] <= size + WIDTHS;
    let diagonals = if size > 0.0 { (0..hi - lo).take_while(distance).count() } else { 1 };
    // ln f_0 on every diagonal.
    let next = |log: &mut f64, k: usize| {
        *log += if k == 0 { -0.5 * size * size } else { (size / roots[k]).ln() };
        Some(*log)
    };
    let logarithms = (0..diagonals).scan(0.0, next).collect();
    // e^{−imθ}ψ_m, level by level from `lo` on, and nothing above.
    let rows = (0..ket.rows()).map(|row| {
        let (re, im) = ket.row(row);
        let mut turn = Complex64::ONE;
        let mut turned = [(); 2].map(|()| vec![0.0; re.len() + WIDTH]);
        for (j, (re, im)) in re.iter().zip(im).enumerate() {
            let cell = Complex64::new(*re, *im) * turn;
            turn *= phase;
            (turned[0][j], turned[1][j]) = (cell.re, cell.im);
        }
        turned
    });
    let inverses = roots.iter().map(|root| 1.0 / root).collect();
    let rows = rows.collect();
    run(Diagonals { lo, hi, shift: size * size, logarithms, roots, inverses, rows })
}

/// The sum over the elements, as many diagonals at once as a vector holds.
struct Diagonals {
    lo: usize,
    hi: usize,
    shift: f64,
    logarithms: Vec<f64>,
    roots: Vec<f64>,
    inverses: Vec<f64>,
    rows: Vec<[Vec<f64>; 2]>,
}

/// Numbers beyond this are rescaled.
const LARGE: f64 = 1e100;

/// ln of what is too small to count.
const NOTHING: f64 = -300.0;

/// Steps between two looks at the size of numbers, which grow by less than 10¹⁰⁰ in between.
const LOOK: usize = 8;

impl Kernel for Diagonals {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> f64 {
        let Self { lo, hi, shift, logarithms, roots, inverses, rows } = self;
        let at = |cells: &[f64], place: usize| L::vectors(&cells[place..place + WIDTH])[0];
        let factor = |log: f64| if log > NOTHING { log.exp() } else { 0.0 };
        let mut parity = 0.0;
        for (chunk, logarithms) in logarithms.chunks(WIDTH).enumerate() {
            let first = chunk * WIDTH;
            let lane = |i: usize| (first + i + 1) as f64 - shift;
            let ahead = L::pack(std::array::from_fn(lane));
            let mut logs: [f64; WIDTH] =
                std::array::from_fn(|i| logarithms.get(i).copied().unwrap_or(f64::NEG_INFINITY));
            let (mut before, mut now) = (lanes.splat(0.0), lanes.splat(1.0));
            let mut factors = L::pack(logs.map(factor));
            // Over even and over odd m.
            let mut sums = [lanes.splat(0.0); 2];
            for m in 0..hi - first {
                if m >= lo {
                    let (own, other) = (m - lo, m - lo + first);
                    let products = rows.iter().fold(lanes.splat(0.0), |sum, [re, im]| {
                        let sum = lanes.mul_add(lanes.splat(re[own]), at(re, other), sum);
                        lanes.mul_add(lanes.splat(im[own]), at(im, other), sum)
                    });
                    sums[m % 2] = lanes.mul_add(lanes.mul(now, factors), products, sums[m % 2]);
                }
                let growing = lanes.mul(lanes.add(ahead, lanes.splat(2.0 * m as f64)), now);
                let falling = lanes.mul(lanes.mul(lanes.splat(roots[m]), at(&roots, m + first)), before);
                let inverse = lanes.mul(lanes.splat(inverses[m + 1]), at(&inverses, m + 1 + first));
                (before, now) = (now, lanes.mul(lanes.sub(growing, falling), inverse));
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
            let [even, odd] = sums.map(L::cells);
            for i in 0..WIDTH {
                // An element and its mirror image; on the diagonal there is none.
                let twice = if first + i == 0 { 1.0 } else { 2.0 };
                let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
                parity += twice * sign * (even[i] - odd[i]);
            }
        }
        parity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hilbert::Window;
    use crate::system::displaced_populations::displaced_populations;

    /// An arbitrary ket of two rows on `levels` levels from `lo` on.
    fn arbitrary(lo: usize, levels: usize) -> Ket {
        let mut ket = Ket::zeros(Window::around(lo, lo + levels), 2);
        let mut noise = 0.3f64;
        for row in 0..2 {
            let (re, im) = ket.row_mut(row);
            for (j, cell) in re.iter_mut().chain(im).enumerate() {
                noise = (noise * 997.0 + 0.123).fract();
                *cell = (noise - 0.5) * (-0.1 * (j % levels) as f64).exp();
            }
        }
        ket.scale(1.0 / ket.norm_squared().sqrt());
        ket
    }

    /// Σ (−1)ⁿ|⟨n|D(α)|ψ⟩|².
    fn by_populations(ket: &Ket, alpha: Complex64) -> f64 {
        let mut populations = Vec::new();
        displaced_populations(ket, alpha, &mut populations);
        populations.iter().rev().zip((0..populations.len()).rev()).map(|(p, n)| if n % 2 == 0 { *p } else { -p }).sum()
    }

    /// Near and far, at rest, with and without levels below the window, and where the recurrence begins below the smallest number.
    #[test]
    fn it_is_that_of_the_populations() {
        let mut largest = 0.0f64;
        for (alpha, lo, levels) in [
            (Complex64::ZERO, 3, 8),
            (Complex64::new(1e-9, -1e-8), 0, 16),
            (Complex64::new(0.3, -0.4), 0, 8),
            (Complex64::new(-1.2, 2.1), 0, 24),
            (Complex64::new(1.2, 2.1), 5, 41),
            (Complex64::new(4.0, -3.5), 8, 24),
            (Complex64::new(-6.0, 5.0), 0, 130),
            (Complex64::new(12.0, -16.0), 360, 24),
            (Complex64::new(-21.0, 20.0), 900, 60),
        ] {
            let ket = arbitrary(lo, levels);
            let (found, known) = (displaced_parity(&ket, alpha), by_populations(&ket, alpha));
            assert!((found - known).abs() < 1e-12, "α = {alpha}: {found} {known}");
            largest = largest.max(known.abs());
            if alpha.norm() > 1.0 {
                // Negative control: the other way round in phase space is seen.
                let turned = displaced_parity(&ket, alpha.conj());
                assert!((found - turned).abs() > 1e-9, "α = {alpha}: {found} {turned}");
            }
        }
        assert!(largest > 0.1, "{largest}");
    }

    /// A coherent state's is e^{−2|α|²}, and that of |n⟩ displaced e^{−2|α|²}(−1)ⁿL_n(4|α|²).
    #[test]
    fn it_is_known_of_displaced_number_states() {
        for (n, laguerre) in
            [(0, 1.0), (1, 1.0 - 4.0 * 1.25), (2, 1.0 - 2.0 * 4.0 * 1.25 + 0.5 * (4.0f64 * 1.25).powi(2))]
        {
            let mut ket = Ket::zeros(Window::around(0, 8), 1);
            ket.row_mut(0).0[n] = 1.0;
            let known = if n % 2 == 0 { laguerre } else { -laguerre } * (-2.5f64).exp();
            let found = displaced_parity(&ket, Complex64::new(1.0, -0.5));
            assert!((found - known).abs() < 1e-15, "{n}: {found} {known}");
        }
    }
}
