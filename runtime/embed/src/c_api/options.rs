//! What a runtime is made of.

use std::ffi::{c_char, c_void};
use std::io::{self, Write};
use std::ptr::null_mut;
use std::time::Duration;

use super::values::SemaValue;
use super::{free, get_mut, give, guard, name};
use crate::{Builder, Capability, Data, Limits, Runtime};

/// `sema_function`
type HostFunction = unsafe extern "C" fn(
    context: *mut c_void,
    arguments: *const *const SemaValue,
    count: usize,
    result: *mut *mut SemaValue,
) -> bool;

/// `sema_writer`
type Writer =
    unsafe extern "C" fn(context: *mut c_void, bytes: *const c_char, length: usize) -> bool;

/// `sema_options`
#[derive(Default)]
pub struct SemaOptions {
    functions: Vec<Function>,
    granted: Vec<Capability>,
    arguments: Vec<String>,
    output: Option<CWriter>,
    errors: Option<CWriter>,
    limits: Limits,
}

#[derive(Clone)]
struct Function {
    name: String,
    least: u8,
    most: u8,
    call: HostFunction,
    context: *mut c_void,
}

impl Function {
    fn call(&self, arguments: &[Data]) -> Result<Data, String> {
        let arguments: Vec<SemaValue> = arguments.iter().cloned().map(SemaValue::from).collect();
        let pointers: Vec<*const SemaValue> = arguments.iter().map(std::ptr::from_ref).collect();
        let mut result = null_mut();
        // SAFETY: sema.h asks of the function that it can be called so as long as there is a runtime.
        let succeeded = unsafe {
            (self.call)(
                self.context,
                pointers.as_ptr(),
                pointers.len(),
                &raw mut result,
            )
        };
        // SAFETY: the function has left null or made a value for us.
        let data = unsafe { get_mut(result) }.map_or(Data::Nil, |value| value.data());
        // SAFETY: as above; nobody else uses it.
        unsafe { free(result) };
        match (succeeded, data) {
            (true, data) => Ok(data),
            (false, Data::String(message)) => Err(message),
            (false, _) => Err(format!("the host function {} has failed", self.name)),
        }
    }
}

/// A writer of C.
#[derive(Clone)]
struct CWriter {
    write: Writer,
    context: *mut c_void,
}

impl Write for CWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: sema.h asks of the function that it can be called so as long as there is a runtime.
        match unsafe { (self.write)(self.context, bytes.as_ptr().cast(), bytes.len()) } {
            true => Ok(bytes.len()),
            false => Err(io::Error::other("the writer of the host refuses it")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SemaOptions {
    /// The settings of a runtime.
    pub(super) fn builder(&self) -> Builder {
        let mut builder = Runtime::builder()
            .limits(self.limits)
            .arguments(self.arguments.iter().cloned());
        for capability in &self.granted {
            builder = builder.grant(*capability);
        }
        for function in self.functions.iter().cloned() {
            let counts = function.least..=function.most;
            builder = builder.function(function.name.clone(), counts, move |arguments| {
                function.call(arguments)
            });
        }
        if let Some(output) = &self.output {
            builder = builder.output(output.clone());
        }
        if let Some(errors) = &self.errors {
            builder = builder.errors(errors.clone());
        }
        builder
    }
}

/// Changes options; false if there are none, or the change is refused.
///
/// # Safety
/// The pointer is null, or valid and not used otherwise meanwhile.
unsafe fn change(
    options: *mut SemaOptions,
    change: impl FnOnce(&mut SemaOptions) -> Option<()>,
) -> bool {
    // SAFETY: the caller's promise.
    let options = unsafe { get_mut(options) };
    guard(false, || options.and_then(change).is_some())
}

#[unsafe(no_mangle)]
extern "C" fn sema_options_new() -> *mut SemaOptions {
    guard(null_mut(), || give(SemaOptions::default()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_free(options: *mut SemaOptions) {
    // SAFETY: by the rules of sema.h it is null or the caller's, and not used any more.
    unsafe { free(options) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_function(
    options: *mut SemaOptions,
    function: *const c_char,
    least: u8,
    most: u8,
    call: Option<HostFunction>,
    context: *mut c_void,
) -> bool {
    // SAFETY: by the rules of sema.h it is null or a C string.
    let function = unsafe { name(function) };
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe {
        change(options, |options| {
            options.functions.push(Function {
                name: function?.to_owned(),
                least,
                most,
                call: call?,
                context,
            });
            Some(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_grant(
    options: *mut SemaOptions,
    capability: *const c_char,
) -> bool {
    // SAFETY: by the rules of sema.h it is null or a C string.
    let capability = unsafe { name(capability) };
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe {
        change(options, |options| {
            match capability? {
                "all" => options.granted.extend(Capability::ALL),
                one => options.granted.push(Capability::named(one)?),
            }
            Some(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_argument(
    options: *mut SemaOptions,
    argument: *const c_char,
) -> bool {
    // SAFETY: by the rules of sema.h it is null or a C string.
    let argument = unsafe { name(argument) };
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe {
        change(options, |options| {
            options.arguments.push(argument?.to_owned());
            Some(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_output(
    options: *mut SemaOptions,
    write: Option<Writer>,
    context: *mut c_void,
) -> bool {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { writer(options, write, context, |options| &mut options.output) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_errors(
    options: *mut SemaOptions,
    write: Option<Writer>,
    context: *mut c_void,
) -> bool {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { writer(options, write, context, |options| &mut options.errors) }
}

/// Sets what one of the standard streams goes to.
///
/// # Safety
/// As for [`change`].
unsafe fn writer(
    options: *mut SemaOptions,
    write: Option<Writer>,
    context: *mut c_void,
    stream: impl FnOnce(&mut SemaOptions) -> &mut Option<CWriter>,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        change(options, |options| {
            let write = write?;
            *stream(options) = Some(CWriter { write, context });
            Some(())
        })
    }
}

/// Sets a limit.
///
/// # Safety
/// As for [`change`].
unsafe fn limit(options: *mut SemaOptions, set: impl FnOnce(&mut Limits)) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        change(options, |options| {
            set(&mut options.limits);
            Some(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_limit_steps(options: *mut SemaOptions, steps: u64) -> bool {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { limit(options, |limits| limits.steps = Some(steps)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_limit_time(options: *mut SemaOptions, milliseconds: u64) -> bool {
    let time = Duration::from_millis(milliseconds);
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { limit(options, |limits| limits.time = Some(time)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_limit_heap(options: *mut SemaOptions, bytes: usize) -> bool {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { limit(options, |limits| limits.heap = Some(bytes)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_options_limit_stack(options: *mut SemaOptions, bytes: usize) -> bool {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { limit(options, |limits| limits.stack = Some(bytes)) }
}
