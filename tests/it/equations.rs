//! Every model's Lindblad equation as data: against the density matrix and against the trajectories' channels.

#![allow(clippy::unwrap_used)]

use fluctuator::bath::Coefficients;
use fluctuator::hilbert::Cutoff;
use fluctuator::master::{self, Limits};
use fluctuator::model::{
    Adiabatic, BornMarkov, Form, Model, OscillatorBath, OscillatorPreparation, OscillatorSpins, Spin, SpinBath,
    SpinPreparation,
};
use fluctuator::operator::{Operator, Word};
use fluctuator::system::{Experiment, Jump, Observable, OscillatorJump, channels};
use num_complex::Complex64;
use proptest::prelude::*;

use crate::algebra::config;

/// The models of the program, over their range.
fn models() -> impl Strategy<Value = Model> {
    let bath = prop::option::of((0.0..5.0f64, 0.0..2.0f64).prop_map(|(gamma, nbar)| SpinBath { gamma, nbar }));
    let spin = (-2.0..2.0f64, -2.0..2.0f64, -0.8..0.8f64, bath, 0.0..2.0f64, any::<bool>()).prop_map(
        |(asymmetry, tunnelling, coupling, bath, dephasing, up)| {
            let initial = if up { SpinPreparation::Excited } else { SpinPreparation::Ground };
            Spin { asymmetry, tunnelling, coupling, initial, bath, dephasing }
        },
    );
    let own = prop::option::of((0.0..1.0f64, 0.0..1.0f64).prop_map(|(kappa, nbar)| OscillatorBath { kappa, nbar }));
    let dephasing = prop_oneof![Just(0.0), 0.0..1.0f64];
    let spins = (0.3..2.0f64, prop::collection::vec(spin, 0..3), own, dephasing).prop_map(
        |(frequency, spins, oscillator_bath, oscillator_dephasing)| {
            Model::OscillatorSpins(OscillatorSpins { frequency, spins, oscillator_bath, oscillator_dephasing })
        },
    );
    let adiabatic = (0.3..2.0f64, 0.0..1.0f64)
        .prop_map(|(frequency, diffusion)| Model::Adiabatic(Adiabatic { frequency, diffusion }));
    let coefficients = (0.0..0.3f64, 0.6..1.5f64, -0.3..0.3f64, -0.2..0.5f64).prop_map(
        |(gamma, diffusion, anomalous, frequency_shift_squared)| Coefficients {
            gamma,
            diffusion,
            anomalous,
            frequency_shift_squared,
        },
    );
    let born_markov = (0.6..1.5f64, 0.6..1.5f64, any::<bool>(), coefficients).prop_map(
        |(mass, frequency, completed, coefficients)| {
            let form = if completed { Form::Completed } else { Form::Secular };
            Model::BornMarkov(BornMarkov { mass, frequency, form, coefficients })
        },
    );
    prop_oneof![4 => spins, 1 => adiabatic, 1 => born_markov]
}

/// ⟨O⟩ in a product of levels.
fn expectation(operator: &Operator, levels: &[u32]) -> Complex64 {
    let diagonal = |(word, c): (&Word, Complex64)| {
        word.on(levels).filter(|(made, _)| made == levels).map_or(Complex64::ZERO, |(_, amplitude)| c * amplitude)
    };
    operator.terms().map(diagonal).sum()
}

/// A power of an operator.
fn power(of: Operator, power: u32) -> Operator {
    (0..power).fold(Operator::from(1.0), |product, _| product * &of)
}

/// The levels that a model of spins that are up or down starts from.
fn start(model: &Model, number: u32) -> Vec<u32> {
    let up = model.spins().iter().map(|spin| u32::from(spin.initial == SpinPreparation::Excited));
    std::iter::once(number).chain(up).collect()
}

/// Largest deviation of Σ t^k/k! ⟨(𝓛†)^k O⟩ at t = 0 from the density matrix, for all observables, relative to 1 + |⟨O⟩|; `factor`
/// multiplies the algebra's jump rates.
fn worst_of_power_series(model: &Model, number: u32, factor: f64) -> f64 {
    const ORDER: u32 = 7;
    // The eighth term of the parity is up to some 10⁻⁹ of Eq. (40) at t = 0.01.
    let times = vec![0.0, 0.0025, 0.005];
    let mut observables = Observable::all(model.spins().len());
    observables.retain(|o| matches!(model, Model::OscillatorSpins(_)) || *o != Observable::ENERGY);
    let experiment = Experiment {
        model: model.clone(),
        oscillator: OscillatorPreparation::Fock(number as usize),
        cutoff: Cutoff::Auto,
        times: times.clone(),
        observables: observables.clone(),
        heating_window: [0, 2],
        functionals: vec![],
    };
    let exact = master::solve(&experiment, &Limits::default(), |_| true).unwrap().unwrap();
    let mut equation = model.lindbladian().unwrap();
    equation.jumps.iter_mut().for_each(|jump| jump.rate *= factor);
    let levels = start(model, number);
    let mut worst = 0.0f64;
    for (observable, curve) in observables.iter().zip(&exact.observables) {
        let mut operator = observable.operator(model);
        let mut sums = vec![Complex64::ZERO; times.len()];
        let mut factorial = 1.0;
        for k in 0..=ORDER {
            let moment = expectation(&operator, &levels);
            for (sum, t) in sums.iter_mut().zip(&times) {
                *sum += moment * t.powi(k as i32) / factorial;
            }
            factorial *= f64::from(k + 1);
            operator = equation.adjoint(&operator);
        }
        for (sum, value) in sums.iter().zip(curve) {
            worst = worst.max((sum - value).norm() / (1.0 + value.abs()));
        }
    }
    worst
}

proptest! {
    #![proptest_config(config(60))]

    /// The power series in time of every observable, by the algebra alone, is that of the density matrix; with rates a tenth
    /// higher it is not.
    #[test]
    fn every_model_moves_as_its_density_matrix(model in models(), number in 0u32..4) {
        let right = worst_of_power_series(&model, number, 1.0);
        prop_assert!(right < 1e-9, "{right:e} {model:?}");
        // How fast jumps change N and the inversions at the start.
        let mut jumps = model.lindbladian().unwrap();
        jumps.hamiltonian = Operator::default();
        let speed = |o: Observable| expectation(&jumps.adjoint(&o.operator(&model)), &start(&model, number)).norm();
        let spins = (0..model.spins().len()).map(Observable::inversion);
        if spins.chain([Observable::NUMBER]).any(|o| speed(o) > 0.1) {
            let wrong = worst_of_power_series(&model, number, 1.1);
            prop_assert!(wrong > 1e-5, "{wrong:e} {model:?}");
        }
    }

    /// The jumps of kets are the operators of the equation: they are recognised, and nothing else is.
    #[test]
    fn channels_are_those_of_the_trajectories(model in models()) {
        let equation = model.lindbladian().unwrap();
        let parts = model.parts();
        let a = parts.oscillator;
        for (channel, jump) in channels(&model).into_iter().zip(&equation.jumps) {
            prop_assert_eq!((&channel.name, channel.rate), (&jump.name, jump.rate));
            let operator = match channel.jump {
                Jump::SpinDown(i) => parts.spins[i].lower(),
                Jump::SpinUp(i) => parts.spins[i].raise(),
                Jump::Dephase(i) => parts.spins[i].z(),
                Jump::Oscillator(OscillatorJump::Linear { lower, raise }) => lower * a.lower() + raise * a.raise(),
                Jump::Oscillator(OscillatorJump::Powers { raise, lower }) => power(a.raise(), raise) * power(a.lower(), lower),
                Jump::Positive | Jump::Negative => unreachable!("of Lindblad form"),
            };
            prop_assert_eq!(&operator, &jump.operator);
            prop_assert_eq!(Jump::of(&(a.parity() * operator)), None);
        }
    }

    #[test]
    fn the_chain_parity_is_found_where_it_is_conserved(model in models()) {
        let Model::OscillatorSpins(parameters) = &model else { return Ok(()) };
        let equation = model.lindbladian().unwrap();
        let found = equation.conserved_parities();
        // (−1)^{N + Σ up}: the charges of all parts are those of their levels.
        let chain = |charges: &[Vec<bool>]| charges.iter().all(|levels| levels[1]);
        let spanned = (0..1u32 << found.len()).any(|chosen| {
            let mut product = vec![vec![false; 2]; equation.space.len()];
            for (_, parity) in found.iter().enumerate().filter(|(i, _)| chosen >> i & 1 == 1) {
                product.iter_mut().zip(parity.charges()).for_each(|(sum, charges)| sum[1] ^= charges[1]);
            }
            chain(&product)
        });
        let symmetric = parameters.spins.iter().all(|spin| spin.asymmetry == 0.0 || spin.coupling == 0.0);
        prop_assert_eq!(spanned, symmetric);
        prop_assert_eq!(model.conserves_parity(), symmetric);
    }
}
