//! The program as its users meet it: exit codes, messages, files, and bytes that do not depend on threads or luck.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

/// One spin on a warm, fast bath; a run takes milliseconds.
const RUN: &str = r#"# a comment, kept word for word
version = 1
title = "One spin"

[model]
kind = "oscillator-spins"
frequency = 1.0

[[model.spins]]
tunnelling = 2.0
coupling = 1.0
bath = { gamma = 10.0, nbar = 1.0 }

[time]
end = 1.0
points = 5

[ensemble]
trajectories = 64

[output]
observables = ["number", "inversion"]
"#;

/// Longest a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An empty directory with `run.toml`, in which commands are run.
pub struct Sandbox {
    directory: TempDir,
}

/// What a command left behind.
pub struct Finished {
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        let sandbox = Self { directory: tempfile::tempdir().unwrap() };
        sandbox.write("run.toml", RUN);
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `fluctuator` with arguments that hold no spaces, and insists on its exit code.
    pub fn expect(&self, code: i32, arguments: &str) -> Finished {
        self.expect_one_of(&[code], arguments)
    }

    /// The same where several exit codes will do.
    pub fn expect_one_of(&self, codes: &[i32], arguments: &str) -> Finished {
        let mut command = assert_cmd::Command::new(cargo_bin!("fluctuator"));
        command.current_dir(self.directory.path()).args(arguments.split_whitespace()).timeout(PATIENCE);
        let assertion = command.assert().code(codes.to_vec());
        let output = assertion.get_output();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Finished { stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Starts `fluctuator` and leaves it running.
    pub fn spawn(&self, arguments: &str) -> Running {
        let mut command = Command::new(cargo_bin!("fluctuator"));
        command.current_dir(self.directory.path()).args(arguments.split_whitespace());
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub fn summary(&self, directory: &str) -> Value {
        serde_json::from_str(&self.summary_text(directory)).unwrap()
    }

    fn summary_text(&self, directory: &str) -> String {
        self.read(&format!("{directory}/summary.json"))
    }

    /// `points` of a summary, byte for byte.
    pub fn points(&self, directory: &str) -> String {
        let text = self.summary_text(directory);
        text[text.find("\n  \"points\": ").unwrap()..].to_owned()
    }
}

impl Finished {
    /// The only line of stderr.
    pub fn error(&self) -> &str {
        assert_eq!(self.stderr.lines().count(), 1, "one line expected: {}", self.stderr);
        self.stderr.trim_end().strip_prefix("error: ").unwrap_or_else(|| panic!("no `error: `: {}", self.stderr))
    }
}

/// A process that does not outlive the test.
pub struct Running(Child);

impl Running {
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status().unwrap().success());
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Waits for the end, not for ever, and returns the exit code.
    pub fn code(mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "still running");
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn length(value: &Value) -> usize {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}")).len()
}

#[test]
fn run_writes_all_its_files() {
    let sandbox = Sandbox::new();
    let finished = sandbox.expect(0, "run run.toml");
    assert!(finished.stdout.starts_with("One spin\n") && finished.stdout.contains("results in out/run"));
    assert_eq!(finished.stderr, "");
    for (file, magic) in [
        ("summary.json", &b"{\n  \"format_version\": 1,"[..]),
        ("result.nc", b"CDF\x02"),
        ("number.svg", b"<svg"),
        ("number.png", b"\x89PNG\r\n\x1a\n"),
    ] {
        let bytes = fs::read(sandbox.path("out/run").join(file)).unwrap();
        assert!(bytes.starts_with(magic), "{file} begins with {:?}", &bytes[..magic.len().min(bytes.len())]);
    }
    assert!(sandbox.path("out/run/blocks").is_dir());
    assert_eq!(fs::read_dir(sandbox.path("out/run")).unwrap().count(), 5, "nothing else is left behind");
}

#[test]
fn the_summary_holds_what_it_promises() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet");
    let summary = sandbox.summary("out/run");
    assert_eq!(summary["format_version"], 1);
    assert_eq!(summary["provenance"]["run_file"], RUN);
    assert_eq!(summary["provenance"]["complete"], true);
    let point = &summary["points"][0];
    assert_eq!(point["trajectories"], 64);
    assert_eq!(point["times"], serde_json::json!([0.0, 0.25, 0.5, 0.75, 1.0]));
    for name in ["number", "inversion_0"] {
        let observable = &point["observables"][name];
        assert_eq!((length(&observable["mean"]), length(&observable["standard_error"])), (5, 5), "{name}");
    }
    assert_eq!(point["heating_rate"]["window"], serde_json::json!([0.0, 1.0]));
    assert!(length(&point["fock_distribution"]["mean"]) > 1);
    assert!(point["heating_rate"]["paper"].is_number() && !point["jumps"].as_object().unwrap().is_empty());
}

#[test]
fn points_depend_on_the_seed_and_on_nothing_else() {
    let sandbox = Sandbox::new();
    // Many small blocks, so that threads meet them in another order every time.
    let run = "run run.toml --quiet --trajectories 1024 --set ensemble.block=2";
    for (out, flags) in
        [("one", "--threads 1"), ("two", "--threads 2"), ("eight", "--threads 8"), ("other", "--seed 2")]
    {
        sandbox.expect(0, &format!("{run} --out {out} {flags}"));
    }
    assert_eq!(sandbox.points("one"), sandbox.points("two"));
    assert_eq!(sandbox.points("one"), sandbox.points("eight"));
    assert_ne!(sandbox.points("one"), sandbox.points("other"));
    sandbox.expect(0, &format!("{run} --out again --threads 1"));
    assert_eq!(sandbox.points("one"), sandbox.points("again"));
}

#[test]
fn exact_has_no_sampling_error_and_lies_beside_the_trajectories() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "exact run.toml");
    let summary = sandbox.summary("out/run/exact");
    let number = &summary["points"][0]["observables"]["number"];
    assert_eq!(length(&number["mean"]), 5);
    assert!(number.get("standard_error").is_none());
    assert_eq!(number["estimator"], "exact");
}

#[test]
fn a_run_with_exact_solves_the_density_matrix_too() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet --set output.exact=true --out both");
    sandbox.expect(0, "exact run.toml --quiet --out alone");
    assert_eq!(sandbox.points("both/exact"), sandbox.points("alone"));
}

#[test]
fn trajectories_agree_with_the_density_matrix() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet --trajectories 1024 --out run");
    sandbox.expect(0, "exact run.toml --quiet --out exact");
    assert!(sandbox.expect(0, "compare run exact").stdout.contains("agree: worst deviation"));
    assert!(sandbox.expect(0, "compare exact exact").stdout.contains("agree: 11 comparisons to the tolerance"));
}

/// The control of the test above.
#[test]
fn trajectories_of_another_coupling_deviate() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet --trajectories 2000 --set model.spins.0.coupling=1.3 --out run");
    sandbox.expect(0, "exact run.toml --quiet --out exact");
    assert!(sandbox.expect(1, "compare run exact").stdout.contains("DEVIATE: worst deviation"));
}

#[test]
fn results_on_different_grids_are_not_compared() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet --out a");
    for (out, setting, defect) in [
        ("points", "time.points=6", "different output times"),
        ("end", "time.end=2.0", "different output times"),
        ("sweep", "sweep.model.frequency=[1.0,2.0]", "A has 1 sweep points, B has 2"),
        ("key", "sweep.model.frequency=[1.0]", "has parameters"),
    ] {
        sandbox.expect(0, &format!("run run.toml --quiet --out {out} --set {setting}"));
        let finished = sandbox.expect(1, &format!("compare a {out}"));
        assert!(finished.error().starts_with("cannot compare: ") && finished.error().contains(defect), "{out}");
    }
}

#[test]
fn plot_draws_the_same_pictures_again() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet --out a");
    let pictures = ["number.svg", "number.png"].map(|name| sandbox.path("a").join(name));
    let before = pictures.each_ref().map(|path| fs::read(path).unwrap());
    pictures.iter().for_each(|path| fs::remove_file(path).unwrap());
    assert_eq!(sandbox.expect(0, "plot a").stdout, "a/number.svg\na/number.png\n");
    assert!(pictures.each_ref().map(|path| fs::read(path).unwrap()) == before);

    sandbox.expect(0, "exact run.toml --quiet --out a/exact");
    sandbox.expect(0, "plot a");
    assert!(fs::read_to_string(&pictures[0]).unwrap().contains("exact (density matrix)"));
}

#[test]
fn check_tells_size_and_time_and_writes_nothing() {
    let sandbox = Sandbox::new();
    let stdout = sandbox.expect(0, "check run.toml --threads 1 --set model.cutoff=40").stdout;
    assert!(stdout.starts_with("One spin: the run file is sound\n"), "{stdout}");
    for expected in ["Fock levels", "40 (window", "iB", "predicted memory: ", "predicted time on 1 threads: "] {
        assert!(stdout.contains(expected), "no `{expected}` in {stdout}");
    }
    assert_eq!(fs::read_dir(sandbox.directory.path()).unwrap().count(), 1);
}

#[test]
fn bad_input_exits_with_2_and_one_line() {
    let sandbox = Sandbox::new();
    sandbox.write("bad.toml", &RUN.replace("gamma = 10.0", "gamma = -10.0"));
    for command in ["run", "exact", "check"] {
        let finished = sandbox.expect(2, &format!("{command} bad.toml"));
        assert_eq!(finished.error(), "`model.spins.0.bath.gamma` = -10: must be a number ≥ 0 (at most 1e12)");
        assert_eq!(finished.stdout, "");
    }
    assert!(!sandbox.path("out").exists());
}

#[test]
fn bad_flags_exit_with_2() {
    let sandbox = Sandbox::new();
    for (flags, named) in [
        ("--set model.frequency", "`--set` = model.frequency: must be key=value"),
        ("--set model.frequency=fast", "`model.frequency` = \"fast\""),
        ("--set model.spins.1.coupling=1", "`1` must be an index below 1"),
        ("--set modell.frequency=1", "`modell` is not a key of this table: did you mean `model`?"),
        ("--set =1", "must name a key of the run file"),
        ("--trajectories 1", "`ensemble.trajectories` = 1"),
        ("--threads 0", "`--threads` = 0: must be between 1 and 4096"),
    ] {
        let finished = sandbox.expect(2, &format!("run run.toml {flags}"));
        assert!(finished.error().contains(named), "{flags}: {}", finished.stderr);
    }
    sandbox.expect(2, "run run.toml --trajectories many");
    sandbox.expect(2, "run");
    sandbox.expect(2, "walk run.toml");
}

#[test]
fn unreadable_results_exit_with_1() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("empty")).unwrap();
    for (arguments, named) in [("plot empty", "empty/summary.json: "), ("compare empty empty", "empty/summary.json: ")]
    {
        assert!(sandbox.expect(1, arguments).error().starts_with(named), "{arguments}");
    }
}

#[test]
fn overrides_of_the_command_line_count_and_are_recorded() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet --seed 9 --trajectories 32 --set time.points=3 --set title=Other");
    let summary = sandbox.summary("out/run");
    let provenance = &summary["provenance"];
    let overrides = ["time.points=3", "title=Other", "ensemble.trajectories=32", "ensemble.seed=9"];
    assert_eq!(provenance["overrides"], serde_json::json!(overrides));
    assert_eq!((&provenance["title"], &provenance["seed"]), (&"Other".into(), &9.into()));
    assert_eq!(provenance["run_file"], RUN, "the file itself is kept as it is");
    assert_eq!((length(&summary["points"][0]["times"]), &summary["points"][0]["trajectories"]), (3, &32.into()));
}

#[test]
fn a_cutoff_that_clips_is_an_error_with_the_remedy() {
    let sandbox = Sandbox::new();
    let run = "run run.toml --quiet --set time.end=10.0 --set model.cutoff";
    let finished = sandbox.expect(1, &format!("{run}=4"));
    let error = finished.error();
    assert!(error.starts_with("cutoff = 4 clips the state"), "{error}");
    assert!(!sandbox.path("out").exists());
    let advice = error.rsplit_once("cutoff = ").and_then(|(_, rest)| rest.split_once(" would do"));
    let (enough, _) = advice.unwrap_or_else(|| panic!("no advice: {error}"));
    sandbox.expect(0, &format!("{run}={enough}"));
}

#[test]
fn exact_refuses_what_it_cannot_hold() {
    let sandbox = Sandbox::new();
    let begun = Instant::now();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs/high-cutoff.toml");
    let finished = sandbox.expect(1, &format!("exact {}", file.display()));
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    for expected in ["GiB", "4000 Fock levels", "fluctuator run"] {
        assert!(finished.error().contains(expected), "no `{expected}` in {}", finished.stderr);
    }
}

#[test]
fn an_interrupted_run_saves_a_complete_prefix() {
    let sandbox = Sandbox::new();
    let running = sandbox.spawn("run run.toml --quiet --threads 2 --trajectories 1000000000 --out cut");
    // Long enough for a first block on a machine that is busy.
    sleep(Duration::from_secs(4));
    running.interrupt();
    assert_eq!(running.code(), Some(3));

    let summary = sandbox.summary("cut");
    assert_eq!(summary["provenance"]["complete"], false);
    assert_eq!(summary["provenance"]["trajectories_asked"], 1_000_000_000);
    let done = summary["points"][0]["trajectories"].as_u64().unwrap();
    assert_eq!(summary["provenance"]["trajectories"], done);
    assert!(done > 0 && done < 1_000_000_000 && done.is_multiple_of(32), "{done}");
    let numbers = "--set ensemble.pilot=512 --set ensemble.block=32";
    sandbox.expect(0, &format!("run run.toml --quiet {numbers} --trajectories {done} --out whole"));
    assert_eq!(sandbox.points("cut"), sandbox.points("whole"));
}

#[test]
fn an_interrupted_density_matrix_saves_nothing() {
    let sandbox = Sandbox::new();
    let running =
        sandbox.spawn("exact run.toml --quiet --set time.end=1e6 --set time.points=1000000 --set model.cutoff=40");
    sleep(Duration::from_secs(1));
    running.interrupt();
    assert_eq!(running.code(), Some(130));
    assert!(!sandbox.path("out").exists());
}

#[test]
fn help_lists_the_commands() {
    let help = Sandbox::new().expect(0, "--help").stdout;
    for command in ["run", "merge", "status", "exact", "check", "plot", "compare", "converge"] {
        assert!(help.lines().any(|line| line.split_whitespace().next() == Some(command)), "no {command} in {help}");
        Sandbox::new().expect(0, &format!("{command} --help"));
    }
    assert!(help.contains("Exit codes: 0 done"));
}

#[test]
fn a_sweep_is_the_cartesian_product_in_order() {
    let sandbox = Sandbox::new();
    let sweep = "[sweep]\n\"model.spins.0.bath.nbar\" = [0.0, 1.0, 5.0]\n\"model.spins.0.coupling\" = [0.5, 1.0]\n";
    sandbox.write("sweep.toml", &format!("{RUN}\n{sweep}"));
    sandbox.expect(0, "run sweep.toml --quiet");
    let summary = sandbox.summary("out/sweep");
    let value = |point: &Value, key: &str| point["parameters"][key].as_f64().unwrap();
    let pair = |point| (value(point, "model.spins.0.bath.nbar"), value(point, "model.spins.0.coupling"));
    let pairs: Vec<_> = summary["points"].as_array().unwrap().iter().map(pair).collect();
    assert_eq!(pairs, [(0.0, 0.5), (0.0, 1.0), (1.0, 0.5), (1.0, 1.0), (5.0, 0.5), (5.0, 1.0)]);
}

/// Every sweep point is the run that its parameters alone would be.
#[test]
fn a_sweep_point_is_the_run_with_its_parameters() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, "run run.toml --quiet --out sweep --set sweep.model.spins.0.bath.nbar=[0.0,2.0]");
    sandbox.expect(0, "run run.toml --quiet --out single --set model.spins.0.bath.nbar=2.0");
    let mut swept = sandbox.summary("sweep")["points"][1].clone();
    assert_eq!(swept["parameters"], serde_json::json!({ "model.spins.0.bath.nbar": 2.0 }));
    swept["parameters"] = serde_json::json!({});
    assert_eq!(swept, sandbox.summary("single")["points"][0]);
}
