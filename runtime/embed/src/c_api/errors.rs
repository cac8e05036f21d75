//! Errors.

use std::ffi::{CString, c_char, c_int, c_uint};

use super::{free, get};
use crate::Error;

/// `SEMA_ERROR` and its like.
mod kind {
    use std::ffi::c_uint;

    pub(super) const ERROR: c_uint = 0;
    pub(super) const RAISED: c_uint = 1;
    pub(super) const EXITED: c_uint = 2;
    pub(super) const MISUSE: c_uint = 3;
    pub(super) const PANIC: c_uint = 4;
}

/// Why a function of the C interface fails.
pub(super) enum Failure {
    Runtime(Error),
    /// The caller did not keep to the rules.
    Misuse(&'static str),
    Panic,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Runtime(error)
    }
}

/// `sema_error`
pub struct SemaError {
    kind: c_uint,
    message: CString,
    type_name: CString,
    report: CString,
    status: c_int,
}

/// Text for C, without the zeros that would end it.
fn text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

impl SemaError {
    pub(super) fn of(failure: Failure) -> SemaError {
        let message = match &failure {
            Failure::Runtime(error) => error.to_string(),
            Failure::Misuse(message) => (*message).to_owned(),
            Failure::Panic => {
                "a defect of the library (a panic); do not use the runtime any more".to_owned()
            }
        };
        let mut made = SemaError {
            kind: kind::ERROR,
            report: text(&format!("Error: {message}\n")),
            message: text(&message),
            type_name: CString::default(),
            status: 0,
        };
        match failure {
            Failure::Runtime(Error::Raised(condition)) => {
                made.kind = kind::RAISED;
                made.type_name = text(&condition.kind);
                made.report = text(condition.report());
            }
            Failure::Runtime(Error::Exited(status)) => {
                made.kind = kind::EXITED;
                made.status = status.into();
            }
            Failure::Runtime(_) => {}
            Failure::Misuse(_) => made.kind = kind::MISUSE,
            Failure::Panic => made.kind = kind::PANIC,
        }
        made
    }
}

/// A text of an error; that of no error is empty.
///
/// # Safety
/// The pointer is null, or valid as long as the result is used.
unsafe fn text_of(error: *const SemaError, of: impl Fn(&SemaError) -> &CString) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(error) }.map_or(c"".as_ptr(), |error| of(error).as_ptr())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_error_kind_of(error: *const SemaError) -> c_uint {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { get(error) }.map_or(kind::ERROR, |error| error.kind)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_error_message(error: *const SemaError) -> *const c_char {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { text_of(error, |error| &error.message) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_error_type(error: *const SemaError) -> *const c_char {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { text_of(error, |error| &error.type_name) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_error_report(error: *const SemaError) -> *const c_char {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { text_of(error, |error| &error.report) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_error_status(error: *const SemaError) -> c_int {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { get(error) }.map_or(0, |error| error.status)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_error_free(error: *mut SemaError) {
    // SAFETY: by the rules of sema.h it is null or the caller's, and not used any more.
    unsafe { free(error) };
}
