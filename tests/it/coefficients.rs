//! `fluctuator coefficients` as its users meet it: rows, files, Fig. 2, exit codes.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use fluctuator::io::CoefficientRow;
use serde_json::Value;

use crate::cli::Sandbox;

fn run_file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).display().to_string()
}

fn rows(sandbox: &Sandbox, directory: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(&sandbox.read(&format!("{directory}/coefficients.json"))).unwrap();
    json["rows"].as_array().unwrap().clone()
}

#[test]
fn fig2_is_drawn_from_a_row_per_temperature_and_bath() {
    let sandbox = Sandbox::new();
    let printed = sandbox.expect(0, &format!("coefficients {} --out fig2", run_file("runs/fig2.toml"))).stdout;
    assert!(printed.contains("γ (freq.)") && printed.contains("D₁ (mass freq.²)"), "{printed}");
    let rows = rows(&sandbox, "fig2");
    assert_eq!(rows.len(), 82);
    for pair in rows.chunks(2) {
        let number = |row: usize, key: &str| pair[row][key].as_f64().unwrap();
        assert_eq!((&pair[0]["bath"], &pair[1]["bath"]), (&"spin".into(), &"oscillator".into()));
        let temperature = number(0, "temperature");
        let tanh = if temperature == 0.0 { 1.0 } else { (0.5 / temperature).tanh() };
        let unit = 0.01 * 100.0 / 101.0;
        let expected = [
            (0, "gamma", unit * tanh),
            (1, "gamma", unit),
            (0, "D0", unit),
            (0, "D1", unit),
            (1, "D0", 0.0),
            (1, "D1", unit / tanh),
        ];
        for (row, key, value) in expected {
            assert!((number(row, key) - value).abs() < 1e-15, "T = {temperature}: {key} of {:?}", pair[row]);
        }
        assert!((0.0..1e-12).contains(&number(0, "error")));
        // What the picture shows, in the paper's units.
        let drawn = [0, 1].map(|row| serde_json::from_value::<CoefficientRow>(pair[row].clone()).unwrap());
        for (found, expected) in [
            (drawn[0].relative_damping(), tanh),
            (drawn[0].relative_diffusion(), 2.0),
            (drawn[1].relative_damping(), 1.0),
            (drawn[1].relative_diffusion(), 1.0 / tanh),
        ] {
            assert!((found - expected).abs() < 1e-12, "T = {temperature}: {found} {expected}");
        }
        for key in ["temperature", "bath", "gamma", "D0", "D1", "f1", "frequency_shift_squared", "error"] {
            assert!(pair.iter().all(|row| !row[key].is_null()), "no {key}");
        }
    }
    let svg = sandbox.read("fig2/coefficients.svg");
    for word in ["(a) dissipation", "(b) normal diffusion", "spin bath", "oscillator bath (QBM)", "units of Ω₀"] {
        assert!(svg.contains(word), "no {word}");
    }
    let csv = sandbox.read("fig2/coefficients.csv");
    assert!(csv.starts_with("temperature,bath,gamma,D0,D1,f1,frequency_shift_squared,error"), "{csv}");
    assert_eq!(csv.lines().count(), 83);
    assert_eq!(sandbox.read("fig2/kernels.csv").lines().count(), 1 + 3 * 2 * 200);
    for name in ["coefficients.png", "kernels.svg", "kernels.png"] {
        assert!(sandbox.path(&format!("fig2/{name}")).exists(), "{name}");
    }
}

#[test]
fn overrides_sweeps_over_the_bath_and_refusals() {
    let sandbox = Sandbox::new();
    let file = run_file("runs/fig2.toml");
    sandbox.expect(0, &format!("coefficients {file} --quiet --out one --set sweep.\"model.temperature\"=[0.5]"));
    assert_eq!(rows(&sandbox, "one").len(), 2);
    assert!(!sandbox.path("one/coefficients.svg").exists(), "one temperature is no curve");
    let swept = "--set sweep.\"model.temperature\"=[0.5] --set sweep.\"model.bath\"=[\"oscillator\",\"spin\"]";
    sandbox.expect(0, &format!("coefficients {file} --out two {swept}"));
    let found = rows(&sandbox, "two");
    assert_eq!((found.len(), &found[0]["bath"], &found[1]["bath"]), (2, &"oscillator".into(), &"spin".into()));
    let refused = sandbox.expect(2, &format!("coefficients {file} --out three --set model.density.cutoff=-1"));
    assert!(refused.error().contains("the cutoff Λ must be > 0"), "{}", refused.stderr);
    assert!(!sandbox.path("three").exists());
    let other = sandbox.expect(2, "coefficients run.toml");
    assert!(other.error().contains("only \"born-markov\" has the coefficients"), "{}", other.stderr);
    let delay = sandbox.expect(2, &format!("coefficients {file} --out four --delay 0"));
    assert!(delay.error().contains("--delay"), "{}", delay.stderr);
}

/// What only one kind of bath can do is no reason to refuse the other.
#[test]
fn a_constant_density_of_states_has_no_row_for_oscillators() {
    let sandbox = Sandbox::new();
    let file = run_file("tests/input/good-density/table-constant-density-of-states.toml");
    let finished = sandbox.expect(0, &format!("coefficients {file} --out white"));
    assert!(finished.stderr.contains("no row for the oscillator bath"), "{}", finished.stderr);
    assert_eq!(rows(&sandbox, "white").len(), 1);
}

/// (21) and (22) by files: `surrogate.csv` of a bath, given to the other kind as its table, makes the same coefficients.
#[test]
fn a_surrogate_does_what_the_bath_does() {
    const DENSITIES: [&str; 2] = [
        "{ kind = \"power-exponential\", gamma0 = 0.1, cutoff = 2.0, exponent = 1.6 }",
        "{ kind = \"spins\", broadening = 0.2, spins = [{ tunnelling = 0.8, coupling = 0.1 }, { tunnelling = 1.5, coupling = 0.2 }] }",
    ];
    let sandbox = Sandbox::new();
    let compute = |bath: &str, density: &str, name: &str| {
        let model = "kind = \"born-markov\"\nfrequency = 1.1\nmass = 0.7\ntemperature = 0.6";
        let text = format!("version = 1\n[model]\n{model}\nbath = \"{bath}\"\ndensity = {density}\n");
        sandbox.write("bath.toml", &text);
        sandbox.expect(0, &format!("coefficients bath.toml --delay 0.01 --out {name}"));
        rows(&sandbox, name).into_iter().find(|row| row["bath"] == bath).unwrap()
    };
    for density in DENSITIES {
        for (own, other) in [("spin", "oscillator"), ("oscillator", "spin")] {
            let meant = compute(own, density, "own");
            let found = compute(other, "{ kind = \"table\", file = \"own/surrogate.csv\" }", "surrogate");
            let unmapped = compute(other, density, "unmapped");
            for key in ["gamma", "D1", "f1", "frequency_shift_squared"] {
                let [meant, found, unmapped] = [&meant, &found, &unmapped].map(|row| row[key].as_f64().unwrap());
                assert!(
                    (found - meant).abs() < 2e-4 * meant.abs().max(0.02),
                    "{density}, {own}: {key} {found} {meant}"
                );
                // Negative control: without tanh or coth some of them differ.
                assert!(key != "gamma" || (unmapped / meant - 1.0).abs() > 0.1, "{density}, {own}: {unmapped} {meant}");
            }
        }
    }
    // A sharp comb is no table.
    compute("spin", "{ kind = \"spins\", spins = [{ tunnelling = 0.8, coupling = 0.1 }] }", "sharp");
    assert!(!sandbox.path("sharp/surrogate.csv").exists());
}
