//! The same seed gives the same bytes on any number of threads; another seed does not.

use fluctuator::ensemble::{self, BlockRunner, Estimator, Guide, Plan};
use fluctuator::hilbert::Cutoff;
use fluctuator::model::{Model, OscillatorBath, OscillatorPreparation, SpinPreparation};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Chain, Experiment, MovingFrame, OpenSystem, Register};
use num_complex::Complex64;

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

/// A trajectory after others, in the memory they left and on the trunk that they share, is bit for bit the trajectory in
/// fresh memory, which does everything by itself.
fn check_independence<S: OpenSystem>(system: &S, experiment: &Experiment, guide: Option<&Guide>) {
    let tolerances = Tolerances::from_tolerance(1e-8);
    let mut used = BlockRunner::new(system, experiment, &tolerances, 3, guide);
    // Those that jump late come before those that jump early, and after them.
    for index in (0..48).chain((0..48).rev()) {
        let mut fresh = BlockRunner::new(system, experiment, &tolerances, 3, guide);
        let (fresh, used) = (fresh.run(index..index + 1), used.run(index..index + 1));
        assert_eq!(fresh.expect("runs"), used.expect("runs"), "trajectory {index}");
    }
}

/// Many jumps; few, with more steps before the first than a trunk has marks; drawn initial states; with and without controls.
#[test]
fn a_trajectory_does_not_depend_on_the_others() {
    for (gamma, nbar, thermal, end) in [(10.0, 1.0, false, 5.0), (100.0, 0.0, false, 30.0), (1.0, 0.2, true, 3.0)] {
        let mut warm = spin(2.0, 1.0, gamma, nbar);
        let mut preparation = OscillatorPreparation::Fock(0);
        if thermal {
            warm.initial = SpinPreparation::Mixed { excited_probability: 0.4 };
            preparation = OscillatorPreparation::Thermal(0.7);
        }
        let experiment = experiment(oscillator(vec![warm], None), preparation, end, 11);
        let Model::OscillatorSpins(spins) = &experiment.model else { panic!("a spin model") };
        let chain = Chain::new(spins, Cutoff::Auto).expect("a chain");
        let plan = Plan {
            trajectories: 16,
            seed: 5,
            block: 8,
            threads: 2,
            estimator: Estimator::Controlled { pilot: 16 },
            sampling: Default::default(),
        };
        let lessons = ensemble::learn(&experiment, &Tolerances::from_tolerance(1e-8), &plan, &()).expect("learns");
        let lessons = lessons.expect("nobody stops it");
        check_independence(&chain, &experiment, None);
        check_independence(&chain, &experiment, lessons.guide.as_ref());
    }
    let pair = vec![spin(2.0, 0.3, 3.0, 0.1), spin(1.0, 0.2, 2.0, 0.0)];
    let experiment = experiment(oscillator(pair, None), OscillatorPreparation::Coherent(1.5.into()), 2.0, 5);
    check_independence(&Register::new(&experiment.model, Cutoff::Auto), &experiment, None);
}

/// The same in a moving frame, where H_eff depends on the time at which a step begins. The spins push hard enough for windows to
/// change on the way: tables of H_eff that are kept for them belong to other times in every trajectory.
#[test]
fn a_trajectory_in_a_moving_frame_does_not_depend_on_the_others_or_on_threads() {
    let pair = vec![spin(2.0, 0.6, 3.0, 0.1), spin(1.0, 0.3, 0.3, 0.0)];
    let coherent = OscillatorPreparation::Coherent(Complex64::new(9.0, -12.0));
    let experiment = experiment(oscillator(pair, None), coherent, 4.0, 5);
    assert!(MovingFrame::of(&experiment).is_some());
    let plan = |threads| Plan {
        trajectories: 40,
        seed: 5,
        block: 8,
        threads,
        estimator: Estimator::Controlled { pilot: 16 },
        sampling: Default::default(),
    };
    let lessons = ensemble::learn(&experiment, &Tolerances::from_tolerance(1e-8), &plan(2), &()).expect("learns");
    let lessons = lessons.expect("nobody stops it");
    check_independence(&Register::of(&experiment), &experiment, None);
    check_independence(&Register::of(&experiment), &experiment, lessons.guide.as_ref());
    assert_eq!(run(&experiment, &plan(1)), run(&experiment, &plan(3)));
}
