//! How what comes from elsewhere is shown to people: texts without control characters, numbers with the digits that mean something.

use std::borrow::Cow;

/// Most significant digits of a number in a message or a column.
pub const MOST_DIGITS: usize = 12;

/// Numbers from 10⁻⁵ on and below this power of ten are written without an exponent.
const FIXED: std::ops::Range<i32> = -5..9;

/// Characters of a value in a message at most.
const LONGEST_VALUE: usize = 200;

/// `text` as a terminal or an XML file may have it: control characters other than line end and tab, those that turn the direction of
/// writing, and what is no character at all are written out (`\u{1b}`).
pub fn printable(text: &str) -> Cow<'_, str> {
    let plain = |c: char| matches!(c, '\n' | '\t') || !is_hidden(c);
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if plain(c) { shown.push(c) } else { shown.extend(c.escape_unicode()) }
    }
    Cow::Owned(shown)
}

/// `text` on one line, of at most `most` characters: a longer one ends with `…`. Blanks stand for line ends and tabs.
pub fn one_line(text: &str, most: usize) -> String {
    // What cannot be shown is not looked at: texts may be long.
    let beginning: String =
        text.chars().take(most.saturating_add(1)).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let shown = printable(&beginning);
    if shown.chars().count() <= most {
        return shown.into_owned();
    }
    shown.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Characters that are no text.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

/// A number with exactly `digits` significant digits (at most 12), for columns: `0.4000`, `2.000e-6`; `–` where there is none.
pub fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let digits = digits.clamp(1, MOST_DIGITS);
    let text = format!("{value:.*e}", digits - 1);
    match text.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()) {
        Some(exponent) if FIXED.contains(&exponent) => {
            let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
            format!("{value:.decimals$}")
        }
        _ => text,
    }
}

/// A number with at most `digits` significant digits (at most 12), without zeros at its end, for messages: `0.4`, `2e-6`.
pub fn number(value: f64, digits: usize) -> String {
    let text = significant(value, digits);
    let (mantissa, exponent) = text.split_once('e').map_or((&text[..], None), |(m, e)| (m, Some(e)));
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    exponent.map_or_else(|| mantissa.to_owned(), |exponent| format!("{mantissa}e{exponent}"))
}

/// A value with its standard error: two digits of the error, and as many of the value as that is worth; 8 digits without an error.
pub fn with_error(value: f64, error: Option<f64>) -> String {
    let Some(error) = error.filter(|error| *error > 0.0 && error.is_finite()) else { return significant(value, 8) };
    if !value.is_finite() {
        return "–".into();
    }
    let exponent = |x: f64| x.abs().max(f64::MIN_POSITIVE).log10().floor() as i32;
    let top = exponent(value.abs().max(error));
    // Where the error is too small to be written beside the value, it has its own exponent.
    let last = exponent(error) - 1;
    if top - last >= MOST_DIGITS as i32 {
        return format!("{} ± {}", significant(value, MOST_DIGITS), significant(error, 2));
    }
    if FIXED.contains(&top) {
        let decimals = usize::try_from(-last).unwrap_or(0);
        return format!("{value:.decimals$} ± {error:.decimals$}");
    }
    // Both in units of the larger one's power of ten.
    let decimals = usize::try_from(top - last).unwrap_or(0);
    format!("({:.decimals$} ± {:.decimals$})e{top}", shifted(value, top), shifted(error, top))
}

/// value / 10^power, also where that power of ten is beyond the range of doubles.
fn shifted(value: f64, power: i32) -> f64 {
    let half = power / 2;
    value / 10f64.powi(half) / 10f64.powi(power - half)
}

/// A value of a run file as a message names it: on one line, not too long, and numbers with at most 12 digits.
pub fn value(text: &str) -> String {
    match text.parse::<f64>() {
        // Of counts and seeds every digit counts.
        Ok(parsed) if parsed.is_finite() && text.len() > MOST_DIGITS + 2 && text.parse::<i64>().is_err() => {
            number(parsed, MOST_DIGITS)
        }
        _ => one_line(text, LONGEST_VALUE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_significant_digits() {
        let columns = [0.4, 0.036363636, 2e-6, 123456.7, 1.5e12, 0.0, -7.25e-3, 99999.5, f64::NAN, f64::INFINITY];
        assert_eq!(
            columns.map(|x| significant(x, 4)),
            ["0.4000", "0.03636", "2.000e-6", "123457", "1.500e12", "0", "-0.007250", "100000", "–", "–"]
        );
        let messages = [0.1 + 0.2, 1.0, 10.0, 1.5e-7, 123456.5, 1e300, 100.0, 1e-5];
        let shown = ["0.3", "1", "10", "1.5e-7", "123456.5", "1e300", "100", "0.00001"];
        assert_eq!(messages.map(|x| number(x, 12)), shown);
        assert!(significant(std::f64::consts::PI, 40).len() <= 13);
    }

    #[test]
    fn errors_say_how_many_digits_a_value_has() {
        assert_eq!(with_error(2.66654, Some(0.0023)), "2.6665 ± 0.0023");
        assert_eq!(with_error(1.287795123, Some(8.0e-5)), "1.287795 ± 0.000080");
        assert_eq!(with_error(900.0, Some(150.0)), "900 ± 150");
        assert_eq!(with_error(2e-6, Some(1e-9)), "(2.0000 ± 0.0010)e-6");
        assert_eq!(with_error(1.3e12, Some(4e10)), "(1.300 ± 0.040)e12");
        assert_eq!(with_error(0.0, Some(150.0)), "0 ± 150");
        assert_eq!(with_error(0.6665, Some(1e-15)), "0.666500000000 ± 1.0e-15");
        assert_eq!(with_error(1e-9, Some(3e-7)), "(0.0 ± 3.0)e-7");
        assert_eq!(with_error(0.25, None), "0.25000000");
        assert_eq!(with_error(f64::NAN, Some(1.0)), "–");
        assert_eq!(with_error(1e226, Some(1e225)), "(1.00 ± 0.10)e226");
    }

    #[test]
    fn texts_have_no_control_characters() {
        assert_eq!(printable("⟨N⟩\tγ\n"), "⟨N⟩\tγ\n");
        assert_eq!(printable("a\u{1b}[31m\u{7}\u{9b}\u{202e}"), "a\\u{1b}[31m\\u{7}\\u{9b}\\u{202e}");
        assert_eq!(one_line("two\nlines\r\n", 20), "two lines  ");
        assert_eq!(one_line("0123456789", 10), "0123456789");
        assert_eq!(one_line("01234567890", 10), "012345678…");
        assert_eq!(one_line("\u{1b}\u{1b}\u{1b}", 10).chars().count(), 10);
    }

    #[test]
    fn values_of_messages_are_short() {
        assert_eq!(value("0.30000000000000004"), "0.3");
        assert_eq!(value(&1e300.to_string()), "1e300");
        assert_eq!(value("9007199254740993"), "9007199254740993");
        assert_eq!(value("\"fast\""), "\"fast\"");
        assert_eq!(value(&"x".repeat(1 << 20)).chars().count(), LONGEST_VALUE);
    }
}
