//! Runs with a tabulated density are merged from any directory, and an edited table is named.

#![allow(clippy::unwrap_used)]

use std::fs;

use assert_cmd::cargo::cargo_bin;

use crate::cli::Sandbox;
use crate::durability::assert_same;

const RUN: &str = r#"version = 1
[model]
kind = "born-markov"
frequency = 1.0
form = "completed"
temperature = 1.0
density = { kind = "table", file = "density.csv", tolerance = 0.1 }
[time]
end = 1.0
points = 3
[ensemble]
trajectories = 64
block = 8
"#;

/// J(ω) = aω/(1 + ω²/25).
fn table(strength: f64) -> String {
    let row = |k: u32| (f64::from(k) * 0.25, strength * f64::from(k) * 0.25 / (1.0 + (f64::from(k) * 0.05).powi(2)));
    (0..=400).map(row).map(|(frequency, density)| format!("{frequency}, {density}\n")).collect()
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("files")).unwrap();
    sandbox.write("files/table.toml", RUN);
    sandbox.write("files/density.csv", &table(0.1));
    sandbox
}

#[test]
fn shards_with_a_table_are_merged_from_anywhere() {
    let sandbox = sandbox();
    let run = "run files/table.toml --quiet";
    sandbox.expect(0, &format!("{run} --out whole"));
    (0..2).for_each(|index| drop(sandbox.expect(0, &format!("{run} --shard {index}/2 --out {index}"))));
    // Its content is what decides, wherever the file has gone.
    fs::remove_file(sandbox.path("files/density.csv")).unwrap();
    assert!(sandbox.expect(0, "status 0 1").stdout.contains("64 of 64 trajectories are stored"));
    sandbox.expect(0, "merge 0 1 --quiet --out merged");
    assert_same(&sandbox, "whole", "merged");
    fs::create_dir(sandbox.path("far")).unwrap();
    let mut command = assert_cmd::Command::new(cargo_bin!("fluctuator"));
    command.current_dir(sandbox.path("far")).args(["merge", "../0", "../1", "--quiet", "--out", "merged"]);
    command.assert().code(0);
    assert_same(&sandbox, "whole", "far/merged");
    // What was merged can be merged again.
    sandbox.expect(0, "merge far/merged --quiet --out again");
    assert_same(&sandbox, "whole", "again");
}

#[test]
fn an_edited_table_is_named_and_its_results_are_others() {
    let sandbox = sandbox();
    let run = "run files/table.toml --quiet --out a";
    sandbox.expect(0, run);
    sandbox.expect(0, "exact files/table.toml --quiet --out a/exact");
    let hash = sandbox.summary("a")["provenance"]["run_file_hash"].clone();
    // A comment changes nothing.
    sandbox.write("files/density.csv", &format!("# measured again\n{}", table(0.1)));
    sandbox.expect(0, &format!("{run} --resume"));
    assert_eq!(sandbox.summary("a")["provenance"]["run_file_hash"], hash);
    sandbox.write("files/density.csv", &table(0.2));
    let refused = sandbox.expect(2, &format!("{run} --resume"));
    let named = "`model.density.file` was \"density.csv\" with the contents ";
    assert!(refused.error().contains(named) && refused.error().contains(", is \"density.csv\" with the contents "));
    let refused = sandbox.expect(2, run);
    assert!(refused.error().contains("other contents of \"density.csv\""), "{}", refused.stderr);
    let replaced = sandbox.expect(0, &format!("{run} --force"));
    assert!(replaced.stderr.contains("a/exact is of another model"), "{}", replaced.stderr);
    assert_ne!(sandbox.summary("a")["provenance"]["run_file_hash"], hash);
}
