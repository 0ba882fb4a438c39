//! A density matrix of another model is neither drawn nor compared without a word.

#![allow(clippy::unwrap_used)]

use crate::cli::Sandbox;

const CIRCLES: &str = "exact (density matrix)";

#[test]
fn an_exact_result_of_another_model_is_not_drawn() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "exact run.toml --quiet --out a/exact --set model.spins.0.coupling=0.5");
    let run = sandbox.expect(0, "run run.toml --quiet --out a");
    let said = "warning: a/exact is of another model (`model.spins.0.coupling` was 0.5, is 1.0) and is left out";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert!(!sandbox.read("a/number.svg").contains(CIRCLES));
    let drawn = sandbox.expect(0, "plot a");
    assert!(drawn.stderr.contains(said) && !sandbox.read("a/number.svg").contains(CIRCLES), "{}", drawn.stderr);
    // Asked for by name it is drawn, with a word.
    let drawn = sandbox.expect(0, "plot a --exact a/exact");
    assert!(drawn.stderr.contains("is of another model") && sandbox.read("a/number.svg").contains(CIRCLES));
    let compared = sandbox.expect_one_of(&[0, 1], "compare a a/exact");
    let said = "warning: A and B are not results of one model (`model.spins.0.coupling` was 1.0, is 0.5)";
    assert!(compared.stderr.contains(said), "{}", compared.stderr);
    // Nor is it replaced unasked by a run that solves its own.
    let refused = sandbox.expect(2, "run run.toml --quiet --out a --set output.exact=true");
    assert!(refused.error().contains("`--out` = a/exact: holds a finished density matrix"), "{}", refused.stderr);
    let solved = sandbox.expect(0, "run run.toml --quiet --out a --set output.exact=true --force");
    assert!(solved.stderr.is_empty() && sandbox.read("a/number.svg").contains(CIRCLES), "{}", solved.stderr);
}

/// What is not the model may differ: numerics, output, sampling.
#[test]
fn an_exact_result_of_the_same_model_is_drawn() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "exact run.toml --quiet --out a/exact --set model.cutoff=40 --set time.points=9 --seed 3");
    let run = sandbox.expect(0, "run run.toml --quiet --out a --trajectories 128");
    assert!(run.stderr.is_empty() && sandbox.read("a/number.svg").contains(CIRCLES), "{}", run.stderr);
    let drawn = sandbox.expect(0, "plot a");
    assert!(drawn.stderr.is_empty() && sandbox.read("a/number.svg").contains(CIRCLES), "{}", drawn.stderr);
    // A sweep with one point in common, and one whose points are others.
    let sweep = |list: &str| format!("--set sweep.model.spins.0.bath.nbar={list}");
    sandbox.expect(0, &format!("exact run.toml --quiet --out b/exact {}", sweep("[1.0,3.0]")));
    let run = sandbox.expect(0, &format!("run run.toml --quiet --out b {}", sweep("[0.5,1.0]")));
    assert!(run.stderr.is_empty() && sandbox.read("b/number.svg").contains(CIRCLES), "{}", run.stderr);
}
