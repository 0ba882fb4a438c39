//! What a run will take is said beforehand: time, memory, and the accuracy that its own estimator will reach.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use fluctuator::analysis::{excess, needed, trajectories_needed};
use fluctuator::ensemble;
use fluctuator::io::run_file::RunFile;

use crate::cli::Sandbox;

/// A trajectory of hours.
const HOURS: &str = r#"version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
spins = [{ tunnelling = 1.2, coupling = 0.3, bath = { gamma = 0.1, nbar = 1.0 } }]
[time]
end = 1e9
points = 3
[ensemble]
trajectories = 1000
"#;

/// Many numbers: nine observables at many times.
fn many(points: usize) -> String {
    format!(
        r#"version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
spins = [{{ tunnelling = 2.0, coupling = 1.0, bath = {{ gamma = 10.0, nbar = 1.0 }} }}]
[time]
end = 1.0
points = {points}
[ensemble]
trajectories = 64
[output]
observables = ["number", "number_squared", "x", "p", "x_squared", "p_squared", "energy", "inversion"]
"#
    )
}

/// The bytes of the line `predicted memory: 1.23 GiB (…)`.
fn predicted_memory(stdout: &str) -> f64 {
    let line = stdout.lines().find_map(|line| line.strip_prefix("predicted memory: ")).unwrap();
    let mut words = line.split_whitespace();
    let number: f64 = words.next().unwrap().parse().unwrap();
    let unit = match words.next().unwrap() {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        other => panic!("{other}"),
    };
    number * f64::from(1u32 << unit)
}

/// `check` ran whole trajectories, however long: here it would take hours.
#[test]
fn check_answers_from_a_part_of_a_trajectory() {
    let sandbox = Sandbox::new();
    sandbox.write("hours.toml", HOURS);
    let said = sandbox.expect(0, "check hours.toml").stdout;
    assert!(said.contains("from parts of trajectories") && said.contains("of the time"), "{said}");
    let predicted = said.lines().find(|line| line.starts_with("predicted time")).unwrap();
    assert!(["days", "weeks", "years"].iter().any(|unit| predicted.contains(unit)), "{predicted}");
    // Whole trajectories where there is time for them; of ten thousand sweep points, some.
    let said = sandbox.expect(0, "check run.toml").stdout;
    assert!(said.contains("from a few trajectories"), "{said}");
    let values: Vec<String> = (0..2000).map(|i| format!("{}.0", i + 1)).collect();
    let many = sandbox.read("run.toml") + &format!("[sweep]\n\"model.frequency\" = [{}]\n", values.join(", "));
    sandbox.write("many.toml", &many);
    let said = sandbox.expect(0, "check many.toml").stdout;
    assert!(said.contains("of 2000 sweep points were tried"), "{said}");
}

#[test]
fn predicted_memory_is_what_a_run_takes() {
    let sandbox = Sandbox::new();
    sandbox.write("many.toml", &many(4001));
    let predicted = predicted_memory(&sandbox.expect(0, "check many.toml --threads 2").stdout);
    sandbox.expect(0, "run many.toml --quiet --threads 2 --out out");
    let taken = sandbox.summary("out")["provenance"]["peak_memory_bytes"].as_f64().unwrap();
    assert!((0.5..2.0).contains(&(predicted / taken)), "predicted {predicted:e} bytes, taken {taken:e}");
}

/// With the address space limited there is too little for it; before, the process was killed in the middle.
#[test]
fn a_run_that_does_not_fit_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("many.toml", &many(400_001));
    let program = cargo_bin!("fluctuator").display().to_string();
    let line = format!("ulimit -v 2000000; exec {program} run many.toml --threads 1 --out out");
    let ended = Command::new("bash").args(["-c", &line]).current_dir(sandbox.path("")).output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{error}");
    assert!(error.contains("the run needs about ") && error.contains("time.points"), "{error}");
    assert!(!sandbox.path("out").exists(), "nothing is begun");
}

#[test]
fn a_run_of_hours_is_announced() {
    let sandbox = Sandbox::new();
    sandbox.write("hours.toml", HOURS);
    for (code, command) in [(130, "run hours.toml"), (3, "run run.toml --trajectories 10000000000")] {
        let said = sandbox.expect(code, &format!("{command} --time-limit 0.3 --out out")).stderr;
        assert!(said.starts_with("note: this will take about "), "{command}: {said}");
    }
    assert_eq!(sandbox.expect(0, "run run.toml --out short").stderr, "", "a short one is not");
}

/// What a small sample says of the number needed is right: not 1/√M of an error that holds an allowance for the unseen.
#[test]
fn the_number_needed_is_told_by_the_estimator_that_reports() {
    let text = r#"
        version = 1
        [model]
        kind = "oscillator-spins"
        frequency = 1.0
        spins = [{ tunnelling = 2.0, coupling = 0.2, bath = { gamma = 1.0, nbar = 0.3 } }]
        [time]
        end = 3.0
        points = 4
        [ensemble]
        target = { observable = "number", standard_error = 2e-4 }
    "#;
    let point = &RunFile::parse(text, "target", &[]).unwrap().points[0];
    let targets = &point.stopping.targets;
    let run = |trajectories: u64| {
        let plan = ensemble::Plan { trajectories, block: 8, ..point.plan(2) };
        ensemble::run(&point.experiment, &point.tolerances, &plan, &()).unwrap().unwrap()
    };
    let few = run(128);
    let told = needed(targets, &point.experiment, &few, 1 << 20);
    let there = excess(targets, &point.experiment, &run(told as u64));
    let naive = trajectories_needed(128, excess(targets, &point.experiment, &few));
    println!("128 trajectories say {told} are needed ({naive} by 1/√M alone); their error is {there} times the target");
    assert!((0.4..2.5).contains(&there), "told {told}: {there}");
}

/// A study that has no time for the run file's own number of trajectories says what their own estimator will report.
#[test]
fn converge_claims_the_error_that_the_run_reports() {
    let sandbox = Sandbox::new();
    let settings = "--quiet --trajectories 20000 --set model.spins.0.coupling=0.1";
    sandbox.expect(0, &format!("converge run.toml {settings} --budget 4 --threads 1 --out study"));
    sandbox.expect(0, &format!("run run.toml {settings} --out run"));
    let study: serde_json::Value = serde_json::from_str(&sandbox.read("study/converge.json")).unwrap();
    let number = &study["sampling"]["quantities"][0];
    // Where the machine is fast enough for all of them, nothing is predicted, and the claim is of the groups themselves.
    let predicted = &number["predicted"]["trajectories"];
    assert!(predicted.is_null() || *predicted == 20_000, "{predicted}");
    let claimed = study["verdict"]["contributions"][0]["error"].as_f64().unwrap();
    let summary = sandbox.summary("run");
    let errors = summary["points"][0]["observables"]["number"]["standard_error"].as_array().unwrap();
    let reported = errors.last().unwrap().as_f64().unwrap();
    println!("claimed {claimed:e}, reported {reported:e}, {} trajectories studied", study["sampling"]["trajectories"]);
    assert!((0.5..2.0).contains(&(claimed / reported)), "claimed {claimed:e}, reported {reported:e}");
}
