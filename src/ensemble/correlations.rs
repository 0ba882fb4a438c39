//! Times between jumps, counted: waiting times, pairs at a delay, and what is needed to normalise them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BlockRecords;

/// What is counted: jumps from time `from` on, delays up to `max_delay` in `bins` equal bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Number of delay bins.
    pub bins: usize,
    /// Longest delay, at most half of what lies between `from` and the end of the run.
    pub max_delay: f64,
    /// Jumps before this time are left out.
    pub from: f64,
    /// Channels (indices) whose waiting times and pairs are counted; of all jumps together only waiting times are.
    pub channels: Vec<usize>,
}

/// The lattices of delays and of times on which a [`Grid`] counts.
///
/// Every pair's first jump lies in the window [from, from + window), chosen so that a partner at any delay up to `max_delay`
/// still falls into the run: all delays see the same window and nothing is lost at its end. Times are counted in cells of a
/// quarter of a delay bin (wider when more than 4096 would be needed).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    /// Number of delay bins.
    pub bins: usize,
    /// Width of a delay bin.
    pub bin: f64,
    /// Its inverse.
    bins_per_time: f64,
    /// Beginning of the window.
    pub from: f64,
    /// Width of a time cell.
    pub cell: f64,
    /// Cells of the window.
    pub window_cells: usize,
    /// Cells that the longest delay spans (rounded up).
    pub lags: usize,
}

/// Time cells per delay bin, and the most cells of all.
const CELLS_PER_BIN: f64 = 4.0;
const MOST_CELLS: f64 = 4096.0;

impl Lattice {
    /// The lattices for a run that ends at `end`.
    pub fn new(grid: &Grid, end: f64) -> Self {
        let span = end - grid.from;
        let bin = grid.max_delay / grid.bins as f64;
        let cell = (bin / CELLS_PER_BIN).max(span / MOST_CELLS);
        let lags = ((grid.max_delay / cell - 1e-9).ceil() as usize).max(1);
        let cells = (span / cell + 1e-9).floor() as usize;
        let window_cells = cells.saturating_sub(lags).max(1);
        Self { bins: grid.bins, bin, bins_per_time: 1.0 / bin, from: grid.from, cell, window_cells, lags }
    }

    /// Length of the window.
    pub fn window(&self) -> f64 {
        self.window_cells as f64 * self.cell
    }

    /// The cell of a time, or `None` before the window or beyond the last delay.
    fn cell_of(&self, time: f64) -> Option<usize> {
        let cell = (time - self.from) / self.cell;
        (cell >= 0.0 && cell < (self.window_cells + self.lags) as f64).then_some(cell as usize)
    }

    /// The bin of a delay.
    fn bin_of(&self, delay: f64) -> Option<usize> {
        let bin = (delay * self.bins_per_time) as usize;
        (bin < self.bins).then_some(bin)
    }
}

/// Weighted counts of one kind of jump over some trajectories. Sums of equal weights 1 are exact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JumpTally {
    /// Jumps inside the window.
    pub starts: f64,
    /// Of these, the ones followed by the next jump of the kind after a time in each delay bin.
    pub waits: Vec<f64>,
    /// Pairs of jumps of one trajectory with the first in the window, by delay bin; empty when not asked for.
    pub pairs: Vec<f64>,
    /// Jumps in each time cell.
    pub times: Vec<f64>,
    /// Σ w² Σ_a n_a n_{a+l} over trajectories, n_a their jumps in cell a of the window, for each lag l in cells: what a
    /// product of the sums over trajectories holds of each trajectory with itself.
    pub own: Vec<f64>,
}

impl JumpTally {
    fn new(lattice: &Lattice, pairs: bool) -> Self {
        let length = |length: usize| vec![0.0; if pairs { length } else { 0 }];
        Self {
            starts: 0.0,
            waits: vec![0.0; lattice.bins],
            pairs: length(lattice.bins),
            times: length(lattice.window_cells + lattice.lags),
            own: length(lattice.lags + 1),
        }
    }

    /// Adds `sign` times what `other` has seen.
    fn accumulate(&mut self, other: &Self, sign: f64) {
        self.starts += sign * other.starts;
        for (mine, theirs) in [
            (&mut self.waits, &other.waits),
            (&mut self.pairs, &other.pairs),
            (&mut self.times, &other.times),
            (&mut self.own, &other.own),
        ] {
            mine.iter_mut().zip(theirs).for_each(|(x, y)| *x += sign * y);
        }
    }

    /// Adds the jump times of one trajectory, ascending; `cells` lends memory.
    fn count(&mut self, lattice: &Lattice, weight: f64, times: &[f64], cells: &mut Vec<Option<usize>>) {
        cells.clear();
        cells.extend(times.iter().map(|t| lattice.cell_of(*t)));
        let pairs = !self.pairs.is_empty();
        for (i, (&time, &cell)) in times.iter().zip(cells.iter()).enumerate() {
            let Some(cell) = cell else { continue };
            if pairs {
                self.times[cell] += weight;
            }
            if cell >= lattice.window_cells {
                continue;
            }
            self.starts += weight;
            if let Some(bin) = times.get(i + 1).and_then(|next| lattice.bin_of(next - time)) {
                self.waits[bin] += weight;
            }
            if pairs {
                self.own[0] += weight * weight;
                for (&later, &partner) in times[i + 1..].iter().zip(&cells[i + 1..]) {
                    let Some(lag) = partner.map(|partner| partner - cell).filter(|lag| *lag <= lattice.lags) else {
                        break;
                    };
                    // Two jumps in one cell make two ordered products.
                    self.own[lag] += if lag == 0 { 2.0 * weight * weight } else { weight * weight };
                    if let Some(bin) = lattice.bin_of(later - time) {
                        self.pairs[bin] += weight;
                    }
                }
            }
        }
    }
}

/// Counts over some trajectories: of all jumps together, then of every channel of the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tallies {
    /// Σ w over the trajectories.
    pub weight: f64,
    /// Σ w².
    pub weight_squared: f64,
    /// All jumps (waiting times only), then the channels in the order of [`Grid::channels`].
    pub kinds: Vec<JumpTally>,
}

impl Tallies {
    fn new(grid: &Grid, lattice: &Lattice) -> Self {
        let kinds = std::iter::once(false).chain(grid.channels.iter().map(|_| true));
        Self { weight: 0.0, weight_squared: 0.0, kinds: kinds.map(|pairs| JumpTally::new(lattice, pairs)).collect() }
    }

    /// Counts one block's records, whose jumps must have been kept.
    pub fn of(grid: &Grid, end: f64, records: &BlockRecords) -> Self {
        let lattice = Lattice::new(grid, end);
        let mut tallies = Self::new(grid, &lattice);
        let (mut times, mut cells) = (Vec::new(), Vec::new());
        for trajectory in records.trajectories() {
            let weight = trajectory.weight;
            tallies.weight += weight;
            tallies.weight_squared += weight * weight;
            let kinds = std::iter::once(None).chain(grid.channels.iter().copied().map(Some));
            for (tally, kind) in tallies.kinds.iter_mut().zip(kinds) {
                times.clear();
                let ours = trajectory.jumps.iter().filter(|jump| kind.is_none_or(|channel| jump.channel == channel));
                times.extend(ours.map(|jump| jump.time));
                tally.count(&lattice, weight, &times, &mut cells);
            }
        }
        tallies
    }

    /// Adds all that `other` has seen.
    pub fn add(&mut self, other: &Self) {
        self.accumulate(other, 1.0);
    }

    /// What is left without `part`, which is part of these.
    pub fn without(&self, part: &Self) -> Self {
        let mut rest = self.clone();
        rest.accumulate(part, -1.0);
        rest
    }

    fn accumulate(&mut self, other: &Self, sign: f64) {
        self.weight += sign * other.weight;
        self.weight_squared += sign * other.weight_squared;
        self.kinds.iter_mut().zip(&other.kinds).for_each(|(mine, theirs)| mine.accumulate(theirs, sign));
    }
}

/// Most groups that blocks are dealt to, for the jackknife.
pub const GROUPS: u64 = 64;

/// Counts of some blocks by group: block b belongs to group b mod 64.
///
/// With direct sampling every weight is 1 and every sum a whole number, so that it does not matter in which order blocks are
/// added.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Groups(BTreeMap<u64, Tallies>);

impl Groups {
    /// The counts of block `block`.
    pub fn of(block: u64, tallies: Tallies) -> Self {
        Self(BTreeMap::from([(block % GROUPS, tallies)]))
    }

    /// Adds all that `other` has seen.
    pub fn add(&mut self, other: Self) {
        for (group, tallies) in other.0 {
            match self.0.get_mut(&group) {
                Some(mine) => mine.add(&tallies),
                None => drop(self.0.insert(group, tallies)),
            }
        }
    }

    /// Whether the counts are those of `grid`, group by group: those read from a file might not be.
    pub(super) fn fit(&self, grid: &Grid, end: f64) -> bool {
        let empty = Tallies::new(grid, &Lattice::new(grid, end));
        let lengths = |tallies: &Tallies| -> Vec<[usize; 4]> {
            let of = |tally: &JumpTally| [&tally.waits, &tally.pairs, &tally.times, &tally.own].map(Vec::len);
            tallies.kinds.iter().map(of).collect()
        };
        let expected = lengths(&empty);
        self.0.iter().all(|(group, tallies)| *group < GROUPS && lengths(tallies) == expected)
    }
}

/// Counts of an ensemble in groups of trajectories (see [`Groups`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Correlations {
    /// What was counted.
    pub grid: Grid,
    /// On which lattices.
    pub lattice: Lattice,
    /// The groups that hold a trajectory.
    pub groups: Vec<Tallies>,
}

impl Correlations {
    /// What was counted in a run that ends at `end`.
    pub fn new(grid: &Grid, end: f64, groups: Groups) -> Self {
        Self { grid: grid.clone(), lattice: Lattice::new(grid, end), groups: groups.0.into_values().collect() }
    }

    /// All groups together; `None` when there are none.
    pub fn total(&self) -> Option<Tallies> {
        self.groups.iter().cloned().reduce(|mut total, group| {
            total.add(&group);
            total
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::RecordedJump;

    fn grid() -> Grid {
        Grid { bins: 4, max_delay: 2.0, from: 1.0, channels: vec![1] }
    }

    fn records(trajectories: &[&[(f64, usize)]]) -> BlockRecords {
        let mut records = BlockRecords::new(0);
        for jumps in trajectories {
            let recorded = jumps.iter().map(|&(time, channel)| RecordedJump { time, channel });
            records.jumps_mut().extend(recorded);
            records.finish_trajectory(1.0, []);
        }
        records
    }

    #[test]
    fn the_window_leaves_room_for_the_longest_delay() {
        let lattice = Lattice::new(&grid(), 10.0);
        assert_eq!((lattice.bin, lattice.cell, lattice.lags, lattice.window()), (0.5, 0.125, 16, 7.0));
        // Many cells: the lattice coarsens, and still nothing lies beyond the end.
        let coarse = Lattice::new(&grid(), 1e6);
        let last = coarse.from + coarse.window() + coarse.lags as f64 * coarse.cell;
        assert!(coarse.lags == 1 && coarse.cell > 200.0 && last <= 1e6 + 1e-6, "{coarse:?}");
    }

    #[test]
    fn waits_and_pairs_are_those_counted_by_hand() {
        // Too early; two of channel 1, one of channel 0 between, one of channel 1; one beyond the window.
        let jumps = [(0.5, 1), (1.1, 1), (1.2, 0), (1.9, 1), (9.5, 1)];
        let tallies = Tallies::of(&grid(), 10.0, &records(&[&jumps, &[]]));
        let [all, one] = &tallies.kinds[..] else { panic!("two kinds") };
        assert_eq!((tallies.weight, tallies.weight_squared), (2.0, 2.0));
        assert_eq!((all.starts, &all.waits[..]), (3.0, &[1.0, 1.0, 0.0, 0.0][..]));
        assert_eq!((one.starts, &one.waits[..]), (2.0, &[0.0, 1.0, 0.0, 0.0][..]));
        assert_eq!(one.pairs, [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(one.times.iter().sum::<f64>(), 3.0);
    }

    /// Σ_a n_a n_{a+l} by its definition.
    #[test]
    fn own_products_are_the_products_of_the_cells() {
        let grid = Grid { channels: vec![0], ..grid() };
        let jumps: Vec<(f64, usize)> =
            (0..60).map(|i| (0.3 + 0.15 * f64::from(i) + 0.05 * (i as f64).sin(), 0)).collect();
        let lattice = Lattice::new(&grid, 10.0);
        let tally = &Tallies::of(&grid, 10.0, &records(&[&jumps])).kinds[1];
        let n = &tally.times;
        for lag in 0..=lattice.lags {
            let expected: f64 = (0..lattice.window_cells).map(|a| n[a] * n[a + lag]).sum();
            assert_eq!(tally.own[lag], expected, "lag {lag}");
        }
    }

    #[test]
    fn a_part_can_be_taken_away_again() {
        let first = Tallies::of(&grid(), 10.0, &records(&[&[(2.0, 1), (2.2, 1)]]));
        let second = Tallies::of(&grid(), 10.0, &records(&[&[(3.0, 1), (4.2, 1)]]));
        let mut both = first.clone();
        both.add(&second);
        assert_eq!(both.without(&second), first);
    }
}
