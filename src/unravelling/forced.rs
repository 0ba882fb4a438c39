//! Which channel fires: by weight where a jump falls by itself, a given one where it is made to happen, one never where it is silenced.

/// A jump that is made to happen at a chosen instant, beside those that fall by themselves.
///
/// Up to that instant the trajectory is the one that the same chances give without it. Where the channel has no weight at all then,
/// nothing happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForcedJump {
    /// When, 0 < time < end of the run.
    pub time: f64,
    /// Number of the channel that fires.
    pub channel: usize,
}

/// A channel whose jumps are left out from an instant on, while all others fall by themselves.
///
/// The trajectory is drawn from those in which the channel does not fire any more: between the jumps of the others it goes on with
/// the whole H_eff, and a jump of the silenced channel is passed over (thinning). Such trajectories have the probability
/// exp(−∫‖L_mψ‖²dt) among all that are the same until then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silenced {
    /// Number of the channel.
    pub channel: usize,
    /// From when on: 0, or the instant of a jump.
    pub from: f64,
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

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn channels_are_chosen_by_weight_in_their_own_order() {
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        assert_eq!([0.0, 0.2499, 0.2501, 0.9999, 1.0].map(|u| choose(&weights, u)), [1, 1, 3, 3, 3]);
    }
}
