//! The start of a process, in place of the standard library's.
//!
//! The runtime is small enough for the difference to show: no handler and stack for overflows, no
//! thread to name. What programs rely on is kept: broken pipes are errors and not deaths, and the
//! standard descriptors exist.

#![allow(
    unsafe_code,
    reason = "what C hands to main are raw pointers; this module holds nothing else"
)]

use std::ffi::{CStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;

/// Runs `program` with the arguments that C's `main` was given, and gives its result as C's.
///
/// # Safety
/// `values` must point to `count` pointers to C strings, as for `main`, and no other thread may run.
pub unsafe fn start(
    count: c_int,
    values: *const *const c_char,
    program: impl FnOnce(Vec<OsString>) -> u8,
) -> c_int {
    ignore_broken_pipes();
    open_standard_descriptors();
    let arguments = (0..usize::try_from(count).unwrap_or(0))
        .map(|number| {
            // SAFETY: there are `count` pointers to C strings, says the caller.
            let argument = unsafe { CStr::from_ptr(*values.add(number)) };
            OsString::from_vec(argument.to_bytes().to_vec())
        })
        .collect();
    c_int::from(program(arguments))
}

/// The operating system, such as `linux` or `macos`.
pub const SYSTEM: &str = std::env::consts::OS;

/// The number that the system gave this process.
pub fn number() -> Option<u32> {
    Some(std::process::id())
}

/// The name of this machine.
pub fn host_name() -> Option<String> {
    let name = rustix::system::uname();
    Some(name.nodename().to_string_lossy().into_owned())
}

/// Two words that differ from process to process, without asking the system for them.
pub(crate) fn random() -> (u64, u64) {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        // SAFETY: always possible.
        let bytes = unsafe { libc::getauxval(libc::AT_RANDOM) } as *const [u64; 2];
        if !bytes.is_null() {
            // SAFETY: the kernel has placed 16 bytes there, for as long as the process lives.
            let [first, second] = unsafe { bytes.read_unaligned() };
            return (first, second);
        }
    }
    // Where the system has placed stack and program.
    let local = 0u8;
    let (stack, code) = (&raw const local as u64, random as *const () as u64);
    let spread = |word: u64| word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (spread(stack), spread(code ^ stack.rotate_left(32)))
}

/// Writing to a pipe that nobody reads gives an error. The standard library gives processes that it
/// starts the default back.
fn ignore_broken_pipes() {
    // SAFETY: no handler is installed and no other thread runs.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// Standard input, output and error that were closed become `/dev/null`: else the first file that the
/// program opens would become its output.
fn open_standard_descriptors() {
    let mut descriptors = [0, 1, 2].map(|fd| libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    });
    // SAFETY: the array holds three entries; nothing is waited for.
    unsafe { libc::poll(descriptors.as_mut_ptr(), 3, 0) };
    for descriptor in descriptors {
        if descriptor.revents & libc::POLLNVAL != 0 {
            // The lowest free number is given, and these come in order. Without /dev/null the
            // descriptor stays closed, and using it gives an error.
            // SAFETY: the path is a C string.
            unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        }
    }
}
