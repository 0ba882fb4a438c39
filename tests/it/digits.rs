//! Numbers in tables have their significant digits, no more than mean something, and say where a formula does not hold.

#![allow(clippy::unwrap_used)]

use crate::cli::Sandbox;

/// An ion in SI units: rates of some quanta per second beside frequencies of some 10⁶.
const ION: &str = "version = 1\ntitle = \"ion\"\n[model]\nkind = \"oscillator-spins\"\nfrequency = 6.283185307e6\n\
                   [[model.spins]]\ntunnelling = 18.85e6\ncoupling = 1.2566e5\ninitial = \"thermal\"\nbath = { gamma = 2e5, nbar = 0.3 }\n\
                   [time]\nend = 3.183e-6\npoints = 11\n[ensemble]\ntrajectories = 16\n";

/// The same in units of its frequency.
const SCALED: &str = "version = 1\ntitle = \"ion\"\n[model]\nkind = \"oscillator-spins\"\nfrequency = 1.0\n\
                      [[model.spins]]\ntunnelling = 3.0\ncoupling = 2e-3\ninitial = \"thermal\"\nbath = { gamma = 0.03183, nbar = 0.3 }\n\
                      [time]\nend = 20.0\npoints = 11\n[ensemble]\ntrajectories = 16\n";

/// The longest run of digits in a text, with points between them.
fn most_digits(text: &str) -> usize {
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).count();
    text.split(|c: char| !c.is_ascii_digit() && c != '.').map(digits).max().unwrap_or(0)
}

/// The cells below a column's name.
fn column(stdout: &str, name: &str) -> Vec<String> {
    let cells = |line: &str| -> Vec<String> {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let mut lines = stdout.lines().skip_while(|line| !line.contains(name));
    let index = cells(lines.next().unwrap()).iter().position(|cell| cell == name).unwrap();
    lines.take_while(|line| cells(line).len() > index).map(|line| cells(line)[index].clone()).collect()
}

#[test]
fn small_numbers_are_not_zero() {
    let sandbox = Sandbox::new();
    for text in [ION, SCALED] {
        sandbox.write("ion.toml", text);
        // What is sampled has the digits that its error deserves.
        for (command, names) in [
            ("run ion.toml --restart --force", &["quantum noise"][..]),
            ("exact ion.toml --force", &["quantum noise", "heating rate"]),
        ] {
            let stdout = sandbox.expect(0, command).stdout;
            for name in names {
                let cell = &column(&stdout, name)[0];
                let value = cell.split(" ± ").next().unwrap().trim_start_matches('(');
                let digits = value.trim_start_matches('-').split('e').next().unwrap().replace('.', "");
                assert!(digits.trim_start_matches('0').len() >= 2, "{name}: {cell}");
            }
            assert!(most_digits(&stdout) <= 12, "{stdout}");
        }
    }
    sandbox.expect(0, "check ion.toml");
}

#[test]
fn where_the_adiabatic_rate_cannot_hold_is_said() {
    let sandbox = Sandbox::new();
    sandbox.write("ion.toml", SCALED);
    let stdout = sandbox.expect(0, "run ion.toml").stdout;
    assert!(column(&stdout, "2Γ (41)")[0].ends_with('*'), "{stdout}");
    let note =
        "(* not the heating rate here: Eq. (41) needs spins that relax much faster than they and the oscillator turn";
    assert!(stdout.contains(note) && stdout.contains("here κ is 0.017 times the larger of them"), "{stdout}");
    let rate = &sandbox.summary("out/ion")["points"][0]["heating_rate"];
    assert!((rate["paper_ratio"].as_f64().unwrap() - 0.03183 * 1.6 / 3.0).abs() < 1e-12);
    // Fig. 3's spins are fast enough.
    let stdout = sandbox.expect(0, "run run.toml --set sweep.model.spins.0.bath.gamma=[10.0,100.0]").stdout;
    assert!(!stdout.contains('*') && !stdout.contains("not the heating rate"), "{stdout}");
    // Fast enough, and still far off: the oscillator is as warm as the spin.
    let long =
        "--set initial.oscillator.thermal=50.0 --set model.spins.0.bath.nbar=0.0 --set time.end=0.5 --trajectories 64";
    let stdout = sandbox.expect(0, &format!("run run.toml {long} --out far")).stdout;
    let note = "(* not the heating rate here: Eq. (41) is for weak coupling and leaves out that spins cool, too: that of quantum noise is -";
    assert!(stdout.contains(note), "{stdout}");
}

#[test]
fn messages_have_twelve_digits_at_most() {
    let sandbox = Sandbox::new();
    for setting in ["time.end=-0.30000000000000004", "model.frequency=-1e300", "time.end=1.2345678901234567e100"] {
        let finished = sandbox.expect(2, &format!("run run.toml --set {setting}"));
        assert!(most_digits(finished.error()) <= 12, "{}", finished.error());
    }
    let stdout = sandbox
        .expect(
            0,
            "run run.toml --set time.end=0.30000000000000004 --set sweep.model.spins.0.coupling=[0.30000000000000004]",
        )
        .stdout;
    assert!(stdout.contains("⟨N⟩(t = 0.3)") && stdout.contains("coupling = 0.3 "), "{stdout}");
}
