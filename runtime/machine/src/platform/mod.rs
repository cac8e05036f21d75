//! All that knows the operating system: memory, limits, the process, descriptors, threads.

pub mod allocator;
pub mod available;
pub mod descriptors;
pub mod elf_note;
pub mod exhausted;
mod memcpy;
#[cfg(unix)]
pub mod process;
pub mod threads;
pub mod tier;
pub mod waker;
