//! One trajectory of the Fig. 3 systems and of a high coherent state, outputs included.

use criterion::{Criterion, criterion_group, criterion_main};
use fluctuator::ensemble::{self, BlockRunner, Estimator, Plan};
use fluctuator::hilbert::Cutoff;
use fluctuator::io::run_file::{RunFile, RunPoint};
use fluctuator::model::Model;
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Chain, OpenSystem, Register};

const FIG3: &str = r#"
version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
[[model.spins]]
tunnelling = 2.0
coupling = 1.0
bath = { gamma = 10.0, nbar = 0.0 }
[time]
end = 10.0
"#;

fn point(overrides: &[&str]) -> RunPoint {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    RunFile::parse(FIG3, "bench", &overrides).expect("a sound run file").points.remove(0)
}

fn run<S: OpenSystem>(criterion: &mut Criterion, name: &str, system: &S, point: &RunPoint) {
    let tolerances = Tolerances::from_tolerance(1e-8);
    let plan = Plan { estimator: Estimator::Controlled { pilot: 32 }, ..point.plan(1) };
    let lessons =
        ensemble::learn(&point.experiment, &tolerances, &plan, &()).expect("learns").expect("nobody stops it");
    for (name, guide) in [(name.to_owned(), None), (format!("{name}, with controls"), lessons.guide.as_ref())] {
        let mut runner = BlockRunner::new(system, &point.experiment, &tolerances, 1, guide);
        let mut next = 0;
        criterion.bench_function(&name, |b| {
            b.iter(|| {
                next += 1;
                runner.run(next..next + 1).expect("runs")
            });
        });
    }
}

fn trajectories(criterion: &mut Criterion) {
    for (gamma, nbar) in [(10, 0), (10, 1), (100, 0), (100, 1)] {
        let point =
            point(&[&format!("model.spins.0.bath.gamma={gamma}.0"), &format!("model.spins.0.bath.nbar={nbar}.0")]);
        let Model::OscillatorSpins(model) = &point.experiment.model else { unreachable!("a spin model") };
        let chain = Chain::new(model, Cutoff::Auto).expect("one spin without asymmetry");
        run(criterion, &format!("Fig. 3, γ = {gamma}, n̄ = {nbar}"), &chain, &point);
    }
    let point = point(&["initial.oscillator.coherent=[30.0, 0.0]", "model.spins.0.coupling=0.05", "time.end=2.0"]);
    let register = Register::new(&point.experiment.model, Cutoff::Auto);
    run(criterion, "coherent |α|² = 900, t = 2, laboratory", &register, &point);
    run(criterion, "coherent |α|² = 900, t = 2, moving frame", &Register::of(&point.experiment), &point);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = trajectories
}
criterion_main!(benches);
