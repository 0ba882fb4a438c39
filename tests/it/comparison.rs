//! Two results are compared on their own scale, and what cannot be compared is no agreement.

#![allow(clippy::unwrap_used)]

use crate::cli::Sandbox;

/// A spin that hardly couples: ⟨N⟩ stays below a millionth.
const WEAK: &str = r#"version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
spins = [{ tunnelling = 3.0, coupling = 0.0002, initial = "thermal", bath = { gamma = 0.03, nbar = 0.3 } }]
[time]
end = 20.0
points = 5
[ensemble]
trajectories = 64
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("weak.toml", WEAK);
    sandbox
}

#[test]
fn small_curves_are_compared_on_their_own_scale() {
    let sandbox = sandbox();
    sandbox.expect(0, "exact weak.toml --quiet --out a");
    sandbox.expect(0, "exact weak.toml --quiet --set model.cutoff=40 --out same");
    sandbox.expect(0, "exact weak.toml --quiet --set model.spins.0.coupling=0.0004 --out other");
    let same = sandbox.expect(0, "compare a same").stdout;
    assert!(same.contains("agree: ") && same.contains("to the tolerance"), "{same}");
    let other = sandbox.expect(1, "compare a other").stdout;
    assert!(other.contains("DEVIATE: numbers without a standard error differ"), "{other}");
    assert!(!other.contains("inf") && !other.contains("0.000000"), "numbers have digits: {other}");
}

#[test]
fn nothing_compared_is_no_agreement() {
    let sandbox = sandbox();
    for (out, coupling) in [("a", "1e-12"), ("b", "2e-12")] {
        sandbox.expect(0, &format!("exact weak.toml --quiet --set model.spins.0.coupling={coupling} --out {out}"));
    }
    let none = sandbox.expect(1, "compare a b").stdout;
    assert!(none.contains("NOT COMPARED: 0 comparisons"), "{none}");
}

/// Runs of one seed share their random numbers; of two seeds, or with a density matrix, they do not.
#[test]
fn runs_of_one_seed_are_said_to_be_dependent() {
    let sandbox = sandbox();
    for (out, settings) in [("a", ""), ("b", " --set model.spins.0.coupling=1.001"), ("c", " --seed 2")] {
        sandbox.expect(0, &format!("run run.toml --quiet --trajectories 512{settings} --out {out}"));
    }
    sandbox.expect(0, "exact run.toml --quiet --out exact");
    let dependent = sandbox.expect(0, "compare a b").stdout;
    assert!(dependent.contains("both were sampled with seed 1 and share their random numbers"), "{dependent}");
    for other in ["c", "exact"] {
        assert!(!sandbox.expect(0, &format!("compare a {other}")).stdout.contains("share"), "{other}");
    }
}
