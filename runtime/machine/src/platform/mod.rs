//! All that knows the operating system: memory, limits, the process, descriptors, threads.
//!
//! What WebAssembly does in another way, or has not, lies in `wasi/` under the same names (docs/adr/0031).

#[cfg(unix)]
pub mod allocator;
#[cfg_attr(target_family = "wasm", path = "wasi/available.rs")]
pub mod available;
#[cfg(all(unix, feature = "many-threads"))]
#[allow(unsafe_code, reason = "signal handlers know descriptors by number")]
pub mod bell;
mod descriptor;
#[cfg_attr(target_family = "wasm", path = "wasi/descriptors.rs")]
pub mod descriptors;
pub mod elf_note;
#[cfg_attr(target_family = "wasm", path = "wasi/ending.rs")]
pub mod ending;
#[cfg_attr(target_family = "wasm", path = "wasi/errors.rs")]
pub mod errors;
pub mod exhausted;
#[cfg_attr(target_family = "wasm", path = "wasi/files.rs")]
pub mod files;
pub mod habits;
#[cfg(target_os = "linux")]
pub mod hardening;
#[cfg(unix)]
pub mod heard;
mod memcpy;
#[cfg(all(unix, feature = "many-threads"))]
#[allow(unsafe_code, reason = "the system's call for it takes a pointer")]
pub mod peer;
#[cfg_attr(target_family = "wasm", path = "wasi/process.rs")]
pub mod process;
pub mod shown_line;
#[cfg_attr(target_family = "wasm", path = "wasi/signals.rs")]
pub mod signals;
mod special;
#[cfg_attr(target_family = "wasm", path = "wasi/standard_output.rs")]
pub mod standard_output;
#[cfg_attr(target_family = "wasm", path = "wasi/terminal.rs")]
pub mod terminal;
pub mod threads;
pub mod tier;
mod unwinding;
#[cfg_attr(target_family = "wasm", path = "wasi/waker.rs")]
pub mod waker;
