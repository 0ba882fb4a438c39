//! The control variates of one trajectory, for every value of its record.

use super::Layout;
use super::closure::Closure;
use super::pilot_record::INTERVALS;
use super::projection::Projection;
use crate::system::{Experiment, FollowedSet, OpenSystem, quantity};
use crate::unravelling::{MartingaleMark, Martingales, Stretch};

/// Control variates of every value.
pub const CONTROLS: usize = 4;

/// The coefficients of the drift estimator y − M_O: V_O and the pairs of other quantities do not count.
pub const DRIFT: [f64; CONTROLS] = [0.0, 1.0, 0.0, 0.0];

/// What all trajectories of an ensemble share.
#[derive(Debug, Clone, PartialEq)]
pub struct Guide {
    /// The quantities that are followed.
    pub set: FollowedSet,
    /// The law that weights the martingales.
    pub closure: Closure,
    /// Means of the followed quantities over the initial states, if known: where initial states are drawn, the draw is
    /// one more zero-mean chance.
    pub expected: Option<Vec<f64>>,
    /// The times τ_k of the closure and the output times, ascending, and which of the two each is.
    stops: Vec<Stop>,
    times: Vec<f64>,
    /// Every observable as a combination of the followed quantities.
    expressions: Vec<Vec<f64>>,
    /// Those, and the quantity P S where it is followed, for the law.
    projection: Projection,
    /// Which of them is N.
    number: usize,
    /// Which of them each functional is of.
    functionals: Vec<usize>,
    /// Which quantity is P S, the second control of N.
    power: Option<usize>,
    interval: f64,
    /// The coefficients β of the controls of every value, fixed before the ensemble is run: with any of them the mean of y − β·c
    /// is that of y.
    pub coefficients: Vec<[f64; CONTROLS]>,
}

/// An instant at which the controls are needed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stop {
    /// The beginning, t = 0.
    Start,
    /// End of an interval of the closure.
    Boundary,
    /// Output number `0`.
    Output(usize),
}

impl Guide {
    /// The guide for an experiment on `system` with followed quantities and their law, and the coefficients of the drift estimator.
    pub fn new<S: OpenSystem>(
        system: &S,
        experiment: &Experiment,
        (set, closure): (FollowedSet, Closure),
        expected: Option<Vec<f64>>,
    ) -> Self {
        let boundaries = boundaries(experiment).into_iter().skip(1).map(|time| (time, Stop::Boundary));
        let outputs = experiment.times.iter().enumerate().map(|(index, time)| (*time, Stop::Output(index)));
        let mut stops: Vec<(f64, Stop)> =
            std::iter::once((0.0, Stop::Start)).chain(boundaries).chain(outputs).collect();
        // A stable sort: where they fall together, start and boundary come first.
        stops.sort_by(|a, b| a.0.total_cmp(&b.0));
        let expressions = quantity::expressions(system, set.operators(), &experiment.observables);
        let power = set.place(&quantity::power(system.model()));
        let itself = |place| (0..set.order()).map(|i| if i == place { 1.0 } else { 0.0 }).collect();
        let combinations: Vec<Vec<f64>> = expressions.iter().cloned().chain(power.map(itself)).collect();
        Self {
            projection: Projection::new(&closure, &combinations),
            closure,
            expected,
            times: stops.iter().map(|stop| stop.0).collect(),
            stops: stops.into_iter().map(|stop| stop.1).collect(),
            expressions,
            power,
            set,
            number: experiment.number_index(),
            functionals: (0..experiment.functional_count())
                .map(|place| experiment.functional(place).observable)
                .collect(),
            interval: duration(experiment) / INTERVALS as f64,
            coefficients: vec![DRIFT; Layout::new(experiment, system.channels().len()).estimates()],
        }
    }
}

impl Guide {
    /// Which quantity is P S, the second control of N.
    pub fn power(&self) -> Option<usize> {
        self.power
    }

    /// The observables as combinations of the quantities, up to constants.
    pub fn expressions(&self) -> &[Vec<f64>] {
        &self.expressions
    }

    /// The coefficients of the drift estimator of a curve, all 0 where the followed quantities do not tell of it: a jump's change is
    /// taken out of no value that has no controls.
    pub fn drift(&self, layout: Layout, entry: usize) -> [f64; CONTROLS] {
        let observable = layout.functional_at(entry).map_or(layout.curve(entry), |place| self.functionals[place]);
        if self.expressions[observable].iter().any(|c| *c != 0.0) { DRIFT } else { [0.0; CONTROLS] }
    }

    /// The same with other coefficients.
    pub fn with_coefficients(self, coefficients: Vec<[f64; CONTROLS]>) -> Self {
        Self { coefficients, ..self }
    }
}

fn duration(experiment: &Experiment) -> f64 {
    experiment.times.last().copied().unwrap_or(0.0)
}

/// τ_0 … τ_INTERVALS.
pub fn boundaries(experiment: &Experiment) -> Vec<f64> {
    let end = duration(experiment);
    (0..=INTERVALS).map(|k| if k == INTERVALS { end } else { end * k as f64 / INTERVALS as f64 }).collect()
}

/// Follows a trajectory and writes the controls of its record.
///
/// The controls of ⟨O⟩_t are V_O(t) and M_O(t), with V the [`Closure`]'s prediction, and for N those of P S too, since 𝓛†N
/// contains −P S. All have mean zero. Linear functionals of the curve ⟨N⟩(t), like a heating rate, have the same
/// functionals of N's controls.
pub struct Controls<'a, S: OpenSystem> {
    guide: &'a Guide,
    martingales: Martingales<'a, S>,
    carried: Carried,
    /// One set per value of the record (see [`Layout`]).
    pub record: Vec<[f64; CONTROLS]>,
}

/// All that [`Controls`] remember of a trajectory that goes on without a jump.
pub struct ControlsMark {
    martingales: MartingaleMark,
    carried: Carried,
    record: Vec<[f64; CONTROLS]>,
}

/// V and M at the last boundary.
#[derive(Clone, Default)]
struct Carried {
    /// The time of the last boundary.
    since: f64,
    order: usize,
    /// V, followed by what M has gained since.
    state: Vec<f64>,
    martingales: Vec<f64>,
    /// V with those gains, beside M.
    sums: Vec<[f64; 2]>,
    /// V at the next boundary.
    next: Vec<f64>,
    /// Combinations of V, those of M, and memory to spare.
    combinations: [Vec<f64>; 3],
}

impl Carried {
    fn begin(&mut self, closure: &Closure, projection: &Projection) {
        (self.since, self.order) = (0.0, closure.order());
        let Self { state, martingales, next, combinations: [of_v, of_m, spare], .. } = self;
        let stride = projection.stride();
        let lengths = [2 * self.order, self.order, closure.stride(), stride, stride, stride];
        for (vector, length) in [state, martingales, next, of_v, of_m, spare].into_iter().zip(lengths) {
            vector.clear();
            vector.resize(length, 0.0);
        }
        self.sums.resize(self.order, [0.0; 2]);
    }

    /// The first interval begins: V(0) = M(0).
    fn start(&mut self, martingales: &[f64]) {
        self.state[..self.order].copy_from_slice(martingales);
        self.martingales.copy_from_slice(martingales);
    }

    /// Another interval begins at `time`.
    fn settle(&mut self, closure: &Closure, time: f64, martingales: &[f64]) {
        self.gain(martingales);
        closure.predict(&self.state, &mut self.next);
        self.state[..self.order].copy_from_slice(&self.next[..self.order]);
        self.martingales.copy_from_slice(martingales);
        self.since = time;
    }

    /// Takes down what the martingales have gained.
    fn gain(&mut self, martingales: &[f64]) {
        for ((gain, m), before) in self.state[self.order..].iter_mut().zip(martingales).zip(&self.martingales) {
            *gain = m - before;
        }
    }

    /// Combinations of V at the fraction `fraction` of the present interval, and those of M.
    fn combine(&mut self, projection: &Projection, fraction: f64, martingales: &[f64]) -> [&[f64]; 2] {
        self.gain(martingales);
        let Self { state, sums, combinations: [of_v, of_m, spare], .. } = self;
        let (v, gains) = state.split_at(self.order);
        for (sums, ((v, gain), m)) in sums.iter_mut().zip(v.iter().zip(gains).zip(martingales)) {
            *sums = [v + gain, *m];
        }
        projection.combine(fraction, (state, sums), spare, [&mut *of_v, &mut *of_m]);
        [of_v, of_m]
    }
}

impl<'a, S: OpenSystem> Controls<'a, S> {
    /// Controls for trajectories of `system`; `tolerance` bounds the error of the integrals over a run.
    pub fn new(system: &'a S, guide: &'a Guide, layout: Layout, tolerance: f64) -> Self {
        Self {
            guide,
            martingales: Martingales::new(system, &guide.set, &guide.times, tolerance),
            carried: Carried::default(),
            record: vec![[0.0; CONTROLS]; layout.estimates()],
        }
    }

    /// Begins a trajectory.
    pub fn begin(&mut self) {
        self.martingales.begin(self.guide.expected.as_deref());
        self.carried.begin(&self.guide.closure, &self.guide.projection);
        self.record.fill([0.0; CONTROLS]);
    }

    /// What they remember of the trajectory.
    pub fn mark(&self) -> ControlsMark {
        ControlsMark {
            martingales: self.martingales.mark(),
            carried: self.carried.clone(),
            record: self.record.clone(),
        }
    }

    /// About the size of a mark in bytes.
    pub fn mark_size(&self) -> usize {
        size_of_val(&self.record[..])
    }

    /// Goes on from where `mark` was made, as long as no jump comes between.
    pub fn resume(&mut self, mark: &ControlsMark) {
        self.martingales.resume(&mark.martingales);
        self.carried.clone_from(&mark.carried);
        self.record.copy_from_slice(&mark.record);
    }

    /// Takes in a stretch without jumps.
    pub fn stretch(&mut self, layout: Layout, stretch: &Stretch) {
        let Self { guide, martingales, carried, record } = self;
        martingales.stretch(stretch, |stop, m| {
            let time = guide.times[stop];
            match guide.stops[stop] {
                Stop::Start => carried.start(m),
                Stop::Boundary => carried.settle(&guide.closure, time, m),
                Stop::Output(index) => {
                    let fraction = ((time - carried.since) / guide.interval).clamp(0.0, 1.0);
                    let [v, m] = carried.combine(&guide.projection, fraction, m);
                    for observable in 0..guide.expressions.len() {
                        // A pair of another quantity, small where a jump is rare to change it, would be given coefficients that
                        // the trajectories not seen yet do not obey.
                        let pairs_up = observable == guide.number && guide.power.is_some();
                        let power = guide.expressions.len();
                        let [more_v, more_m] = if pairs_up { [v[power], m[power]] } else { [0.0; 2] };
                        record[layout.observable(index, observable)] = [v[observable], m[observable], more_v, more_m];
                    }
                }
            }
        });
    }

    /// The guide.
    pub fn guide(&self) -> &'a Guide {
        self.guide
    }

    /// Fills in the controls of the functionals.
    pub fn finish(&mut self, layout: Layout, experiment: &Experiment) {
        finish_functionals(&mut self.record, layout, experiment);
    }
}

/// Fills in the controls of the functionals from those of their observables at every time.
pub fn finish_functionals(record: &mut [[f64; CONTROLS]], layout: Layout, experiment: &Experiment) {
    for place in 0..experiment.functional_count() {
        let functional = experiment.functional(place);
        let at = |time: usize, control: usize| record[layout.observable(time, functional.observable)][control];
        record[layout.functional(place)] =
            std::array::from_fn(|control| functional.of(&experiment.times, |time| at(time, control)));
    }
}

/// y − β·c for every value with controls, and after them the drift estimator of the heating rate, into `corrected`.
pub fn correct(
    layout: Layout,
    values: &[f64],
    controls: &[[f64; CONTROLS]],
    coefficients: &[[f64; CONTROLS]],
    corrected: &mut Vec<f64>,
) {
    let correct = |y: f64, c: &[f64; CONTROLS], beta: &[f64; CONTROLS]| {
        c.iter().zip(beta).fold(y, |rest, (c, beta)| if *beta == 0.0 { rest } else { rest - beta * c })
    };
    corrected.clear();
    let entries = values.iter().zip(controls).zip(coefficients);
    corrected.extend(entries.map(|((y, c), beta)| correct(*y, c, beta)));
    let rate = layout.heating_rate();
    corrected.push(correct(values[rate], &controls[rate], &DRIFT));
}
