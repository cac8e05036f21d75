//! The start of a program, and what differs from one run to the next.

use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};

/// Runs `program` with the arguments of the process, and gives its status as C's `main` does.
pub fn start(program: impl FnOnce(Vec<OsString>) -> u8) -> i32 {
    i32::from(program(std::env::args_os().collect()))
}

/// The operating system.
pub const SYSTEM: &str = "wasi";

/// The number of this process: there are none.
pub fn number() -> Option<u32> {
    None
}

/// The name of this machine, which the host does not tell.
pub fn host_name() -> Option<String> {
    None
}

/// Two words that differ from run to run: the keys of the standard library's hash, which come from the host.
pub(crate) fn random() -> (u64, u64) {
    let state = RandomState::new();
    (state.hash_one(0), state.hash_one(1))
}
