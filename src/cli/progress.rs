//! Progress on stderr: a bar with rate and time left on a terminal, a plain line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// Without a terminal: the first line after this long, then at intervals that double up to the longest.
const FIRST_LINE: Duration = Duration::from_secs(10);
const LONGEST_INTERVAL: Duration = Duration::from_secs(600);

/// Shows how far a piece of work is.
pub struct Progress {
    bar: ProgressBar,
    label: String,
    unit: &'static str,
    total: u64,
    /// Units that were done before.
    before: u64,
    begun: Instant,
    plain: Option<Mutex<Plain>>,
}

/// When the next plain line is due.
struct Plain {
    done: u64,
    /// What is shown of the number needed, and that number.
    expected: (String, u64),
    due: Duration,
    interval: Duration,
}

impl Progress {
    /// A bar over `total` units; nothing at all when `quiet`.
    pub fn new(label: &str, unit: &'static str, total: u64, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if quiet || !terminal { ProgressBar::hidden() } else { ProgressBar::new(total) };
        let template = format!("{{msg}} {{wide_bar}} {{human_pos}}/{{human_len}} {unit} · {{per_sec}} · {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_message(label.to_owned());
        let plain = (!quiet && !terminal).then(|| {
            Mutex::new(Plain { done: 0, expected: (String::new(), total), due: FIRST_LINE, interval: FIRST_LINE })
        });
        Self { bar, label: label.to_owned(), unit, total, before: 0, begun: Instant::now(), plain }
    }

    /// The same, with `count` units done before it began.
    pub fn beyond(self, count: u64) -> Self {
        self.bar.set_position(count);
        self.bar.reset_eta();
        if let Some(plain) = &self.plain {
            plain.lock().unwrap_or_else(std::sync::PoisonError::into_inner).done = count;
        }
        Self { before: count, ..self }
    }

    /// `count` more units are done.
    pub fn advance(&self, count: u64) {
        self.bar.inc(count);
        let Some(plain) = &self.plain else { return };
        let mut plain = plain.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        plain.done += count;
        let elapsed = self.begun.elapsed();
        if elapsed < plain.due || plain.done == self.total {
            return;
        }
        plain.interval = (plain.interval * 2).min(LONGEST_INTERVAL);
        plain.due = elapsed + plain.interval;
        let rate = (plain.done - self.before) as f64 / elapsed.as_secs_f64();
        let left = Duration::from_secs_f64(plain.expected.1.saturating_sub(plain.done) as f64 / rate);
        tell!(
            "{}{}: {}/{} {} · {rate:.3}/s · {} left",
            self.label,
            plain.expected.0,
            plain.done,
            self.total,
            self.unit,
            HumanDuration(left)
        );
    }

    /// About `needed` units will do; not finite: nobody knows yet.
    pub fn expect(&self, needed: f64) {
        let expected =
            if needed.is_finite() { format!(" (about {needed:.0} needed)") } else { " (no estimate yet)".into() };
        self.bar.set_message(format!("{}{expected}", self.label));
        if let Some(plain) = &self.plain {
            plain.lock().unwrap_or_else(std::sync::PoisonError::into_inner).expected =
                (expected, self.total.min(needed as u64));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
