//! `records.nc`: complete, in order, the same bytes on any number of threads, and only ever whole.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use fluctuator::ensemble::{self, Plan, Purpose, Recording, Streams, draw};
use fluctuator::hilbert::Ket;
use fluctuator::io::RecordSpool;
use fluctuator::io::run_file::RunFile;
use fluctuator::propagate::Tolerances;
use fluctuator::system::{Chain, Experiment, Readout};
use fluctuator::unravelling::{Recorder, Trajectory};
use netcdf3::{DataVector, FileReader};

use crate::cli::Sandbox;

/// Records of everything; the run file is that of the tests of the program: one spin, 64 trajectories.
const ALL: &str = "run run.toml --quiet --set output.jumps=true --set output.final_values=true";

/// The numbers of `records.nc`.
pub struct Contents(FileReader);

impl Contents {
    pub fn of(path: &Path) -> Self {
        Self(FileReader::open(path).unwrap())
    }

    fn length(&self, dimension: &str) -> usize {
        self.0.data_set().get_dim(dimension).unwrap().size()
    }

    fn has(&self, name: &str) -> bool {
        self.0.data_set().get_var(name).is_some()
    }

    pub fn numbers(&mut self, name: &str) -> Vec<f64> {
        match self.0.read_var(name).unwrap() {
            DataVector::F64(values) => values,
            DataVector::I32(values) => values.into_iter().map(f64::from).collect(),
            other => panic!("{name} holds {other:?}"),
        }
    }

    /// (point, row, time, channel) of every jump.
    fn jumps(&mut self) -> Vec<(f64, f64, f64, f64)> {
        let [point, row, time, channel] =
            ["jump_point", "jump_trajectory", "jump_time", "jump_channel"].map(|name| self.numbers(name));
        (0..time.len()).map(|i| (point[i], row[i], time[i], channel[i])).collect()
    }
}

#[test]
fn records_are_complete_and_in_order() {
    let sandbox = Sandbox::new();
    sandbox.write("run.toml", &(sandbox.read("run.toml") + "[sweep]\n\"model.spins.0.bath.nbar\" = [0.5, 2.0]\n"));
    sandbox.expect(0, &format!("{ALL} --out a"));
    let mut records = Contents::of(&sandbox.path("a/records.nc"));
    assert_eq!((records.length("point"), records.length("trajectory"), records.length("channel")), (2, 128, 2));
    let jumps = records.jumps();
    assert!(jumps.windows(2).all(|pair| pair[0] < pair[1]), "ordered by point, trajectory and time");

    let (weights, counts) = (records.numbers("weight"), records.numbers("jump_count"));
    assert!(weights.iter().all(|weight| *weight == 1.0));
    let of_row = |row: usize| jumps.iter().filter(|jump| jump.1 == row as f64).count() as f64;
    assert!((0..128).all(|row| of_row(row) == counts[row]));
    let (point, number) = (records.numbers("trajectory_point"), records.numbers("trajectory_number"));
    assert!((0..128).all(|row| (point[row], number[row]) == ((row / 64) as f64, (row % 64) as f64)));
    let (rate, last) = (records.numbers("heating_rate"), records.numbers("final_number"));

    // What the summary says of the same trajectories.
    let summary = sandbox.summary("a");
    for (index, at) in summary["points"].as_array().unwrap().iter().enumerate() {
        for (channel, name) in ["spin_0_down", "spin_0_up"].into_iter().enumerate() {
            let seen = jumps.iter().filter(|jump| (jump.0, jump.3) == (index as f64, channel as f64)).count();
            assert_eq!((at["jumps"][name]["mean"].as_f64().unwrap() * 64.0).round(), seen as f64, "{name}");
        }
        let mean = |values: &[f64]| values[64 * index..64 * (index + 1)].iter().sum::<f64>() / 64.0;
        let close = |a: f64, b: &serde_json::Value| (a - b.as_f64().unwrap()).abs() < 1e-12;
        assert!(close(mean(&rate), &at["heating_rate"]["plain_value"]));
        assert!(close(mean(&last), &at["observables"]["number"]["plain_mean"][4]));
    }
}

#[test]
fn records_are_the_same_bytes_on_any_number_of_threads() {
    let sandbox = Sandbox::new();
    let bytes = |out: &str| fs::read(sandbox.path(out).join("records.nc")).unwrap();
    let run = format!("{ALL} --trajectories 200 --set ensemble.block=8 --set output.correlations={{max_delay=0.5}}");
    for threads in [1, 2, 3] {
        sandbox.expect(0, &format!("{run} --threads {threads} --out {threads}"));
        assert_eq!(bytes("1"), bytes(&threads.to_string()), "{threads} threads");
        assert_eq!(sandbox.points("1"), sandbox.points(&threads.to_string()), "{threads} threads");
    }
    sandbox.expect(0, &format!("{run} --seed 2 --out other"));
    assert_ne!(bytes("1"), bytes("other"), "another seed");
}

/// Jumps and last values of one trajectory.
struct Listener<'a> {
    system: &'a Chain,
    experiment: &'a Experiment,
    jumps: Vec<(f64, usize)>,
    values: Vec<f64>,
}

impl Recorder for Listener<'_> {
    fn output(&mut self, _index: usize, ket: &Ket) {
        Readout::new(self.system, &self.experiment.observables).observe(self.system, 0.0, ket, &mut self.values);
    }

    fn jump(&mut self, time: f64, channel: usize) {
        self.jumps.push((time, channel));
    }
}

#[test]
fn records_are_those_of_the_trajectories_themselves() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, &format!("{ALL} --out a"));
    let mut records = Contents::of(&sandbox.path("a/records.nc"));
    let (jumps, number) = (records.jumps(), records.numbers("final_number"));
    let inversion = records.numbers("final_inversion_0");

    let point = &RunFile::load(&sandbox.path("run.toml"), &[]).unwrap().points[0];
    let experiment = &point.experiment;
    let fluctuator::model::Model::OscillatorSpins(model) = &experiment.model else { panic!("a spin model") };
    let chain = Chain::new(model, experiment.cutoff).unwrap();
    let mut trajectory = Trajectory::new(&chain, &experiment.times, &Tolerances::from_tolerance(1e-8));
    for index in [0, 17, 63] {
        let streams = Streams::new(point.seed);
        let state = draw(experiment.oscillator, &model.spins, &mut streams.open(index, Purpose::Preparation));
        let values = vec![0.0; experiment.observables.len()];
        let mut heard = Listener { system: &chain, experiment, jumps: Vec::new(), values };
        trajectory.run(&state, &mut streams.open(index, Purpose::Jumps), &mut heard).unwrap();
        let recorded: Vec<(f64, usize)> =
            jumps.iter().filter(|jump| jump.1 == index as f64).map(|jump| (jump.2, jump.3 as usize)).collect();
        assert_eq!(recorded, heard.jumps, "trajectory {index}");
        assert_eq!([number[index as usize], inversion[index as usize]], heard.values[..], "trajectory {index}");
    }
}

#[test]
fn only_what_was_asked_for_is_recorded() {
    let sandbox = Sandbox::new();
    let run = "run run.toml --quiet";
    sandbox.expect(0, &format!("{run} --out none --set output.correlations={{max_delay=0.5}}"));
    assert!(!sandbox.path("none/records.nc").exists());
    assert!(sandbox.path("none/emission.svg").exists() && sandbox.path("none/emission.png").exists());
    sandbox.expect(0, &format!("{run} --out jumps --set output.jumps=true"));
    let records = Contents::of(&sandbox.path("jumps/records.nc"));
    assert!(records.has("jump_time") && records.has("weight") && !records.has("final_number"));
    sandbox.expect(0, &format!("{run} --out last --set output.final_values=true"));
    let records = Contents::of(&sandbox.path("last/records.nc"));
    assert!(!records.has("jump_time") && records.has("weight") && records.has("final_number"));
    assert!(!sandbox.path("last/emission.svg").exists());

    // A channel that never fires: no jump at all, and still a file that can be read.
    sandbox.expect(0, &format!("{run} --out quiet --set output.jumps=true --set model.spins.0.bath.gamma=0"));
    let mut records = Contents::of(&sandbox.path("quiet/records.nc"));
    assert_eq!((records.length("jump"), records.numbers("jump_count")), (0, vec![0.0; 64]));
}

#[test]
fn an_interrupted_run_keeps_the_records_of_its_prefix() {
    let sandbox = Sandbox::new();
    // On a busy machine nothing may be finished in half a second.
    let interrupted_after = |wait: u64| {
        let running = sandbox.spawn(&format!("{ALL} --threads 2 --trajectories 1000000000 --out cut"));
        sleep(Duration::from_millis(wait));
        running.interrupt();
        running.code()
    };
    let code = [500, 2000, 8000].into_iter().map(interrupted_after).find(|code| *code != Some(130));
    assert_eq!(code, Some(Some(3)));
    let done = sandbox.summary("cut")["points"][0]["trajectories"].as_u64().unwrap();
    sandbox.expect(0, &format!("{ALL} --trajectories {done} --out whole"));
    let (mut cut, mut whole) =
        (Contents::of(&sandbox.path("cut/records.nc")), Contents::of(&sandbox.path("whole/records.nc")));
    assert_eq!(cut.length("trajectory") as u64, done);
    for name in ["jump_time", "jump_channel", "jump_trajectory", "jump_count", "final_number", "heating_rate"] {
        assert!(cut.numbers(name) == whole.numbers(name), "{name}");
    }
}

#[test]
fn a_failed_run_leaves_no_part_of_its_records() {
    let sandbox = Sandbox::new();
    let run = format!("{ALL} --set time.end=10.0");
    sandbox.expect(1, &format!("{run} --set model.cutoff=4 --out failed"));
    assert!(!sandbox.path("failed").exists());

    // In a sweep, the points before the failure are saved, and nothing of the one that failed.
    sandbox.write("run.toml", &(sandbox.read("run.toml") + "[sweep]\n\"model.cutoff\" = [64, 4]\n"));
    sandbox.expect(1, &format!("{run} --set ensemble.block=2 --threads 1 --out half"));
    let mut records = Contents::of(&sandbox.path("half/records.nc"));
    assert_eq!((records.length("point"), records.length("trajectory")), (1, 64));
    let (count, points) = (records.numbers("jump_count"), records.numbers("jump_point"));
    assert_eq!(count.iter().sum::<f64>(), points.len() as f64);
    assert!(points.iter().all(|point| *point == 0.0));
    // One that fails in its third block: the two before it are dropped, to the byte.
    let run = format!("{ALL} --set ensemble.block=2 --threads 1 --set initial.oscillator={{thermal=0.5}}");
    let swept = |cutoffs: &str| format!("--set sweep.model.cutoff={cutoffs} --out {}", cutoffs.len());
    let failed = sandbox.expect(1, &format!("{run} {}", swept("[64,12]")));
    assert!(failed.stderr.contains("(trajectory 5, allowed"), "{}", failed.stderr);
    sandbox.expect(0, &format!("{run} {}", swept("[64]")));
    // Without the heads, which hold the run's own words.
    let numbers = |out: &str| {
        let bytes = fs::read(sandbox.path(out).join("records.nc")).unwrap();
        bytes[bytes.len() - 20_000..].to_vec()
    };
    assert!(numbers("7") == numbers("4"), "what the failed point left is there");
    let left: Vec<_> = fs::read_dir(sandbox.path("half")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 6, "summary.json, result.nc, number.svg, number.png, records.nc, blocks: {left:?}");
}

/// What a point left that was interrupted or has failed is dropped, before, between and behind those that are kept.
#[test]
fn points_that_are_not_kept_leave_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("run.toml", &(sandbox.read("run.toml") + "[sweep]\n\"model.spins.0.bath.nbar\" = [0.5, 2.0]\n"));
    sandbox.expect(0, &format!("{ALL} --out a"));
    let summary = serde_json::from_value(sandbox.summary("a")).unwrap();
    let file =
        RunFile::load(&sandbox.path("run.toml"), &["output.jumps=true", "output.final_values=true"].map(str::to_owned));
    let file = file.unwrap();
    let write = |name: &str, course: &[(usize, u64, bool)]| {
        fs::create_dir(sandbox.path(name)).unwrap();
        let mut spool = RecordSpool::open(&sandbox.path(name), file.records).unwrap().unwrap();
        for &(index, trajectories, kept) in course {
            let (point, recording) = (&file.points[index], Recording { sink: Some(&mut spool), correlations: None });
            let plan = Plan { trajectories, ..point.plan(2) };
            ensemble::run_recording(&point.experiment, &point.tolerances, &plan, &(), recording).unwrap();
            if kept {
                spool.keep_point();
            }
        }
        fs::read(spool.write(&summary).unwrap()).unwrap()
    };
    let whole = fs::read(sandbox.path("a/records.nc")).unwrap();
    assert!(write("b", &[(0, 64, true), (1, 64, true)]) == whole, "the same without the program");
    // Shorter and longer than what comes in their place.
    let dropped = [(1, 32, false), (0, 64, true), (0, 200, false), (1, 64, true), (1, 96, false)];
    assert!(write("c", &dropped) == whole, "something is left of what was dropped");
    // The control: kept, it would be seen.
    assert!(write("d", &[(0, 64, true), (1, 32, true)]) != whole);
}

/// Nothing of an earlier run in the same place is left beside a result that has no such files.
#[test]
fn what_an_earlier_run_left_goes() {
    let sandbox = Sandbox::new();
    let asked =
        "--set output.jumps=true --set output.correlations={max_delay=0.5} --set sweep.model.frequency=[1.0,2.0]";
    let optional = ["records.nc", "emission.svg", "emission.png", "heating.svg", "heating.png"];
    let there = || optional.map(|name| sandbox.path("a").join(name).exists());
    sandbox.expect(0, &format!("run run.toml --quiet --out a {asked}"));
    assert_eq!(there(), [true; 5]);
    sandbox.expect(0, "run run.toml --quiet --out a --force");
    assert_eq!(there(), [false; 5]);
}
