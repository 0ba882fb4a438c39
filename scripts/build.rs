//! Build script: tells the program the commit it was built from, where there is one.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=scripts/build.rs");
    // HEAD names the branch, the log grows with every commit.
    for file in [".git/HEAD", ".git/logs/HEAD"] {
        if Path::new(file).exists() {
            println!("cargo:rerun-if-changed={file}");
        }
    }
    let output = Command::new("git").args(["rev-parse", "HEAD"]).output();
    if let Some(commit) = output.ok().filter(|output| output.status.success()) {
        println!("cargo:rustc-env=FLUCTUATOR_COMMIT={}", String::from_utf8_lossy(&commit.stdout).trim());
    }
}
