use base::random::{Key, Purpose, unit};

/// Returns the initial values of Keras' layers: `glorot_uniform` kernels (`[out, in]` or `[out, in, height, width]`),
/// variances and scales of batch norms of 1, and zeros everywhere else.
pub(crate) fn values(name: &str, shape: &[usize], seed: u64, index: u64) -> Vec<f32> {
    match *shape {
        [out, input, height, width] => {
            let field = height * width;
            glorot_uniform(out * input * field, input * field, out * field, seed, index)
        }
        [out, input] => glorot_uniform(out * input, input, out, seed, index),
        _ => {
            let is_one = [".var", ".running_var", ".weight"].iter().any(|end| name.ends_with(end));
            vec![f32::from(u8::from(is_one)); shape.iter().product()]
        }
    }
}

/// Draws Keras' `glorot_uniform`: U(-L, L) with L = √(6 / (fan_in + fan_out)), fans counted over the receptive field
/// (`keras/src/initializers/random_initializers.py`). `index` distinguishes the parameters of one network.
fn glorot_uniform(n: usize, fan_in: usize, fan_out: usize, seed: u64, index: u64) -> Vec<f32> {
    let limit = (6.0 / (fan_in + fan_out) as f64).sqrt() as f32;
    let mut generator = Key { seed, epoch: 0, step: 0, purpose: Purpose::Initialisation }.generator(index);
    (0..n).map(|_| (unit(&mut generator) * 2.0 - 1.0) * limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_limit_and_fills_it() {
        let values = glorot_uniform(40_000, 27, 288, 28, 0);
        let limit = (6.0_f32 / 315.0).sqrt();
        assert!(values.iter().all(|v| v.abs() <= limit));
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / values.len() as f64;
        // A uniform distribution on (-L, L) has the variance L²/3 = 2 / (fan_in + fan_out).
        assert!(mean.abs() < 0.002, "{mean}");
        assert!((variance / (2.0 / 315.0) - 1.0).abs() < 0.03, "{variance}");
        assert_eq!(values, glorot_uniform(40_000, 27, 288, 28, 0));
        assert_ne!(values[..8], glorot_uniform(40_000, 27, 288, 29, 0)[..8]);
        assert_ne!(values[..8], glorot_uniform(40_000, 27, 288, 28, 1)[..8]);
    }
}
