//! Sizes of networks that are not made yet.

use crate::{
    Freeze, Result, Spec,
    network::{Network, bytes},
};

impl Spec {
    /// Returns the most bytes that the tensors of a checkpoint can have: weights, their average and two moments; `None`
    /// with a TorchScript module.
    ///
    /// # Errors
    /// Errors of libtorch.
    pub(crate) fn checkpoint_bytes(&self) -> Result<Option<u64>> {
        Ok(Network::declared(self, None)?.map(|(network, _)| 4 * bytes(network.tensors())))
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
