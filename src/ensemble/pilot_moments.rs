//! Second moments of what pilot trajectories did in every interval: all that a law of motion is fitted to.

use nalgebra::{DMatrix, DMatrixView};

use super::pilot_record::{INTERVALS, PilotRecord, Size};

/// Moments of the quantities, of what their martingales gained, and of the quantities an interval later, pooled over all intervals.
/// Deviations are taken from the pilots' mean at each time.
#[derive(Debug, Clone)]
pub struct PilotMoments {
    /// How many pilots there were.
    pub pilots: usize,
    /// How often they jumped.
    pub jumps: u64,
    /// Σ (ΔN)² over their jumps.
    pub quanta: f64,
    /// How large every quantity was.
    pub sizes: Vec<Size>,
    /// Of y, ΔM and the next y, one after the other.
    products: DMatrix<f64>,
}

impl PilotMoments {
    /// Those of some pilots that followed `order` quantities, the first of which is N.
    pub fn of(pilots: &[PilotRecord], order: usize) -> Self {
        let width = 3 * order;
        let mut products = DMatrix::zeros(width, width);
        let mut samples = DMatrix::zeros(width, pilots.len());
        for interval in 0..INTERVALS {
            let (now, next) = (interval * order, (interval + 1) * order);
            for (pilot, mut sample) in pilots.iter().zip(samples.column_iter_mut()) {
                for place in 0..order {
                    sample[place] = pilot.values[now + place];
                    sample[order + place] = pilot.martingales[next + place] - pilot.martingales[now + place];
                    sample[2 * order + place] = pilot.values[next + place];
                }
            }
            for mut row in samples.row_iter_mut() {
                let mean = row.mean();
                row.add_scalar_mut(-mean);
            }
            products.gemm(1.0, &samples, &samples.transpose(), 1.0);
        }
        Self {
            pilots: pilots.len(),
            jumps: pilots.iter().map(|pilot| pilot.jumps).sum(),
            quanta: pilots.iter().filter_map(|pilot| pilot.activity.first()).sum(),
            sizes: (0..order).map(|place| Size::of(pilots, order, place)).collect(),
            products,
        }
    }

    /// Those of two groups of pilots together, each about its own means.
    pub fn and(&self, other: &Self) -> Self {
        Self {
            pilots: self.pilots + other.pilots,
            jumps: self.jumps + other.jumps,
            quanta: self.quanta + other.quanta,
            sizes: self.sizes.iter().zip(&other.sizes).map(|(one, other)| one.and(*other)).collect(),
            products: &self.products + &other.products,
        }
    }

    /// Those of some quantities alone.
    pub fn at(&self, places: &[usize]) -> Self {
        let order = self.order();
        let all: Vec<usize> = (0..3).flat_map(|part| places.iter().map(move |place| part * order + place)).collect();
        Self {
            sizes: places.iter().map(|place| self.sizes[*place]).collect(),
            products: self.products.select_rows(&all).select_columns(&all),
            ..*self
        }
    }

    /// Number of quantities.
    pub fn order(&self) -> usize {
        self.sizes.len()
    }

    /// The moments of y and ΔM, and those of both with the next y, row by row.
    pub fn regression(&self) -> (Vec<f64>, Vec<f64>) {
        let (regressors, order) = (2 * self.order(), self.order());
        let rows = |block: DMatrixView<f64>| block.transpose().as_slice().to_vec();
        (
            rows(self.products.view((0, 0), (regressors, regressors))),
            rows(self.products.view((0, regressors), (regressors, order))),
        )
    }
}
