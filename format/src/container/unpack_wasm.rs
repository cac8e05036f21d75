//! Decompressing debug information where no compiler of C is needed for it: a decoder in Rust.

use ruzstd::decoding::FrameDecoder;

/// The `length` bytes that were compressed into `packed`; `None`: it is no frame of zstd, or has another length.
pub(super) fn unpack(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    plain.try_reserve_exact(length).ok()?;
    plain.resize(length, 0);
    let found = FrameDecoder::new().decode_all(packed, &mut plain).ok()?;
    (found == length).then_some(plain)
}
