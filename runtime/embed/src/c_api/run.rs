//! Programs and runtimes.

use std::ffi::c_char;

use super::errors::{Failure, SemaError};
use super::options::SemaOptions;
use super::values::{SemaValue, copies};
use super::{attempt, free, get, get_mut, name, slice};
use crate::{Data, Program, Runtime};

/// What is wrong with a call whose pointers are null.
const NULL: Failure = Failure::Misuse("a pointer is null that must not be");

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_program_load(
    bytes: *const u8,
    length: usize,
    error: *mut *mut SemaError,
) -> *mut Program {
    // SAFETY: by the rules of sema.h they are null or valid.
    unsafe {
        let bytes = slice(bytes, length);
        attempt(error, || Ok(Program::load(bytes.ok_or(NULL)?)?))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_program_free(program: *mut Program) {
    // SAFETY: by the rules of sema.h it is null or the caller's, and not used any more.
    unsafe { free(program) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_runtime_new(
    options: *const SemaOptions,
    error: *mut *mut SemaError,
) -> *mut Runtime {
    // SAFETY: by the rules of sema.h they are null or valid.
    unsafe {
        let options = get(options);
        attempt(error, || Ok(options.ok_or(NULL)?.builder().build()?))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_runtime_free(runtime: *mut Runtime) {
    // SAFETY: by the rules of sema.h it is null or the caller's, and not used any more.
    unsafe { free(runtime) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_run(
    runtime: *mut Runtime,
    program: *const Program,
    error: *mut *mut SemaError,
) -> *mut SemaValue {
    // SAFETY: by the rules of sema.h they are null or valid.
    unsafe {
        let (runtime, program) = (get_mut(runtime), get(program));
        attempt(error, || {
            Ok(runtime.ok_or(NULL)?.run(program.ok_or(NULL)?)?.into())
        })
    }
}

/// The data of arguments.
///
/// # Safety
/// As for [`copies`].
unsafe fn data(arguments: *const *const SemaValue, count: usize) -> Result<Vec<Data>, Failure> {
    // SAFETY: the caller's promise.
    let arguments = unsafe { copies(arguments, count) }.ok_or(NULL)?;
    Ok(arguments.iter().map(SemaValue::data).collect())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_call(
    runtime: *mut Runtime,
    export: *const c_char,
    arguments: *const *const SemaValue,
    count: usize,
    error: *mut *mut SemaError,
) -> *mut SemaValue {
    // SAFETY: by the rules of sema.h they are null or valid.
    unsafe {
        let (runtime, export) = (get_mut(runtime), name(export));
        attempt(error, || {
            let unnamed = Failure::Misuse("the name of an export is null, or not UTF-8");
            let arguments = data(arguments, count)?;
            let runtime = runtime.ok_or(NULL)?;
            Ok(runtime.call(export.ok_or(unnamed)?, &arguments)?.into())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_call_value(
    runtime: *mut Runtime,
    function: *const SemaValue,
    arguments: *const *const SemaValue,
    count: usize,
    error: *mut *mut SemaError,
) -> *mut SemaValue {
    // SAFETY: by the rules of sema.h they are null or valid.
    unsafe {
        let (runtime, function) = (get_mut(runtime), get(function));
        attempt(error, || {
            let Data::Handle(function) = function.ok_or(NULL)?.data() else {
                return Err(Failure::Misuse("the function is not a handle"));
            };
            let arguments = data(arguments, count)?;
            let runtime = runtime.ok_or(NULL)?;
            Ok(runtime.call_handle(&function, &arguments)?.into())
        })
    }
}
