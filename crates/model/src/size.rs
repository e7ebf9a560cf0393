//! Sizes of networks that are not made yet.

use crate::{Freeze, Result, Spec, network::Network};

impl Spec {
    /// Returns the most bytes that the tensors of a checkpoint can have: weights, their average and two moments; `None`
    /// with a TorchScript module.
    ///
    /// # Errors
    /// Errors of libtorch.
    pub(crate) fn checkpoint_bytes(&self) -> Result<Option<u64>> {
        let Some((_, shapes)) = Network::declared(self, None)? else { return Ok(None) };
        let values = shapes.iter().map(|(_, shape)| shape.iter().map(|&side| side as u64).product::<u64>());
        Ok(Some(4 * 4 * values.sum::<u64>()))
    }

    /// Estimates the bytes that training takes on batches of this many images, as far as they are known before the network
    /// is made: weights, gradients, the optimizer's moments, and activations kept for the backward pass. 0 for a
    /// TorchScript module, which is unknown.
    ///
    /// # Errors
    /// A block to freeze that does not exist.
    pub fn training_bytes(&self, freeze: &Freeze, batch: usize) -> Result<u64> {
        match Network::declared(self, None)? {
            Some((network, _)) => network.training_bytes(freeze, batch, self.image_size),
            None => Ok(0),
        }
    }
}
