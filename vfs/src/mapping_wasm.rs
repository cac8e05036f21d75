//! Files and the running program's archive where nothing can be mapped: WebAssembly.
//!
//! An archive is a segment of the module's data ([`crate::wasm`]), so the engine has placed it in memory before the program
//! starts. Files are read.

#![allow(
    unsafe_code,
    reason = "where the archive lies is told by whoever made the module; this file holds nothing else"
)]

use std::fs::File;
use std::io::{self, Read};

use crate::backing::Backing;
use crate::wasm::PLACE_SIZE;

/// Where the archive with its trailer lies: address and length in bytes, both zero in a runtime without a program. The writer
/// adds a segment that sets them, and finds this place by its name among the module's exports. The rest is room: that segment is
/// as much longer than the two numbers as it takes for the archive to lie at a round offset in the file.
#[used]
#[unsafe(export_name = "sema_archive")]
static PLACE: [u32; PLACE_SIZE / 4] = [0; PLACE_SIZE / 4];

/// Reads the first `length` bytes of `file`, which must be its length.
///
/// # Errors
/// What the system answers; `InvalidInput` for a file that does not fit the address space.
pub(crate) fn map(file: &File, length: u64) -> io::Result<Backing> {
    let too_large = || io::Error::new(io::ErrorKind::InvalidInput, "the file does not fit memory");
    let length = usize::try_from(length).map_err(|_| too_large())?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| too_large())?;
    let mut file = file;
    file.read_to_end(&mut bytes)?;
    Ok(Backing::owned(bytes))
}

/// The archive of the running program with its trailer; `None` where there is none.
pub(crate) fn own_segment() -> Option<&'static [u8]> {
    // SAFETY: the place is a static. It is not what the compiler has seen: a segment of the module has replaced it.
    let [address, length, ..] = unsafe { std::ptr::read_volatile(&raw const PLACE) };
    let (address, length) = (
        usize::try_from(address).ok()?,
        usize::try_from(length).ok()?,
    );
    let size = core::arch::wasm32::memory_size(0).checked_mul(PAGE)?;
    if address == 0 || length == 0 || address.checked_add(length)? > size {
        return None;
    }
    // SAFETY: the writer has put the archive there, above everything that the linker has placed, and has made the memory large
    // enough. Allocators ask for memory behind it, so nobody writes to it.
    Some(unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address), length) })
}

/// Bytes of a page of memory (WebAssembly Core Specification, "Memory Instances").
const PAGE: usize = 1 << 16;
