//! Graph of InceptionV3 as data: the units of each block, and the code that runs a block.
//!
//! Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2015), as Google's weights of
//! 2015-12-05 have it and Keras builds it (`keras/src/applications/inception_v3.py`). Two things differ from torchvision's
//! network: average pools leave the padding out of the mean, and the pool of `mixed_10` takes the maximum.

use tch::Tensor;

use crate::{
    Result,
    layers::{Conv, Pool},
    stage::Places,
};

/// One step of a branch.
pub(super) enum Op<U> {
    Unit(U),
    /// Units side by side on the same input.
    Fork(Vec<U>),
    /// Maximum of 3×3 pixels.
    Maximum {
        stride: i64,
        padding: i64,
    },
}

/// Branches on the same input, concatenated along the channels.
pub(super) struct Block<U> {
    pub(super) name: &'static str,
    branches: Vec<Vec<Op<U>>>,
}

impl<U> Block<U> {
    /// Iterates over the units in the order of the graph.
    pub(super) fn units(&self) -> impl Iterator<Item = &U> {
        self.branches.iter().flatten().flat_map(|op| match op {
            Op::Unit(unit) => std::slice::from_ref(unit).iter(),
            Op::Fork(units) => units.iter(),
            Op::Maximum { .. } => [].iter(),
        })
    }

    /// Maps each unit to another one and keeps the block's structure.
    pub(super) fn map<V>(&self, mut to: impl FnMut(&U) -> Result<V>) -> Result<Block<V>> {
        let mut op = |op: &Op<U>| -> Result<Op<V>> {
            Ok(match op {
                Op::Unit(unit) => Op::Unit(to(unit)?),
                Op::Fork(units) => Op::Fork(units.iter().map(&mut to).collect::<Result<_>>()?),
                &Op::Maximum { stride, padding } => Op::Maximum { stride, padding },
            })
        };
        let branches = self.branches.iter().map(|branch| branch.iter().map(&mut op).collect());
        Ok(Block { name: self.name, branches: branches.collect::<Result<_>>()? })
    }

    /// Runs the block on `x`, `[N, C, h, w]`; `unit` computes the output of one unit.
    pub(super) fn run(&self, x: &Tensor, unit: &dyn Fn(&U, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let mut outputs = Vec::with_capacity(self.branches.len() + 2);
        for branch in &self.branches {
            let mut y = x.shallow_clone();
            for op in branch {
                y = match op {
                    Op::Unit(part) => unit(part, &y)?,
                    Op::Fork(parts) => {
                        for part in parts {
                            outputs.push(unit(part, &y)?);
                        }
                        continue;
                    }
                    &Op::Maximum { stride, padding } => y.f_max_pool2d(3, stride, padding, 1, false)?,
                };
            }
            if !matches!(branch.last(), Some(Op::Fork(_))) {
                outputs.push(y);
            }
        }
        match outputs.as_slice() {
            [only] => Ok(only.shallow_clone()),
            outputs => Ok(Tensor::f_cat(outputs, 1)?),
        }
    }
}

impl Block<Conv> {
    /// Counts for one image of `side`×`side` pixels the values that the convolutions make and the block's output values.
    /// Returns them with the output's side.
    pub(super) fn values(&self, side: i64) -> (i64, i64, i64) {
        let halved = |side: i64| (side - 3) / 2 + 1;
        let (mut made, mut channels, mut after) = (0, 0, side);
        for branch in &self.branches {
            let mut side = side;
            let mut out = 0;
            let mut unit = |conv: &Conv, side: &mut i64| {
                let [convolved, pooled] = conv.sides(*side);
                made += conv.filters * convolved * convolved;
                *side = pooled;
                conv.filters
            };
            for op in branch {
                out = match op {
                    Op::Unit(conv) => unit(conv, &mut side),
                    Op::Fork(convs) => convs.iter().map(|conv| unit(conv, &mut side.clone())).sum(),
                    Op::Maximum { padding: 1, .. } => out,
                    Op::Maximum { .. } => {
                        side = halved(side);
                        self.input()
                    }
                };
            }
            channels += out;
            after = side;
        }
        (made, channels * after * after, after)
    }

    /// Finds the positions on the image of the values that the first branch makes, from the positions `from` of its input;
    /// all branches agree, because they are concatenated. Each lies in the middle of the pixels that it is made of.
    /// Convolutions without padding leave a margin, on the right and at the bottom up to a whole step more.
    pub(super) fn places(&self, from: Places) -> Places {
        self.branches.first().map_or(from, |branch| branch_places(branch, from))
    }

    /// Number of input channels.
    fn input(&self) -> i64 {
        self.units().next().map_or(0, |conv| conv.input)
    }
}

fn branch_places(branch: &[Op<Conv>], from: Places) -> Places {
    branch.iter().fold(from, |at, op| match op {
        Op::Unit(conv) => conv.places(at),
        // Padding keeps every value in its place.
        Op::Fork(_) => at,
        &Op::Maximum { stride, padding } => at.slid(3, stride, padding),
    })
}

/// Returns the blocks up to the global average pool, which makes 2048 features of the last block's output.
pub(super) fn blocks() -> Vec<Block<Conv>> {
    let mut channels = 3;
    let mut block = |name: &'static str, branches: Vec<Vec<Op<Conv>>>| {
        let (block, out) = placed(name, branches, channels);
        channels = out;
        block
    };
    vec![
        block("conv", vec![vec![conv("", 32, [3, 3]).halving()]]),
        block("conv_1", vec![vec![conv("", 32, [3, 3]).unpadded()]]),
        block("conv_2", vec![vec![conv("", 64, [3, 3]).pooled(Pool::MaximumAfter)]]),
        block("conv_3", vec![vec![conv("", 80, [1, 1])]]),
        block("conv_4", vec![vec![conv("", 192, [3, 3]).unpadded().pooled(Pool::MaximumAfter)]]),
        block("mixed", inception_a(32)),
        block("mixed_1", inception_a(64)),
        block("mixed_2", inception_a(64)),
        block("mixed_3", inception_b()),
        block("mixed_4", inception_c(128)),
        block("mixed_5", inception_c(160)),
        block("mixed_6", inception_c(160)),
        block("mixed_7", inception_c(192)),
        block("mixed_8", inception_d()),
        block("mixed_9", inception_e(vec![conv("tower_2_conv", 192, [1, 1]).pooled(Pool::AverageBefore)])),
        block(
            "mixed_10",
            inception_e(vec![Op::Maximum { stride: 1, padding: 1 }, conv("tower_2_conv", 192, [1, 1])]),
        ),
    ]
}

fn inception_a(pooled: i64) -> Vec<Vec<Op<Conv>>> {
    vec![
        vec![conv("conv", 64, [1, 1])],
        vec![conv("tower.conv", 48, [1, 1]), conv("tower.conv_1", 64, [5, 5])],
        vec![
            conv("tower_1.conv", 64, [1, 1]),
            conv("tower_1.conv_1", 96, [3, 3]),
            conv("tower_1.conv_2", 96, [3, 3]),
        ],
        vec![conv("tower_2.conv", pooled, [1, 1]).pooled(Pool::AverageBefore)],
    ]
}

fn inception_b() -> Vec<Vec<Op<Conv>>> {
    vec![
        vec![conv("conv", 384, [3, 3]).halving()],
        vec![
            conv("tower.conv", 64, [1, 1]),
            conv("tower.conv_1", 96, [3, 3]),
            conv("tower.conv_2", 96, [3, 3]).halving(),
        ],
        vec![Op::Maximum { stride: 2, padding: 0 }],
    ]
}

fn inception_c(inner: i64) -> Vec<Vec<Op<Conv>>> {
    vec![
        vec![conv("conv", 192, [1, 1])],
        vec![
            conv("tower.conv", inner, [1, 1]),
            conv("tower.conv_1", inner, [1, 7]),
            conv("tower.conv_2", 192, [7, 1]),
        ],
        vec![
            conv("tower_1.conv", inner, [1, 1]),
            conv("tower_1.conv_1", inner, [7, 1]),
            conv("tower_1.conv_2", inner, [1, 7]),
            conv("tower_1.conv_3", inner, [7, 1]),
            conv("tower_1.conv_4", 192, [1, 7]),
        ],
        vec![conv("tower_2.conv", 192, [1, 1]).pooled(Pool::AverageBefore)],
    ]
}

fn inception_d() -> Vec<Vec<Op<Conv>>> {
    vec![
        vec![conv("tower.conv", 192, [1, 1]), conv("tower.conv_1", 320, [3, 3]).halving()],
        vec![
            conv("tower_1.conv", 192, [1, 1]),
            conv("tower_1.conv_1", 192, [1, 7]),
            conv("tower_1.conv_2", 192, [7, 1]),
            conv("tower_1.conv_3", 192, [3, 3]).halving(),
        ],
        vec![Op::Maximum { stride: 2, padding: 0 }],
    ]
}

fn inception_e(pooled: Vec<Op<Conv>>) -> Vec<Vec<Op<Conv>>> {
    vec![
        vec![conv("conv", 320, [1, 1])],
        vec![
            conv("tower_conv", 384, [1, 1]),
            Op::Fork(vec![unit("tower_mixed_conv", 384, [1, 3]), unit("tower_mixed_conv_1", 384, [3, 1])]),
        ],
        vec![
            conv("tower_1_conv", 448, [1, 1]),
            conv("tower_1_conv_1", 384, [3, 3]),
            Op::Fork(vec![
                unit("tower_1_mixed_conv", 384, [1, 3]),
                unit("tower_1_mixed_conv_1", 384, [3, 1]),
            ]),
        ],
        pooled,
    ]
}

/// Makes a unit of stride 1, padded so that height and width stay; [`placed`] fills in its input channels and its full name.
fn unit(name: &str, filters: i64, kernel: [i64; 2]) -> Conv {
    let padding = kernel.map(|side| side / 2);
    Conv { name: name.to_owned(), input: 0, filters, kernel, stride: 1, padding, pool: Pool::None }
}

fn conv(name: &str, filters: i64, kernel: [i64; 2]) -> Op<Conv> {
    Op::Unit(unit(name, filters, kernel))
}

impl Op<Conv> {
    fn with(mut self, change: impl FnOnce(&mut Conv)) -> Self {
        if let Self::Unit(conv) = &mut self {
            change(conv);
        }
        self
    }

    fn unpadded(self) -> Self {
        self.with(|conv| conv.padding = [0, 0])
    }

    fn halving(self) -> Self {
        self.unpadded().with(|conv| conv.stride = 2)
    }

    fn pooled(self, pool: Pool) -> Self {
        self.with(|conv| conv.pool = pool)
    }
}

/// Fills in names and channels, which follow from a unit's position. Returns the block and its number of output channels.
fn placed(name: &'static str, mut branches: Vec<Vec<Op<Conv>>>, input: i64) -> (Block<Conv>, i64) {
    let place = |conv: &mut Conv, input: i64| {
        conv.name = if conv.name.is_empty() { name.to_owned() } else { format!("{name}.{}", conv.name) };
        conv.input = input;
        conv.filters
    };
    let mut out = 0;
    for branch in &mut branches {
        let mut channels = input;
        for op in branch {
            channels = match op {
                Op::Unit(conv) => place(conv, channels),
                Op::Fork(convs) => convs.iter_mut().map(|conv| place(conv, channels)).sum(),
                Op::Maximum { .. } => channels,
            };
        }
        out += channels;
    }
    (Block { name, branches }, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graph_is_the_papers() {
        let blocks = blocks();
        let convs: Vec<&Conv> = blocks.iter().flat_map(Block::units).collect();
        assert_eq!(convs.len(), 94);
        let weights: i64 =
            convs.iter().map(|conv| conv.filters * conv.input * conv.kernel[0] * conv.kernel[1]).sum();
        // Keras' count of InceptionV3's parameters without the top, less three batch norm tensors a filter.
        let filters: i64 = convs.iter().map(|conv| conv.filters).sum();
        assert_eq!(weights + 3 * filters, 21_802_784);
        let inputs: Vec<i64> = blocks.iter().map(|block| block.units().next().unwrap().input).collect();
        assert_eq!(inputs, [3, 32, 32, 64, 80, 192, 256, 288, 288, 768, 768, 768, 768, 768, 1280, 2048]);
        let sides: Vec<i64> = (blocks.iter())
            .scan(299, |side, block| {
                let (_, output, after) = block.values(*side);
                *side = after;
                Some(output / (after * after))
            })
            .collect();
        assert_eq!(sides, [32, 32, 64, 80, 192, 256, 288, 288, 768, 768, 768, 768, 768, 1280, 2048, 2048]);
        assert_eq!(blocks.iter().fold(299, |side, block| block.values(side).2), 8);
        let mut at = Places::PIXELS;
        for block in &blocks {
            let from = at;
            at = block.places(from);
            assert!(block.branches.iter().all(|branch| branch_places(branch, from) == at), "{}", block.name);
        }
        assert_eq!(at, Places { first: 37.5, step: 32.0 });
        let mut names: Vec<&str> = convs.iter().map(|conv| conv.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 94);
    }
}
