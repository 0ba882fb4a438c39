//! What a register of spins follows for control variates.

use num_complex::Complex64;

use super::followed::{Followed, Met, PairSums, Scratch, add_changes};
use super::{Jump, OpenSystem, Register, quantity};
use crate::hilbert::Ket;

/// What happens to a ket before its quantities are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Nothing.
    None,
    /// The rows with `bit` equal to `set` are moved to their partners, the others dropped.
    Flip { bit: usize, set: bool },
    /// The rows without `bit` change sign.
    Dephase { bit: usize },
}

impl Register {
    fn spins(&self) -> usize {
        self.splittings().len()
    }

    /// The sums of every row of all spins with itself, and behind them with every row that X flips it into, of the laboratory.
    fn take_sums(&self, time: f64, ket: &Ket, scratch: &mut Scratch) {
        let alpha = self.displacement(time);
        scratch.sums.clear();
        let Scratch { sums, met, roots, .. } = scratch;
        let mut of = |row: usize, other: usize| {
            PairSums::by_parity(roots, ket.window(), ket.padded_row(row), ket.padded_row(other))
        };
        if self.spread(0, ket.sector).is_some() {
            self.take_sums_of_parity(ket, sums, of);
        } else {
            let mut push = |row: usize, other: usize| {
                let [even, odd] = of(row, other);
                let mut whole = even;
                whole.add(1.0, &odd);
                sums.push(alpha.map_or(whole, |alpha| whole.displaced(alpha)));
            };
            (0..ket.rows()).for_each(|row| push(row, row));
            for &(bit, _) in self.flips() {
                (0..ket.rows()).for_each(|row| push(row, row ^ bit));
            }
        }
        self.take_met(sums, met);
    }

    /// The same for a ket of definite parity, from the sums `of` two of its rows over even and over odd levels: a flip leads to the level
    /// above or below, never to the same.
    fn take_sums_of_parity(
        &self,
        ket: &Ket,
        sums: &mut Vec<PairSums>,
        mut of: impl FnMut(usize, usize) -> [PairSums; 2],
    ) {
        let rows = 2 * ket.rows();
        sums.resize((1 + self.flips().len()) * rows, PairSums::default());
        let mut place = |block: usize, row: usize, found: [PairSums; 2]| {
            for (full, parity) in self.spread(row, ket.sector).into_iter().flatten() {
                sums[block * rows + full] = found[parity];
            }
        };
        for row in 0..ket.rows() {
            let own = of(row, row);
            place(0, row, own.map(|sums| PairSums { lowered: Complex64::ZERO, ..sums }));
            for (block, &(bit, _)) in (1..).zip(self.flips()) {
                let found = if bit < ket.rows() { of(row, row ^ bit) } else { own };
                place(block, row, found.map(|sums| PairSums { lowered: sums.lowered, ..PairSums::default() }));
            }
        }
    }

    /// What X and its precession make of every row together, from the sums of all pairs.
    fn take_met(&self, sums: &[PairSums], met: &mut Vec<Met>) {
        let rows = self.diagonal().len();
        met.clear();
        met.resize(rows, Met::default());
        for index in 0..self.flips().len() {
            for (row, met) in met.iter_mut().enumerate() {
                met.add(1.0, &self.met(sums, index, row));
            }
        }
    }

    /// What the flip `index` makes of a row.
    fn met(&self, sums: &[PairSums], index: usize, row: usize) -> Met {
        let (bit, strength) = self.flips()[index];
        let pair = &sums[(index + 1) * self.diagonal().len() + row];
        // Ṡ = −Σ ω̃ g sin θ τy; τy turns row + into −iψ₋, row − into iψ₊.
        let turn = if row & bit == 0 { 1.0 } else { -1.0 };
        let weight = -self.splittings()[bit.trailing_zeros() as usize] * strength * turn;
        Met {
            coupled: (strength * pair.lowered, strength * pair.norm),
            precessing: (weight * Complex64::I * pair.lowered, -weight * pair.turned),
        }
    }

    /// The quantities after `change`, from the sums and what they make together; returns the norm² that is left of it.
    fn quantities(&self, sums: &[PairSums], met: &[Met], change: Change, values: &mut [f64]) -> f64 {
        let (mut total, mut signed, mut all) = (PairSums::default(), PairSums::default(), Met::default());
        // A flipped spin is in one level only: its own coherence is gone. That of a dephased one is reversed.
        let (changed, by) = match change {
            Change::None => (0, 0.0),
            Change::Flip { bit, .. } => (bit, -1.0),
            Change::Dephase { bit } => (bit, -2.0),
        };
        let index = self.flips().iter().position(|(bit, _)| *bit == changed);
        values.fill(0.0);
        for (row, met) in met.iter().enumerate() {
            let now = match change {
                Change::Flip { bit, set } if (row & bit != 0) != set => continue,
                Change::Flip { bit, .. } => row ^ bit,
                Change::None | Change::Dephase { .. } => row,
            };
            let own = &sums[row];
            total.add(1.0, own);
            signed.add(2.0 * f64::from(now.count_ones()) - self.spins() as f64, own);
            for spin in 0..self.spins() {
                values[quantity::FIRST_SPIN + spin] += if now >> spin & 1 == 1 { own.norm } else { -own.norm };
            }
            let diagonal = self.diagonal()[now];
            all.coupled.0 += diagonal * own.lowered;
            all.coupled.1 += diagonal * own.norm;
            all.add(1.0, met);
            if let Some(index) = index {
                all.add(by, &self.met(sums, index, row));
            }
        }
        values[..4].copy_from_slice(&total.quadratic());
        values[quantity::INVERSION] = signed.norm;
        values[quantity::TIMES_INVERSION..quantity::TIMES_INVERSION + 4].copy_from_slice(&signed.quadratic());
        values[quantity::X_COUPLING] = 2.0 * all.coupled.0.re;
        values[quantity::P_COUPLING] = 2.0 * all.coupled.0.im;
        values[quantity::X_PRECESSION] = 2.0 * all.precessing.0.re;
        values[quantity::P_PRECESSION] = 2.0 * all.precessing.0.im;
        values[quantity::X] = 2.0 * total.lowered.re;
        values[quantity::P] = 2.0 * total.lowered.im;
        values[quantity::COUPLING] = all.coupled.1;
        values[quantity::PRECESSION] = all.precessing.1;
        if total.norm > 0.0 {
            values.iter_mut().for_each(|value| *value /= total.norm);
        }
        total.norm
    }
}

impl Followed for Register {
    fn followed(&self) -> usize {
        quantity::FIRST_SPIN + self.spins()
    }

    fn follow(&self, time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64]) {
        self.take_sums(time, ket, scratch);
        self.quantities(&scratch.sums, &scratch.met, Change::None, values);
    }

    fn follow_with_jumps(&self, time: f64, ket: &Ket, scratch: &mut Scratch, values: &mut [f64], rates: &mut [f64]) {
        self.take_sums(time, ket, scratch);
        let (sums, met) = (std::mem::take(&mut scratch.sums), std::mem::take(&mut scratch.met));
        let norm = self.quantities(&sums, &met, Change::None, values);
        rates.fill(0.0);
        let mut after = std::mem::take(&mut scratch.values);
        for (index, channel) in self.channels().iter().enumerate().filter(|(_, channel)| channel.rate > 0.0) {
            let change = match channel.jump {
                Jump::SpinDown(i) => Change::Flip { bit: 1 << i, set: true },
                Jump::SpinUp(i) => Change::Flip { bit: 1 << i, set: false },
                Jump::Dephase(i) => Change::Dephase { bit: 1 << i },
                Jump::Oscillator(jump) => {
                    let weight = jump.weight(ket, self.cutoff());
                    scratch.values = after;
                    self.add_jump((index, channel.rate * weight / norm), time, ket, scratch, values, rates);
                    after = std::mem::take(&mut scratch.values);
                    continue;
                }
                Jump::Positive | Jump::Negative => continue,
            };
            let share = self.quantities(&sums, &met, change, &mut after) / norm;
            add_changes(channel.rate * share, &after, values, rates);
        }
        (scratch.sums, scratch.met, scratch.values) = (sums, met, after);
    }
}
