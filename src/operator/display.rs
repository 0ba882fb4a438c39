//! Operators as text, with the names of the parts: `0.5*a'*a + g.x*(…)` as one would write them by hand.

use std::fmt;

use num_complex::Complex64;

use super::band::Shape;
use super::{Band, Factor, Operator, Pauli, Space, Word};

/// An operator with the names of its parts.
pub struct Named<'a> {
    operator: &'a Operator,
    space: &'a Space,
}

impl Operator {
    /// The operator as text: `a'` is a†, `a.n` is a†a, `q.x`, `q.y`, `q.z` are Pauli matrices, `q(1,0)` is |1⟩⟨0|.
    pub fn named<'a>(&'a self, space: &'a Space) -> Named<'a> {
        Named { operator: self, space }
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.operator.is_zero() {
            return f.write_str("0");
        }
        for (number, (word, c)) in self.operator.terms().enumerate() {
            let minus = c.re < 0.0 || (c.re == 0.0 && c.im < 0.0);
            f.write_str(match (number, minus) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            })?;
            write_term(f, if minus { -c } else { c }, word, self.space)?;
        }
        Ok(())
    }
}

fn write_term(f: &mut fmt::Formatter<'_>, c: Complex64, word: &Word, space: &Space) -> fmt::Result {
    let mut factors = Vec::new();
    if c != Complex64::ONE || word.is_identity() {
        factors.push(match (c.re, c.im) {
            (re, 0.0) => format!("{re}"),
            (0.0, im) => format!("{im}i"),
            (re, im) => format!("({re} {} {}i)", if im < 0.0 { '-' } else { '+' }, im.abs()),
        });
    }
    let names: Vec<_> = space.parts().map(|(name, _)| name).collect();
    for (part, factor) in word.factors() {
        let name = names.get(part).copied().unwrap_or("?");
        match factor {
            Factor::Band(band) => write_band(&mut factors, name, band),
            Factor::Fock { to, from } => factors.push(format!("{name}({to},{from})")),
            Factor::Transition { to, from, .. } => factors.push(format!("{name}({to},{from})")),
            Factor::Pauli(pauli) => factors.push(match pauli {
                Pauli::X => format!("{name}.x"),
                Pauli::Y => format!("{name}.y"),
                Pauli::Z => format!("{name}.z"),
            }),
        }
    }
    f.write_str(&factors.join("*"))
}

fn write_band(factors: &mut Vec<String>, name: &str, band: &Band) {
    let power = |base: String, exponent: u32| match exponent {
        0 => None,
        1 => Some(base),
        _ => Some(format!("{base}^{exponent}")),
    };
    factors.extend(power(format!("{name}'"), band.raise));
    if band.alternating {
        factors.push(format!("{name}.parity"));
    }
    for function in band.functions() {
        let (shape, scale, shift) = function.parameters();
        let level = if shift == 0 { format!("{name}.n") } else { format!("({name}.n + {shift})") };
        let argument = if scale == 1.0 { format!("1 + {level}") } else { format!("1 + {level}/{scale}") };
        factors.push(match shape {
            Shape::Log => format!("log({argument})"),
            Shape::Reciprocal => format!("(1/({argument}))"),
        });
    }
    factors.extend(power(name.to_owned(), band.lower));
}
