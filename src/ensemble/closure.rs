//! A linear law of motion for the followed quantities, learned from pilot trajectories: it weights the martingales.

use nalgebra::DMatrix;

use super::least_squares::LeastSquares;
use super::pilot_moments::PilotMoments;
use super::pilot_record::{INTERVALS, Size};
use crate::system::combine;

/// Rows are padded to a multiple of this, for the vector loops.
const BLOCK: usize = 8;

/// Jumps that pilots must have seen per regressor. A law learned from few jumps fits those, weights rarer histories wrongly,
/// and leaves a skewed residue whose error bar comes out too small.
const JUMPS_PER_REGRESSOR: u64 = 10;

/// Jumps by a whole quantum, as the rates say, that pilots must have had for a law of what involves the oscillator. With fewer,
/// some of the changes that balance its martingales are likely missing, and the fit would weight what is left of them.
const QUANTA: f64 = 10.0;

/// Gain over a whole run, in units of the quantities' own deviations, above which a fitted law is not to be trusted; and answer to a
/// martingale's gain within one interval, in units of what the quantities vary by.
const LARGEST_GAIN: f64 = 30.0;

/// Directions of the regressors below this fraction of the largest are left out of a fit.
pub const FINEST: &[f64] = &[1e-8];

/// Below these, one after the other until the law that is found can be trusted: quantities that are nearly combinations of others are
/// not told apart by a few hundred pilots. A law that leaves out more explains histories by others that came with them: it has to be
/// tried on pilots that it was not fitted to.
pub const COARSER: &[f64] = &[1e-8, 1e-7, 1e-6, 1e-5];

/// y(τ_{k+1}) ≈ E y(τ_k) + R ΔM_k + const for the followed quantities y at equidistant times τ_k, with ΔM_k what their
/// martingales gained in between.
///
/// The ideal control variate of ⟨O⟩_t is the martingale of its adjoint solution, ∫ d⟨e^{𝓛†(t−s)}O⟩: it leaves no
/// variance. e^{𝓛†t}O is as large as the density matrix, so it is replaced by its best linear prediction within the
/// followed quantities: V_{k+1} = E V_k + R ΔM_k, V_0 = M(0), which tells how far y has been carried from its mean by
/// the chances that M records. E and R are least-squares fits to pilot trajectories that are used for nothing else.
/// Given E and R, V is a sum of martingale gains with fixed weights: its mean is zero *whatever* E and R are, so a poor
/// fit costs variance, never truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Closure {
    order: usize,
    stride: usize,
    /// Eᵀ above Rᵀ, rows padded with zeros to the stride.
    law: Vec<f64>,
    /// What errors of the martingales make of V, see [`Self::amplification`].
    amplification: Vec<f64>,
}

impl Closure {
    /// E = R = 1: V is M.
    pub fn identity(order: usize) -> Self {
        let identity: Vec<f64> = (0..order * order).map(|i| if i % (order + 1) == 0 { 1.0 } else { 0.0 }).collect();
        Self::new(order, &identity, &identity)
    }

    /// The law of quantities that pilot trajectories teach: of all of them if enough quanta have come and gone, else of those
    /// `of_spins` alone. A run's martingales err by `tolerance`·(1 + |y|). Fits leave out what is below the fractions `negligible`.
    pub fn learn(pilots: &PilotMoments, of_spins: &[bool], tolerance: f64, negligible: &[f64]) -> Self {
        // What varies by its numerical error only teaches nothing.
        let moves = |place: &usize| {
            let Size { largest, varies } = pilots.sizes[*place];
            varies > tolerance * (1.0 + largest)
        };
        let known = |place: &usize| pilots.quanta >= QUANTA || of_spins[*place];
        let law: Vec<usize> = (0..pilots.order()).filter(known).filter(moves).collect();
        Self::fit(pilots, &law, negligible)
    }

    /// The least-squares fit to pilot trajectories for the quantities `law` among all of them, pooled over all intervals; for the
    /// others E = R = 1.
    fn fit(pilots: &PilotMoments, law: &[usize], negligible: &[f64]) -> Self {
        let (all, order) = (pilots.order(), law.len());
        let regressors = 2 * order;
        if pilots.pilots < 2 || law.is_empty() || pilots.jumps < JUMPS_PER_REGRESSOR * regressors as u64 {
            return Self::identity(all);
        }
        let (gram, right) = pilots.at(law).regression();
        let deviation: Vec<f64> = (0..order).map(|j| gram[j * regressors + j].sqrt()).collect();
        let varies: Vec<f64> = law.iter().map(|place| pilots.sizes[*place].varies).collect();
        let regression = LeastSquares::new(&gram, &right, regressors);
        let fits: Vec<Vec<f64>> = negligible.iter().map(|part| regression.solution(*part, |_| true)).collect();
        let trusted = |fit: &[f64], from: usize, to: usize| {
            (fit[(order + from) * order + to] * varies[from] / varies[to]).abs() <= LARGEST_GAIN
        };
        for first in 0..fits.len() {
            let fits = &fits[first..];
            // Every quantity answers by the finest fit that it can be trusted to answer by.
            let chosen: Option<Vec<&Vec<f64>>> =
                (0..order).map(|to| fits.iter().find(|fit| (0..order).all(|from| trusted(fit, from, to)))).collect();
            let Some(chosen) = chosen else { continue };
            let fitted: Vec<f64> = (0..regressors * order).map(|cell| chosen[cell % order][cell]).collect();
            let (transfer, response) = fitted.split_at(order * order);
            if Self::new(order, transfer, response).gain(&deviation) <= LARGEST_GAIN {
                let (transfer, response) = (embedded(transfer, law, all), embedded(response, law, all));
                return Self::new(all, &transfer, &response).amplifying(&pilots.sizes);
            }
        }
        // A martingale that hardly moved in the pilots, as none of its jumps was among them, is weighted by its rounding.
        let trusted = |from: &usize| fits.last().is_some_and(|fit| (0..order).all(|to| trusted(fit, *from, to)));
        let answering: Vec<usize> = (0..order).filter(trusted).collect();
        if answering.len() == order {
            return Self::identity(all);
        }
        Self::fit(pilots, &answering.into_iter().map(|place| law[place]).collect::<Vec<_>>(), negligible)
    }

    /// Number of quantities.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Largest entry of E^INTERVALS in units of the deviations.
    fn gain(&self, deviation: &[f64]) -> f64 {
        let order = self.order;
        let ratio = |i: usize, j: usize| if deviation[j] > 0.0 { deviation[i] / deviation[j] } else { 0.0 };
        let scaled = DMatrix::from_fn(order, order, |i, j| self.row(i)[j] * ratio(i, j));
        let power = scaled.pow(INTERVALS as u32);
        power.iter().fold(0.0, |largest: f64, x| if x.is_nan() { f64::INFINITY } else { largest.max(x.abs()) })
    }

    /// V at the end of an interval, of V at its beginning followed by the martingales' gains ΔM; `to` is at least
    /// [`Self::stride`] long.
    pub fn predict(&self, state: &[f64], to: &mut [f64]) {
        combine(state, &self.law, &mut to[..self.stride]);
    }

    /// Length of the rows that [`Self::predict`] writes.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// With E and R by columns: what every V_j, then what every ΔM_j adds to all of V.
    pub(super) fn new(order: usize, transfer: &[f64], response: &[f64]) -> Self {
        let stride = order.next_multiple_of(BLOCK);
        let mut law = Vec::with_capacity(2 * order * stride);
        for row in transfer.chunks_exact(order).chain(response.chunks_exact(order)) {
            law.extend_from_slice(row);
            law.resize(law.len() + stride - order, 0.0);
        }
        Self { order, stride, law, amplification: vec![1.0; order] }
    }

    /// The same with what it makes of errors of the martingales of quantities of these sizes.
    fn amplifying(mut self, sizes: &[Size]) -> Self {
        let order = self.order;
        let matrix = |first: usize| DMatrix::from_fn(order, order, |i, j| self.row(first + j)[i]);
        let (transfer, response) = (matrix(0), matrix(order));
        let mut power = DMatrix::identity(order, order);
        let mut largest = DMatrix::<f64>::identity(order, order);
        for _ in 0..INTERVALS {
            let answer = &power * &response;
            largest.zip_zip_apply(&answer, &power, |largest, x, y| *largest = largest.max(x.abs()).max(y.abs()));
            power = &transfer * power;
        }
        let error = |j: usize| 1.0 + sizes[j].largest;
        self.amplification = (0..order).map(|i| (0..order).map(|j| largest[(i, j)] * error(j)).sum()).collect();
        self
    }

    /// By how much V may err at any time in units of the tolerance, of which martingales err by 1 + |y|. Where nothing
    /// was learned V is M, and this is 1: the |y| is added where the error bar is made.
    ///
    /// This is an estimate: the integrals' errors add up to the tolerance over a run, so that the largest element of all E^k and E^k R
    /// is what counts; those of boundaries within a stretch come and go.
    pub fn amplification(&self) -> &[f64] {
        &self.amplification
    }

    /// Row `i` of Eᵀ (i below the order), then of Rᵀ.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.law[i * self.stride..i * self.stride + self.order]
    }
}

/// The matrix `inner` of the places `law` among `order`, and 1 for the others.
fn embedded(inner: &[f64], law: &[usize], order: usize) -> Vec<f64> {
    let mut whole: Vec<f64> = (0..order * order).map(|i| if i % (order + 1) == 0 { 1.0 } else { 0.0 }).collect();
    for (row, from) in law.iter().zip(inner.chunks_exact(law.len())) {
        for (column, element) in law.iter().zip(from) {
            whole[row * order + column] = *element;
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::pilot_record::PilotRecord;

    fn fit_all(pilots: &[PilotRecord], order: usize) -> Closure {
        Closure::fit(&PilotMoments::of(pilots, order), &(0..order).collect::<Vec<_>>(), FINEST)
    }

    /// A noisy rotation with damping is found again, and V follows y exactly.
    #[test]
    fn a_linear_law_is_found() {
        let (e, r) = ([[0.9, 0.2], [-0.2, 0.9]], [[1.0, 0.1], [0.0, 0.8]]);
        let mut noise = 0.5f64;
        let mut random = move || {
            noise = (noise * 997.0 + 0.123).fract();
            noise - 0.5
        };
        let pilots: Vec<PilotRecord> = (0..20)
            .map(|_| {
                let (mut y, mut m) = ([0.0; 2], [0.0; 2]);
                let mut record =
                    PilotRecord { values: y.to_vec(), martingales: m.to_vec(), jumps: 100, ..PilotRecord::default() };
                for _ in 0..INTERVALS {
                    let gain = [random(), random()];
                    let step = |i: usize| (0..2).map(|j| e[i][j] * y[j] + r[i][j] * gain[j]).sum::<f64>();
                    y = [step(0), step(1)];
                    m = [m[0] + gain[0], m[1] + gain[1]];
                    record.values.extend(y);
                    record.martingales.extend(m);
                }
                record
            })
            .collect();
        let closure = fit_all(&pilots, 2);
        for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            assert!((closure.row(j)[i] - e[i][j]).abs() < 1e-9, "{closure:?}");
            assert!((closure.row(2 + j)[i] - r[i][j]).abs() < 1e-9, "{closure:?}");
        }
        let mut v = [0.0; BLOCK];
        closure.predict(&[1.0, 2.0, 0.5, -0.5], &mut v);
        assert!((v[0] - (0.9 + 0.4 + 0.5 - 0.05)).abs() < 1e-9 && (v[1] - (-0.2 + 1.8 - 0.4)).abs() < 1e-9, "{v:?}");
    }

    /// Number and inversion decay in the same way; below ten quanta only that of the spins is taken from the pilots.
    #[test]
    fn few_quanta_teach_nothing_of_the_oscillator() {
        let of_spins = [false, true];
        let order = of_spins.len();
        let mut noise = 0.5f64;
        let mut random = move || {
            noise = (noise * 997.0 + 0.123).fract();
            noise - 0.5
        };
        let pilots: Vec<PilotRecord> = (0..20)
            .map(|_| {
                let (mut y, mut m) = (vec![0.0; order], vec![0.0; order]);
                let mut record =
                    PilotRecord { values: y.clone(), martingales: m.clone(), jumps: 100, ..PilotRecord::default() };
                for _ in 0..INTERVALS {
                    for (y, m) in y.iter_mut().zip(&mut m) {
                        let gain = random();
                        (*y, *m) = (0.9 * *y + 0.5 * gain, *m + gain);
                    }
                    record.values.extend(&y);
                    record.martingales.extend(&m);
                }
                record
            })
            .collect();
        for (quanta, taught) in [(9.9, false), (10.1, true)] {
            let mut moments = PilotMoments::of(&pilots, order);
            moments.quanta = quanta;
            let closure = Closure::learn(&moments, &of_spins, 1e-9, FINEST);
            for (place, spins) in of_spins.into_iter().enumerate() {
                let expected = if taught || spins { [0.9, 0.5] } else { [1.0, 1.0] };
                let found = [closure.row(place)[place], closure.row(order + place)[place]];
                let close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-9);
                assert!(close, "{quanta} quanta, place {place}: {found:?}, not {expected:?}");
            }
        }
    }

    #[test]
    fn a_law_that_explodes_is_refused() {
        let grow = |start: f64| PilotRecord {
            values: (0..=INTERVALS).map(|k| start * 1.2f64.powi(k as i32)).collect(),
            martingales: vec![0.0; INTERVALS + 1],
            jumps: 100,
            ..PilotRecord::default()
        };
        assert_eq!(fit_all(&[grow(1.0), grow(-1.0), grow(0.3)], 1), Closure::identity(1));
    }

    /// Two quantities of size 1, one of whose martingales moves by rounding only while jumps of the other are fitted: its answer would be
    /// that of the rounding.
    #[test]
    fn a_martingale_that_hardly_moved_is_left_out() {
        let mut noise = 0.5f64;
        let mut random = move || {
            noise = (noise * 997.0 + 0.123).fract();
            noise - 0.5
        };
        let mut pilots = |moved: f64| -> Vec<PilotRecord> {
            let pilot = |_| {
                let (mut y, mut m) = ([1.0 + 1e-3 * random(), 0.0], [0.0; 2]);
                let mut record =
                    PilotRecord { jumps: 1000, values: y.to_vec(), martingales: m.to_vec(), ..PilotRecord::default() };
                for _ in 0..INTERVALS {
                    let gain = [moved * random(), random()];
                    y = [0.999 * y[0] + gain[0] + 1e-3 * random() + 1e-4 * gain[0] / moved, 0.9 * y[1] + gain[1]];
                    m = [m[0] + gain[0], m[1] + gain[1]];
                    record.values.extend(y);
                    record.martingales.extend(m);
                }
                record
            };
            (0..20).map(pilot).collect()
        };
        let answer = |closure: &Closure| (0..2).map(|i| closure.row(2 + i)[i]).collect::<Vec<_>>();
        let close =
            |found: &[f64], right: [f64; 2]| found.iter().zip(right).all(|(found, right)| (found - right).abs() < 0.02);
        // Jumps of both: both are taught.
        let taught = answer(&fit_all(&pilots(1.0), 2));
        assert!(close(&taught, [1.0, 1.0]) && taught[0] != 1.0, "{taught:?}");
        // None of the first: it would answer 10³-fold.
        let taught = answer(&fit_all(&pilots(1e-7), 2));
        assert!(taught[0] == 1.0 && close(&taught, [1.0, 1.0]), "{taught:?}");
    }

    /// What varies by rounding is left out of the law. What is in it makes of the martingales' errors what its largest answers say.
    #[test]
    fn errors_of_martingales_are_carried_on() {
        let mut noise = 0.5f64;
        let mut random = move || {
            noise = (noise * 997.0 + 0.123).fract();
            noise - 0.5
        };
        // Two of the spins' own, the first of size 1 and the second of that of rounding, or 10⁶ times as large.
        let (places, order) = ([4, 16], 17);
        let mut pilots = |small: f64| -> Vec<PilotRecord> {
            let pilot = |_| {
                let [mut y, mut m] = [(); 2].map(|()| vec![0.0; order]);
                let mut record =
                    PilotRecord { jumps: 1000, values: y.clone(), martingales: m.clone(), ..PilotRecord::default() };
                for _ in 0..INTERVALS {
                    let gain = [random(), small * random()];
                    let answer = [0.9 * y[places[0]] + gain[0] + 3.0 * gain[1] / small, 0.5 * y[places[1]] + gain[1]];
                    for (place, (answer, gain)) in places.iter().zip(answer.iter().zip(gain)) {
                        (y[*place], m[*place]) = (*answer, m[*place] + gain);
                    }
                    record.values.extend(&y);
                    record.martingales.extend(&m);
                }
                record
            };
            (0..20).map(pilot).collect()
        };
        let [rounding, known] = [1e-13, 1e-7]
            .map(|small| Closure::learn(&PilotMoments::of(&pilots(small), order), &[true; 17], 1e-10, FINEST));
        let answer = |closure: &Closure| closure.row(order + places[1])[places[0]];
        assert_eq!(answer(&rounding), 0.0);
        assert!((answer(&known) / 3e7 - 1.0).abs() < 1e-6, "{}", answer(&known));
        let [one, amplified] = [&rounding, &known].map(|closure| closure.amplification()[places[0]]);
        assert!((1.0..20.0).contains(&one), "{one}");
        assert!((3e7..4e7).contains(&amplified), "{amplified}");
    }

    #[test]
    fn what_is_left_out_of_the_law_keeps_its_martingale() {
        assert_eq!(embedded(&[2.0, 3.0, 4.0, 5.0], &[0, 2], 3), [2.0, 0.0, 3.0, 0.0, 1.0, 0.0, 4.0, 0.0, 5.0]);
    }
}
