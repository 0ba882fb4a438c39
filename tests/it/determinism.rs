//! The same seed gives the same bytes on any number of threads; another seed does not.

use fluctuator::ensemble::{BlockRunner, Estimator, Plan};
use fluctuator::hilbert::Cutoff;
use fluctuator::model::{Model, OscillatorBath, OscillatorPreparation, SpinPreparation};
use fluctuator::propagate::Tolerances;
use fluctuator::system::Chain;

use crate::systems::{experiment, oscillator, run, spin};

#[test]
fn threads_change_nothing() {
    let mut thermal = spin(1.0, 0.3, 1.0, 0.5);
    thermal.initial = SpinPreparation::Thermal;
    let bath = Some(OscillatorBath { kappa: 0.1, nbar: 0.3 });
    let model = oscillator(vec![thermal, spin(0.7, 0.2, 0.5, 0.0)], bath);
    let experiment = experiment(model, OscillatorPreparation::Thermal(0.5), 3.0, 7);
    // 100 is no multiple of the block: the last block is short.
    let plan = |threads, seed| Plan {
        trajectories: 100,
        seed,
        block: 8,
        threads,
        estimator: Estimator::Controlled { pilot: 16 },
        sampling: Default::default(),
    };
    let one = run(&experiment, &plan(1, 7));
    for threads in [2, 3, 8] {
        assert_eq!(one, run(&experiment, &plan(threads, 7)), "{threads} threads");
    }
    assert_eq!(one, run(&experiment, &plan(1, 7)), "run again");
    assert_ne!(one.tally.records, run(&experiment, &plan(1, 8)).tally.records, "another seed");
}

/// A trajectory after others, in the memory they left, is bit for bit the trajectory in fresh memory.
#[test]
fn a_trajectory_does_not_depend_on_the_others() {
    let model = oscillator(vec![spin(2.0, 1.0, 10.0, 1.0)], None);
    let experiment = experiment(model.clone(), OscillatorPreparation::Fock(0), 5.0, 11);
    let Model::OscillatorSpins(spins) = &model else { panic!("a spin model") };
    let chain = Chain::new(spins, Cutoff::Auto).expect("a chain");
    let tolerances = Tolerances::from_tolerance(1e-8);
    let mut used = BlockRunner::new(&chain, &experiment, &tolerances, 3, None);
    for index in 0..64 {
        let mut fresh = BlockRunner::new(&chain, &experiment, &tolerances, 3, None);
        let (fresh, used) = (fresh.run(index..index + 1), used.run(index..index + 1));
        assert_eq!(fresh.expect("runs"), used.expect("runs"), "trajectory {index}");
    }
}
