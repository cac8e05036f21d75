//! Decompressing frames of zstd where no compiler of C is needed for it: WebAssembly.

use ruzstd::decoding::FrameDecoder;

/// A decoder in Rust.
pub(crate) struct Decompressor(FrameDecoder);

impl Decompressor {
    /// A decoder.
    #[allow(
        clippy::unnecessary_wraps,
        reason = "that of other platforms may have no memory"
    )]
    pub(crate) fn new() -> Option<Decompressor> {
        Some(Decompressor(FrameDecoder::new()))
    }

    /// Decompresses the frames of `source` into the front of `target`, and says how many bytes they have; `None`: they are no
    /// frames, or have more.
    pub(crate) fn decompress(&mut self, target: &mut [u8], source: &[u8]) -> Option<usize> {
        self.0.decode_all(source, target).ok()
    }
}
