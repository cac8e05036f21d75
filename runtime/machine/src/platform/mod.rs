//! All that knows the operating system: memory, limits, the process.

pub mod allocator;
pub mod available;
pub mod elf_note;
pub mod exhausted;
mod memcpy;
#[cfg(unix)]
pub mod process;
pub mod tier;
