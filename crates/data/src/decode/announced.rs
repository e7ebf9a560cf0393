//! Facts that a file's header announces.

/// Facts of a header.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Announced {
    pub(super) width: u64,
    pub(super) height: u64,
    /// Bytes of the stored pixels.
    pub(super) stored: u64,
    /// Bytes for all copies that there are of the pixels at a time.
    pub(super) memory: u64,
}

impl Announced {
    /// Describes an image with these bytes for each pixel.
    pub(super) fn new(width: u64, height: u64, stored: u64, memory: u64) -> Self {
        let pixels = width.saturating_mul(height);
        let bytes = |of_pixel: u64| pixels.saturating_mul(of_pixel);
        Self { width, height, stored: bytes(stored), memory: bytes(memory) }
    }

    pub(super) fn pixels(&self) -> u64 {
        self.width.saturating_mul(self.height)
    }
}
