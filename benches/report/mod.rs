//! What the reports share: how they are called, the machine they speak of, aligned tables, and where they are written.

use std::path::PathBuf;

use fluctuator::io::{build_commit, today};
use fluctuator::system::cpu_features;

/// How a report is called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// As a test (`cargo bench -- --test`, `cargo test --benches`): the smallest part, to see that it runs.
    Test,
    /// Measured and printed.
    Print,
    /// Measured, printed and written to `runs/`.
    Write,
}

/// How this process was called; `None`, and a word about it, with arguments that are meant for other benches.
pub fn mode() -> Option<Mode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if arguments.iter().any(|argument| !["--bench", "--test", "--write"].contains(&argument.as_str())) {
        println!("nothing measured: this report takes --write or nothing, not {arguments:?}");
        return None;
    }
    if has("--test") || !has("--bench") {
        println!("As a test: the smallest part, once; its times mean nothing.\n");
        return Some(Mode::Test);
    }
    Some(if has("--write") { Mode::Write } else { Mode::Print })
}

/// The processor as it calls itself, what the vector loops use of it, the date and the program; and how busy the machine was, which
/// times suffer from (what Linux tells).
pub fn circumstances() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let known = read("/proc/cpuinfo");
    let name = known.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = name.map_or("an unknown processor", |(_, name)| name);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().filter(|load| !load.is_empty());
    let load = load.map_or_else(String::new, |load| format!(", load average {load}"));
    let commit = build_commit().map_or_else(String::new, |commit| format!(", commit {commit:.12}"));
    let (features, version) = (cpu_features().join(", "), env!("CARGO_PKG_VERSION"));
    format!("One core of {name} ({features}){load}, {}, fluctuator {version}{commit}.", today())
}

/// Columns aligned to the right, the first row as their head.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().copied().map(str::to_owned).collect();
    let lines = || std::iter::once(&head).chain(rows);
    let width = |column: usize| lines().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
        cells.join("  ") + "\n"
    };
    lines().map(line).collect()
}

/// A number with three digits that count.
pub fn three_digits(x: f64) -> String {
    let decimals = (2 - x.abs().max(1e-9).log10().floor() as i32).clamp(0, 6) as usize;
    format!("{x:.decimals$}")
}

/// A file of the project's `runs/`.
pub fn in_runs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runs").join(name)
}
