//! The functions of `include/sema.h`, which says what each of them does and what the caller must keep to.
//!
//! This is the only unsafe code of the crate, and all it does is to turn pointers into references and back. Each
//! function looks for null first. Nothing unwinds into C: what can panic runs under [`guard`], and a panic becomes
//! an error of kind `SEMA_PANIC`.

mod errors;
mod options;
mod run;
mod values;

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use errors::{Failure, SemaError};

// The helpers below are unsafe because their callers must pass on what sema.h asks of C: a pointer is null, or it
// is valid for its type and nobody changes what it points to meanwhile.

/// What a pointer refers to, unless it is null.
///
/// # Safety
/// The pointer is null, or valid for `'a`.
unsafe fn get<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }
}

/// The same for something that is changed.
///
/// # Safety
/// The pointer is null, or valid for `'a` and not used otherwise meanwhile.
unsafe fn get_mut<'a, T>(pointer: *mut T) -> Option<&'a mut T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_mut() }
}

/// Frees what [`give`] has given.
///
/// # Safety
/// The pointer is null, or came from [`give`] and is not used any more.
unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: the caller's promise.
        let owned = unsafe { Box::from_raw(pointer) };
        // A destructor that panics must not unwind into C. There is nobody to tell.
        drop(catch_unwind(AssertUnwindSafe(|| drop(owned))));
    }
}

/// Makes something the caller's.
fn give<T>(owned: T) -> *mut T {
    Box::into_raw(Box::new(owned))
}

/// So many things behind a pointer; `None` if it is null though there should be some.
///
/// # Safety
/// The pointer is null, or valid for `count` things and `'a`.
unsafe fn slice<'a, T>(pointer: *const T, count: usize) -> Option<&'a [T]> {
    match (count, pointer.is_null()) {
        (0, _) => Some(&[]),
        (_, true) => None,
        // SAFETY: the caller's promise.
        (_, false) => Some(unsafe { std::slice::from_raw_parts(pointer, count) }),
    }
}

/// A C string; `None` if it is null or not UTF-8.
///
/// # Safety
/// The pointer is null, or that of a string that ends with a zero, valid for `'a`.
unsafe fn name<'a>(pointer: *const c_char) -> Option<&'a str> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(pointer) }.to_str().ok()
}

/// What `act` gives, or `otherwise` if it panics.
fn guard<T>(otherwise: T, act: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or(otherwise)
}

/// What `act` gives as the caller's; null if it fails or panics, with the reason in `*error`.
///
/// # Safety
/// `error` is null, or valid for writing.
unsafe fn attempt<T>(
    error: *mut *mut SemaError,
    act: impl FnOnce() -> Result<T, Failure>,
) -> *mut T {
    let done = guard(Err(Failure::Panic), || act().map(give));
    done.unwrap_or_else(|failure| {
        if !error.is_null() {
            let reason = guard(std::ptr::null_mut(), || give(SemaError::of(failure)));
            // SAFETY: the caller's promise.
            unsafe { error.write(reason) };
        }
        std::ptr::null_mut()
    })
}
