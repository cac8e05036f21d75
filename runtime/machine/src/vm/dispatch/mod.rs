//! Dispatch: how instructions are executed.
//!
//! Every instruction has a handler, a function that takes the machine state in registers: the VM,
//! program counter, window, function, frame pointer and the instruction's first word. In optimised
//! builds a handler ends by calling the next one in tail position, which compiles to an indirect
//! jump; so each instruction has its own dispatch (threaded code, Bell 1973) and its own register
//! allocation, and the state never leaves the machine registers. Other builds return to a loop.
//!
//! To keep handlers free of stack frames, whatever is not the common case lives in a second
//! function of the same signature: [`fast`] handlers jump to those of [`full`], which do the whole
//! instruction with all checks.
//!
//! Safepoints are where something has been allocated, not where control goes: after complete
//! handlers, after natives, after instructions that allocate, and when a task goes on. Signals are looked at between any
//! two instructions, but only once one has come: see [`alert`].

#![allow(
    clippy::indexing_slicing,
    reason = "the tables have an entry for each byte"
)]

mod fast;
mod full;
mod operands;
#[cfg(feature = "count-pairs")]
pub(super) mod pairs;

use sema_format::isa::INSTRUCTIONS;

use super::module::Func;
use super::stack::Frame;
use super::{Event, Vm};
use crate::memory::value::Value;

/// The machine state of a task that is not running, or that a slow path works on.
#[derive(Clone, Copy)]
pub(crate) struct Registers {
    pub pc: *const u32,
    pub base: *mut Value,
    pub func: *const Func,
    pub frame: *mut Frame,
}

/// What a slow path tells the dispatcher.
pub(crate) enum Next {
    /// Go on with the saved registers.
    Continue,
    /// Stop executing this task.
    Stop(Event),
}

/// Whether the loop of builds without threading goes on.
pub(super) type Running = bool;

/// A handler. `pc` stands behind the instruction's first word.
///
/// # Safety
/// The code was produced by our compiler or verified: register, constant, global, native and
/// capture operands are in bounds of the window, of the pools of `func` and of the running closure,
/// and jumps stay inside the function. `base` points at a window of the running task's stack below
/// its limit, `frame` behind the topmost frame.
pub(super) type Handler =
    unsafe fn(&mut Vm, *const u32, *mut Value, *const Func, *mut Frame, u32) -> Running;

/// The handlers by opcode; unknown opcodes end the program with a condition.
///
/// The table lies among the data that may be written, for [`alert`] exchanges its entries. It is no cell all the same: the
/// compiler would load an entry before it jumps, which costs an instruction with every instruction, instead of jumping through
/// the table. Each entry is read anew by code that knows nothing about the index.
#[unsafe(link_section = ".data.handlers")]
static HANDLERS: [Handler; 256] = USUAL_HANDLERS;

/// Exchanges all handlers.
fn exchange_handlers(handler_of: impl Fn(usize) -> Handler) {
    let first = (&raw const HANDLERS).cast::<Handler>().cast_mut();
    for op in 0..HANDLERS.len() {
        // SAFETY: there are as many entries; the section may be written. Only the thread of the process's program writes, in
        // signal handlers or not, one word at a time, and that thread alone executes code then. Machines of
        // embedders run on any threads, and nobody ever writes.
        unsafe { first.add(op).write_volatile(handler_of(op)) };
    }
}

/// The handler that executes each instruction.
const USUAL_HANDLERS: [Handler; 256] = {
    let mut handlers: [Handler; 256] = [complete; 256];
    let mut number = 0;
    while number < INSTRUCTIONS.len() {
        let op = INSTRUCTIONS[number].op;
        handlers[number] = match fast::handler(op) {
            Some(handler) => handler,
            None => complete,
        };
        number += 1;
    }
    handlers
};

/// The same, as data.
static USUAL: [Handler; 256] = USUAL_HANDLERS;

/// Makes the machine of the process's program, which runs on this thread, look at the signals before its next instruction.
/// Programs have nothing to check therefore. May be called in signal handlers.
pub(super) extern "C" fn alert() {
    exchange_handlers(|_| alerted);
}

/// Stands in for every handler after [`alert`]: looks at the signals and goes on with the instruction, or in a handler of
/// the condition that the signal raises.
unsafe fn alerted(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    _: u32,
) -> Running {
    exchange_handlers(|op| USUAL[op]);
    vm.task.registers = Registers {
        pc,
        base,
        func,
        frame,
    };
    if !vm.attend() {
        return false;
    }
    let Registers {
        pc,
        base,
        func,
        frame,
    } = vm.task.registers;
    dispatch!(vm, pc, base, func, frame)
}

/// Goes on with the next instruction.
macro_rules! dispatch {
    ($vm:expr, $pc:expr, $base:expr, $func:expr, $frame:expr) => {{
        #[cfg(sema_threaded)]
        {
            let pc: *const u32 = $pc;
            // SAFETY: the program counter stays inside verified code (see `Handler`).
            let word = unsafe { *pc };
            let handler = crate::vm::dispatch::HANDLERS[(word & 0xFF) as usize];
            // SAFETY: the state satisfies the handlers' contract.
            return unsafe { handler($vm, pc.add(1), $base, $func, $frame, word) };
        }
        #[cfg(not(sema_threaded))]
        {
            $vm.task.registers = crate::vm::dispatch::Registers {
                pc: $pc,
                base: $base,
                func: $func,
                frame: $frame,
            };
            return true;
        }
    }};
}
pub(super) use dispatch;

/// Runs the complete handler of an instruction, lets the collector run, and goes on.
///
/// # Safety
/// As for [`Handler`].
pub(super) unsafe fn complete(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    word: u32,
) -> Running {
    let handler = full::HANDLERS[(word & 0xFF) as usize];
    // SAFETY: by the caller.
    if !unsafe { handler(vm, pc, base, func, frame, word) } {
        return false;
    }
    if !vm.safepoint() {
        return false;
    }
    let Registers {
        pc,
        base,
        func,
        frame,
    } = vm.task.registers;
    dispatch!(vm, pc, base, func, frame)
}

impl Vm {
    /// Runs the current task from its saved registers until it ends or waits.
    pub(crate) fn execute(&mut self) -> Event {
        // What led here may have allocated.
        let mut running = self.safepoint();
        while running {
            let Registers {
                pc,
                base,
                func,
                frame,
            } = self.task.registers;
            // SAFETY: a task's saved registers satisfy the handlers' contract.
            running = unsafe {
                let word = *pc;
                #[cfg(feature = "count-pairs")]
                self.pairs.count(word);
                HANDLERS[(word & 0xFF) as usize](self, pc.add(1), base, func, frame, word)
            };
        }
        match self.event.take() {
            Some(event) => event,
            None => self.bad_instruction(),
        }
    }

    /// Collects if that is due; whether the task goes on. Its state must be in its saved registers.
    #[inline(always)]
    pub(super) fn safepoint(&mut self) -> Running {
        !self.host.heap.wants_collection() || self.collect_or_raise()
    }

    /// Notes how execution ends; handlers return what this returns.
    pub(super) fn stop(&mut self, event: Event) -> Running {
        self.event = Some(event);
        false
    }
}
