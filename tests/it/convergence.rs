//! `converge`: slopes are what they must be, the largest error is named, everything is written down.
//!
//! Budgets are generous, so that numbers of trajectories, and with them the results, do not depend on the clock.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use fluctuator::analysis::convergence::{Convergence, LadderRung};
use fluctuator::io::read_convergence;
use serde_json::Value;

use crate::cli::Sandbox;

/// A cold bath and a longer run, in which the oscillator climbs far enough for its window to grow.
const SLOW: &str = "--set model.spins.0.bath.nbar=0.0 --set time.end=4.0";

/// The study of the sandbox's run file with more settings, and what was printed.
fn study(settings: &str) -> (Convergence, String) {
    let sandbox = Sandbox::new();
    let finished =
        sandbox.expect(0, &format!("converge run.toml --budget 1000 --trajectories 1024 --out c {settings}"));
    (read_convergence(&sandbox.path("c")).unwrap(), finished.stdout)
}

#[test]
fn errors_fall_as_they_must() {
    let (study, _) = study(SLOW);
    // Deviations from the density matrix fall as M^(−1/2), within 5 standard errors of the slope (5.7e-7 for each of
    // three quantities and two estimators); slopes 0 and −1 are told apart from that.
    assert_eq!(study.sampling.reference, "density matrix");
    assert_eq!(study.sampling.trajectories, 4096);
    assert!(study.sampling.quantities.len() == 3 && study.left_out.is_empty());
    for quantity in &study.sampling.quantities {
        // Slopes of the reported standard errors are fitted from 512 trajectories on, where they are controlled.
        for scaling in [quantity.plain, quantity.reported] {
            let slope = scaling.standard_error.unwrap().slope;
            assert!(slope < -0.45, "{}: standard errors fall with slope {slope}", quantity.name);
            let fit = scaling.deviation.unwrap();
            assert!(fit.slope < -0.4, "{}: {scaling:?}", quantity.name);
            let from = |slope: f64| ((fit.slope - slope) / fit.slope_error).abs();
            assert!(from(-0.5) <= 5.0, "{}: slope {} ± {}", quantity.name, fit.slope, fit.slope_error);
            assert!(from(0.0) > 5.0 && from(-1.0) > 5.0, "{}: ± {} says nothing", quantity.name, fit.slope_error);
        }
        // The actual deviations are as large as the standard errors say: 5 standard errors of a root mean square.
        let first = quantity.rungs[0];
        let ratio = first.plain.deviation.unwrap() / first.plain.standard_error;
        let allowed = 5.0 / (2.0 * first.groups as f64).sqrt();
        assert!(first.groups == 128 && (ratio - 1.0).abs() <= allowed, "{}: ratio {ratio}", quantity.name);
        assert!((1.5 - 1.0f64).abs() > allowed, "error bars wrong by a half would be seen");
    }
    assert_eq!(study.verdict.dominant, "statistical", "{}", study.verdict.sentence);

    // Propagation and window: the error falls with the tolerance, and is far below the statistical one at the defaults.
    let statistical = study.verdict.contributions[0].error.unwrap();
    for (ladder, default) in [(&study.tolerance, 1e-8), (&study.window, 1e-10)] {
        let number = ladder.number().unwrap();
        assert!(ladder.trajectories == 256 && number.rungs.len() == 8);
        let order = number.rms_fit.unwrap();
        assert!(
            order.slope > 0.3 && order.slope < 1.5,
            "{}: order {} ± {}",
            ladder.key,
            order.slope,
            order.slope_error
        );
        let rms = |rung: Option<&LadderRung>| rung.unwrap().rms;
        assert!(rms(number.rungs.first()) > 1e3 * rms(number.rungs.last()), "{} changes nothing", ladder.key);
        let error = ladder.at(default).unwrap().error();
        assert!(error < 1e-3 * statistical, "{}: {error} against {statistical}", ladder.key);
    }
    // The cutoff: exponentially.
    let fit = study.cutoff.number().unwrap().rms_fit.unwrap();
    assert!(fit.slope < -0.05 && fit.slope < -5.0 * fit.slope_error, "{} ± {}", fit.slope, fit.slope_error);
}

/// A cutoff that is too small is named; the control: a generous one is not.
#[test]
fn a_cutoff_that_is_too_small_is_named() {
    let (small, printed) = study(&format!("{SLOW} --set model.cutoff=4"));
    let sentence = &small.verdict.sentence;
    assert_eq!(small.verdict.dominant, "cutoff", "{sentence}");
    assert!(
        sentence.contains("the largest error of ⟨N⟩ is the cutoff") && sentence.contains("(cutoff = 4)"),
        "{sentence}"
    );
    assert!(sentence.contains("set model.cutoff = ") && printed.contains(sentence.as_str()), "{printed}");

    let (generous, _) = study(&format!("{SLOW} --set model.cutoff=60"));
    assert_eq!(generous.verdict.dominant, "statistical", "{}", generous.verdict.sentence);
    assert!(generous.verdict.sentence.contains("set ensemble.trajectories = 4096"), "{}", generous.verdict.sentence);
}

/// A propagation too rough for very many trajectories is named, with the tolerance that would do; the control: one that
/// is fine enough is not. The statistical error is carried over by 1/√M from as many trajectories as the budget allows.
#[test]
fn a_tolerance_that_is_too_rough_is_named() {
    let verdict = |tolerance: &str| {
        let sandbox = Sandbox::new();
        let many = "--trajectories 100000000000000 --budget 2";
        let numerics = format!("--set numerics.tolerance={tolerance} --set numerics.window_tolerance=1e-14");
        sandbox.expect(0, &format!("converge run.toml --quiet --out c {many} {SLOW} {numerics}"));
        read_convergence(&sandbox.path("c")).unwrap().verdict
    };
    let rough = verdict("1e-2");
    assert_eq!(rough.dominant, "propagation", "{}", rough.sentence);
    assert!(rough.sentence.contains("set numerics.tolerance = 1e-"), "{}", rough.sentence);
    let fine = verdict("1e-9");
    assert_eq!(fine.dominant, "statistical", "{}", fine.sentence);
}

#[test]
fn the_study_is_written_down_in_full() {
    let sandbox = Sandbox::new();
    let sweep = "--set sweep.model.spins.0.bath.nbar=[0.0,1.0] --point 1";
    let finished = sandbox.expect(0, &format!("converge run.toml --quick {sweep}"));
    assert!(finished.stdout.starts_with("One spin, point 1: nbar = 1.0\n"), "{}", finished.stdout);
    let directory = sandbox.path("out/run/converge");
    for (file, magic) in [("converge.svg", &b"<svg"[..]), ("converge.png", b"\x89PNG\r\n\x1a\n")] {
        assert!(fs::read(directory.join(file)).unwrap().starts_with(magic), "{file}");
    }
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 3);
    let json: Value = serde_json::from_str(&fs::read_to_string(directory.join("converge.json")).unwrap()).unwrap();
    assert_eq!((&json["format_version"], &json["point"]), (&1.into(), &1.into()));
    assert_eq!(json["parameters"], serde_json::json!({ "model.spins.0.bath.nbar": 1.0 }));
    assert_eq!(json["settings"]["trajectories"], 64);
    for quantity in json["sampling"]["quantities"].as_array().unwrap() {
        for key in ["name", "estimator", "reference", "rungs", "plain", "reported", "variance_ratio"] {
            assert!(!quantity[key].is_null(), "sampling: no {key} in {quantity}");
        }
        let rung = &quantity["rungs"][0];
        for key in ["trajectories", "groups"] {
            assert!(rung[key].is_u64(), "sampling: no {key} in {rung}");
        }
        for estimator in ["plain", "reported"] {
            let errors = &rung[estimator];
            assert!(errors["standard_error"].is_f64() && errors["deviation"].is_f64(), "{rung}");
        }
    }
    for ladder in ["tolerance", "window", "cutoff"] {
        let ladder = &json[ladder];
        assert!(ladder["key"].is_string() && ladder["trajectories"].is_u64() && ladder["reference"].is_string());
        for quantity in ladder["quantities"].as_array().unwrap() {
            assert!(quantity["rungs"].as_array().unwrap().len() > 2, "{quantity}");
            for key in ["setting", "mean", "mean_error", "rms", "median", "largest", "diverged", "clipped"] {
                assert!(quantity["rungs"][0][key].is_number(), "no {key} in {quantity}");
            }
        }
    }
    let names: Vec<&str> =
        json["verdict"]["contributions"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["statistical", "propagation", "window", "cutoff"]);
    assert!(json["verdict"]["sentence"].as_str().unwrap().ends_with('.'));
    assert_eq!(json["provenance"]["title"], "One spin");
}

#[test]
fn bad_points_and_budgets_are_refused() {
    let sandbox = Sandbox::new();
    for (flags, named) in [
        ("--point 1", "`--point` = 1: the run file has the sweep points 0 to 0"),
        ("--budget 0", "`--budget` = 0: must be > 0 seconds"),
    ] {
        let finished = sandbox.expect(2, &format!("converge run.toml {flags}"));
        assert!(finished.error().contains(named), "{flags}: {}", finished.stderr);
    }
    sandbox.expect(2, "converge run.toml --quick --budget 5");
    assert!(!sandbox.path("out").exists());
}

#[test]
fn an_interrupted_study_saves_nothing() {
    let sandbox = Sandbox::new();
    let running = sandbox.spawn("converge run.toml --quiet --budget 1e6 --trajectories 1000000000");
    sleep(Duration::from_secs(1));
    running.interrupt();
    assert_eq!(running.code(), Some(130));
    assert!(!sandbox.path("out").exists());
}
