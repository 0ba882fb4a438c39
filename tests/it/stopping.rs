//! The stopping rule: what it stops at is covered by its error bars, does not depend on threads, and is never an accident.

#![allow(clippy::unwrap_used)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fluctuator::analysis::{Accuracy, Deviations, Level, Quantity, Target, excess};
use fluctuator::ensemble::{self, BlockRunner, Ending, Ensemble, Estimator, Layout, Plan, Stopped, Tally, Watcher};
use fluctuator::hilbert::Cutoff;
use fluctuator::model::{Model, OscillatorPreparation};
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Chain, Experiment, OpenSystem};

use crate::cli::Sandbox;
use crate::systems::{exact, experiment, mean, oscillator, spin};

const MIN: u64 = 64;
const MAX: u64 = 1 << 14;

/// Runs until ⟨N⟩ at the end has the standard error `target`.
struct Until<'a> {
    experiment: &'a Experiment,
    target: Target,
}

impl<'a> Until<'a> {
    fn number(experiment: &'a Experiment, standard_error: f64) -> Self {
        let last = experiment.times.len() - 1;
        let quantity = Quantity::Observable { name: "number".into(), times: last..last + 1 };
        Self { experiment, target: Target { quantity, accuracy: Accuracy::Absolute(standard_error) } }
    }

    fn run(&self, seed: u64, threads: usize, trajectories: u64) -> Ensemble {
        let plan =
            Plan { trajectories, seed, block: 16, threads, estimator: Estimator::Plain, sampling: Default::default() };
        ensemble::run(self.experiment, &Tolerances::from_tolerance(1e-8), &plan, self).unwrap().unwrap()
    }
}

impl Watcher for Until<'_> {
    fn finished(&self, _trajectories: u64) {}

    fn stop(&self) -> bool {
        false
    }

    fn first_look(&self) -> Option<u64> {
        Some(MIN)
    }

    fn enough(&self, ensemble: &Ensemble) -> bool {
        excess(std::slice::from_ref(&self.target), self.experiment, ensemble) <= 1.0
    }
}

/// Fig. 3's spin at n̄ = 0 for a short while: one trajectory in six jumps, those that jump take longer and heat more.
fn heating() -> Experiment {
    let model = oscillator(vec![spin(2.0, 1.0, 10.0, 0.0)], None);
    experiment(model, OscillatorPreparation::Fock(0), 1.0, 2)
}

/// What most engines do, simulated: `workers` take one trajectory after the other, each takes as long as its applications
/// of H_eff and jumps, and the run ends as soon as those that have finished, in whatever order, reach the target.
fn stopped_in_completion_order(until: &Until, chain: &Chain, seed: u64, workers: usize) -> Ensemble {
    let experiment = until.experiment;
    let mut runner = BlockRunner::new(chain, experiment, &Tolerances::from_tolerance(1e-8), seed, None);
    let layout = Layout::new(experiment, chain.channels().len());
    let mut finished = Ensemble {
        tally: Tally::default(),
        layout,
        channels: chain.channels().to_vec(),
        correlations: None,
        tolerance: 1e-8,
        no_jump_probability: None,
        ending: Ending { stopped: Stopped::Trajectories, looks: 0 },
    };
    let (mut next, mut tallies, mut running) = (0, Vec::new(), BinaryHeap::new());
    let mut begin = |now: u64, running: &mut BinaryHeap<Reverse<(u64, usize)>>, tallies: &mut Vec<Tally>| {
        let tally = runner.run(next..next + 1).unwrap();
        let jumps: f64 = (0..chain.channels().len()).map(|c| tally.records.mean()[layout.jumps(c)]).sum();
        running.push(Reverse((now + tally.counts.applications + jumps as u64, tallies.len())));
        tallies.push(tally);
        next += 1;
    };
    (0..workers).for_each(|_| begin(0, &mut running, &mut tallies));
    while let Some(Reverse((now, trajectory))) = running.pop() {
        finished.tally.trajectories += 1;
        finished.tally.records.merge(&tallies[trajectory].records);
        finished.tally.fock.merge(&tallies[trajectory].fock);
        if finished.tally.records.count() >= MIN && until.enough(&finished) {
            break;
        }
        begin(now, &mut running, &mut tallies);
    }
    finished
}

/// Adds the deviation of ⟨N⟩ at the end, with the error bar that the result would report.
fn push(deviations: &mut Deviations, experiment: &Experiment, ensemble: &Ensemble, truth: f64) {
    let point = fluctuator::analysis::trajectory_point(experiment, ensemble, std::collections::BTreeMap::new());
    let error = *point.observables["number"].standard_error.as_ref().unwrap().last().unwrap();
    deviations.push(mean(ensemble, 1, 0), error, truth, 0.0);
}

/// Over 600 seeds the estimates at which the rule stops lie within one and two error bars as often as they should, within
/// 5 binomial errors (false alarm 1.1e-6). Stopping in completion order fails the same test; with one worker, when that is
/// the order of the trajectories, it passes: it is the order that does the harm, not the many looks.
#[test]
fn stopped_estimates_cover_and_those_stopped_in_completion_order_do_not() {
    const SEEDS: u64 = 600;
    const ERROR: f64 = 0.025;
    const WORKERS: usize = 64;
    let experiment = heating();
    let truth = exact(&experiment).observables[0][1];
    let until = Until::number(&experiment, ERROR);
    let Model::OscillatorSpins(model) = &experiment.model else { panic!("a spin model") };
    let chain = Chain::new(model, Cutoff::Auto).unwrap();
    let [mut ladder, mut one, mut many] = std::array::from_fn(|_| Deviations::default());
    let mut trajectories = 0;
    for seed in 1..=SEEDS {
        let ensemble = until.run(seed, 2, MAX);
        assert_eq!(ensemble.ending.stopped, Stopped::Target);
        trajectories += ensemble.tally.records.count();
        push(&mut ladder, &experiment, &ensemble, truth);
        push(&mut one, &experiment, &stopped_in_completion_order(&until, &chain, seed, 1), truth);
        push(&mut many, &experiment, &stopped_in_completion_order(&until, &chain, seed, WORKERS), truth);
    }
    for (name, z) in [("ladder", &ladder), ("one worker", &one), ("many workers", &many)] {
        println!("{name}: {:?}, mean z {:.3}, variance {:.3}", z.levels().map(|l| l.seen), z.mean(), z.variance());
    }
    println!("mean number of trajectories {}", trajectories as f64 / SEEDS as f64);
    assert!(ladder.levels().iter().all(Level::is_right), "{:?}", ladder.levels());
    assert!(one.levels().iter().all(Level::is_right), "{:?}", one.levels());
    assert!(many.levels().iter().any(Level::is_low), "the test cannot see a biased stop: {:?}", many.levels());
    // The mean of SEEDS standard normal numbers is beyond 5/√SEEDS with a probability of 6e-7.
    assert!(many.mean() < -5.0 / (SEEDS as f64).sqrt(), "trajectories without jumps finish first: {}", many.mean());
    assert!(ladder.mean().abs() < 0.5 * many.mean().abs(), "{} and {}", ladder.mean(), many.mean());
}

#[test]
fn threads_change_nothing_with_a_target() {
    let experiment = heating();
    let until = Until::number(&experiment, 0.01);
    let one = until.run(5, 1, MAX);
    let count = one.tally.records.count();
    assert_eq!(one.ending.stopped, Stopped::Target);
    assert!(count > 10 * MIN && one.ending.looks > 5, "{count} trajectories, {} looks", one.ending.looks);
    for threads in [2, 3, 8] {
        assert_eq!(one, until.run(5, threads, MAX), "{threads} threads");
    }
    // The maximum is a rung like any other, and a run without a target of the same length has the same moments.
    let plan = Plan {
        trajectories: count,
        seed: 5,
        block: 16,
        threads: 2,
        estimator: Estimator::Plain,
        sampling: Default::default(),
    };
    assert_eq!(one.tally, crate::systems::run(&experiment, &plan).tally);
    let bounded = until.run(5, 2, count / 2 + 1);
    assert_eq!((bounded.ending.stopped, bounded.tally.records.count()), (Stopped::Trajectories, count / 2 + 1));
}

/// Jumps so rare that none is seen: the sample variance is exactly zero, and no sign of accuracy. What a jump would do, times how
/// rare it is, decides instead.
#[test]
fn trajectories_that_are_all_alike_are_not_enough() {
    let model = oscillator(vec![spin(2.0, 1.0, 1e-3, 0.0)], None);
    let experiment = experiment(model, OscillatorPreparation::Fock(0), 0.5, 2);
    let run = |standard_error: f64| {
        let ensemble = Until::number(&experiment, standard_error).run(1, 2, 1000);
        let point = fluctuator::analysis::trajectory_point(&experiment, &ensemble, std::collections::BTreeMap::new());
        let number = &point.observables["number"];
        let [plain, reported] = [&number.plain_standard_error, &number.standard_error].map(|e| e.as_ref().unwrap()[1]);
        (ensemble.ending, ensemble.tally.records.count(), plain, reported)
    };
    let (ending, count, plain, reported) = run(1e-5);
    assert_eq!((ending.stopped, count, plain), (Stopped::Trajectories, 1000, 0.0));
    assert!(ending.looks > 5 && reported > 1e-5, "{} looks, {reported}", ending.looks);
    // The control: such an error is soon small enough for another target.
    let (ending, _, _, reported) = run(1e-2);
    assert!(ending.stopped == Stopped::Target && reported <= 1e-2, "{ending:?}, {reported}");
}

/// Where nothing is left to chance, one look is enough.
#[test]
fn a_run_without_chance_ends_at_once() {
    let mut lonely = spin(2.0, 1.0, 1.0, 0.0);
    lonely.bath = None;
    let experiment = experiment(oscillator(vec![lonely], None), OscillatorPreparation::Fock(0), 1.0, 2);
    let ensemble = Until::number(&experiment, 1e-6).run(1, 2, MAX);
    assert_eq!(
        (ensemble.ending.stopped, ensemble.tally.records.count(), ensemble.ending.looks),
        (Stopped::Target, MIN, 1)
    );
}

const TARGET: &str = "{observable=\"number\",standard_error=0.01}";

#[test]
fn the_program_reaches_its_target_and_says_so() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "run.toml",
        &sandbox.read("run.toml").replace("trajectories = 64", &format!("estimator = \"plain\"\ntarget = {TARGET}")),
    );
    for threads in 1..=3 {
        let done = sandbox.expect(0, &format!("run run.toml --threads {threads} --out out/{threads}"));
        assert!(done.stdout.contains("(target)") && done.stderr.is_empty(), "{}{}", done.stdout, done.stderr);
        assert_eq!(sandbox.points("out/1"), sandbox.points(&format!("out/{threads}")));
    }
    let point = sandbox.summary("out/1")["points"][0].clone();
    let error = point["observables"]["number"]["standard_error"].as_array().unwrap().last().unwrap().as_f64().unwrap();
    assert!(error <= 0.01 && error > 0.01 / 1.25, "{error}");
    let ending = &sandbox.summary("out/1")["provenance"]["endings"][0];
    assert!(ending["stopped"] == "target" && ending["looks"].as_u64().unwrap() > 1, "{ending}");
    // A bound that is too low: all that is allowed is run, and what is missing is said.
    let done = sandbox.expect(0, "run run.toml --trajectories 128 --out out/few");
    assert!(done.stderr.starts_with("warning: 128 trajectories did not reach the target standard error of number"));
    assert_eq!(sandbox.summary("out/few")["provenance"]["endings"][0]["stopped"], "trajectories");
    // Every kind of target at once, each at its own accuracy; a sweep over one of them.
    let all = "target=[{observable=\"inversion\",relative_error=0.5,time=\"all\"},\
               {observable=\"heating_rate\",standard_error=0.05}]";
    let swept = "sweep.ensemble.target.0.relative_error=[0.5,0.1]";
    sandbox.expect(0, &format!("run run.toml --set ensemble.{all} --set {swept} --out out/all"));
    let points = sandbox.summary("out/all")["points"].as_array().unwrap().clone();
    let counts: Vec<u64> = points.iter().map(|point| point["trajectories"].as_u64().unwrap()).collect();
    assert!(counts[0] < counts[1], "{counts:?}");
    let check = sandbox.expect(0, "check run.toml");
    assert!(check.stdout.contains("about") && check.stdout.contains("of 1000000"), "{}", check.stdout);
}

/// However short the time, what is saved is a complete prefix, and marked as cut short.
#[test]
fn a_time_limit_leaves_a_complete_prefix() {
    let sandbox = Sandbox::new();
    // On a busy machine the limit may come before the first block, and nothing is saved.
    let limited = |limit: f64| {
        let limited = format!("--set ensemble.time_limit={limit:?} --set ensemble.trajectories=100000000");
        let done = sandbox.expect_one_of(&[3, 130], &format!("run run.toml {limited} --out out/limited"));
        sandbox.path("out/limited/summary.json").exists().then_some(done)
    };
    let done = [1e-6, 2.0, 10.0].into_iter().find_map(limited).expect("something is saved");
    assert!(done.stderr.contains("time limit: "), "{}", done.stderr);
    let summary = sandbox.summary("out/limited");
    assert_eq!(summary["provenance"]["endings"][0]["stopped"], "time limit");
    assert_eq!(summary["provenance"]["complete"], false);
    let count = summary["points"][0]["trajectories"].as_u64().unwrap();
    assert!(count >= 32 && count.is_multiple_of(32), "{count}");
    let numbers = "--set ensemble.pilot=512 --set ensemble.block=32";
    sandbox.expect(0, &format!("run run.toml {numbers} --trajectories {count} --out out/counted"));
    assert_eq!(sandbox.points("out/limited"), sandbox.points("out/counted"));
}

#[test]
fn coverage_of_the_program_is_right_and_small_samples_are_told() {
    let sandbox = Sandbox::new();
    let done = sandbox.expect(0, "coverage run.toml --seeds 100 --trajectories 256");
    assert!(done.stdout.contains("heating_rate") && done.stdout.contains("68.27 %"), "{}", done.stdout);
    let text = std::fs::read_to_string(sandbox.path("out/run/coverage/coverage.json")).unwrap();
    let coverage: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(coverage["points"][0]["seeds"], 100);
    let rows = coverage["points"][0]["rows"].as_array().unwrap();
    assert!(rows.len() >= 6);
    // Populations of the Fock levels have errors of their own kind.
    for row in rows.iter().filter(|row| row["reported"] == true && !row["quantity"].as_str().unwrap().contains("level"))
    {
        for level in row["levels"].as_array().unwrap() {
            assert!(level["seen"].as_f64().unwrap() >= level["lowest"].as_f64().unwrap(), "{row}");
        }
    }
    assert!(sandbox.path("out/run/coverage/coverage.txt").exists());
    // Four trajectories of which hardly any jumps: their own error bars are too small, and that is found.
    let few = "--set model.spins.0.bath.gamma=0.1 --set model.spins.0.bath.nbar=0 --trajectories 4";
    let done = sandbox.expect(0, &format!("coverage run.toml --seeds 200 {few} --out out/few"));
    let sample_alone = |line: &&str| line.contains("sample alone") && line.ends_with("too low");
    assert!(done.stdout.lines().any(|line| sample_alone(&line)), "{}", done.stdout);
}

/// Sixteen trajectories of the bare Eq. (23) have used up their sample before t = 7 in some runs, whose populations are then left out: what
/// a result does not say is not judged, and what it says covers.
#[test]
fn coverage_passes_where_the_signs_of_weights_use_up_the_sample() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "bare.toml",
        "version = 1\n[model]\nkind = \"born-markov\"\nfrequency = 1.0\nmass = 1.0\ntemperature = 0\nbath = \"spin\"\n\
         density = { kind = \"ohmic-drude\", gamma0 = 0.1, cutoff = 5.0 }\nform = \"bare\"\n\
         [initial]\noscillator = { fock = 0 }\n[time]\nend = 7.0\npoints = 11\n",
    );
    for end in ["2.0", "7.0"] {
        let run = format!("coverage bare.toml --seeds 40 --trajectories 16 --every-time --force --set time.end={end}");
        let table = sandbox.expect(0, &run).stdout;
        let low = |line: &&str| line.contains(", reported") && line.ends_with("too low");
        assert_eq!(table.lines().find(low), None, "{table}");
        // Words of a row: quantity, time, estimator, "reported", runs.
        let ground: Vec<&str> =
            table.lines().find(|line| line.contains("level.0 ")).expect("a row").split_whitespace().collect();
        let runs: u64 =
            ground.iter().skip_while(|word| **word != "reported").nth(1).expect("runs").parse().expect("a number");
        assert_eq!(runs < 40, end == "7.0", "{table}");
    }
}
