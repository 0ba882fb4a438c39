//! Lines that nobody can take end no run: results are on the disk first, and only then a lost table is an exit code.

#![allow(clippy::unwrap_used)]

use std::fs::{self, OpenOptions};
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;

use crate::cli::Sandbox;
use crate::durability::shell;

/// A device on which every write fails.
fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// A pipe that nobody reads.
fn broken() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Exit code and stderr, if that could be written.
fn run(sandbox: &Sandbox, arguments: &str, stdout: Stdio, stderr: Stdio) -> (Option<i32>, String) {
    let mut command = Command::new(cargo_bin!("fluctuator"));
    command.current_dir(sandbox.path("")).args(arguments.split_whitespace()).stdout(stdout).stderr(stderr);
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A run that warns: it misses its target, and has records and pictures.
const WARNS: &str = "run run.toml --trajectories 600 --set output.jumps=true";

fn with_target() -> Sandbox {
    let sandbox = Sandbox::new();
    let target = "target = { observable = \"number\", standard_error = 1e-6 }";
    sandbox.write("run.toml", &sandbox.read("run.toml").replace("trajectories = 64", target));
    sandbox
}

#[test]
fn warnings_that_cannot_be_written_end_no_run() {
    let sandbox = with_target();
    let said = run(&sandbox, &format!("{WARNS} --out seen"), Stdio::null(), Stdio::piped());
    assert_eq!(said.0, Some(0));
    assert!(said.1.contains("did not reach the target"), "the control: there is something to say: {}", said.1);
    for (out, stderr) in [("full", full()), ("broken", broken())] {
        assert_eq!(run(&sandbox, &format!("{WARNS} --out {out}"), Stdio::null(), stderr).0, Some(0), "{out}");
        let bytes = |out: &str| fs::read(sandbox.path(out).join("records.nc")).unwrap();
        assert!(sandbox.points(out) == sandbox.points("seen") && bytes(out) == bytes("seen"), "{out}");
        assert!(sandbox.path(out).join("number.png").exists());
    }
    // An error has its exit code, whoever hears of it.
    assert_eq!(run(&sandbox, "run absent.toml", Stdio::null(), full()).0, Some(2));
    // So has an interrupted command: 3 where a block was finished, 130 where none was.
    let cut = run(&sandbox, "run run.toml --time-limit 0.000001 --quiet --out cut", Stdio::null(), full()).0;
    assert!(matches!(cut, Some(3 | 130)), "{cut:?}");
}

#[test]
fn a_table_that_cannot_be_written_is_told_when_the_results_are_there() {
    let sandbox = Sandbox::new();
    for command in
        ["run run.toml --out a", "exact run.toml --out b", "status a", "merge a --out c", "compare a b", "plot a"]
    {
        let (code, stderr) = run(&sandbox, command, full(), Stdio::piped());
        assert_eq!(code, Some(1), "{command}: {stderr}");
        assert!(stderr.contains("error: cannot write to standard output: "), "{command}: {stderr}");
    }
    let files = |out: &str| fs::read_dir(sandbox.path(out)).unwrap().count();
    assert_eq!([files("a"), files("b"), files("c")], [5, 4, 7], "all files are there");
    // Whoever closes the pipe has read enough.
    assert_eq!(run(&sandbox, "check run.toml", broken(), Stdio::null()).0, Some(0));
    assert_eq!(run(&sandbox, "run run.toml --out a", broken(), full()).0, Some(0));
}

/// A picture that cannot be written costs neither numbers nor records.
#[test]
fn numbers_and_records_come_before_pictures() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("a/number.svg/taken")).unwrap();
    let failed = sandbox.expect(1, "run run.toml --out a --set output.jumps=true");
    assert!(failed.stderr.contains("a/number.svg"), "{}", failed.stderr);
    assert!(sandbox.path("a/summary.json").exists() && sandbox.path("a/result.nc").exists());
    assert!(sandbox.path("a/records.nc").exists());
}

/// Whether this process, and all that it starts, ignores HUP, the first of the signals in a mask of `/proc`.
fn hangups_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// The terminal is gone: what is complete is saved, however often that is said; with `nohup` the run goes on.
#[test]
fn a_run_outlives_its_terminal() {
    let sandbox = Sandbox::new();
    let begun = "for i in $(seq 600); do ls OUT/blocks/point-0000/*.blocks >/dev/null 2>&1 && break; sleep 0.05; done";
    let run = "$PROGRAM run run.toml --store-every 0.01 --set output.jumps=true --out OUT --trajectories";
    let line = |line: &str, out: &str| line.replace("BEGUN", begun).replace("RUN", run).replace("OUT", out);
    // Where these tests are run under `nohup` themselves, no program that they start hears of HUP.
    if !hangups_are_ignored() {
        let (code, stderr) = shell(
            &sandbox,
            &line("RUN 100000000 >/dev/full 2>&1 & BEGUN; kill -HUP $!; kill -HUP $!; wait $!", "gone"),
        );
        assert_eq!(code, Some(3), "{stderr}");
        assert!(sandbox.summary("gone")["points"][0]["trajectories"].as_u64() > Some(0));
        assert!(sandbox.path("gone/records.nc").exists() && sandbox.path("gone/number.png").exists());
    }
    let (code, stderr) =
        shell(&sandbox, &line("trap '' HUP; RUN 5000 >/dev/null & BEGUN; kill -HUP $!; wait $!", "nohup"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(sandbox.summary("nohup")["points"][0]["trajectories"], 5000);
}
