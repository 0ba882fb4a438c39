//! `kind = "born-markov"` as its users meet it: what a run file means, and what `run` and `exact` say.

#![allow(clippy::unwrap_used)]

use fluctuator::io::run_file::RunFile;
use fluctuator::model::{BornMarkov, Model};

use crate::cli::Sandbox;

/// `[model]` up to the bath, and the rest of a short run.
fn run_file(model: &str, end: f64) -> String {
    format!(
        "version = 1\n[model]\nkind = \"born-markov\"\nfrequency = 1.0\n{model}\n[initial]\noscillator = {{ fock = 0 }}\n\
         [time]\nend = {end:?}\npoints = 21\n[ensemble]\ntrajectories = 256\nseed = 3\n"
    )
}

fn model(text: &str) -> BornMarkov {
    let Model::BornMarkov(model) = RunFile::parse(text, "x", &[]).unwrap().points[0].experiment.model else {
        panic!("not Eq. (23)")
    };
    model
}

/// Closed forms (26)–(28) with M = Ω₀ = 1: bath, T and D₀ go where they belong, and only `frequency_shift` takes Ω̃₀² away.
#[test]
fn coefficients_come_from_the_density() {
    let (reduced, tanh) = (0.1 * 25.0 / 26.0, 0.5f64.tanh());
    for (bath, gamma, diffusion) in [("spin", reduced * tanh, reduced), ("oscillator", reduced, reduced / tanh)] {
        for (shifted, form) in [(true, "bare"), (false, "completed"), (true, "secular")] {
            let text = format!(
                "bath = \"{bath}\"\ntemperature = 1.0\ndiffusion_floor = 0.01\nform = \"{form}\"\nfrequency_shift = {shifted}\n\
                 density = {{ kind = \"ohmic-drude\", gamma0 = 0.1, cutoff = 5.0 }}"
            );
            let found = model(&run_file(&text, 1.0));
            assert_eq!(found.form.name(), form);
            let coefficients = found.coefficients;
            assert!((coefficients.gamma - gamma).abs() < 1e-14, "{bath}: {coefficients:?}");
            assert!((coefficients.diffusion - diffusion - 0.01).abs() < 1e-14, "{bath}: {coefficients:?}");
            assert_eq!(coefficients.frequency_shift_squared < -0.5, shifted, "{bath}: {coefficients:?}");
            assert_eq!(coefficients.frequency_shift_squared == 0.0, !shifted, "{bath}: {coefficients:?}");
        }
    }
    let given =
        model(&run_file("coefficients = { gamma = 0.1, D = 0.2, f = -0.3, frequency_shift_squared = -0.4 }", 1.0));
    let found = given.coefficients;
    let all = [found.gamma, found.diffusion, found.anomalous, found.frequency_shift_squared];
    assert_eq!(all, [0.1, 0.2, -0.3, -0.4]);
}

/// D < γ: the sign problem eats the sample early, ρ leaves the states at once, and both are said.
#[test]
fn the_sign_problem_and_lost_positivity_are_said() {
    let sandbox = Sandbox::new();
    let coefficients =
        |gamma: f64| format!("coefficients = {{ gamma = {gamma}, D = 0.02, f = 0.0, frequency_shift_squared = 0.0 }}");
    sandbox.write("bare.toml", &run_file(&coefficients(0.1), 10.0));
    let finished = sandbox.expect(0, "run bare.toml --out bare");
    assert!(finished.stderr.contains("the sign problem has used up the sample: from t = "), "{}", finished.stderr);
    assert!(finished.stdout.contains("mean weight at t = "), "{}", finished.stdout);
    assert!(finished.stdout.contains("which no state has"), "{}", finished.stdout);
    let weights = sandbox.summary("bare")["points"][0]["born_markov"]["weights"].clone();
    let curve = |name: &str| -> Vec<f64> {
        weights[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let (mean, fraction) = (curve("mean"), curve("effective_fraction"));
    assert_eq!((mean.len(), mean[0], fraction[0]), (fraction.len(), 1.0, 1.0));
    // Of 21 times: where the sample does not know the mean weight of 1 to ½ any more, the curves have ended.
    let ends_at = weights["ends_at"].as_f64().unwrap();
    assert!((ends_at - 0.5 * (mean.len() - 1) as f64).abs() < 1e-12 && ends_at < 10.0, "{weights}");
    let by_sample = |fraction: &f64| ((1.0 / fraction - 1.0) / 256.0).sqrt();
    assert!(fraction.iter().map(by_sample).all(|error| error <= 0.5), "{weights}");
    // What the sample may not have seen comes on top.
    let more = |(error, fraction): (&f64, &f64)| *error >= 0.8 * by_sample(fraction);
    assert!(curve("standard_error").iter().zip(&fraction).all(more), "{weights}");
    let from = weights["used_up_from"].as_f64().unwrap();
    let first = fraction.iter().position(|fraction| *fraction < 0.1).unwrap();
    assert!((from - 0.5 * first as f64).abs() < 1e-12, "{from}, {fraction:?}");
    let exact = sandbox.expect(0, "exact bare.toml --out exact");
    assert!(exact.stdout.contains("ρ is not positive from t = 0.5 on"), "{}", exact.stdout);
    assert!(exact.stdout.contains("leave the uncertainty relation at t = 0.5"), "{}", exact.stdout);
    // The controls: with enough diffusion nothing of it is said, and no weight is spoken of where there is none.
    sandbox.write("enough.toml", &run_file(&coefficients(0.01), 2.0));
    let finished = sandbox.expect(0, "run enough.toml --out enough");
    assert!(!finished.stderr.contains("sign problem"), "{}", finished.stderr);
    let exact = sandbox.expect(0, "exact enough.toml --out exact-enough");
    assert!(exact.stdout.contains("ρ stays positive at all output times"), "{}", exact.stdout);
    let completed = sandbox.expect(0, "run enough.toml --set model.form=completed --out completed");
    assert!(completed.stdout.contains("the completed form changes ⟨N⟩(t = 2) by +"), "{}", completed.stdout);
    assert!(!completed.stdout.contains("mean weight"), "{}", completed.stdout);
}
