//! The one place that maps files: read-only, private.

#![allow(
    unsafe_code,
    reason = "mapping a file is unsafe by nature; this module holds nothing else"
)]

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapOptions};

/// Maps the first `length` bytes of `file`, which must be its length.
///
/// # Errors
/// What the operating system answers, or `InvalidInput` for an empty file and
/// for one that does not fit the address space.
pub(crate) fn map(file: &File, length: u64) -> io::Result<Mmap> {
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length > 0)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the file cannot be mapped"))?;
    // SAFETY: the mapping is read-only and private, so this process cannot
    // change it through the slice. Its bytes stay what they are as long as the
    // file is not written or cut short by somebody else. For the executable of
    // a running process Linux guarantees that (writers get ETXTBSY), and our
    // own writer only ever replaces files by renaming, which leaves the mapped
    // inode alone. For other files it is the documented duty of the callers of
    // `Archive::open_file`; `Archive::read_file` serves those who cannot know.
    unsafe { MmapOptions::new().len(length).map_copy_read_only(file) }
}
