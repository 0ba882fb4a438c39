//! Where nothing can happen nothing does: kets that no channel can change, and registers of any size in any frame.

#![allow(clippy::unwrap_used)]

use fluctuator::ensemble::{self, Ensemble};
use fluctuator::io::run_file::RunFile;

fn run(text: &str) -> Ensemble {
    let file = RunFile::parse(text, "test", &[]).unwrap();
    let point = &file.points[0];
    ensemble::run(&point.experiment, &point.tolerances, &point.plan(2), &()).unwrap().unwrap()
}

/// Rounding of the norm is no jump: a vacuum and a ground state in cold baths stay what they are in every trajectory, however
/// jumps are sampled.
#[test]
fn what_cannot_jump_survives_for_certain() {
    const BATHS: [&str; 3] = [
        "oscillator_bath = { kappa = 0.1, nbar = 0.0 }",
        "spins = [{ tunnelling = 2.0, coupling = 0.0, bath = { gamma = 3.0, nbar = 0.0 } }]",
        "oscillator_bath = { kappa = 5.0, nbar = 0.0 }\n\
         spins = [{ asymmetry = 2.0, coupling = 0.0, bath = { gamma = 1e-4, nbar = 0.0 } }]",
    ];
    for bath in BATHS {
        for (sampling, estimator) in
            [("no-jump", "controlled"), ("stratified", "controlled"), ("no-jump", "plain"), ("direct", "plain")]
        {
            for seed in 1..=8 {
                let text = format!(
                    "version = 1\n[model]\nkind = \"oscillator-spins\"\nfrequency = 1.0\n{bath}\n[time]\nend = 40.0\npoints = 11\n\
                     [ensemble]\ntrajectories = 64\nseed = {seed}\nsampling = \"{sampling}\"\nestimator = \"{estimator}\""
                );
                let found = run(&text);
                let records = &found.tally.records;
                assert_eq!(found.no_jump_probability, None, "there is nothing to condition on: {bath}");
                let jumps = (0..found.channels.len()).map(|channel| records.mean()[found.layout.jumps(channel)]);
                assert_eq!(jumps.sum::<f64>(), 0.0, "{bath}, {sampling}");
                let numbers = (0..11).map(|time| records.mean()[found.layout.observable(time, 0)]);
                assert!(numbers.into_iter().all(|number| number.abs() < 1e-12), "{bath}, {sampling}");
            }
        }
    }
}

/// Twelve spins that couple to nothing beside one that does: 8192 rows that turn with the oscillator give what two rows give.
#[test]
fn thirteen_spins_turn_as_one_does() {
    let text = |others: usize| {
        let idle = "{ tunnelling = 0.7, coupling = 0.0 }, ".repeat(others);
        format!(
            "version = 1\n[model]\nkind = \"oscillator-spins\"\nfrequency = 1.0\n\
             spins = [{idle}{{ tunnelling = 1.0, asymmetry = 0.5, coupling = 0.3 }}]\n[initial]\noscillator = {{ coherent = [5.0, 1.0] }}\n\
             [time]\nend = 0.2\npoints = 3\n[ensemble]\ntrajectories = 2\nestimator = \"plain\"\n\
             [output]\nobservables = [\"number\", \"x\", \"p\", \"number_squared\"]"
        )
    };
    let [one, thirteen] = [0, 12].map(|others| run(&text(others)));
    for time in 0..3 {
        for observable in 0..4 {
            let [a, b] =
                [&one, &thirteen].map(|found| found.tally.records.mean()[found.layout.observable(time, observable)]);
            assert!((a - b).abs() < 1e-7 * (1.0 + a.abs()), "{time}, {observable}: {a}, {b}");
        }
    }
}
