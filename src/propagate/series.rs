//! ψ(t+s) = e^{−D s} Σ_k (σs)^k/k! A^k ψ(t): a Taylor series whose terms serve every s within the step.

use crate::hilbert::Ket;
use crate::system::{Generator, combine};

/// Highest power of A kept.
pub const MAX_ORDER: usize = 30;

/// Order below which no step is tried, and by how much it is raised when the step comes out too short.
const MIN_ORDER: usize = 6;
const ORDER_STEP: usize = 2;

/// Largest σs of a step: the terms may exceed the sum by e^{σs}, which costs that factor in rounding.
const MAX_REACH: f64 = 9.0;

/// The terms A^k ψ of one step, with −iH_eff = σA − D and ‖A‖ ≤ 1 (see [`Generator`]).
///
/// ‖A‖ ≤ 1 gives a rigorous bound on what is left out after order p: ‖A^p ψ‖ Σ_{k>p} (σs)^k/k!. The step is the longest
/// s for which this stays within the tolerance.
#[derive(Debug, Clone, Default)]
pub struct Series {
    vectors: Vec<f64>,
    width: usize,
    order: usize,
    scale: f64,
    mean_decay: f64,
    /// Decrease of ln ‖A^k ψ‖ per order, as last seen; a guess for the next step's order.
    fall: f64,
    /// Applications of H_eff so far.
    pub applications: u64,
}

impl Series {
    /// Expands around `ket` (normalised) and returns the step length: at most `horizon`, and such that the truncation
    /// error stays below `rate` × step.
    pub fn expand<G: Generator>(&mut self, generator: &mut G, ket: &Ket, horizon: f64, rate: f64) -> f64 {
        self.width = ket.data().len();
        self.scale = generator.scale();
        self.mean_decay = generator.mean_decay();
        let needed = (MAX_ORDER + 1) * self.width;
        if self.vectors.len() < needed {
            self.vectors.resize(needed, 0.0);
        }
        self.vectors[..self.width].copy_from_slice(ket.data());
        let wanted = self.scale * horizon;
        let mut order = 0;
        let mut target = self.guess_order(wanted, rate);
        loop {
            while order < target {
                let (done, rest) = self.vectors.split_at_mut((order + 1) * self.width);
                let to = &mut rest[..self.width];
                clear_pads(to, ket.stride());
                generator.apply(ket.sector, &done[order * self.width..], to);
                order += 1;
                self.applications += 1;
            }
            let last = &self.vectors[order * self.width..(order + 1) * self.width];
            let log_norm = 0.5 * norm_squared(last).max(f64::MIN_POSITIVE).ln();
            let reach = reach(order, log_norm, rate / self.scale);
            if reach >= wanted || order >= MAX_ORDER {
                self.order = order;
                self.fall = -log_norm / order as f64;
                return (reach / self.scale).min(horizon);
            }
            target = (order + ORDER_STEP).min(MAX_ORDER);
        }
    }

    /// The lowest order whose step is expected to reach `wanted`.
    fn guess_order(&self, wanted: f64, rate: f64) -> usize {
        let enough = |order: &usize| reach(*order, -self.fall * *order as f64, rate / self.scale) >= wanted;
        (MIN_ORDER..MAX_ORDER).step_by(ORDER_STEP).find(enough).unwrap_or(MAX_ORDER)
    }

    /// ψ(t+s) into `ket`, whose window and sector must be those of the expansion; 0 ≤ s ≤ the step.
    pub fn evaluate(&self, s: f64, ket: &mut Ket) {
        let mut coefficients = [0.0; MAX_ORDER + 1];
        let used = self.coefficients(s, &mut coefficients);
        combine(&coefficients[..used], &self.vectors[..used * self.width], ket.data_mut());
    }

    /// Fills e^{−Ds}(σs)^k/k! and returns how many terms matter at double precision.
    fn coefficients(&self, s: f64, coefficients: &mut [f64; MAX_ORDER + 1]) -> usize {
        let x = self.scale * s;
        let mut term = (-self.mean_decay * s).exp();
        for (k, coefficient) in coefficients.iter_mut().enumerate().take(self.order + 1) {
            *coefficient = term;
            // Beyond k = x the terms fall faster than geometrically.
            if k as f64 > x && term < 1e-18 {
                return k + 1;
            }
            term *= x / (k + 1) as f64;
        }
        self.order + 1
    }

    /// Bound on the amplitude Σ_s |ψ_n(t+s′)| over 0 ≤ s′ ≤ s held by the cells `cells` of every row.
    pub fn edge_bound(&self, s: f64, stride: usize, cells: std::ops::Range<usize>) -> f64 {
        let mut coefficients = [0.0; MAX_ORDER + 1];
        let used = self.coefficients(s, &mut coefficients);
        let slowest = (self.mean_decay * s).exp();
        (0..used)
            .map(|k| {
                let vector = &self.vectors[k * self.width..(k + 1) * self.width];
                let sum: f64 = vector.chunks_exact(stride).map(|part| norm_squared(&part[cells.clone()])).sum();
                slowest * coefficients[k] * sum.sqrt()
            })
            .sum()
    }
}

/// Largest x with ‖A^p ψ‖ Σ_{k>p} x^k/k! ≤ rate·x, where the sum is bounded by 2 x^{p+1}/(p+1)! for x ≤ (p+2)/2.
fn reach(order: usize, log_norm: f64, rate: f64) -> f64 {
    let log_x = (LOG_FACTORIALS[order + 1] + (0.5 * rate).ln() - log_norm) / order as f64;
    log_x.exp().min(0.5 * (order + 2) as f64).min(MAX_REACH)
}

/// ln k! for k = 0 … MAX_ORDER + 1.
static LOG_FACTORIALS: std::sync::LazyLock<[f64; MAX_ORDER + 2]> = std::sync::LazyLock::new(|| {
    let mut table = [0.0; MAX_ORDER + 2];
    for k in 1..table.len() {
        table[k] = table[k - 1] + (k as f64).ln();
    }
    table
});

fn norm_squared(cells: &[f64]) -> f64 {
    let (blocks, rest) = cells.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for cells in blocks {
        for (lane, x) in lanes.iter_mut().zip(cells) {
            *lane += x * x;
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|x| x * x).sum::<f64>()
}

fn clear_pads(vector: &mut [f64], stride: usize) {
    for part in vector.chunks_exact_mut(stride) {
        part[..crate::hilbert::PAD].fill(0.0);
        part[stride - crate::hilbert::PAD..].fill(0.0);
    }
}
