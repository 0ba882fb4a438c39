//! Sweeps: as long as promised, each point under its own time, with common random numbers or with its own.

#![allow(clippy::unwrap_used)]

use fluctuator::ensemble::{self, Plan};
use fluctuator::io::run_file::RunFile;

use crate::cli::Sandbox;

const SPIN: &str = "version = 1\n[model]\nkind = \"oscillator-spins\"\nfrequency = 1.0\n\
                    spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 10.0, nbar = 1.0 } }]\n\
                    [time]\nend = 1.0\npoints = 3\n";

#[test]
fn a_list_of_ten_thousand_values_is_a_sweep() {
    let values = |count: usize| (0..count).map(|i| format!("{}", 0.1 + i as f64 / 7.0)).collect::<Vec<_>>().join(", ");
    let text = |count: usize| format!("{SPIN}[sweep]\n\"model.spins.0.coupling\" = [{}]\n", values(count));
    let file = RunFile::parse(&text(10_000), "test", &[]).unwrap();
    assert_eq!(file.points.len(), 10_000);
    assert_eq!(file.points[9_999].experiment.model.spins()[0].coupling, 0.1 + 9_999.0 / 7.0);
    let refused = RunFile::parse(&text(10_001), "test", &[]).unwrap_err().to_string();
    assert!(refused.contains("at most 10000 points"), "{refused}");
    // What is written out at every point is bounded still.
    let long = format!("{}# {}\n[sweep]\n\"ensemble.seed\" = [{}]\n", SPIN, "x".repeat(100_000), "1, ".repeat(10_000));
    assert_eq!(RunFile::parse(&long, "test", &[]).unwrap().points.len(), 10_000, "comments are not");
    let long =
        format!("title = \"{}\"\n{SPIN}[sweep]\n\"ensemble.seed\" = [{}]\n", "x".repeat(100_000), "1, ".repeat(10_000));
    let refused = RunFile::parse(&long, "test", &[]).unwrap_err().to_string();
    assert!(refused.contains("the bytes of a sweep point times the number of points"), "{refused}");
}

#[test]
fn points_that_end_at_different_times_say_when() {
    let sandbox = Sandbox::new();
    let stdout = sandbox.expect(0, "run run.toml --set sweep.time.end=[1.0,2.5,5.0]").stdout;
    let rows: Vec<Vec<&str>> = stdout
        .lines()
        .skip(1)
        .take(4)
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(rows[0][..4], ["point", "trajectories", "t", "⟨N⟩(t)"], "{stdout}");
    assert_eq!([1, 2, 3].map(|row| rows[row][2]), ["1", "2.5", "5"], "{stdout}");
    let stdout = sandbox.expect(0, "run run.toml --set sweep.model.spins.0.coupling=[1.0,2.0] --out b").stdout;
    assert!(stdout.contains("⟨N⟩(t = 1)") && !stdout.contains("⟨N⟩(t)"), "{stdout}");
}

/// Correlation over seeds of the means of two neighbouring points.
fn correlation(sweep: &str) -> f64 {
    let text = format!(
        "{SPIN}[ensemble]\ntrajectories = 16\nestimator = \"plain\"\n{sweep}\n[sweep]\n\"model.spins.0.coupling\" = [1.0, 1.02]\n"
    );
    let seeds = 200u64;
    let means = |seed: u64| {
        let file = RunFile::parse(&text, "test", &[format!("ensemble.seed={seed}")]).unwrap();
        [0, 1].map(|index| {
            let point = &file.points[index];
            let plan = Plan { threads: 2, ..point.plan(2) };
            let found = ensemble::run(&point.experiment, &point.tolerances, &plan, &()).unwrap().unwrap();
            found.tally.records.mean()[found.layout.observable(2, 0)]
        })
    };
    let pairs: Vec<[f64; 2]> = (1..=seeds).map(means).collect();
    let mean = [0, 1].map(|i| pairs.iter().map(|pair| pair[i]).sum::<f64>() / seeds as f64);
    let moment = |i: usize, j: usize| pairs.iter().map(|pair| (pair[i] - mean[i]) * (pair[j] - mean[j])).sum::<f64>();
    moment(0, 1) / (moment(0, 0) * moment(1, 1)).sqrt()
}

/// Of independent numbers the correlation of 200 pairs exceeds 0.35 with a probability of 1e-6.
#[test]
fn neighbours_share_random_numbers_unless_told_otherwise() {
    let found = ["", "sweep = \"common\"", "sweep = \"independent\""].map(correlation);
    assert!(found[0] > 0.8 && found[0] == found[1] && found[2].abs() < 0.35, "{found:?}");
}

#[test]
fn independent_points_are_the_same_in_shards_and_when_resumed() {
    let sandbox = Sandbox::new();
    let sweep = "--quiet --set sweep.model.spins.0.coupling=[1.0,1.0,1.0]";
    let own = "--set ensemble.sweep=independent";
    sandbox.expect(0, &format!("run run.toml {sweep} {own} --out whole"));
    let summary = sandbox.summary("whole");
    assert_eq!((&summary["provenance"]["sweep"], &summary["provenance"]["seed"]), (&"independent".into(), &1.into()));
    let number = |point: usize| summary["points"][point]["observables"]["number"]["mean"][4].as_f64().unwrap();
    assert!(number(0) != number(1) && number(1) != number(2) && number(0) != number(2));
    for shard in 0..3 {
        sandbox.expect(0, &format!("run run.toml {sweep} {own} --out shards --shard {shard}/3"));
    }
    sandbox.expect(0, "merge shards --out merged --quiet");
    assert_eq!(sandbox.points("merged"), sandbox.points("whole"));
    assert_eq!(sandbox.summary("merged")["provenance"]["sweep"], "independent");
    // Blocks with other numbers are of another run.
    let refused = sandbox.expect(2, &format!("run run.toml {sweep} --out shards --shard 0/3"));
    assert!(refused.error().contains("`ensemble.sweep` was"), "{}", refused.error());
    // Points that share their numbers are alike where nothing else differs, and the result says so.
    let said = sandbox.expect(0, "run run.toml --set sweep.model.spins.0.coupling=[1.0,1.0,1.0] --out common").stdout;
    assert!(said.contains("the points share their random numbers"), "{said}");
    let summary = sandbox.summary("common");
    assert_eq!(summary["provenance"]["sweep"], "common");
    assert_eq!(summary["points"][0], summary["points"][2]);
    sandbox.expect(0, "run run.toml --quiet --out single");
    assert!(sandbox.summary("single")["provenance"].get("sweep").is_none());
}
