use crate::{
    Dtype,
    error::{ReadProblem, shown},
    limits::MAX_DIMENSIONS,
};

/// Place of a tensor's elements in a storage, checked against its size. Offset and strides count elements.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StridedView {
    dtype: Dtype,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
    /// Number of elements.
    elements: usize,
}

impl StridedView {
    /// Makes the view of a tensor named `name` in a storage that it may use the first `end` elements of.
    pub(crate) fn new(
        name: &str,
        dtype: Dtype,
        end: u64,
        offset: u64,
        shape: Vec<u64>,
        strides: Vec<u64>,
    ) -> Result<Self, ReadProblem> {
        let problem = |problem: &str| ReadProblem::Damaged(format!("tensor `{}` {problem}", shown(name)));
        if shape.len() != strides.len() {
            return Err(problem("has another number of strides than of dimensions"));
        }
        if shape.len() > MAX_DIMENSIONS {
            return Err(problem("has more than 64 dimensions"));
        }
        let outside = || problem("lies outside of its storage");
        let is_empty = shape.contains(&0);
        let mut last = offset;
        let mut elements = u64::from(!is_empty);
        for (&side, &stride) in shape.iter().zip(&strides).filter(|_| !is_empty) {
            last = (side - 1)
                .checked_mul(stride)
                .and_then(|reach| last.checked_add(reach))
                .ok_or_else(outside)?;
            let more = elements.checked_mul(side).filter(|more| *more <= isize::MAX as u64 / 8);
            elements = more.ok_or_else(|| problem("has too many elements"))?;
        }
        if !is_empty && last >= end {
            return Err(outside());
        }
        let numbers =
            |values: Vec<u64>| values.into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>();
        let too_large = |_| problem("has a number that is too large");
        // Those that nothing is reached by mean nothing and may be anything.
        let offset = if is_empty { 0 } else { offset };
        let used = strides.iter().zip(&shape);
        let strides = used.map(|(&stride, &side)| if is_empty || side == 1 { 0 } else { stride }).collect();
        Ok(Self {
            dtype,
            offset: usize::try_from(offset).map_err(too_large)?,
            shape: numbers(shape).map_err(too_large)?,
            strides: numbers(strides).map_err(too_large)?,
            elements: usize::try_from(elements).map_err(too_large)?,
        })
    }

    pub(crate) fn dtype(&self) -> Dtype {
        self.dtype
    }

    pub(crate) fn into_shape(self) -> Vec<usize> {
        self.shape
    }

    /// Number of bytes of the tensor.
    pub(crate) fn bytes(&self) -> usize {
        self.elements * self.dtype.size()
    }

    /// True where the tensor is the storage of this many bytes from its beginning to its end.
    pub(crate) fn is_whole(&self, storage: usize) -> bool {
        self.offset == 0 && self.bytes() == storage && self.contiguous_dimensions() == self.shape.len()
    }

    /// Copies the tensor's elements out of its storage, row by row; `None` where the storage is too short.
    pub(crate) fn gather(&self, storage: &[u8]) -> Option<Vec<u8>> {
        let size = self.dtype.size();
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(self.bytes()).ok()?;
        if self.elements == 0 {
            return Some(bytes);
        }
        let inner = self.contiguous_dimensions();
        let (outer, block) = self.shape.split_at(self.shape.len() - inner);
        let block: usize = block.iter().product::<usize>() * size;
        let mut indices = vec![0; outer.len()];
        let mut at = self.offset;
        for _ in 0..outer.iter().product() {
            bytes.extend_from_slice(storage.get(at * size..at * size + block)?);
            // The odometer's last digit turns first.
            for digit in (0..outer.len()).rev() {
                indices[digit] += 1;
                at += self.strides[digit];
                if indices[digit] < outer[digit] {
                    break;
                }
                at -= self.strides[digit] * outer[digit];
                indices[digit] = 0;
            }
        }
        Some(bytes)
    }

    /// Number of innermost dimensions whose elements follow each other.
    fn contiguous_dimensions(&self) -> usize {
        let mut expected = 1;
        let pairs = self.shape.iter().zip(&self.strides).rev();
        let contiguous = pairs.take_while(|&(&side, &stride)| {
            let follows = side <= 1 || stride == expected;
            // An empty tensor's sides may be anything.
            expected = expected.saturating_mul(side.max(1));
            follows
        });
        contiguous.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(end: u64, offset: u64, shape: &[u64], strides: &[u64]) -> Result<StridedView, String> {
        StridedView::new("a", Dtype::U8, end, offset, shape.to_vec(), strides.to_vec())
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn strided_elements_are_gathered_row_by_row() {
        let storage: Vec<u8> = (0..12).collect();
        let gathered = |offset, shape: &[u64], strides: &[u64]| {
            view(12, offset, shape, strides).unwrap().gather(&storage).unwrap()
        };
        assert_eq!(gathered(0, &[3, 4], &[4, 1]), storage);
        assert_eq!(gathered(0, &[4, 3], &[1, 4]), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
        assert_eq!(gathered(1, &[2, 2, 2], &[6, 3, 1]), [1, 2, 4, 5, 7, 8, 10, 11]);
        assert_eq!(gathered(3, &[2, 3], &[0, 0]), [3; 6]);
        assert_eq!(gathered(11, &[], &[]), [11]);
        assert_eq!(gathered(0, &[1, 2, 1, 2], &[99, 2, 77, 1]), [0, 1, 2, 3]);
        assert!(gathered(99, &[0, u64::MAX >> 4], &[5, 5]).is_empty());
        assert!(view(12, 0, &[2, 6], &[6, 1]).unwrap().is_whole(12));
        assert!(!view(12, 0, &[6, 2], &[1, 6]).unwrap().is_whole(12));
        assert!(!view(12, 0, &[11], &[1]).unwrap().is_whole(12));
    }

    #[test]
    fn views_outside_of_their_storage_are_refused() {
        let outside = "is damaged: tensor `a` lies outside of its storage";
        for (offset, shape, strides) in [
            (12, &[][..], &[][..]),
            (0, &[13], &[1]),
            (1, &[12], &[1]),
            (0, &[2, 2], &[11, 1]),
            (0, &[u64::MAX, 2], &[u64::MAX, 1]),
            (u64::MAX, &[2], &[1]),
        ] {
            assert_eq!(view(12, offset, shape, strides).unwrap_err(), outside);
        }
        assert_eq!(
            view(12, 0, &[1 << 40, 1 << 40], &[0, 0]).unwrap_err(),
            "is damaged: tensor `a` has too many elements"
        );
        assert_eq!(
            view(12, 0, &[2], &[]).unwrap_err(),
            "is damaged: tensor `a` has another number of strides than of dimensions"
        );
        assert_eq!(
            view(12, 0, &[1; 65], &[1; 65]).unwrap_err(),
            "is damaged: tensor `a` has more than 64 dimensions"
        );
    }
}
