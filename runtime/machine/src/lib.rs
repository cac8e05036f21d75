//! The virtual machine of Sema: values, heap, tasks, bytecode.
//!
//! It names no builtin: natives are given to it as a table ([`host::natives::Natives`]). Nothing here can read or
//! compile Sema source. The rooms are floors; each uses only those above it in this list:
//!
//! - [`platform`]: allocator, limits, process: all that knows the operating system
//! - [`memory`]: values and heap, the only room where a value is dereferenced
//! - [`host`]: what a native sees: conditions, signals, arguments, output, its own declaration
//! - [`data`]: numbers, collections, equality, order, printing: what instructions and natives both call
//! - [`task`]: scheduler, promises, channels, timers
//! - [`vm`]: modules, stacks, dispatch, calls, unwinding, reports
//! - [`launch`]: from the start of a process to its exit status

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]

pub mod data;
pub mod host;
pub mod launch;
pub mod memory;
pub mod platform;
pub mod task;
pub mod vm;
