//! Told to end, everything ends, whatever it is in the middle of.

#![allow(clippy::unwrap_used)]

use std::thread::sleep;
use std::time::Duration;

use crate::cli::Sandbox;

/// One trajectory takes longer than anybody waits.
const LONG: &str = r#"version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
spins = [{ tunnelling = 1.2, coupling = 0.3, bath = { gamma = 1e-9, nbar = 1.0 } }]
[time]
end = 1e8
points = 2
[ensemble]
trajectories = 100
"#;

/// One step takes longer than a moment.
const WIDE: &str = r#"version = 1
[model]
kind = "oscillator-spins"
frequency = 1.0
spins = [SPINS]
[time]
end = 1e6
points = 5
[ensemble]
trajectories = 64
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("long.toml", LONG);
    let spin = |i: usize| {
        let splitting = 0.4 + 0.07 * i as f64;
        format!("{{ tunnelling = {splitting}, coupling = 0.05, bath = {{ gamma = 0.3, temperature = 1.0 }} }}")
    };
    let spins = (0..14).map(spin).collect::<Vec<_>>().join(", ");
    sandbox.write("wide.toml", &WIDE.replace("SPINS", &spins));
    sandbox
}

/// The exit code after `signal`.
fn told(sandbox: &Sandbox, command: &str, signal: &str) -> Option<i32> {
    let running = sandbox.spawn(command);
    sleep(Duration::from_millis(500));
    running.signal(signal);
    running.code()
}

/// Before, each of these went on for minutes: until the trajectory, or the sixteenth, was over.
#[test]
fn a_signal_ends_what_is_in_the_middle_of_a_trajectory() {
    let sandbox = sandbox();
    for (command, signal) in [
        ("run long.toml", "TERM"),
        ("run long.toml --set ensemble.pilot=16", "INT"),
        ("run long.toml --set ensemble.sampling=no-jump", "USR1"),
        ("run long.toml --set output.final_values=true --set output.jumps=true", "TERM"),
        ("run long.toml --set ensemble.estimator=plain --threads 1", "XCPU"),
        ("run wide.toml --threads 1", "TERM"),
        ("run wide.toml --threads 2 --set ensemble.estimator=plain", "TERM"),
        ("converge long.toml --budget 1000", "TERM"),
    ] {
        assert_eq!(told(&sandbox, &format!("{command} --out out"), signal), Some(130), "{command}");
    }
}

#[test]
fn a_signal_ends_the_density_matrix_and_the_coverage_of_it() {
    let sandbox = sandbox();
    for command in ["exact long.toml", "coverage long.toml --seeds 2"] {
        assert_eq!(told(&sandbox, &format!("{command} --out out"), "TERM"), Some(130), "{command}");
    }
}

/// A limit of a moment ends a pilot and a long first trajectory, too; it may be passed by a moment for something to show.
#[test]
fn the_time_limit_holds_within_a_trajectory() {
    let sandbox = sandbox();
    for settings in ["--time-limit 0.2", "--set ensemble.time_limit=0.2", "--time-limit 0.2 --set ensemble.pilot=16"] {
        let ended = sandbox.expect(130, &format!("run long.toml {settings} --out out"));
        assert!(ended.stderr.contains("nothing to save"), "{}", ended.stderr);
    }
}

/// More threads than there are processors to speak of cost minutes; results do not depend on their number.
#[test]
fn threads_are_bounded() {
    let sandbox = Sandbox::new();
    let done = sandbox.expect(0, "run run.toml --threads 4096 --out many");
    assert!(done.stderr.contains("note: --threads 4096 is taken for "), "{}", done.stderr);
    assert!(sandbox.summary("many")["provenance"]["threads"].as_u64().unwrap() < 4096);
    sandbox.expect(0, "run run.toml --threads 1 --out one");
    assert_eq!(sandbox.points("many"), sandbox.points("one"));
}
