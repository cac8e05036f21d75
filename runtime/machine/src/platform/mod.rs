//! All that knows the operating system: memory, limits, the process, descriptors, threads.

pub mod allocator;
pub mod available;
pub mod descriptors;
pub mod elf_note;
#[cfg(unix)]
pub mod ending;
pub mod exhausted;
mod memcpy;
#[cfg(unix)]
pub mod process;
#[cfg(unix)]
pub mod signals;
pub mod threads;
pub mod tier;
pub mod waker;
