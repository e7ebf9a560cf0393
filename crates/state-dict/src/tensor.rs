use crate::Dtype;

/// Tensor out of a file: contiguous, row by row, little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor {
    /// Type of the elements.
    pub dtype: Dtype,
    /// Size of each dimension, outermost first; empty for a single number.
    pub shape: Vec<usize>,
    /// Elements, as many as the shape has, each of [`Dtype::size`] bytes.
    pub bytes: Vec<u8>,
}

impl StoredTensor {
    /// Converts floating-point elements to f32, rounding f64 to the nearest; `None` for integers and truth values.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        let two = |bytes: &[u8; 2]| u16::from_le_bytes(*bytes);
        match self.dtype {
            Dtype::F64 => {
                Some(self.elements().iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect())
            }
            Dtype::F32 => Some(self.elements().iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
            Dtype::F16 => Some(self.elements().iter().map(|bytes| f16_to_f32(two(bytes))).collect()),
            Dtype::Bf16 => Some(
                self.elements().iter().map(|bytes| f32::from_bits(u32::from(two(bytes)) << 16)).collect(),
            ),
            Dtype::I64 | Dtype::I32 | Dtype::I16 | Dtype::I8 | Dtype::U8 | Dtype::Bool => None,
        }
    }

    fn elements<const N: usize>(&self) -> &[[u8; N]] {
        self.bytes.as_chunks().0
    }
}

/// Converts a 16-bit floating point number of IEEE 754 exactly.
fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    match exponent {
        // Below the smallest normal number: multiples of 2^-24.
        0 => f32::from_bits(sign | (fraction as f32 * f32::from_bits(0x3380_0000)).to_bits()),
        // Infinity and no number.
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        // Bias 15 becomes 127.
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dtype: Dtype, bytes: &[u8]) -> StoredTensor {
        StoredTensor { dtype, shape: vec![bytes.len() / dtype.size()], bytes: bytes.to_vec() }
    }

    #[test]
    fn floats_become_f32() {
        let halves: Vec<u8> = [0x3c00_u16, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x0400, 0x7c00, 0xfc00, 0x8000]
            .iter()
            .flat_map(|bits| bits.to_le_bytes())
            .collect();
        let expected = [
            1.0,
            -2.0,
            65504.0,
            2f32.powi(-24),
            1023.0 * 2f32.powi(-24),
            2f32.powi(-14),
            f32::INFINITY,
            f32::NEG_INFINITY,
            -0.0,
        ];
        let floats = tensor(Dtype::F16, &halves).to_f32().unwrap();
        assert_eq!(floats.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), expected.map(f32::to_bits));
        assert!(tensor(Dtype::F16, &[1, 0x7c]).to_f32().unwrap()[0].is_nan());
        assert_eq!(tensor(Dtype::Bf16, &[0xc0, 0x3f, 0, 0xc0]).to_f32().unwrap(), [1.5, -2.0]);
        assert_eq!(tensor(Dtype::F32, &1.5_f32.to_le_bytes()).to_f32().unwrap(), [1.5]);
        assert_eq!(tensor(Dtype::F64, &0.1_f64.to_le_bytes()).to_f32().unwrap(), [0.1]);
        assert_eq!(tensor(Dtype::I64, &[0; 8]).to_f32(), None);
    }
}
