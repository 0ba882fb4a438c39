//! Progress on stderr: a bar with rate and time left on a terminal, a plain line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};

/// Without a terminal: the first line after this long, then at intervals that double up to the longest.
const FIRST_LINE: Duration = Duration::from_secs(10);
const LONGEST_INTERVAL: Duration = Duration::from_secs(600);

/// Seconds beyond which a time is only said to be longer than that: a thousand years.
const FOREVER: f64 = 3.156e10;

/// Shows how far a piece of work is.
pub struct Progress {
    bar: ProgressBar,
    label: String,
    unit: &'static str,
    total: u64,
    begun: Instant,
    plain: Option<Mutex<Plain>>,
}

/// When the next plain line is due.
struct Plain {
    done: u64,
    /// When the first units were done, and how many were done then: what came before is no measure of the rest.
    first: Option<(Duration, u64)>,
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
            let expected = (String::new(), total);
            Mutex::new(Plain { done: 0, first: None, expected, due: FIRST_LINE, interval: FIRST_LINE })
        });
        Self { bar, label: label.to_owned(), unit, total, begun: Instant::now(), plain }
    }

    /// The same, with `count` units done before it began.
    pub fn beyond(self, count: u64) -> Self {
        self.bar.set_position(count);
        self.bar.reset_eta();
        if let Some(plain) = &self.plain {
            lock(plain).done = count;
        }
        self
    }

    /// `count` more units are done.
    pub fn advance(&self, count: u64) {
        self.bar.inc(count);
        let Some(plain) = &self.plain else { return };
        let elapsed = self.begun.elapsed();
        let mut plain = lock(plain);
        if let Some(line) = plain.line(count, elapsed, self.total, self.unit) {
            tell!("{}{line}", self.label);
        }
    }

    /// About `needed` units will do; not finite: nobody knows yet.
    pub fn expect(&self, needed: f64) {
        let expected =
            if needed.is_finite() { format!(" (about {needed:.0} needed)") } else { " (no estimate yet)".into() };
        self.bar.set_message(format!("{}{expected}", self.label));
        let total = self.total.min(needed as u64);
        self.bar.set_length(total.max(self.bar.position()));
        if let Some(plain) = &self.plain {
            lock(plain).expected = (expected, total);
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Plain {
    /// `count` more units of `total` are done, so long after the beginning: the line that is due, if one is.
    fn line(&mut self, count: u64, elapsed: Duration, total: u64, unit: &str) -> Option<String> {
        self.done += count;
        let (since, before) = *self.first.get_or_insert((elapsed, self.done));
        if elapsed < self.due || self.done == total {
            return None;
        }
        self.interval = (self.interval * 2).min(LONGEST_INTERVAL);
        self.due = elapsed + self.interval;
        let rate = (self.done - before) as f64 / elapsed.saturating_sub(since).as_secs_f64();
        let left = self.expected.1.saturating_sub(self.done) as f64 / rate;
        let left = match rate > 0.0 && rate.is_finite() {
            true => format!("{} left", human_time(left)),
            false => "no estimate yet of the time left".into(),
        };
        let rate = if rate > 0.0 && rate.is_finite() { format!(" · {rate:.3}/s") } else { String::new() };
        Some(format!("{}: {}/{total} {unit}{rate} · {left}", self.expected.0, self.done))
    }
}

/// A number of seconds, whatever it is, in words.
pub fn human_time(seconds: f64) -> String {
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if seconds <= FOREVER => HumanDuration(time).to_string(),
        _ if seconds > 0.0 => "more than a thousand years".into(),
        _ => "an unknown time".into(),
    }
}

/// A number of bytes in the unit that suits it.
pub fn human_bytes(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}

fn lock(plain: &Mutex<Plain>) -> MutexGuard<'_, Plain> {
    plain.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(total: u64) -> Plain {
        Plain { done: 0, first: None, expected: (String::new(), total), due: FIRST_LINE, interval: FIRST_LINE }
    }

    #[test]
    fn nothing_done_after_ten_seconds_is_no_estimate_and_no_panic() {
        let mut exact = plain(1000);
        assert_eq!(exact.line(0, Duration::from_secs(1), 1000, "‰"), None);
        let line = exact.line(0, Duration::from_secs(11), 1000, "‰").expect("a line is due");
        assert!(line.contains("0/1000 ‰") && line.contains("no estimate yet"), "{line}");
    }

    /// What came before the first trajectories, pilots for example, does not count as theirs.
    #[test]
    fn the_rate_is_that_of_the_units_alone() {
        let mut run = plain(1000);
        assert_eq!(run.line(100, Duration::from_secs(9), 1000, "trajectories"), None);
        let line = run.line(100, Duration::from_secs(10), 1000, "trajectories").expect("a line is due");
        assert!(line.contains("100.000/s · 8 seconds left"), "{line}");
    }

    #[test]
    fn any_number_of_seconds_has_words() {
        assert_eq!(human_time(80.0), "80 seconds");
        for (seconds, words) in
            [(f64::INFINITY, "thousand"), (1e300, "thousand"), (f64::NAN, "unknown"), (-1.0, "unknown")]
        {
            assert!(human_time(seconds).contains(words), "{seconds}");
        }
    }
}
