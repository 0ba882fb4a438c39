//! A whole ensemble on one and on two threads: parallel efficiency and the cost of merging.

use criterion::{Criterion, criterion_group, criterion_main};
use fluctuator::ensemble::{Estimator, Plan, run};
use fluctuator::io::run_file::RunFile;

fn ensembles(criterion: &mut Criterion) {
    let text = include_str!("../runs/fig3a.toml");
    let file = RunFile::parse(text, "fig3a", &[]).expect("a sound run file");
    let point = &file.points[0];
    for threads in [1, 2] {
        let plan = Plan {
            trajectories: 512,
            seed: 1,
            block: 32,
            threads,
            estimator: Estimator::controlled(512),
            sampling: Default::default(),
        };
        criterion.bench_function(&format!("512 trajectories of Fig. 3(a), n̄ = 0, {threads} threads"), |b| {
            b.iter(|| run(&point.experiment, &point.tolerances, &plan, &()));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = ensembles
}
criterion_main!(benches);
