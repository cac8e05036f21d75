//! The common cases of the common instructions.
//!
//! A fast handler keeps everything in machine registers and calls nothing but the next handler or,
//! when its case does not apply, the complete handler of the same instruction. The few that do call
//! something (natives, allocation) keep the state in saved registers meanwhile.
//!
//! The collector runs where something may have been allocated: after the complete instructions (see
//! [`super::complete`]) and in the handlers here that allocate. So calls and loops have nothing to
//! check, and code that allocates nothing runs undisturbed.

#![allow(
    clippy::indexing_slicing,
    reason = "evaluated when the crate is compiled"
)]

use sema_format::isa::Op;

use super::{Handler, Registers, Running, dispatch};
use crate::memory::value::Value;
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;

/// Leaves the instruction to its complete handler. The word is read again, so that the common case
/// needs no register to keep it.
macro_rules! complete {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident) => {
        return super::super::complete($vm, $pc, $base, $func, $frame, *$pc.sub(1))
    };
}

/// Defines handlers: `name = Op |vm, pc, base, func, frame, word| body`. The body ends the handler
/// with `dispatch!` or falls through to the complete handler of `Op`. `word` is where the operands lie.
macro_rules! handlers {
    ($($(#[$attribute:meta])* $name:ident = $op:ident |$vm:ident, $pc:ident, $base:ident, $func:ident, $frame:ident, $word:ident| $body:block)*) => {
        $(
            $(#[$attribute])*
            pub(super) unsafe fn $name($vm: &mut Vm, $pc: *const u32, $base: *mut Value, $func: *const Func, $frame: *mut Frame, $word: u32) -> Running {
                let _ = $word;
                let $word = super::super::operands::in_code($pc);
                $body
                #[allow(unreachable_code, reason = "some bodies always dispatch")]
                {
                    complete!($vm $pc $base $func $frame)
                }
            }
        )*

        /// The fast handler of an instruction of this family, if it has one.
        pub(super) const fn handler(op: Op) -> Option<Handler> {
            match op {
                $(Op::$op => Some($name),)*
                _ => None,
            }
        }
    };
}

/// Goes on after something that may have allocated.
macro_rules! dispatch_allocated {
    ($vm:ident, $pc:expr, $base:ident, $func:ident, $frame:ident) => {{
        let pc = $pc;
        if $vm.host.heap.wants_collection() {
            return super::collect($vm, pc, $base, $func, $frame, 0);
        }
        dispatch!($vm, pc, $base, $func, $frame)
    }};
}

/// Puts the outcome of an operation of the host into a register, or raises.
macro_rules! deliver {
    ($vm:ident, $pc:expr, $base:ident, $func:ident, $frame:ident, $word:ident; $outcome:expr) => {
        match $outcome {
            Ok(value) => {
                set($base, a($word), value);
                dispatch_allocated!($vm, $pc, $base, $func, $frame)
            }
            Err(signal) => {
                $vm.note_signal(signal);
                return super::native_failed($vm, $pc, $base, $func, $frame, a($word) as u32);
            }
        }
    };
}

mod arithmetic;
mod branches;
mod calls;
mod combined;
mod data;
mod variables;

/// The fast handler of an instruction, if it has one.
pub(super) const fn handler(op: Op) -> Option<Handler> {
    let families = [
        variables::handler(op),
        calls::handler(op),
        branches::handler(op),
        arithmetic::handler(op),
        data::handler(op),
        combined::handler(op),
    ];
    let mut family = 0;
    while family < families.len() {
        if families[family].is_some() {
            return families[family];
        }
        family += 1;
    }
    None
}

/// Defines functions that do something outside of the handlers: they save the state, ask whether the task goes
/// on, and continue where it then is.
macro_rules! outside {
    ($($(#[$attribute:meta])* $name:ident |$vm:ident, $word:ident| $goes_on:expr;)*) => {
        $(
            $(#[$attribute])*
            #[cold]
            #[inline(never)]
            unsafe fn $name($vm: &mut Vm, pc: *const u32, base: *mut Value, func: *const Func, frame: *mut Frame, $word: u32) -> Running {
                $vm.task.registers = Registers { pc, base, func, frame };
                if !$goes_on {
                    return false;
                }
                let Registers { pc, base, func, frame } = $vm.task.registers;
                dispatch!($vm, pc, base, func, frame)
            }
        )*
    };
}
outside! {
    /// A function has just been entered whose window does not fit: reserves it.
    reserve |vm, _word| vm.reserve();
    /// Runs the collector and goes on.
    collect |vm, _word| vm.collect_or_raise();
    /// The running task has no steps left until it is looked whether it goes on.
    out_of_steps |vm, _word| vm.continue_counting();
    /// A native whose result was meant for slot `a` returned a signal, which lies in `vm.signal`.
    native_failed |vm, a| vm.failed(a as usize);
}

impl Vm {
    /// [`native_failed`] on the saved registers.
    #[inline(never)]
    fn failed(&mut self, slot: usize) -> Running {
        let Some(signal) = self.signal.take() else {
            return true;
        };
        match self.signalled(signal, slot) {
            super::Next::Continue => self.safepoint(),
            super::Next::Stop(event) => self.stop(event),
        }
    }

    /// [`reserve`] on the saved registers.
    #[inline(never)]
    fn reserve(&mut self) -> Running {
        match self.reserve_window() {
            super::Next::Continue => self.safepoint(),
            super::Next::Stop(event) => self.stop(event),
        }
    }
}
