//! Which channel fires: by weight where a jump falls by itself, more broadly where one is made to happen.

/// The part of a ket that a channel must act on to be forced: what is smaller is rounding, and a ket made of that would be noise.
pub const NOISE: f64 = 1e-16;

/// A jump that is made to happen at a chosen instant, beside those that fall by themselves.
///
/// Up to that instant the trajectory is the one that the same chances give without it. The channel is drawn for a tenth by
/// weight ‖L_mψ‖² and for the rest evenly among those that can fire (on more than rounding), so that rare channels come
/// up, too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForcedJump {
    /// When, 0 < time < end of the run.
    pub time: f64,
    /// A number in (0, 1) that chooses the channel.
    pub choice: f64,
}

/// What came of a [`ForcedJump`].
#[derive(Debug, Clone, PartialEq)]
pub struct Forced {
    /// The rate ‖L_mψ‖² of every channel at that instant.
    pub rates: Vec<f64>,
    /// Whether another jump had come before.
    pub after_another: bool,
    /// The channel that fired, and the probability with which it was chosen; `None` where nothing could.
    pub channel: Option<(usize, f64)>,
}

/// The channel whose share of the summed weights contains the fraction `u`; never one of weight zero.
pub fn choose(weights: &[f64], u: f64) -> usize {
    let mut left = u * weights.iter().sum::<f64>();
    let mut chosen = 0;
    for (channel, &weight) in weights.iter().enumerate() {
        if weight > 0.0 {
            chosen = channel;
            if left < weight {
                break;
            }
            left -= weight;
        }
    }
    chosen
}

/// A channel drawn for a tenth by weight and for the rest evenly among those of positive weight, and the probability of that.
pub fn choose_broadly(weights: &[f64], u: f64) -> Option<(usize, f64)> {
    let fires = |weight: &f64| *weight > 0.0;
    let total: f64 = weights.iter().copied().filter(fires).sum();
    let able = weights.iter().filter(|weight| fires(weight)).count();
    if !(able > 0 && total.is_finite()) {
        return None;
    }
    let share = |weight: &f64| if fires(weight) { 0.1 * weight / total + 0.9 / able as f64 } else { 0.0 };
    let broad: Vec<f64> = weights.iter().map(share).collect();
    let channel = choose(&broad, u);
    Some((channel, broad[channel]))
}

#[cfg(test)]
mod tests {
    use super::{choose, choose_broadly};

    #[test]
    fn a_forced_jump_takes_rare_channels_too() {
        let weights = [0.0, 1e-9, 1.0];
        assert_eq!(choose_broadly(&weights, 0.1).map(|(channel, _)| channel), Some(1));
        let (channel, probability) = choose_broadly(&weights, 0.9).expect("two can fire");
        assert!(channel == 2 && (probability - 0.55).abs() < 1e-8);
        assert_eq!(choose_broadly(&[0.0, 0.0], 0.5), None);
    }

    #[test]
    fn channels_are_chosen_by_weight_in_their_own_order() {
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        assert_eq!([0.0, 0.2499, 0.2501, 0.9999, 1.0].map(|u| choose(&weights, u)), [1, 1, 3, 3, 3]);
    }
}
