//! The Sema runtime: values, heap, virtual machine, scheduler, native functions.
//!
//! Nothing here can read or compile Sema source.

pub mod allocator;
pub mod available;
pub mod collections;
pub mod equality;
pub mod error;
pub mod exhausted;
mod hash;
pub mod heap;
pub mod host;
pub mod launch;
mod memory;
pub mod native;
pub mod natives;
pub mod note;
pub mod number;
pub mod output;
pub mod print;
#[cfg(unix)]
pub mod process;
pub mod symbol;
pub mod task;
pub mod unicode;
pub mod value;
pub mod vm;
