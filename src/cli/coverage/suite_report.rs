//! What a run of the suite leaves: its numbers, and a table of the worst.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use crate::analysis::chance::FALSE_ALARM;
use crate::analysis::suite::{Cell, Far, INFLATION, Verdict, median};
use crate::cli::table;
use crate::io::{build_commit, today};

/// Cells that are written out, besides those that are low.
const WORST: usize = 40;

/// Runs with values beyond five standard errors that the table shows, with its header; the numbers have all.
const FURTHEST: usize = 61;

/// Cells of each kind of quantity that the table shows; the numbers have more.
const SHOWN: usize = 14;

/// One system in short.
#[derive(Debug, Clone, Serialize)]
pub struct SystemLine {
    /// Its name.
    pub name: String,
    /// Trajectories of a run.
    pub trajectories: u64,
    /// Estimators times samplings.
    pub settings: usize,
    /// Cells in which anything could deviate.
    pub cells: usize,
    /// Cells that cover too seldom.
    pub low: usize,
    /// The smallest coverage.
    pub least_covered: f64,
    /// Median of mean standard error over true error where events are frequent.
    pub median_inflation: Option<f64>,
    /// Time for the density matrix.
    pub exact_seconds: f64,
    /// Time for everything.
    pub seconds: f64,
}

/// The cells of one kind of quantity in one kind of setting.
#[derive(Debug, Clone, Serialize)]
struct KindLine {
    kind: &'static str,
    estimator: String,
    sampling: String,
    cells: usize,
    low: usize,
    median_coverage: Option<f64>,
    median_inflation: Option<f64>,
}

/// Everything that is written.
#[derive(Debug, Serialize)]
pub struct Report {
    date: String,
    program: String,
    git_commit: Option<String>,
    complete: bool,
    seeds: u64,
    seconds: f64,
    verdict: Verdict,
    kinds: Vec<KindLine>,
    systems: Vec<SystemLine>,
    /// All low cells, and the worst of the others.
    cells: Vec<Cell>,
}

impl Report {
    /// Of all `cells` it keeps the low ones and the worst of the others.
    pub fn new(
        verdict: Verdict,
        mut cells: Vec<Cell>,
        systems: Vec<SystemLine>,
        seeds: u64,
        begun: Instant,
        complete: bool,
    ) -> Self {
        let kinds = kinds(&cells);
        cells.sort_by(|a, b| a.covered.total_cmp(&b.covered).then(b.beyond.cmp(&a.beyond)));
        let mut others = 0;
        cells.retain(|cell| {
            others += usize::from(!cell.is_low());
            cell.is_low() || others <= WORST
        });
        Self {
            date: today(),
            program: concat!("fluctuator ", env!("CARGO_PKG_VERSION")).into(),
            git_commit: build_commit(),
            complete,
            seeds,
            seconds: begun.elapsed().as_secs_f64(),
            verdict,
            kinds,
            systems,
            cells,
        }
    }

    /// The tables and the verdict.
    pub fn describe(&self) -> String {
        format!(
            "Coverage of every error bar over {} systems\n{}, {}{}, {} seeds each, {:.0} s\n\n{}\n{}\n{}{}\n{}",
            self.verdict.systems,
            self.date,
            self.program,
            self.git_commit.as_ref().map_or(String::new(), |commit| format!(" ({commit})")),
            self.seeds,
            self.seconds,
            self.systems(),
            self.worst(),
            self.far(),
            self.kinds(),
            self.verdict()
        )
    }

    fn systems(&self) -> String {
        let header =
            ["system", "trajectories", "settings", "cells", "low", "least covered", "inflation", "exact s", "all s"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(self.systems.iter().map(|line| {
            vec![
                line.name.clone(),
                line.trajectories.to_string(),
                line.settings.to_string(),
                line.cells.to_string(),
                line.low.to_string(),
                percent(line.least_covered),
                line.median_inflation.map_or_else(|| "–".into(), |median| format!("{median:.2}")),
                format!("{:.2}", line.exact_seconds),
                format!("{:.1}", line.seconds),
            ]
        }));
        table::aligned(&rows)
    }

    fn worst(&self) -> String {
        let header =
            ["cell", "estimator", "t", "M", "exact", "covered", "lowest", "mean z", "> 5σ", "error/true", "events", ""];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        let mut shown = BTreeMap::new();
        let first = |cell: &&Cell| {
            let shown = shown.entry(kind(cell)).or_insert(0);
            *shown += 1;
            *shown <= SHOWN
        };
        rows.extend(self.cells.iter().filter(first).map(|cell| {
            vec![
                format!("{}: {}", cell.setting.system, cell.quantity),
                format!("{}, {}", cell.setting.estimator, cell.setting.sampling),
                table_number(cell.time),
                cell.setting.trajectories.to_string(),
                table_number(cell.exact),
                percent(cell.covered),
                percent(cell.lowest),
                table_number(cell.mean_z),
                cell.beyond.to_string(),
                table_number(cell.mean_error / cell.true_error),
                cell.events.map_or_else(|| "–".into(), table_number),
                if cell.is_low() { "LOW" } else { "" }.into(),
            ]
        }));
        table::aligned(&rows)
    }

    /// For every run with values beyond five standard errors, how many there are and the furthest.
    fn far(&self) -> String {
        let mut runs = BTreeMap::<_, Vec<&Far>>::new();
        for far in &self.verdict.pool.far {
            runs.entry((&far.system, far.seed, &far.estimator, &far.sampling)).or_default().push(far);
        }
        if runs.is_empty() {
            return String::new();
        }
        let header = ["run beyond 5σ", "estimator", "seed", "values", "furthest", "t", "z"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        for ((system, seed, estimator, sampling), far) in &runs {
            let Some(furthest) = far.iter().max_by(|a, b| a.z.abs().total_cmp(&b.z.abs())) else { continue };
            rows.push(vec![
                (*system).clone(),
                format!("{estimator}, {sampling}"),
                seed.to_string(),
                far.len().to_string(),
                furthest.quantity.clone(),
                table_number(furthest.time),
                table_number(furthest.z),
            ]);
        }
        rows.truncate(FURTHEST);
        table::aligned(&rows) + "\n"
    }

    fn kinds(&self) -> String {
        let header = ["quantities", "estimator", "cells", "low", "median coverage", "median error/true"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(self.kinds.iter().map(|line| {
            vec![
                line.kind.to_owned(),
                format!("{}, {}", line.estimator, line.sampling),
                line.cells.to_string(),
                line.low.to_string(),
                line.median_coverage.map_or_else(|| "–".into(), percent),
                line.median_inflation.map_or_else(|| "–".into(), |median| format!("{median:.2}")),
            ]
        }));
        table::aligned(&rows)
    }

    fn verdict(&self) -> String {
        let verdict = &self.verdict;
        let shown = |median: Option<f64>| median.map_or_else(|| "–".into(), |median| format!("{median:.3}"));
        let by_setting: Vec<String> =
            verdict.inflation.iter().map(|(setting, median)| format!("{setting} {median:.3}")).collect();
        let mut text = format!(
            "{} cells (a quantity at a time in one setting of one system); 95.45 % is covered where an error bar is right.\n\
             LOW: so low that chance gives it with a probability below {FALSE_ALARM:.1e}; for all cells together below {:.1e}.\n\
             Low cells: {}.\n\
             Beyond five standard errors, from 100 trajectories (or blocks) on: {} of {} values, {:.2} expected; in {} runs, {} allowed.\n\
             Mean standard error over true error, 30 events of every channel expected: {} in the median of {} cells, {INFLATION} allowed",
            verdict.cells,
            verdict.false_alarm,
            verdict.low,
            verdict.pool.far.len(),
            verdict.pool.values,
            verdict.pool.expected,
            verdict.runs_beyond,
            verdict.allowed_beyond,
            shown(verdict.median_inflation),
            verdict.frequent,
        );
        if !by_setting.is_empty() {
            text += &format!(" ({})", by_setting.join("; "));
        }
        text += ".\n";
        for failure in &verdict.failures {
            text += &format!("Failed: {failure}\n");
        }
        text += match (verdict.passes(), self.complete) {
            (true, true) => "All error bars hold.\n",
            (true, false) => "All error bars so far hold.\n",
            (false, _) => "ERROR BARS DO NOT HOLD.\n",
        };
        text
    }
}

/// The kind of a cell's quantity.
fn kind(cell: &Cell) -> &'static str {
    match cell.quantity.split_once(['.', '_']).map_or(cell.quantity.as_str(), |(first, _)| first) {
        "heating" => "heating rates",
        "jumps" => "jump numbers",
        "level" => "Fock levels",
        "weight" => "weights",
        "inversion" => "inversions",
        "energy" => "energy",
        "parity" => "parity",
        "spin" => "coherences",
        "pair" => "pairs",
        "x" | "p" => "field",
        _ => "number",
    }
}

/// The cells by kind, estimator and sampling.
fn kinds(cells: &[Cell]) -> Vec<KindLine> {
    let mut groups = BTreeMap::<_, Vec<&Cell>>::new();
    for cell in cells {
        let key = (kind(cell), cell.setting.estimator.clone(), cell.setting.sampling.clone());
        groups.entry(key).or_default().push(cell);
    }
    let line = |((kind, estimator, sampling), cells): (_, Vec<&Cell>)| KindLine {
        kind,
        estimator,
        sampling,
        cells: cells.len(),
        low: cells.iter().filter(|cell| cell.is_low()).count(),
        median_coverage: median(cells.iter().map(|cell| cell.covered).collect()),
        median_inflation: median(cells.iter().filter_map(|cell| cell.inflation()).collect()),
    };
    groups.into_iter().map(line).collect()
}

fn percent(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}

/// Four significant digits.
pub fn table_number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if (1e-3..1e5).contains(&size) => {
            let digits = (3.0 - size.log10().floor()).clamp(0.0, 6.0) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.2e}"),
    }
}
