//! Dispatch: how instructions are executed.
//!
//! Every instruction has a handler, a function that takes the machine state in registers: the VM,
//! program counter, window, function, frame pointer and the instruction's first word. In optimised
//! builds a handler ends by calling the next one in tail position, which compiles to an indirect
//! jump; so each instruction has its own dispatch (threaded code, Bell 1973) and its own register
//! allocation, and the state never leaves the machine registers. Other builds return to a loop.
//!
//! To keep handlers free of stack frames, whatever is not the common case lives in a second
//! function of the same signature: [`fast`] handlers jump to those of [`mod@complete`], which do the whole
//! instruction with all checks.
//!
//! Safepoints are where something has been allocated, not where control goes: after complete
//! handlers, after natives, after instructions that allocate, and when a task goes on. Signals are looked at where
//! control goes elsewhere, but only once one has come: see [`alert`].

#![allow(
    clippy::indexing_slicing,
    reason = "the tables have an entry for each byte"
)]

mod complete;
mod fast;
mod operands;
#[cfg(feature = "count-pairs")]
pub(super) mod pairs;

use std::sync::atomic::{AtomicPtr, Ordering};

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
static HANDLERS: [Handler; 256] = {
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

/// The handlers of instructions that do not just follow the one before: where a jump or a tail call leads, and what comes
/// after a complete handler. Nothing goes on for ever without passing through here, so this is the table that [`alert`] exchanges.
/// Loads of entries that may change are instructions of their own, where those of [`HANDLERS`] are part of the jump.
static TARGETS: [AtomicPtr<()>; 256] = {
    let mut targets = [const { AtomicPtr::new(std::ptr::null_mut()) }; 256];
    let mut number = 0;
    while number < targets.len() {
        targets[number] = AtomicPtr::new(HANDLERS[number] as *mut ());
        number += 1;
    }
    targets
};

/// The handler of an instruction that follows the one before.
#[cfg(sema_threaded)]
#[inline(always)]
fn follower(op: usize) -> Handler {
    HANDLERS[op]
}

/// The handler of an instruction that control arrives at from elsewhere.
#[inline(always)]
fn target(op: usize) -> Handler {
    let handler = TARGETS[op].load(Ordering::Relaxed);
    // SAFETY: the table holds handlers and nothing else.
    unsafe { std::mem::transmute::<*mut (), Handler>(handler) }
}

/// Makes the machine of the process's program, which runs on this thread, look at the signals at the next jump,
/// tail call or complete instruction. Programs have nothing to check therefore. May be called in signal handlers. Machines of embedders
/// run on any threads, and there nobody calls it.
pub(super) extern "C" fn alert() {
    for entry in &TARGETS {
        entry.store(alerted as *mut (), Ordering::Relaxed);
    }
}

/// Takes [`alert`] back.
fn settle() {
    for (entry, handler) in TARGETS.iter().zip(&HANDLERS) {
        entry.store(*handler as *mut (), Ordering::Relaxed);
    }
}

/// Stands in for the handlers of [`TARGETS`] after [`alert`]: looks at the signals and goes on with the instruction, or in a handler of
/// the condition that the signal raises.
unsafe fn alerted(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    word: u32,
) -> Running {
    #[cfg(feature = "many-threads")]
    if !vm.obeys_signals {
        // The table is every machine's; the signal is that of another one, which settles it.
        let handler = HANDLERS[(word & 0xFF) as usize];
        // SAFETY: the state is that for which this handler was called in the other's place.
        return unsafe { handler(vm, pc, base, func, frame, word) };
    }
    #[cfg(not(feature = "many-threads"))]
    let _ = word;
    settle();
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

/// Goes on with the next instruction, from the table.
macro_rules! dispatch_from {
    ($handler_of:path: $vm:expr, $pc:expr, $base:expr, $func:expr, $frame:expr) => {{
        #[cfg(sema_threaded)]
        {
            let pc: *const u32 = $pc;
            // SAFETY: the program counter stays inside verified code (see `Handler`).
            let word = unsafe { *pc };
            let handler = $handler_of((word & 0xFF) as usize);
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
pub(super) use dispatch_from;

/// Goes on with the instruction that follows.
macro_rules! dispatch {
    ($($state:expr),*) => {
        $crate::vm::dispatch::dispatch_from!($crate::vm::dispatch::follower: $($state),*)
    };
}
pub(super) use dispatch;

/// Goes on with an instruction elsewhere. Every cycle of control contains one of these.
macro_rules! dispatch_elsewhere {
    ($($state:expr),*) => {
        $crate::vm::dispatch::dispatch_from!($crate::vm::dispatch::target: $($state),*)
    };
}
pub(super) use dispatch_elsewhere;

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
    let handler = complete::HANDLERS[(word & 0xFF) as usize];
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
    dispatch_elsewhere!(vm, pc, base, func, frame)
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
                target((word & 0xFF) as usize)(self, pc.add(1), base, func, frame, word)
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
