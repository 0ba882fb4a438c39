//! One application of H_eff and one evaluation of the dense output, per system and window.

mod spins;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fluctuator::hilbert::{Cutoff, Window};
use fluctuator::model::Model;
use fluctuator::system::{Chain, Generator, OpenSystem, Register, combine};

use spins::bathed;

fn apply<S: OpenSystem>(criterion: &mut Criterion, name: &str, system: &S, levels: usize) {
    let window = Window::around(0, levels);
    let mut generator = system.generator(window);
    let mut ket = fluctuator::hilbert::Ket::zeros(window, system.rows());
    for row in 0..system.rows() {
        ket.row_mut(row).0.fill(0.1);
    }
    let mut to = ket.clone();
    let mut group = criterion.benchmark_group("apply");
    group.throughput(Throughput::Elements((levels * system.rows()) as u64));
    group.bench_function(BenchmarkId::new(name, levels), |b| {
        b.iter(|| generator.apply(0, black_box(ket.data()), None, black_box(to.data_mut())));
    });
    group.finish();
}

fn kernels(criterion: &mut Criterion) {
    let chain = Chain::new(&bathed(1), Cutoff::Auto).expect("one spin without asymmetry");
    for levels in [40, 1000, 10_000] {
        apply(criterion, "chain", &chain, levels);
    }
    for (spins, levels) in [(1, 1000), (4, 40), (8, 40)] {
        let register = Register::new(&Model::OscillatorSpins(bathed(spins)), Cutoff::Auto);
        apply(criterion, &format!("register-{spins}"), &register, levels);
    }
    let (terms, width) = (31, 2 * 88);
    let (coefficients, vectors) = (vec![0.5; terms], vec![0.1; terms * width]);
    let mut out = vec![0.0; width];
    criterion.bench_function("dense output, 31 terms, 80 levels", |b| {
        b.iter(|| combine(black_box(&coefficients), black_box(&vectors), black_box(&mut out)));
    });
}

criterion_group!(benches, kernels);
criterion_main!(benches);
