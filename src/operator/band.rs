//! What operators do to one mode: ladder operators in normal order around functions of the level number.

use std::cmp::Ordering;

/// A function of the level number that powers of N cannot make, of `scale` s > 0, here at n + `shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Function {
    shape: Shape,
    scale: f64,
    shift: u32,
}

/// Its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// log(1 + n/s).
    Log,
    /// 1/(1 + n/s).
    Reciprocal,
}

impl Function {
    /// `shape` of scale `scale` at n.
    pub fn new(shape: Shape, scale: f64) -> Self {
        Self { shape, scale, shift: 0 }
    }

    /// Its shape, s and the shift.
    pub fn parameters(&self) -> (Shape, f64, u32) {
        (self.shape, self.scale, self.shift)
    }

    /// Its value at n.
    pub fn at(&self, n: u32) -> f64 {
        let x = (f64::from(n) + f64::from(self.shift)) / self.scale;
        match self.shape {
            Shape::Log => x.ln_1p(),
            Shape::Reciprocal => 1.0 / (1.0 + x),
        }
    }

    fn shifted(self, by: u32) -> Self {
        Self { shift: self.shift + by, ..self }
    }
}

impl Eq for Function {}

impl PartialOrd for Function {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Function {
    fn cmp(&self, other: &Self) -> Ordering {
        let rest = |one: &Self| (one.shape, one.shift);
        self.scale.total_cmp(&other.scale).then(rest(self).cmp(&rest(other)))
    }
}

/// a†^p F(N) a^q, where F is 1 or (−1)^N times a product of [`Function`]s.
///
/// Without functions these are all polynomials in a and a†, each in one way only, so that a sum that vanishes is seen to.
/// Functions are symbols: n/(1 + n/s) and s − s/(1 + n/s) are not known to be the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Band {
    /// The power p of a†.
    pub raise: u32,
    /// The power q of a.
    pub lower: u32,
    /// Whether (−1)^N is a factor.
    pub alternating: bool,
    /// The functions, sorted.
    functions: Vec<Function>,
}

impl Band {
    /// a†^p a^q.
    pub fn ladder(raise: u32, lower: u32) -> Self {
        Self { raise, lower, ..Self::default() }
    }

    /// (−1)^N.
    pub fn parity() -> Self {
        Self { alternating: true, ..Self::default() }
    }

    /// `function`(N).
    pub fn function(function: Function) -> Self {
        Self { functions: vec![function], ..Self::default() }
    }

    /// The functions of N between a†^p and a^q.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Whether it is 1.
    pub fn is_identity(&self) -> bool {
        *self == Self::default()
    }

    /// By how much it changes the level.
    pub fn shift(&self) -> i64 {
        i64::from(self.raise) - i64::from(self.lower)
    }

    /// The Hermitian adjoint: functions of N are real.
    pub fn adjoint(&self) -> Self {
        Self { raise: self.lower, lower: self.raise, ..self.clone() }
    }

    /// The level that |n⟩ becomes and its amplitude; `None` below the vacuum.
    pub fn on(&self, n: u32) -> Option<(u32, f64)> {
        let middle = n.checked_sub(self.lower)?;
        let end = middle.checked_add(self.raise)?;
        let root = |below: u32, above: u32| (below + 1..=above).fold(1.0, |product, k| product * f64::from(k).sqrt());
        let sign = if self.alternating && middle % 2 == 1 { -1.0 } else { 1.0 };
        let value = self.functions.iter().fold(sign, |product, function| product * function.at(middle));
        Some((end, root(middle, n) * value * root(middle, end)))
    }

    /// `self` times `other`, as a sum in normal order: with F(N)a† = a†F(N+1), aF(N) = F(N+1)a and
    /// a^q a†^p = Σ_j j! (q over j)(p over j) a†^{p−j} a^{q−j}.
    pub fn times(&self, other: &Self) -> Vec<(f64, Self)> {
        let mut weight = 1.0;
        let mut sum = Vec::new();
        for j in 0..=self.lower.min(other.raise) {
            let (raised, lowered) = (other.raise - j, self.lower - j);
            let left = self.functions.iter().map(|function| function.shifted(raised));
            let right = other.functions.iter().map(|function| function.shifted(lowered));
            let mut functions: Vec<_> = left.chain(right).collect();
            functions.sort();
            let passed = u32::from(self.alternating) * raised + u32::from(other.alternating) * lowered;
            sum.push((
                if passed % 2 == 1 { -weight } else { weight },
                Self {
                    raise: self.raise + raised,
                    lower: other.lower + lowered,
                    alternating: self.alternating != other.alternating,
                    functions,
                },
            ));
            weight *= f64::from(self.lower - j) * f64::from(other.raise - j) / f64::from(j + 1);
        }
        sum
    }
}
