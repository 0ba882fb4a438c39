//! The same seed gives the same bytes on any number of threads; another seed does not.

use fluctuator::ensemble::Plan;
use fluctuator::model::{OscillatorBath, OscillatorPreparation, SpinPreparation};

use crate::systems::{experiment, oscillator, run, spin};

#[test]
fn threads_change_nothing() {
    let mut thermal = spin(1.0, 0.3, 1.0, 0.5);
    thermal.initial = SpinPreparation::Thermal;
    let bath = Some(OscillatorBath { kappa: 0.1, nbar: 0.3 });
    let model = oscillator(vec![thermal, spin(0.7, 0.2, 0.5, 0.0)], bath);
    let experiment = experiment(model, OscillatorPreparation::Thermal(0.5), 3.0, 7);
    // 100 is no multiple of the block: the last block is short.
    let plan = |threads, seed| Plan { trajectories: 100, seed, block: 8, threads };
    let one = run(&experiment, &plan(1, 7));
    for threads in [2, 3, 8] {
        assert_eq!(one, run(&experiment, &plan(threads, 7)), "{threads} threads");
    }
    assert_eq!(one, run(&experiment, &plan(1, 7)), "run again");
    assert_ne!(one.tally.records, run(&experiment, &plan(1, 8)).tally.records, "another seed");
}

#[test]
fn a_trajectory_does_not_depend_on_the_others() {
    let experiment =
        experiment(oscillator(vec![spin(2.0, 1.0, 10.0, 1.0)], None), OscillatorPreparation::Fock(0), 2.0, 3);
    let plan = |trajectories| Plan { trajectories, seed: 3, block: 2, threads: 1 };
    let (two, four) = (run(&experiment, &plan(2)), run(&experiment, &plan(4)));
    // The mean of the second block alone, from the difference of the two runs.
    let entry = two.layout.observable(2, 0);
    let rest = 2.0 * four.tally.records.mean()[entry] - two.tally.records.mean()[entry];
    assert!(rest.is_finite() && (rest - two.tally.records.mean()[entry]).abs() > 1e-6);
    let again = run(&experiment, &plan(4));
    assert_eq!(four, again);
}
