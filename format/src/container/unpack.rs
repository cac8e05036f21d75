//! Decompressing debug information: libzstd.

/// The `length` bytes that were compressed into `packed`; `None`: it is no frame of zstd, or has another length.
pub(super) fn unpack(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let plain = zstd::bulk::decompress(packed, length).ok()?;
    (plain.len() == length).then_some(plain)
}
