//! Emission statistics from the counted times between jumps: waiting-time density and g²(τ), with jackknife errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Scalar;
use crate::ensemble::{Correlations, JumpTally, Lattice, Tallies};
use crate::system::Channel;

/// Name under which the waiting times of all jumps together are reported.
pub const ALL_JUMPS: &str = "all";

/// Statistics of the times between jumps of one kind.
///
/// With r(t) the rate of such jumps in the ensemble and the first jump of every pair in `window`,
///
/// ```text
/// g²(τ) = (density of pairs of jumps of one trajectory at t and t + τ, over t in the window) / ∫ r(t) r(t+τ) dt
/// w(τ)  = probability density that a jump in the window is followed by the *next* one after τ
/// ```
///
/// averaged over each delay bin. The denominator is made of the same ensemble: of products of different trajectories, jump
/// rates being resolved in cells of a quarter of a delay bin (or 1/4096 of the run, if that is wider). A Poisson process
/// has g² = 1 at all τ, also while its rate changes slowly against a cell; `from` leaves out what changes faster. Neither
/// quantity misses delays that the end of the run would cut off: the window ends early enough.
///
/// Standard errors are jackknife errors over `groups` groups of whole blocks of trajectories, and in quadrature what three
/// unseen events in a bin may add. They are themselves uncertain by the fraction 1/√(2(groups − 1)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Emission {
    /// Centres of the delay bins, in 1/frequency units; the bins are equal and begin at 0.
    pub delays: Vec<f64>,
    /// First and last time at which the first jump of a pair, or of a wait, may lie.
    pub window: [f64; 2],
    /// Groups of trajectories behind the standard errors.
    pub groups: usize,
    /// Mean rate of these jumps in the window (per trajectory and unit time).
    pub rate: Scalar,
    /// g² at every delay (dimensionless); absent for all jumps together, and where some delay has no pair to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub g2: Option<Vec<f64>>,
    /// Its standard error; absent with fewer than two groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub g2_standard_error: Option<Vec<f64>>,
    /// w at every delay, in frequency units; absent when no jump lies in the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_time: Option<Vec<f64>>,
    /// Its standard error; absent with fewer than two groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_time_standard_error: Option<Vec<f64>>,
}

/// The statistics of everything that was counted, by name: `all` jumps, and each channel asked for.
pub fn emission(correlations: &Correlations, channels: &[Channel]) -> BTreeMap<String, Emission> {
    let Some(total) = correlations.total() else { return BTreeMap::new() };
    let rests: Vec<Tallies> = match correlations.groups.len() {
        0 | 1 => Vec::new(),
        _ => correlations.groups.iter().map(|group| total.without(group)).collect(),
    };
    let names = correlations.grid.channels.iter().filter_map(|channel| channels.get(*channel));
    let names = std::iter::once(ALL_JUMPS.to_owned()).chain(names.map(|channel| channel.name.clone()));
    names.enumerate().map(|(kind, name)| (name, of_kind(&correlations.lattice, kind, &total, &rests))).collect()
}

fn of_kind(lattice: &Lattice, kind: usize, total: &Tallies, rests: &[Tallies]) -> Emission {
    let expected = expected_pairs(lattice, total, kind);
    let jumps = &total.kinds[kind];
    let rate = |tallies: &Tallies| vec![tallies.kinds[kind].starts / (tallies.weight * lattice.window())];
    let waiting = |tallies: &Tallies| waiting_time(lattice, &tallies.kinds[kind]);
    let pairs = |tallies: &Tallies| g2(&tallies.kinds[kind], &expected_pairs(lattice, tallies, kind));

    let has_pairs = !expected.is_empty() && expected.iter().all(|expected| *expected > 0.0 && expected.is_finite());
    let rate_error = jackknife(rests, rate).map(|error| error[0].hypot(UNSEEN / (total.weight * lattice.window())));
    let per_pair = |bin: usize| UNSEEN / expected[bin];
    let per_wait = |_: usize| UNSEEN / (jumps.starts * lattice.bin);
    Emission {
        delays: (0..lattice.bins).map(|bin| (bin as f64 + 0.5) * lattice.bin).collect(),
        window: [lattice.from, lattice.from + lattice.window()],
        groups: if rests.is_empty() { 1 } else { rests.len() },
        rate: Scalar { mean: rate(total)[0], standard_error: rate_error },
        g2: has_pairs.then(|| g2(jumps, &expected)),
        g2_standard_error: has_pairs.then(|| with_unseen(jackknife(rests, pairs)?, per_pair)).flatten(),
        waiting_time: (jumps.starts > 0.0).then(|| waiting(total)),
        waiting_time_standard_error: (jumps.starts > 0.0)
            .then(|| with_unseen(jackknife(rests, waiting)?, per_wait))
            .flatten(),
    }
}

/// Events of one bin that a sample may have missed (see the "rule of three" of the curves' errors).
const UNSEEN: f64 = 3.0;

/// Errors with what unseen events may add in quadrature; `None` where an error is not finite.
fn with_unseen(errors: Vec<f64>, unseen: impl Fn(usize) -> f64) -> Option<Vec<f64>> {
    let whole: Vec<f64> = errors.iter().enumerate().map(|(bin, error)| error.hypot(unseen(bin))).collect();
    whole.iter().all(|error| error.is_finite()).then_some(whole)
}

fn waiting_time(lattice: &Lattice, jumps: &JumpTally) -> Vec<f64> {
    jumps.waits.iter().map(|count| count / (jumps.starts * lattice.bin)).collect()
}

fn g2(jumps: &JumpTally, expected: &[f64]) -> Vec<f64> {
    jumps.pairs.iter().zip(expected).map(|(pairs, expected)| pairs / expected).collect()
}

/// Σw times the integral of r(t) r(t+τ) over t in the window and τ in each delay bin: the pairs of a Poisson process with
/// the ensemble's rate. Empty where pairs are not counted.
///
/// With N_a the weighted jumps of all trajectories in cell a, products of two different trajectories are
/// X_l = Σ_a N_a N_{a+l} − (what each has with itself), out of (Σw)² − Σw² pairs of trajectories. For rates constant in a
/// cell, ∫ r(t) r(t+τ) dt runs straight from X_l/cell at τ = l cells to X_{l+1}/cell.
fn expected_pairs(lattice: &Lattice, tallies: &Tallies, kind: usize) -> Vec<f64> {
    let jumps = &tallies.kinds[kind];
    if jumps.pairs.is_empty() {
        return Vec::new();
    }
    let others = tallies.weight * tallies.weight - tallies.weight_squared;
    let scale = tallies.weight / (others * lattice.cell);
    let product = |lag: usize| -> f64 {
        let partners = &jumps.times[lag..];
        let all: f64 = jumps.times[..lattice.window_cells].iter().zip(partners).map(|(n, m)| n * m).sum();
        scale * (all - jumps.own[lag])
    };
    let nodes: Vec<f64> = (0..=lattice.lags).map(product).collect();
    let integral = Integral::new(&nodes, lattice.cell);
    let edge = |bin: usize| integral.up_to(bin as f64 * lattice.bin);
    (0..lattice.bins).map(|bin| edge(bin + 1) - edge(bin)).collect()
}

/// The running integral from 0 of what is straight between equidistant nodes.
struct Integral<'a> {
    nodes: &'a [f64],
    spacing: f64,
    at_nodes: Vec<f64>,
}

impl<'a> Integral<'a> {
    fn new(nodes: &'a [f64], spacing: f64) -> Self {
        let mut sum = 0.0;
        let pieces = nodes.windows(2).map(|pair| {
            sum += 0.5 * spacing * (pair[0] + pair[1]);
            sum
        });
        Self { nodes, spacing, at_nodes: std::iter::once(0.0).chain(pieces).collect() }
    }

    fn up_to(&self, x: f64) -> f64 {
        let node = ((x / self.spacing) as usize).min(self.nodes.len().saturating_sub(2));
        let fraction = x / self.spacing - node as f64;
        let [left, right] = [self.nodes[node], self.nodes[node + 1]];
        self.at_nodes[node] + self.spacing * fraction * (left + 0.5 * fraction * (right - left))
    }
}

/// Jackknife standard errors of a statistic: √((G−1)/G Σ_g (θ_g − θ̄)²) over the G values that each leave one group out
/// (Tukey 1958; Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 11). `None` without groups.
fn jackknife(rests: &[Tallies], statistic: impl Fn(&Tallies) -> Vec<f64>) -> Option<Vec<f64>> {
    let values: Vec<Vec<f64>> = rests.iter().map(statistic).collect();
    let count = values.len() as f64;
    let width = values.first()?.len();
    let error = |entry: usize| {
        let mean = values.iter().map(|value| value[entry]).sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value[entry] - mean).powi(2)).sum();
        (squares * (count - 1.0) / count).sqrt()
    };
    Some((0..width).map(error).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_integral_of_a_broken_line_is_exact() {
        let integral = Integral::new(&[1.0, 3.0, 2.0], 0.5);
        for (x, expected) in [(0.0, 0.0), (0.25, 0.375), (0.5, 1.0), (0.75, 1.6875), (1.0, 2.25)] {
            assert_relative_eq!(integral.up_to(x), expected, max_relative = 1e-14);
        }
    }
}
