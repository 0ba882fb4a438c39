//! Mixed initial states sampled as pure ones.

use rand_distr::Geometric;

use super::Stream;
use crate::hilbert::{Cutoff, Ket, Window};
use crate::model::{OscillatorPreparation, PureOscillator, PurePreparation, Spin};
use crate::system::{Experiment, FollowedSet, OpenSystem};
use crate::unravelling::{Chance, INITIAL_TAIL};

/// Draws the pure state one trajectory starts from, with a stream kept for this purpose.
///
/// A thermal oscillator is drawn as a number state, P(n) = (1 − q) qⁿ with q = n̄/(n̄+1).
pub fn draw(oscillator: OscillatorPreparation, spins: &[Spin], stream: &mut Stream) -> PurePreparation {
    let mut excited = 0;
    for (i, spin) in spins.iter().enumerate() {
        if stream.uniform() < spin.initial_excited_probability() {
            excited |= 1 << i;
        }
    }
    let oscillator = match oscillator {
        OscillatorPreparation::Fock(n) => PureOscillator::Fock(n),
        OscillatorPreparation::Coherent(alpha) => PureOscillator::Coherent(alpha),
        OscillatorPreparation::Thermal(nbar) => {
            let n = Geometric::new(1.0 / (nbar + 1.0)).map_or(0, |distribution| stream.sample(&distribution));
            PureOscillator::Fock(usize::try_from(n).unwrap_or(usize::MAX))
        }
    };
    PurePreparation { oscillator, excited }
}

/// Whose turn it is among trials that are to try all parts of a preparation.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// Number of the trial, and how many there are.
    pub trial: [usize; 2],
    /// Two numbers in (0, 1), the same for all of them.
    pub shift: [f64; 2],
}

impl Turn {
    /// The part among `parts`, for how many trials one with this part stands, and a number in (0, 1) that is spread evenly over the
    /// trials of the part; `None` where there is no part.
    fn part(self, parts: usize) -> Option<(usize, f64, f64)> {
        let [trial, trials] = self.trial;
        let first = (self.shift[0] * parts as f64) as usize;
        let part = (trial + first).checked_rem(parts)?;
        // Where there are fewer trials than parts, which of them have a turn is up to the shift.
        let own =
            if trials > parts { (trials - trial % parts).div_ceil(parts) as f64 } else { trials as f64 / parts as f64 };
        let u = ((trial / parts) as f64 * GOLDEN + self.shift[1]).fract();
        Some((part, trials as f64 / own, u))
    }
}

/// (√5 − 1)/2: its multiples, modulo 1, are spread most evenly.
pub const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Another pure state than `state`, the weight of its being drawn over the probability of being returned here, and how rare it,
/// or one further out, is; `None` where the initial state is pure.
///
/// One part of the preparation is another, each in its turn: a spin turns over; of a thermal oscillator another level is chosen, those far
/// out more often than they are drawn, as P ∝ q'ⁿ with three times the occupation, at least 1.
pub fn another(experiment: &Experiment, state: &PurePreparation, turn: Turn) -> Option<(PurePreparation, f64, f64)> {
    let spins = experiment.model.spins().iter().map(Spin::initial_excited_probability).enumerate();
    let mixed: Vec<(usize, f64)> = spins.filter(|(_, p)| *p > 0.0 && *p < 1.0).collect();
    let thermal = match experiment.oscillator {
        OscillatorPreparation::Thermal(nbar) if nbar > 0.0 => Some(nbar),
        OscillatorPreparation::Fock(_) | OscillatorPreparation::Coherent(_) | OscillatorPreparation::Thermal(_) => None,
    };
    let parts = mixed.len() + usize::from(thermal.is_some());
    let (part, often, u) = turn.part(parts)?;
    if let Some((spin, p)) = mixed.get(part) {
        let excited = state.excited ^ 1 << spin;
        let probability = if excited & 1 << spin == 0 { 1.0 - p } else { *p };
        return Some((PurePreparation { excited, ..*state }, often * probability, probability));
    }
    let nbar = thermal?;
    let far = (3.0 * nbar).max(1.0);
    let log_probability = |nbar: f64, n: usize| n as f64 * (nbar / (nbar + 1.0)).ln() - (nbar + 1.0).ln();
    let PureOscillator::Fock(present) = state.oscillator else { return None };
    let log_ratio = (far / (far + 1.0)).ln();
    let [below, own] = [-(present as f64 * log_ratio).exp_m1(), log_probability(far, present).exp()];
    let other = u * (1.0 - own);
    let place = if other < below { other } else { other + own };
    let n = ((-place).ln_1p() / log_ratio) as usize;
    if n == present || matches!(experiment.cutoff, Cutoff::Levels(levels) if n >= levels) {
        return None;
    }
    let weight = (log_probability(nbar, n) - log_probability(far, n)).exp() * (1.0 - own);
    let oscillator = PureOscillator::Fock(n);
    let rarity = (n as f64 * (nbar / (nbar + 1.0)).ln()).exp();
    Some((PurePreparation { oscillator, ..*state }, often * weight, rarity))
}

/// How rare a drawn state is, or another one further out, by the part of it that is rarest.
pub fn rarity(experiment: &Experiment, state: &PurePreparation) -> f64 {
    let spins = experiment.model.spins().iter().map(Spin::initial_excited_probability).enumerate();
    let spins = spins.map(|(spin, p)| if state.excited & 1 << spin == 0 { 1.0 - p } else { p });
    let tail = match (experiment.oscillator, state.oscillator) {
        (OscillatorPreparation::Thermal(nbar), PureOscillator::Fock(n)) => {
            (n as f64 * (nbar / (nbar + 1.0)).ln()).exp()
        }
        _ => 1.0,
    };
    spins.fold(if tail > 0.0 { tail } else { 1.0 }, f64::min)
}

/// Means of the followed quantities over the initial states that [`draw`] draws from; `None` where a hard cutoff truncates a
/// thermal state, whose means are then others.
///
/// At t = 0 every followed quantity is linear in each spin's τz, so that its mean follows from one spin excited at a time. For number
/// states polynomials are of degree two in n: E[n(n−1)] = 2n̄² and the values at n = 0, 1, 2 do. With other functions of n all levels
/// are added up.
pub fn expected_quantities<S: OpenSystem>(system: &S, set: &FollowedSet, experiment: &Experiment) -> Option<Vec<f64>> {
    let mut scratch = set.scratch();
    let mut ket = Ket::zeros(Window::around(0, 1), system.rows());
    let probabilities: Vec<f64> = experiment.model.spins().iter().map(Spin::initial_excited_probability).collect();
    let certain = probabilities.iter().enumerate().filter(|(_, p)| **p >= 1.0).fold(0, |bits, (i, _)| bits | 1 << i);
    let mut quantities = |oscillator: PureOscillator, excited: u32| {
        let mut values = vec![0.0; set.width()];
        system.prepare(&PurePreparation { oscillator, excited }, INITIAL_TAIL, &mut ket);
        set.values(system.displacement(0.0), &ket, &mut scratch, &mut values);
        values.truncate(set.order());
        values
    };
    let mut over_spins = |oscillator: PureOscillator| {
        let base = quantities(oscillator, certain);
        let mut mean = base.clone();
        for (spin, p) in probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0 && **p < 1.0) {
            let one = quantities(oscillator, certain | 1 << spin);
            mean.iter_mut().zip(one).zip(&base).for_each(|((mean, one), base)| *mean += p * (one - base));
        }
        mean
    };
    match experiment.oscillator {
        OscillatorPreparation::Fock(n) => Some(over_spins(PureOscillator::Fock(n))),
        OscillatorPreparation::Coherent(alpha) => Some(over_spins(PureOscillator::Coherent(alpha))),
        OscillatorPreparation::Thermal(_) if experiment.cutoff != Cutoff::Auto => None,
        OscillatorPreparation::Thermal(nbar) => {
            if !set.is_polynomial() {
                return Some(over_levels(nbar, &mut over_spins));
            }
            let [zero, one, two] = [0, 1, 2].map(|n| over_spins(PureOscillator::Fock(n)));
            let mean =
                |((y0, y1), y2): ((&f64, &f64), &f64)| y0 + nbar * (y1 - y0) + nbar * nbar * (y2 - 2.0 * y1 + y0);
            Some(zero.iter().zip(&one).zip(&two).map(mean).collect())
        }
    }
}

/// The mean over a thermal state, to rounding.
fn over_levels(nbar: f64, of: &mut impl FnMut(PureOscillator) -> Vec<f64>) -> Vec<f64> {
    let ratio = nbar / (nbar + 1.0);
    let mut mean = Vec::new();
    let (mut n, mut p) = (0, 1.0 / (nbar + 1.0));
    // Populations beyond make less than rounding of what grows like n².
    while p > f64::EPSILON * 1e-8 / (nbar + 1.0) {
        let values = of(PureOscillator::Fock(n));
        mean.resize(values.len(), 0.0);
        mean.iter_mut().zip(values).for_each(|(mean, value)| *mean += p * value);
        (n, p) = (n + 1, p * ratio);
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::{Purpose, Streams};
    use crate::system::{Chain, quantity};

    /// Over all trials every part counts once for each, whether or not the parts divide them.
    #[test]
    fn every_part_has_its_turn() {
        for (trials, parts) in [(24, 3), (24, 16), (12, 5), (32, 1)] {
            let mut sums = vec![0.0; parts];
            for trial in 0..trials {
                let turn = Turn { trial: [trial, trials], shift: [0.7, 0.2] };
                let (part, often, u) = turn.part(parts).expect("there are parts");
                assert!((0.0..1.0).contains(&u));
                sums[part] += often;
            }
            assert!(sums.iter().all(|sum| (sum - trials as f64).abs() < 1e-9), "{sums:?}");
        }
        let shifts = 1300;
        let mean = (0..shifts).map(|i| {
            let turn = |trial| Turn { trial: [trial, 4], shift: [(f64::from(i) + 0.5) / f64::from(shifts), 0.2] };
            (0..4)
                .filter_map(|trial| turn(trial).part(13))
                .filter(|(part, ..)| *part == 5)
                .map(|(_, often, _)| often)
                .sum::<f64>()
        });
        assert!((mean.sum::<f64>() / f64::from(shifts) - 4.0).abs() < 0.05);
        assert_eq!(Turn { trial: [0, 1], shift: [0.5; 2] }.part(0), None);
    }

    /// Level by level a thermal mean is what the moments say, for polynomials; and E[log(1 + n)] = Σ p_n log(1 + n).
    #[test]
    fn thermal_means_are_the_same_level_by_level() {
        let spin = Spin {
            asymmetry: 0.0,
            tunnelling: 2.0,
            coupling: 1.0,
            initial: crate::model::SpinPreparation::Mixed { excited_probability: 0.3 },
            bath: Some(crate::model::SpinBath { gamma: 3.0, nbar: 0.2 }),
            dephasing: 0.0,
        };
        let model = crate::model::OscillatorSpins::new(1.0, vec![spin]);
        let chain = Chain::new(&model, Cutoff::Auto).expect("one symmetric spin");
        let experiment = Experiment {
            model: crate::model::Model::OscillatorSpins(model),
            cutoff: Cutoff::Auto,
            oscillator: OscillatorPreparation::Thermal(1.7),
            times: vec![0.0, 1.0],
            observables: vec![crate::system::Observable::NUMBER],
            heating_window: [0, 1],
            functionals: Vec::new(),
        };
        let [usual, all] = [quantity::followed(&chain), quantity::candidates(&chain).operators];
        let [usual, all] = [usual, all].map(|operators| FollowedSet::new(&chain, operators));
        let means = [&usual, &all].map(|set| expected_quantities(&chain, set, &experiment).expect("no cutoff"));
        assert!(usual.is_polynomial() && !all.is_polynomial());
        for (one, other) in means[0].iter().zip(&means[1]) {
            assert!((one - other).abs() < 1e-10 * (1.0 + one.abs()), "{one} {other}");
        }
        // The first beyond the usual ones is log(1 + N/s) with s = Γ²/32g², Γ = γ(2n̄ + 1), or at least 1.
        let p = |n: i32| (1.7f64 / 2.7).powi(n) / 2.7;
        let known: f64 = (0..200).map(|n| p(n) * (1.0 + f64::from(n)).ln()).sum();
        assert!((means[1][usual.order()] - known).abs() < 1e-10, "{} {known}", means[1][usual.order()]);
    }

    /// Known answer: another algorithm behind the distribution would change results without a word.
    #[test]
    fn thermal_states_are_drawn_as_they_always_were() {
        let n = |trajectory| {
            let mut stream = Streams::new(1).open(trajectory, Purpose::Preparation);
            match draw(OscillatorPreparation::Thermal(2.0), &[], &mut stream).oscillator {
                PureOscillator::Fock(n) => n,
                PureOscillator::Coherent(_) => unreachable!("thermal states are drawn as number states"),
            }
        };
        assert_eq!((0..8).map(n).collect::<Vec<_>>(), KNOWN);
        let mean = (0..20_000).map(n).sum::<usize>() as f64 / 20_000.0;
        // Variance n̄(n̄+1) = 6: 5σ of the mean of 20 000.
        assert!((mean - 2.0).abs() < 5.0 * (6.0f64 / 20_000.0).sqrt(), "{mean}");
    }

    const KNOWN: [usize; 8] = [3, 0, 3, 2, 2, 0, 0, 2];
}
