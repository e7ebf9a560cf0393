use base::random::{Key, Purpose, Rng as _};
use tch::{Device, Kind, Tensor};

use crate::Result;

/// Training step of a forward pass; dropout masks are drawn from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropoutStep {
    /// Seed of the run.
    pub seed: u64,
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Batch within the epoch, counted from 0.
    pub batch: u64,
}

/// Mode of a forward pass: training (dropout on, gradients kept) or evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout is on and drawn from this step.
    Train(DropoutStep),
    /// Dropout is off.
    Evaluate,
}

/// Applies dropout of rate 0.5 as Keras does: half the values become 0, the others are doubled.
///
/// `x` is `[N, F]`; `layer` distinguishes the dropout layers of one network. One random bit a value, from a stream of its
/// own for each row, so that the mask depends on nothing but step, layer and row. libtorch's own dropout draws 32 bits a
/// value on one thread, which took as long as all convolutions of the ConvNet.
pub(crate) fn half(x: &Tensor, step: &DropoutStep, layer: u64) -> Result<Tensor> {
    let (n, features) = x.size2()?;
    let mask = mask(n as usize, features as usize, step, layer);
    let mask = Tensor::f_from_data_size(&mask, &[n, features], Kind::Uint8)?.f_to_device(x.device())?;
    debug_assert!(x.device() != Device::Cpu || x.is_contiguous(), "a strided product is slow");
    Ok(x.f_mul(&mask.f_to_kind(x.kind())?)?)
}

/// Eight mask values for each byte of random bits, lowest bit first: looked up rather than shifted out bit by bit.
const BYTES: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut bits = 0;
    while bits < 256 {
        let mut i = 0;
        while i < 8 {
            table[bits][i] = (bits >> i & 1) as u8 * 2;
            i += 1;
        }
        bits += 1;
    }
    table
};

/// Draws a mask of `[rows, features]` bytes, 0 or 2.
fn mask(rows: usize, features: usize, step: &DropoutStep, layer: u64) -> Vec<u8> {
    let key = Key { seed: step.seed, epoch: step.epoch, step: step.batch, purpose: Purpose::Dropout };
    let mut mask = vec![0; rows * features];
    for (row, values) in mask.chunks_exact_mut(features).enumerate() {
        let mut generator = key.generator(layer << 32 | row as u64);
        for chunk in values.chunks_mut(64) {
            for (bits, values) in generator.next_u64().to_le_bytes().into_iter().zip(chunk.chunks_mut(8)) {
                values.copy_from_slice(&BYTES[usize::from(bits)][..values.len()]);
            }
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: DropoutStep = DropoutStep { seed: 28, epoch: 3, batch: 1 };

    #[test]
    fn keeps_half_and_doubles_it() {
        let mask = mask(50, 1000, &STEP, 0);
        let kept = mask.iter().filter(|&&v| v == 2).count();
        assert!(mask.iter().all(|&v| v == 0 || v == 2));
        assert!((24_400..25_600).contains(&kept), "{kept} of 50,000");
    }

    #[test]
    fn depends_on_step_layer_and_row_alone() {
        let base = mask(4, 100, &STEP, 0);
        assert_eq!(base[..100], mask(1, 100, &STEP, 0)[..]);
        assert_ne!(base[..100], base[100..200]);
        for other in [
            DropoutStep { seed: 29, ..STEP },
            DropoutStep { epoch: 4, ..STEP },
            DropoutStep { batch: 2, ..STEP },
        ] {
            assert_ne!(base, mask(4, 100, &other, 0));
        }
        assert_ne!(base, mask(4, 100, &STEP, 1));
    }
}
