//! What a† and a act on in a rotating frame: e^{±iΩs} times a power series in s, order by order.

use std::ops::Range;

use super::combine::Combine;
use crate::hilbert::lanes::{Kernel, Lanes};

/// The term of order k of e^{±iΩs}φ(s) = c ± id, where φ = Σ_k (σs)^k/k! φ_k: Σ_j (±iΩ/σ)^j (k choose j) φ_{k−j}.
pub struct Turned<'a> {
    terms: &'a [f64],
    width: usize,
    /// The first term that counts and the weights of every second one from there: of c, of d.
    parts: [(usize, &'a [f64]); 2],
}

/// Weights of [`Turned`], reused from order to order.
#[derive(Debug, Clone, Default)]
pub struct TurnWeights {
    parts: [Vec<f64>; 2],
    weights: Vec<f64>,
}

impl TurnWeights {
    /// The parts at order `order` of `terms`, each `width` cells long; `turn` = Ω/σ. Term k − j comes into the sum with
    /// (σs)^{k−j}/(k−j)! (Ωs)^j/j!: where the last factor is below `negligible` for the longest Ωs, `longest`, it is left out.
    pub fn turned<'a>(
        &'a mut self,
        terms: &'a [f64],
        width: usize,
        order: usize,
        turn: f64,
        longest: f64,
        negligible: f64,
    ) -> Turned<'a> {
        self.weights.clear();
        let (mut weight, mut share) = (1.0, 1.0);
        for j in 0..=order {
            self.weights.push(if j % 4 < 2 { weight } else { -weight });
            weight *= turn * (order - j) as f64 / (j + 1) as f64;
            share *= longest / (j + 1) as f64;
            if share < negligible {
                break;
            }
        }
        for (parity, part) in self.parts.iter_mut().enumerate() {
            part.clear();
            part.extend(self.weights.iter().skip(parity).step_by(2).rev());
        }
        let [even, odd] = &self.parts;
        let first = |parity: usize, part: &[f64]| (order + 2).saturating_sub(parity + 2 * part.len());
        Turned { terms, width, parts: [(first(0, even), even), (first(1, odd), odd)] }
    }
}

impl Turned<'_> {
    /// c and d in some cells of a ket.
    #[inline(always)]
    pub fn parts<L: Lanes>(&self, lanes: L, cells: Range<usize>, c: &mut [f64], d: &mut [f64]) {
        for ((first, weights), out) in self.parts.iter().zip([c, d]) {
            let terms = self.terms.get(first * self.width + cells.start..).unwrap_or(&[]);
            Combine::of(2 * self.width, weights, terms, &mut out[..cells.len()]).run(lanes);
        }
    }
}
