//! ψ(t+s) = e^{−D s} Σ_k (σs)^k/k! A^k ψ(t): a Taylor series whose terms serve every s within the step.

use std::ops::Range;

use super::Stop;
use crate::Result;
use crate::hilbert::lanes::{Kernel, Lanes, run};
use crate::hilbert::{Cells, Ket, norm_squared};
use crate::system::{Generator, TurnWeights, combine, combine_together};

/// Highest power of A kept.
pub const MAX_ORDER: usize = 30;

/// Order below which no step is tried, and by how much it is raised when the step comes out too short.
const MIN_ORDER: usize = 6;
const ORDER_STEP: usize = 2;

/// Largest σs of a step, reduced by the fall of ‖A^kψ‖ per order: the terms may exceed the sum by its exponential, which costs
/// that factor in rounding.
const MAX_REACH: f64 = 12.0;

/// 1/(k+1).
static RECIPROCALS: [f64; MAX_ORDER + 1] = {
    let mut table = [0.0; MAX_ORDER + 1];
    let mut k = 0;
    while k <= MAX_ORDER {
        table[k] = 1.0 / (k + 1) as f64;
        k += 1;
    }
    table
};

/// Longest σs for which terms at an edge are first added up by size.
const QUICK_REACH: f64 = 3.0;

/// 1/k.
static INVERSES: [f64; MAX_ORDER + 1] = {
    let mut table = [0.0; MAX_ORDER + 1];
    let mut k = 1;
    while k <= MAX_ORDER {
        table[k] = 1.0 / k as f64;
        k += 1;
    }
    table
};

/// Terms below this, relative to the whole, are not added up: in kets that the evolution goes on from, and in those that
/// serve averages and integrals only.
const NEGLIGIBLE: f64 = 1e-16;
const NEGLIGIBLE_TOGETHER: f64 = 1e-13;

/// Weights below this in a rotating frame are left out.
const NEGLIGIBLE_TURN: f64 = 1e-13;

/// Largest σs of a step in a rotating frame: short steps need few terms, and few of them to turn the next one.
const TURNING_REACH: f64 = 3.0;

/// Numbers in a ket from which on powers are taken one by one, as each may take a tenth of a second.
const LARGE: usize = 1 << 20;

/// Kets evaluated together.
pub const TOGETHER: usize = 4;

/// The terms A^k ψ of one step, with −iH_eff = σA − D and ‖A‖ ≤ 1 (see [`Generator`]).
///
/// ‖A‖ ≤ 1 gives a rigorous bound on what is left out after order p: ‖A^p ψ‖ Σ_{k>p} (σs)^k/k!. The step is the longest
/// s for which this stays within the tolerance.
///
/// Chebyshev polynomials, best on long steps, would gain little: of the steps that trajectories take (mostly σs < 2 where they end
/// with jumps, 8 for twelve spins) an expansion of e^{−iσs x} on [−1, 1] to the same error needs 96 % of the applications in Fig. 3(a),
/// 93 % for twelve spins, 70 to 80 % in rotating frames, where A depends on time and the power series is carried through exactly. The
/// terms A^kψ are shared by all s, whatever the step turns out to be, and their norms tell the order that will do.
#[derive(Debug, Clone, Default)]
pub struct Series {
    vectors: Cells,
    width: usize,
    stride: usize,
    order: usize,
    scale: f64,
    mean_decay: f64,
    /// Decrease of ln ‖A^k ψ‖ per order, as last seen; a guess for the next step's order.
    fall: f64,
    turned: TurnWeights,
    /// Applications of H_eff so far.
    pub applications: u64,
}

impl Series {
    /// Forgets what earlier trajectories taught, so that the next one depends on nothing but itself.
    pub fn forget(&mut self) {
        self.fall = 0.0;
    }

    /// What the next step takes from the last ones.
    pub fn guess(&self) -> f64 {
        self.fall
    }

    /// Takes `guess` for what the last steps taught.
    pub fn resume(&mut self, guess: f64) {
        self.fall = guess;
    }

    /// Expands around `ket` (normalised) and returns the step length: at most `horizon`, and such that the truncation
    /// error stays below `rate` × step.
    ///
    /// # Errors
    /// When `stop` stops it.
    pub fn expand<G: Generator>(
        &mut self,
        generator: &mut G,
        ket: &Ket,
        horizon: f64,
        rate: f64,
        stop: &Stop,
    ) -> Result<f64> {
        self.scale = generator.scale();
        self.mean_decay = generator.mean_decay();
        self.lay_out(ket);
        let turn = generator.rotation() / self.scale;
        let wanted =
            (self.scale * horizon).min(if turn > 0.0 { TURNING_REACH } else { limit(MAX_ORDER, f64::NEG_INFINITY) });
        let mut order = 0;
        let (log_wanted, log_rate) = (wanted.ln(), (0.5 * rate / self.scale).ln());
        let mut target = self.guess_order(log_wanted, log_rate);
        loop {
            let width = self.width;
            if turn == 0.0 {
                let together = if width < LARGE { target - order } else { 1 };
                for k in (order + 1..target + 1).step_by(together) {
                    generator.powers(ket.sector, &mut self.vectors, width, k..k + together);
                    stop.check(together * width)?;
                }
            } else {
                for k in order + 1..target + 1 {
                    stop.check(width)?;
                    let (done, rest) = self.vectors.split_at_mut(k * width);
                    let turned = self.turned.turned(done, width, k - 1, turn, turn * wanted, NEGLIGIBLE_TURN);
                    generator.apply(ket.sector, &done[(k - 1) * width..], Some(&turned), &mut rest[..width]);
                }
            }
            self.applications += (target - order) as u64;
            order = target;
            let last = &self.vectors[order * self.width..(order + 1) * self.width];
            let log_norm = 0.5 * norm_squared(last).max(f64::MIN_POSITIVE).ln();
            let limit = limit(order, log_norm);
            let log_reach = log_reach(order, log_norm, log_rate);
            let enough = limit >= wanted && log_reach >= log_wanted;
            if enough || order >= MAX_ORDER {
                self.order = order;
                self.fall = -log_norm / order as f64;
                let reach = if enough { wanted } else { log_reach.exp().min(limit) };
                return Ok((reach / self.scale).min(horizon));
            }
            target = (order + ORDER_STEP).min(MAX_ORDER);
        }
    }

    /// Lays the vectors out for kets like `ket` and makes it the first. Generators write what they make with its pads.
    fn lay_out(&mut self, ket: &Ket) {
        (self.width, self.stride) = (ket.data().len(), ket.stride());
        let needed = (MAX_ORDER + 1) * self.width;
        if self.vectors.len() < needed {
            self.vectors.set_len(needed);
        }
        self.vectors[..self.width].copy_from_slice(ket.data());
    }

    /// The lowest order whose step is expected to reach as far as wanted.
    fn guess_order(&self, log_wanted: f64, log_half_rate: f64) -> usize {
        let table = &*LOG_FACTORIALS;
        let enough = |order: &usize| (table[order + 1] + log_half_rate) * INVERSES[*order] + self.fall >= log_wanted;
        (MIN_ORDER..MAX_ORDER).step_by(ORDER_STEP).find(enough).unwrap_or(MAX_ORDER)
    }

    /// ψ(t+s) into `ket`, whose window and sector must be those of the expansion; 0 ≤ s ≤ the step.
    pub fn evaluate(&self, s: f64, ket: &mut Ket) {
        let mut coefficients = [0.0; MAX_ORDER + 1];
        let used = self.coefficients(s, &mut coefficients);
        combine(&coefficients[..used], &self.vectors[..used * self.width], ket.data_mut());
    }

    /// D, the mean rate at which amplitudes fall.
    pub fn mean_decay(&self) -> f64 {
        self.mean_decay
    }

    /// The same at several times, up to the factor e^{−Ds} and far below any tolerance; groups of them read the terms only once.
    pub fn evaluate_all(&self, times: &[f64], kets: &mut [Ket]) {
        // ‖A^kψ‖² is a moment of a spectrum, so its logarithm lies below the straight line to the last one.
        let shrink = (-self.fall).exp();
        for (times, kets) in times.chunks(TOGETHER).zip(kets.chunks_mut(TOGETHER)) {
            match (times, kets) {
                (&[a], [first]) => self.evaluate_together(shrink, [a], [first]),
                (&[a, b], [first, second]) => self.evaluate_together(shrink, [a, b], [first, second]),
                (&[a, b, c], [first, second, third]) => {
                    self.evaluate_together(shrink, [a, b, c], [first, second, third]);
                }
                (&[a, b, c, d], [first, second, third, fourth]) => {
                    self.evaluate_together(shrink, [a, b, c, d], [first, second, third, fourth]);
                }
                _ => {}
            }
        }
    }

    fn evaluate_together<const N: usize>(&self, shrink: f64, times: [f64; N], kets: [&mut Ket; N]) {
        let x = times.map(|s| self.scale * s);
        let mut coefficients = [[0.0; N]; MAX_ORDER + 1];
        let used = run(Terms { x, shrink, rows: &mut coefficients[..=self.order] });
        combine_together(&coefficients[..used], &self.vectors[..used * self.width], kets.map(Ket::data_mut));
    }

    /// Fills e^{−Ds}(σs)^k/k! and returns how many terms matter at double precision.
    fn coefficients(&self, s: f64, coefficients: &mut [f64; MAX_ORDER + 1]) -> usize {
        self.terms(s, (-self.mean_decay * s).exp(), coefficients)
    }

    /// Fills `first`·(σs)^k/k!.
    fn terms(&self, s: f64, first: f64, coefficients: &mut [f64; MAX_ORDER + 1]) -> usize {
        let (x, mut term) = (self.scale * s, first);
        for (k, coefficient) in coefficients.iter_mut().enumerate().take(self.order + 1) {
            *coefficient = term;
            // Beyond k = x the terms fall faster than geometrically.
            if k as f64 > x && term < NEGLIGIBLE {
                return k + 1;
            }
            term *= x * RECIPROCALS[k];
        }
        self.order + 1
    }

    /// Whether the amplitude at the edge stays within `limit`: in short steps the sum of the terms' sizes mostly does already.
    pub fn edge_within(&self, s: f64, cells: Range<usize>, limit: f64) -> bool {
        if self.scale * s > QUICK_REACH {
            return self.edge_amplitude(s, cells) <= limit;
        }
        let mut coefficients = [0.0; MAX_ORDER + 1];
        let used = self.terms(s, 1.0, &mut coefficients);
        let mut population = 0.0;
        for part in (0..self.width).step_by(self.stride) {
            for cell in cells.clone() {
                let terms = self.vectors[part + cell..].iter().step_by(self.width);
                let sum = coefficients[..used].iter().zip(terms).fold(0.0, |sum, (c, x)| sum + c * x.abs());
                population += sum * sum;
            }
        }
        population <= limit * limit || self.edge_amplitude(s, cells) <= limit
    }

    /// Largest amplitude √Σ_s |ψ_n(t+s′)|² that the cells `cells` of every part hold at s′ = s/4, s/2, 3s/4 and s.
    fn edge_amplitude(&self, s: f64, cells: Range<usize>) -> f64 {
        const QUARTERS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];
        let x = QUARTERS.map(|quarter| self.scale * s * quarter);
        let mut coefficients = [[1.0; 4]; MAX_ORDER + 1];
        for k in 1..=self.order {
            for i in 0..4 {
                coefficients[k][i] = coefficients[k - 1][i] * (x[i] * RECIPROCALS[k - 1]);
            }
        }
        let mut populations = [0.0; 4];
        for part in (0..self.width).step_by(self.stride) {
            for cell in cells.clone() {
                let mut sums = [0.0; 4];
                for (row, x) in
                    coefficients[..=self.order].iter().zip(self.vectors[part + cell..].iter().step_by(self.width))
                {
                    for i in 0..4 {
                        sums[i] += row[i] * x;
                    }
                }
                for i in 0..4 {
                    populations[i] += sums[i] * sums[i];
                }
            }
        }
        let decay = (-0.25 * self.mean_decay * s).exp();
        let (mut largest, mut left) = (0.0f64, 1.0);
        for population in populations {
            left *= decay;
            largest = largest.max(left * population.sqrt());
        }
        largest
    }
}

/// x^k/k! for several x into the rows k, as far as terms matter: those beyond are smaller than the last one times `shrink` per row.
/// Returns how many do.
struct Terms<'a, const N: usize> {
    x: [f64; N],
    shrink: f64,
    rows: &'a mut [[f64; N]],
}

impl<const N: usize> Kernel for Terms<'_, N> {
    type Output = usize;

    #[inline(always)]
    fn run<L: Lanes>(self, _lanes: L) -> usize {
        let Self { x, shrink, rows } = self;
        let longest = x.iter().fold(0.0, |longest: f64, x| longest.max(*x));
        let Some((first, rest)) = rows.split_first_mut() else { return 0 };
        let (mut row, mut largest) = ([1.0; N], 1.0);
        *first = row;
        for (k, (next, reciprocal)) in rest.iter_mut().zip(&RECIPROCALS).enumerate() {
            for i in 0..N {
                row[i] *= x[i] * reciprocal;
            }
            *next = row;
            largest *= longest * reciprocal * shrink;
            if largest < NEGLIGIBLE_TOGETHER && (k + 1) as f64 > longest {
                return k + 2;
            }
        }
        rest.len() + 1
    }
}

/// Where the bound on the tail ends, Σ_{k>p} x^k/k! ≤ 2 x^{p+1}/(p+1)! for x ≤ (p+2)/2, or rounding; `log_norm` = ln‖A^p ψ‖.
fn limit(order: usize, log_norm: f64) -> f64 {
    (0.5 * (order + 2) as f64).min(MAX_REACH * (-log_norm * INVERSES[order]).exp())
}

/// ln of the largest x with ‖A^p ψ‖ · 2 x^{p+1}/(p+1)! ≤ rate·x; `log_half_rate` = ln(rate/2).
fn log_reach(order: usize, log_norm: f64, log_half_rate: f64) -> f64 {
    (LOG_FACTORIALS[order + 1] + log_half_rate - log_norm) / order as f64
}

/// ln k! for k = 0 … MAX_ORDER + 1.
static LOG_FACTORIALS: std::sync::LazyLock<[f64; MAX_ORDER + 2]> = std::sync::LazyLock::new(|| {
    let mut table = [0.0; MAX_ORDER + 2];
    for k in 1..table.len() {
        table[k] = table[k - 1] + (k as f64).ln();
    }
    table
});
