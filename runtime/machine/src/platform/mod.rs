//! All that knows the operating system: memory, limits, the process, descriptors, threads.

pub mod allocator;
pub mod available;
pub mod descriptors;
pub mod elf_note;
#[cfg(unix)]
pub mod ending;
pub mod exhausted;
#[cfg(unix)]
pub mod heard;
mod memcpy;
#[cfg(unix)]
pub mod process;
pub mod signals;
pub mod standard_output;
pub mod threads;
pub mod tier;
mod unwinding;
pub mod waker;
