//! A border of the kernel around the process: Landlock for files, a seccomp filter for system calls.
//!
//! Both are set once, before a program runs, and cannot be taken back. What they contain is decided when the program
//! is built; here are only the calls. Landlock is spoken to by its system calls, since a library for it is larger
//! than a runtime's share (docs/adr/0035-hardening.md).

#![allow(unsafe_code, reason = "system calls that no library has")]

use std::ffi::c_long;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

/// What a program may do with files below a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Open them to be read, and list directories.
    Read,
    /// Change, make and remove them.
    Write,
}

/// The border that is asked for.
#[derive(Debug, Default)]
pub struct Border<'b> {
    /// Whether reading is limited to `below`.
    pub limits_reading: bool,
    /// Whether writing is limited to `below`.
    pub limits_writing: bool,
    /// Whether files may be executed.
    pub executes: bool,
    /// Paths, with what is allowed below them. Those that do not exist are left out.
    pub below: Vec<(Access, &'b Path)>,
    /// The instructions of the filter for system calls, as the kernel takes them: 8 bytes each.
    pub filter: &'b [u8],
}

/// Why there is no border.
#[derive(Debug, thiserror::Error)]
pub enum BorderError {
    /// The kernel has no Landlock, or it is switched off.
    #[error("this kernel has no Landlock ({0}), which Linux has from 5.13 on")]
    NoLandlock(io::Error),
    /// Landlock has refused.
    #[error("Landlock cannot limit files ({0})")]
    Files(io::Error),
    /// The kernel has no filters for system calls, or they are forbidden.
    #[error("this kernel takes no filter for system calls ({0})")]
    NoSeccomp(io::Error),
}

// From linux/landlock.h.
const EXECUTE: u64 = 1 << 0;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
/// Removing and making of directories, files, sockets, pipes, devices, links.
const CHANGE_DIR: u64 = 0x1ff0;
const REFER: u64 = 1 << 13;
const TRUNCATE: u64 = 1 << 14;

/// What can be said about a file that is no directory.
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE;

const CREATE_RULESET: c_long = 444;
const ADD_RULE: c_long = 445;
const RESTRICT_SELF: c_long = 446;
const WANTS_VERSION: u32 = 1;
const PATH_BENEATH: u32 = 1;

#[repr(C)]
struct Ruleset {
    handled_files: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: i32,
}

/// An instruction of a filter.
#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    value: u32,
}

#[repr(C)]
struct Filter {
    length: u16,
    instructions: *const Instruction,
}

impl Border<'_> {
    /// Sets the border for the calling thread and all that it starts from now on.
    ///
    /// # Errors
    /// The kernel cannot do it. Nothing, or a part of it, is set then.
    pub fn set(&self) -> Result<(), BorderError> {
        // SAFETY: the call takes numbers only.
        let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        check(done.into()).map_err(BorderError::NoSeccomp)?;
        self.limit_files()
            .map_err(|error| match error.raw_os_error() {
                Some(libc::ENOSYS | libc::EOPNOTSUPP) => BorderError::NoLandlock(error),
                _ => BorderError::Files(error),
            })?;
        self.limit_calls().map_err(BorderError::NoSeccomp)
    }

    fn limit_files(&self) -> io::Result<()> {
        let none: *const Ruleset = std::ptr::null();
        // SAFETY: with this flag the call reads no memory.
        let version = check(unsafe { libc::syscall(CREATE_RULESET, none, 0usize, WANTS_VERSION) })?;
        let known = match version {
            1 => !(REFER | TRUNCATE),
            2 => !TRUNCATE,
            _ => u64::MAX,
        };
        let mut handled_files = 0;
        if self.limits_reading {
            handled_files |= Access::Read.rights();
        }
        if self.limits_writing {
            handled_files |= Access::Write.rights();
        }
        if !self.executes {
            handled_files |= EXECUTE;
        }
        handled_files &= known;
        if handled_files == 0 {
            return Ok(());
        }
        let asked = Ruleset { handled_files };
        // SAFETY: the structure lives through the call, and its size is given.
        let ruleset = check(unsafe {
            libc::syscall(CREATE_RULESET, &raw const asked, size_of::<Ruleset>(), 0u32)
        })?;
        // SAFETY: the kernel has just given this descriptor, and nobody else has it.
        let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset as i32) };
        for (access, path) in &self.below {
            let Ok(parent) = opened(path) else {
                continue;
            };
            let mut allowed = access.rights() & handled_files;
            if !path.is_dir() {
                allowed &= OF_FILES;
            }
            if allowed == 0 {
                continue;
            }
            let rule = PathBeneath {
                allowed,
                parent: parent.as_raw_fd(),
            };
            // SAFETY: the structure has the form of the kind of rule that is named, and lives through the call.
            check(unsafe {
                libc::syscall(
                    ADD_RULE,
                    ruleset.as_raw_fd(),
                    PATH_BENEATH,
                    &raw const rule,
                    0u32,
                )
            })?;
        }
        // SAFETY: the call takes numbers only.
        check(unsafe { libc::syscall(RESTRICT_SELF, ruleset.as_raw_fd(), 0u32) })?;
        Ok(())
    }

    fn limit_calls(&self) -> io::Result<()> {
        let instructions: Vec<Instruction> = self
            .filter
            .as_chunks::<8>()
            .0
            .iter()
            .map(
                |[c0, c1, jump_true, jump_false, v0, v1, v2, v3]| Instruction {
                    code: u16::from_le_bytes([*c0, *c1]),
                    jump_true: *jump_true,
                    jump_false: *jump_false,
                    value: u32::from_le_bytes([*v0, *v1, *v2, *v3]),
                },
            )
            .collect();
        let filter = Filter {
            length: u16::try_from(instructions.len()).map_err(io::Error::other)?,
            instructions: instructions.as_ptr(),
        };
        let (set, threads) = (
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
        );
        // SAFETY: the instructions live through the call, which copies them; the kernel checks them.
        let done = unsafe { libc::syscall(libc::SYS_seccomp, set, threads, &raw const filter) };
        check(done).map(|_| ())
    }
}

impl Access {
    fn rights(self) -> u64 {
        match self {
            Access::Read => READ_FILE | READ_DIR,
            Access::Write => WRITE_FILE | CHANGE_DIR | REFER | TRUNCATE,
        }
    }
}

/// A descriptor that names a path and reads nothing.
fn opened(path: &Path) -> io::Result<OwnedFd> {
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?)
}

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
