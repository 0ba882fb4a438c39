//! No result holds a number that is not finite: what a sample cannot tell is absent, and what is written can be read.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use fluctuator::analysis::{Point, Summary, trajectory_point};
use fluctuator::ensemble::{self, Plan};
use fluctuator::io::run_file::RunFile;
use fluctuator::io::{read_summary, write_result};
use serde_json::Value;

use crate::cli::Sandbox;

const SPIN: &str = "version = 1\n[model]\nkind = \"oscillator-spins\"\nfrequency = 1.0\n\
                    spins = [{ tunnelling = 2.0, coupling = 1.0, bath = { gamma = 10.0, nbar = 1.0 } }]\n\
                    [time]\nend = 1.0\npoints = 5\n[output]\nobservables = [\"number\", \"inversion\"]\n\
                    correlations = { max_delay = 0.4, bins = 4 }\n";

/// The bare Eq. (23), whose sign problem uses up any sample.
const BARE: &str = "version = 1\n[model]\nkind = \"born-markov\"\nfrequency = 1.0\ntemperature = 0.0\n\
                    density = { kind = \"ohmic-drude\", gamma0 = 0.1, cutoff = 5.0 }\nform = \"bare\"\n\
                    [time]\nend = 20.0\npoints = 11\n[ensemble]\ntrajectories = 64\n";

fn point(text: &str, change: impl Fn(Plan) -> Plan) -> Point {
    let file = RunFile::parse(text, "test", &[]).unwrap();
    let point = &file.points[0];
    let plan = change(point.plan(2));
    let recording = ensemble::Recording { sink: None, correlations: point.correlations.as_ref() };
    let found = ensemble::run_recording(&point.experiment, &point.tolerances, &plan, &(), recording);
    trajectory_point(&point.experiment, &found.unwrap().unwrap(), BTreeMap::new())
}

/// Whether nothing was lost on the way to JSON and back.
fn survives(point: &Point) -> bool {
    let text = serde_json::to_string(point).unwrap();
    serde_json::from_str::<Point>(&text).is_ok_and(|read| read == *point)
}

#[test]
fn one_trajectory_has_no_error_bar() {
    for estimator in ["plain", "controlled"] {
        let text = format!("{SPIN}[ensemble]\nestimator = \"{estimator}\"\n");
        let found = point(&text, |plan| Plan { trajectories: 1, block: 1, ..plan });
        assert!(survives(&found), "{found:?}");
        assert!(
            found
                .observables
                .values()
                .all(|curve| curve.standard_error.is_none() && curve.plain_standard_error.is_none())
        );
        assert!(found.heating_rate.standard_error.is_none() && found.fock_distribution.standard_error.is_none());
        assert!(found.jumps.values().all(|jumps| jumps.standard_error.is_none()));
        // Two have one.
        let found = point(&text, |plan| Plan { trajectories: 2, block: 1, ..plan });
        assert!(survives(&found) && found.observables.values().all(|curve| curve.standard_error.is_some()));
    }
    assert!(survives(&point(BARE, |plan| Plan { trajectories: 1, block: 1, ..plan })));
}

#[test]
fn a_stratified_run_of_one_block_is_refused() {
    let sandbox = Sandbox::new();
    let stratified = "--set ensemble.sampling=stratified --set ensemble.block=64";
    let finished = sandbox.expect(2, &format!("run run.toml {stratified}"));
    assert!(finished.error().contains("needs two blocks at least"), "{}", finished.error());
    sandbox.expect(0, &format!("run run.toml --quiet --trajectories 128 {stratified}"));
    let errors = &sandbox.summary("out/run")["points"][0]["observables"]["number"]["standard_error"];
    assert!(errors.as_array().unwrap().iter().all(Value::is_number));
}

#[test]
fn the_curves_of_the_bare_equation_end_where_its_sample_is_used_up() {
    let sandbox = Sandbox::new();
    sandbox.write("bare.toml", BARE);
    let finished = sandbox.expect(0, "run bare.toml");
    assert!(finished.stderr.contains("the sign problem has used up the sample"), "{}", finished.stderr);
    assert!(finished.stderr.contains("where all curves and the heating rate's window end"), "{}", finished.stderr);
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
    let found = read_summary(&sandbox.path("out/bare")).unwrap();
    let point = &found.points[0];
    let last = *point.times.last().unwrap();
    let born_markov = point.born_markov.as_ref().unwrap();
    let weights = born_markov.weights.as_ref().unwrap();
    assert!((4.0..20.0).contains(&last) && weights.ends_at == Some(last) && point.heating_rate.window == [0.0, last]);
    let curves = point.observables.values().map(|curve| curve.mean.len());
    let curves = curves.chain([weights.mean.len(), born_markov.moments.number.len()]);
    assert!(curves.chain(point.closed_forms.values().map(Vec::len)).all(|length| length == point.times.len()));
    // And what is left is right.
    let number = &point.observables["number"];
    for (time, exact) in born_markov.moments.number.iter().enumerate() {
        let z = (number.mean[time] - exact) / number.standard_error.as_ref().unwrap()[time];
        assert!(time == 0 || z.abs() < 6.0, "{time}: {z}");
    }
    sandbox.expect(0, "plot out/bare");
}

/// The last line of defence: a number that is not finite is named, and nothing is written.
#[test]
fn what_is_not_finite_is_not_written() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet");
    let sound = read_summary(&sandbox.path("out/run")).unwrap();
    type Spoil = fn(&mut Summary);
    let spoilt: [(Spoil, &str); 3] = [
        (
            |summary| summary.points[0].observables.get_mut("number").unwrap().mean[2] = f64::NAN,
            "points.0.observables.number.mean.2 is NaN",
        ),
        (|summary| summary.points[0].heating_rate.value = f64::INFINITY, "points.0.heating_rate.value is inf"),
        (
            |summary| summary.points[0].diagnostics.worst_norm_defect = f64::NEG_INFINITY,
            "points.0.diagnostics.worst_norm_defect is -inf",
        ),
    ];
    for (spoil, named) in spoilt {
        let mut summary = sound.clone();
        spoil(&mut summary);
        let error = write_result(&sandbox.path("spoilt"), &summary, None).unwrap_err();
        assert!(error.to_string().contains(named) && !error.is_input(), "{error}");
        assert!(!sandbox.path("spoilt/summary.json").exists());
    }
}
