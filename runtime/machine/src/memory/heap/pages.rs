//! Memory as the machine sees it: giving pages back to the system, asking for cache lines.

/// Bytes of a page; where pages are larger, less is given back.
const PAGE: usize = 4096;

/// Drops the contents of the whole pages among `bytes` bytes from `start`, so that they take no
/// memory until they are written again. What they then hold is not specified.
///
/// # Safety
/// The range belongs to one allocation of the caller's, and nothing in it is needed any more.
pub(crate) unsafe fn release(start: *mut u8, bytes: usize) {
    let from = (start as usize).next_multiple_of(PAGE);
    let to = (start as usize + bytes) / PAGE * PAGE;
    if from >= to {
        return;
    }
    #[cfg(target_os = "linux")]
    // SAFETY: the caller gives up the contents of these pages, which are private memory of an
    // allocation. A refusal (locked memory) has no consequence but the memory in use.
    unsafe {
        let _ = rustix::mm::madvise(
            (from as *mut u8).cast(),
            to - from,
            rustix::mm::Advice::LinuxDontNeed,
        );
    }
}

/// Asks for the memory at an address that is about to be used.
#[inline(always)]
pub(super) fn prefetch(address: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, without effect on what the program does, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
