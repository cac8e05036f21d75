//! Stacks are not walked in runtimes.
//!
//! The standard library's handler of panics prints the frames of the stack if `RUST_BACKTRACE` asks for it. What
//! finds and names them (an unwinder in C++, readers of ELF and DWARF, a decompressor, two demanglers) would be a tenth of a runtime.
//! It could not work there: a runtime is stripped, and has no tables for unwinding (`tools/link-runtime.sh`).

/// Defines the unwinder of an executable that never unwinds: a stack has no frames. So the linker takes no other one, and drops
/// what would name frames (docs/adr/0003-runtime-executables.md). For executables alone: a library does not decide this.
///
/// Elsewhere than on musl, and where panics unwind, it defines nothing.
#[macro_export]
macro_rules! no_unwinding {
    () => {
        #[cfg(all(target_env = "musl", panic = "abort"))]
        mod no_unwinding {
            use ::std::ffi::{c_int, c_void};
            use ::std::ptr;

            /// `_URC_END_OF_STACK` of the Itanium C++ ABI.
            const END_OF_STACK: c_int = 5;

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_Backtrace(_each: *const c_void, _data: *mut c_void) -> c_int {
                END_OF_STACK
            }

            // What is below would be called while a stack is unwound, and so is not.

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_Resume(_exception: *mut c_void) -> ! {
                ::std::process::abort()
            }

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_GetIP(_context: *mut c_void) -> usize {
                0
            }

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_GetIPInfo(_context: *mut c_void, _before: *mut c_int) -> usize {
                0
            }

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_GetLanguageSpecificData(_context: *mut c_void) -> *const c_void {
                ptr::null()
            }

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_GetRegionStart(_context: *mut c_void) -> usize {
                0
            }

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_GetTextRelBase(_context: *mut c_void) -> usize {
                0
            }

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_GetDataRelBase(_context: *mut c_void) -> usize {
                0
            }

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_SetGR(_context: *mut c_void, _register: c_int, _value: usize) {}

            #[unsafe(no_mangle)]
            extern "C" fn _Unwind_SetIP(_context: *mut c_void, _value: usize) {}
        }
    };
}
