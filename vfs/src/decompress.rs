//! Decompressing frames of zstd.

use zstd::zstd_safe::DCtx;

/// The decoder of libzstd.
pub(crate) struct Decompressor(DCtx<'static>);

impl Decompressor {
    /// A decoder; `None`: there is no memory for it.
    pub(crate) fn new() -> Option<Decompressor> {
        DCtx::try_create().map(Decompressor)
    }

    /// Decompresses the frames of `source` into the front of `target`, and says how many bytes they have; `None`: they are no
    /// frames, or have more.
    pub(crate) fn decompress(&mut self, target: &mut [u8], source: &[u8]) -> Option<usize> {
        self.0.decompress(target, source).ok()
    }
}
