//! `scripts/slurm/submit.sh`: both jobs get the options of the site, nothing it is given is evaluated, what is missing is said.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;

use crate::cli::Sandbox;

/// An `sbatch` that writes down what it is given, and the options of the next wave; job numbers are 1, 2, ….
const SBATCH: &str = r#"#!/bin/bash
n=$(($(cat count 2>/dev/null || echo 0) + 1))
echo "$n" >count
printf '%s\n' "$@" >"call-$n"
printf '%s' "${SBATCH_OPTIONS:-}" >"options-$n"
echo "$n;cluster"
"#;

struct Cluster {
    sandbox: Sandbox,
}

impl Cluster {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.path("bin")).unwrap();
        let cluster = Self { sandbox };
        cluster.program("bin/sbatch", SBATCH);
        cluster
    }

    fn program(&self, name: &str, text: &str) {
        self.sandbox.write(name, text);
        fs::set_permissions(self.sandbox.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        let path = format!("{}:/usr/bin:/bin", self.sandbox.path("bin").display());
        command.arg(scripts().join(script)).current_dir(self.sandbox.path("."));
        command.env("PATH", path).env("FLUCTUATOR", cargo_bin!("fluctuator"));
        for name in ["OUT", "WAVE", "FIRST", "LAST", "RUN_OPTIONS", "SBATCH_OPTIONS"] {
            command.env_remove(name);
        }
        command
    }

    fn submit(&self, arguments: &[&str]) -> Output {
        self.command("submit.sh").args(arguments).output().unwrap()
    }

    /// What `sbatch` was called with, call by call.
    fn calls(&self) -> Vec<Vec<String>> {
        let text = |n: usize| fs::read_to_string(self.sandbox.path(&format!("call-{n}"))).ok();
        (1..).map_while(text).map(|text| text.lines().map(str::to_owned).collect()).collect()
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/slurm")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn both_jobs_get_the_options_of_the_site() {
    let cluster = Cluster::new();
    let options = ["--account=me", "--comment=two words", "--array", "3,17", "--time=1:00:00", "--constraint=*"];
    let output = cluster.submit(&[&["run.toml", "4"][..], &options].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let calls = cluster.calls();
    assert_eq!(calls.len(), 2);
    let given = |call: &[String], option: &str| call.iter().any(|word| word == option);
    for option in ["--account=me", "--comment=two words", "--time=1:00:00", "--constraint=*"] {
        assert!(calls.iter().all(|call| given(call, option)), "{option}: {calls:?}");
    }
    assert!(given(&calls[0], "3,17") && given(&calls[0], "--array=0-3"));
    assert!(!given(&calls[1], "3,17") && !given(&calls[1], "--array"), "{:?}", calls[1]);
    assert!(given(&calls[1], "--dependency=afterok:1"));
    assert!(calls[0].last().unwrap().ends_with("shard.sbatch") && calls[1].last().unwrap().ends_with("merge.sbatch"));
}

/// A target that is not reached: the merge job submits the next wave with the same options, word for word.
#[test]
fn the_next_wave_has_the_same_options() {
    let cluster = Cluster::new();
    cluster.program("bin/more", "#!/bin/bash\n[ \"$1\" = check ] || exit 3\n");
    let kept = "--comment=two words\n--constraint=*";
    let mut merge = cluster.command("merge.sbatch");
    merge.env("FLUCTUATOR", cluster.sandbox.path("bin/more")).env("SUBMIT", scripts().join("submit.sh"));
    merge.envs([("OUT", "out/run"), ("RUN_FILE", "run.toml"), ("SHARDS", "4"), ("FIRST", "0"), ("LAST", "1023")]);
    let output = merge.env("SBATCH_OPTIONS", kept).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("(trajectories 1024–2047)"));
    let calls = cluster.calls();
    assert!(calls.len() == 2 && calls.iter().all(|call| call.contains(&"--comment=two words".into())), "{calls:?}");
    assert_eq!(fs::read_to_string(cluster.sandbox.path("options-1")).unwrap(), kept);
}

#[test]
fn nothing_is_evaluated() {
    let cluster = Cluster::new();
    let attack = "a[$(touch evaluated)]";
    let refused = |output: Output, named: &str| {
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(named), "{}", stderr(&output));
    };
    refused(cluster.submit(&["run.toml", attack]), "SHARDS must be a whole number");
    refused(cluster.submit(&["run.toml", "0"]), "SHARDS must be a whole number");
    for (name, message) in [("WAVE", "WAVE must be a whole number"), ("FIRST", "FIRST and LAST must be whole numbers")]
    {
        let output = cluster.command("submit.sh").args(["run.toml", "4"]).env(name, attack).output().unwrap();
        refused(output, message);
    }
    let mut merge = cluster.command("merge.sbatch");
    cluster.program("bin/more", "#!/bin/bash\nexit 3\n");
    merge.envs([("OUT", "out"), ("LAST", attack)]).env("FLUCTUATOR", cluster.sandbox.path("bin/more"));
    refused(merge.output().unwrap(), "LAST must be a whole number");
    // A name with all that a shell could take for something else, and options that name files.
    let odd = "$(touch evaluated) `touch evaluated`;touch evaluated.toml";
    fs::copy(cluster.sandbox.path("run.toml"), cluster.sandbox.path(odd)).unwrap();
    let output = cluster.submit(&[odd, "4", "--comment=$(touch evaluated)"]);
    assert!(output.status.success(), "{}", stderr(&output));
    cluster.program("bin/echo-words", "#!/bin/bash\nprintf '%s\\n' \"$@\"\n");
    let mut shard = cluster.command("shard.sbatch");
    shard.envs([("OUT", "out"), ("RUN_FILE", odd), ("SHARDS", "4"), ("SLURM_ARRAY_TASK_ID", "3")]);
    shard.env("FLUCTUATOR", cluster.sandbox.path("bin/echo-words")).env("RUN_OPTIONS", "--set $(touch evaluated) *");
    let words = String::from_utf8(shard.output().unwrap().stdout).unwrap();
    assert!(words.ends_with("--set\n$(touch\nevaluated)\n*\n"), "{words}");
    assert!(!cluster.sandbox.path("evaluated").exists());
}

#[test]
fn what_is_missing_is_said() {
    let cluster = Cluster::new();
    let output =
        cluster.command("submit.sh").args(["run.toml", "4"]).env("FLUCTUATOR", "no-such-program").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("the program no-such-program is not found"), "{}", stderr(&output));
    let output = cluster.submit(&["absent.toml", "4"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("there is no run file absent.toml"));
    assert_eq!(cluster.submit(&["run.toml"]).status.code(), Some(2));
    assert!(cluster.calls().is_empty());
}
