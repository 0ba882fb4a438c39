//! The random numbers of a trajectory.

/// Two uniform random numbers per jump: the threshold of ‖ψ‖² and the choice of the channel, both in (0, 1).
pub trait Chance {
    /// The next number, uniform in (0, 1).
    fn uniform(&mut self) -> f64;
}

/// ln of a fresh threshold, or −∞ when no channel can fire.
pub fn threshold(jumps: bool, chance: &mut impl Chance) -> f64 {
    if jumps { chance.uniform().ln() } else { f64::NEG_INFINITY }
}
