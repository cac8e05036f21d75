//! The one place that reaches mapped files: read-only, private, mapped here or by the kernel when it
//! started the program.

#![allow(
    unsafe_code,
    reason = "mapping a file is unsafe by nature; this module holds nothing else"
)]

use std::fs::File;
use std::io;

use memmap2::MmapOptions;

use crate::backing::Backing;
use crate::segment::{HEADER_SIZE, Segment};

/// Maps the first `length` bytes of `file`, which must be its length.
///
/// # Errors
/// What the operating system answers, or `InvalidInput` for an empty file and
/// for one that does not fit the address space.
pub(crate) fn map(file: &File, length: u64) -> io::Result<Backing> {
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length > 0)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the file cannot be mapped"))?;
    // SAFETY: the mapping is read-only and private, so this process cannot
    // change it through the slice. Its bytes stay what they are as long as the
    // file is not written or cut short by somebody else. Most kernels refuse to
    // write to the executable of a running process (ETXTBSY), but some versions
    // and network file systems do not, and nothing here relies on it: the code
    // of this process is a mapping of the same file, so whoever can write to it
    // changes the instructions that read the slice as well. Our own writer only
    // ever replaces files by renaming, which leaves the mapped inode alone. For
    // other files it is the documented duty of the callers of
    // `Archive::open_file`; `Archive::read_file` serves those who cannot know.
    let mapping = unsafe { MmapOptions::new().len(length).map_copy_read_only(file) };
    mapping.map(Backing::Mapped)
}

/// The segment of the running executable that holds an archive, with its trailer. `None` where
/// there is none, or where the file ends before the segment does; the file tells the rest then.
pub(crate) fn own_segment() -> Option<&'static [u8]> {
    // SAFETY: these take a number and return one.
    let (table, count, size) = unsafe {
        (
            libc::getauxval(libc::AT_PHDR),
            libc::getauxval(libc::AT_PHNUM),
            libc::getauxval(libc::AT_PHENT),
        )
    };
    if table == 0 || usize::try_from(size).ok()? != HEADER_SIZE {
        return None;
    }
    let count = usize::try_from(count).ok()?;
    // SAFETY: the kernel says that `count` program headers of this size lie there; they are part of
    // the program's own image, stay mapped and are not written to. Bytes have no alignment.
    let headers =
        unsafe { std::slice::from_raw_parts(table as usize as *const [u8; HEADER_SIZE], count) };
    let segment = headers.iter().find_map(Segment::decode)?;
    let start = usize::try_from(segment.address).ok()? as *const u8;
    let length = usize::try_from(segment.length).ok()?;
    // Pages behind the end of a file that was cut short would kill the reader.
    // SAFETY: the addresses are inside of one segment, see below.
    if !is_readable(unsafe { start.add(length - 1) }) {
        return None;
    }
    // SAFETY: the kernel has mapped this segment of the executable, privately and without write
    // permission, for as long as the process lives, like the segment of the code that runs here. If the
    // file is written to meanwhile, which not every kernel refuses, that code changes as well; see
    // `map`. Its last page exists in the file, so all of them do.
    Some(unsafe { std::slice::from_raw_parts(start, length) })
}

/// Whether the page of `address` can be read, found out by having the kernel read it: it answers
/// EFAULT if not, and else EINVAL because of the first argument.
fn is_readable(address: *const u8) -> bool {
    const NO_SUCH_ACTION: libc::c_long = 99;
    const KERNEL_SET_SIZE: usize = 8;
    let within_page = (address.addr() & !(KERNEL_SET_SIZE - 1)) as *const u8;
    // SAFETY: the call changes nothing: with an unknown action it fails after reading the set, and
    // an address that cannot be read is an error, not a fault.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            NO_SUCH_ACTION,
            within_page,
            std::ptr::null_mut::<u8>(),
            KERNEL_SET_SIZE,
        )
    };
    result == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
}
