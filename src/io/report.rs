//! The report of a study: its numbers as JSON, its table as text, its date.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::files::replace_file;
use super::finite::json_text;
use crate::{Error, Result};

/// Writes `NAME.json` and `NAME.txt` into `directory`, which is made if need be.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn write_report(directory: &Path, name: &str, numbers: &impl Serialize, table: &str) -> Result<()> {
    std::fs::create_dir_all(directory).map_err(|source| Error::io(directory, source))?;
    let what = format!("{name}.json");
    let json = json_text(&what, numbers)?;
    replace_file(&directory.join(what), json.as_bytes())?;
    replace_file(&directory.join(format!("{name}.txt")), table.as_bytes())
}

/// Today's date (UTC), e.g. `2026-01-31`.
pub fn today() -> String {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() / 86_400);
    date(days)
}

/// The Gregorian date so many days after 1970-01-01 (H. Hinnant's `civil_from_days`: years that begin in March, in eras of
/// 400 years).
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_of_known_days() {
        let known = [(0, "1970-01-01"), (11_016, "2000-02-29"), (11_017, "2000-03-01"), (20_453, "2025-12-31")];
        for (days, expected) in known {
            assert_eq!(date(days), expected);
        }
    }
}
