//! The picture and the table of a sweep's heating rates.

#![allow(clippy::unwrap_used)]

use std::fs;

use fluctuator::io::{draw_heating, read_exact, read_summary};

use super::cli::Sandbox;

const RUN: &str = "run run.toml --quiet --trajectories 32";
const NBAR: &str = "--set sweep.model.spins.0.bath.nbar=[0.1,1.0,10.0]";

fn count(svg: &str, text: &str) -> usize {
    svg.matches(text).count()
}

/// The picture of a result directory, if it has one; the files, too, exist or not accordingly.
fn picture(sandbox: &Sandbox, directory: &str) -> Option<String> {
    let path = sandbox.path(directory);
    let exists = ["svg", "png"].map(|kind| path.join(format!("heating.{kind}")).exists());
    let figure = draw_heating(&read_summary(&path).unwrap(), read_exact(&path).unwrap().as_ref());
    assert_eq!(exists, [figure.is_some(); 2], "{directory}");
    figure?;
    let svg = sandbox.read(&format!("{directory}/heating.svg"));
    assert!(fs::read(path.join("heating.png")).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    Some(svg)
}

#[test]
fn a_sweep_over_numbers_is_drawn() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, &format!("{RUN} --out a {NBAR} --set output.exact=true"));
    let svg = picture(&sandbox, "a").unwrap();
    for text in ["n̄ (quanta)", "heating rate (quanta × frequency unit)", "2Γ, Eq. (41)", "quantum noise"] {
        assert!(svg.contains(text), "no `{text}` in {svg}");
    }
    for text in ["exact (density matrix)", "mean of 32 trajectories, ±2 standard errors", ">1e-1<", ">1e1<"] {
        assert!(svg.contains(text), "no `{text}` in {svg}");
    }
    assert_eq!(count(&svg, "stroke-dasharray"), 2, "the quantum-noise rate and its entry are dashed");
    // `plot` draws the same, and without the density matrix there are no circles.
    sandbox.expect(0, "plot a");
    let before = sandbox.read("a/heating.svg");
    fs::remove_file(sandbox.path("a/heating.svg")).unwrap();
    assert!(sandbox.expect(0, "plot a").stdout.contains("a/heating.svg\na/heating.png\n"));
    assert_eq!(sandbox.read("a/heating.svg"), before);
    fs::remove_dir_all(sandbox.path("a/exact")).unwrap();
    sandbox.expect(0, "plot a");
    let without = picture(&sandbox, "a").unwrap();
    assert!(!without.contains("density matrix") && without.len() < svg.len());
}

#[test]
fn there_is_a_curve_for_every_combination_of_the_other_keys() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, &format!("{RUN} --out a {NBAR} --set sweep.model.spins.0.bath.gamma=[5.0,10.0,20.0]"));
    let svg = picture(&sandbox, "a").unwrap();
    assert!(["γ = 5", "γ = 10", "γ = 20"].iter().all(|label| svg.contains(&format!(">{label}<"))), "{svg}");
    assert_eq!(count(&svg, "stroke-dasharray"), 4, "a dashed curve for each, and the entry");
    // Zero has no logarithm.
    sandbox.expect(0, &format!("{RUN} --out b --set sweep.model.spins.0.bath.nbar=[0.0,0.1,10.0]"));
    assert!(!picture(&sandbox, "b").unwrap().contains(">1e1<"));
}

#[test]
fn without_a_numeric_key_that_varies_there_is_no_picture() {
    let sandbox = Sandbox::new();
    for (out, flags) in [
        ("none", ""),
        ("one", "--set sweep.model.spins.0.bath.nbar=[1.0]"),
        ("words", "--set sweep.model.spins.0.initial=[\"ground\",\"excited\"]"),
    ] {
        sandbox.expect(0, &format!("{RUN} --out {out} {flags}"));
        assert!(picture(&sandbox, out).is_none(), "{out}");
    }
}

#[test]
fn a_sweep_prints_all_estimates_of_its_heating_rates() {
    let sandbox = Sandbox::new();
    let stdout = sandbox.expect(0, &format!("{} --out a {NBAR}", RUN.replace(" --quiet", ""))).stdout;
    for text in ["by difference", "by slope", "by drift"] {
        assert!(stdout.contains(text), "no `{text}` in {stdout}");
    }
    assert!(stdout.lines().all(|line| line.chars().count() <= 125), "{stdout}");
    let single = sandbox.expect(0, "run run.toml --out b").stdout;
    assert!(!single.contains("by slope"), "{single}");
}
