//! The complete instructions: every operand kind, every error.
//!
//! These handlers never dispatch: they leave the state in the task and return, because their
//! locals may be referred to by what they call, which would keep the last call from being a jump.
//! [`super::complete`] runs the collector if that is due and goes on from the saved state.

#![allow(
    clippy::indexing_slicing,
    reason = "evaluated when the crate is compiled"
)]

use sema_format::combined::uncombined;
use sema_format::isa::{INSTRUCTIONS, Op, Predicate};

use super::{Handler, Registers, Running};
use crate::data::number;
use crate::host::Host;
use crate::host::condition::Outcome;
use crate::memory::heap::object;
use crate::memory::value::{Kind, Value};
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;

/// Leaves the state in the task, to go on with the next instruction.
macro_rules! dispatch {
    ($vm:expr, $pc:expr, $base:expr, $func:expr, $frame:expr) => {{
        $vm.task.registers = Registers {
            pc: $pc,
            base: $base,
            func: $func,
            frame: $frame,
        };
        return true;
    }};
}
macro_rules! save {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident) => {
        $vm.task.registers = Registers {
            pc: $pc,
            base: $base,
            func: $func,
            frame: $frame,
        }
    };
}
/// A method of the VM that works on the saved registers.
macro_rules! slow {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident; $call:expr) => {{
        save!($vm $pc $base $func $frame);
        match $call {
            Next::Continue => Registers { pc: $pc, base: $base, func: $func, frame: $frame } = $vm.task.registers,
            Next::Stop(event) => return $vm.stop(event),
        }
    }};
}
/// An operation of the host whose result goes to a register.
macro_rules! fallible {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident; $dst:expr, $outcome:expr) => {
        match $outcome {
            Ok(value) => set($base, $dst, value),
            Err(signal) => slow!($vm $pc $base $func $frame; $vm.signalled(signal, $dst)),
        }
    };
}
/// Enters a function whose arguments are in place behind slot `a`.
macro_rules! enter {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $a:ident; $callee:expr) => {{
        let callee: *const Func = $callee;
        if $frame == $vm.task.frame_limit {
            save!($vm $pc $base $func $frame);
            $vm.task.grow_frames();
            $frame = $vm.task.registers.frame;
        }
        *$frame = Frame::new($pc, $func, $a + 1, FrameKind::Call);
        $frame = $frame.add(1);
        $base = $base.add($a + 1);
        $func = callee;
        $pc = (*$func).code;
        // Only compared: it may lie far behind the stack.
        if $base.wrapping_add((*$func).registers as usize) > $vm.task.value_limit {
            slow!($vm $pc $base $func $frame; $vm.reserve_window());
        }
    }};
}

/// Defines a complete handler: its name, the names of the state, its body.
macro_rules! handler {
    ($name:ident |$vm:ident, $pc:ident, $base:ident, $func:ident, $frame:ident, $word:ident| $body:block) => {
        unsafe fn $name(
            $vm: &mut Vm,
            mut $pc: *const u32,
            mut $base: *mut Value,
            mut $func: *const Func,
            mut $frame: *mut Frame,
            $word: u32,
        ) -> Running $body
    };
}

mod arithmetic;
mod branches;
mod calls;
mod data;
mod variables;

/// The complete handler of an instruction; every one has it, which [`HANDLERS`] proves when it is compiled.
const fn handler(op: Op) -> Option<Handler> {
    let families = [
        variables::handler(op),
        calls::handler(op),
        branches::handler(op),
        arithmetic::handler(op),
        data::handler(op),
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

/// The word at the program counter, which moves on.
///
/// # Safety
/// As for [`Handler`].
#[inline(always)]
unsafe fn extra(pc: &mut *const u32) -> usize {
    // SAFETY: by the caller.
    unsafe {
        let word = **pc;
        *pc = pc.add(1);
        word as usize
    }
}
/// # Safety
/// As for [`Handler`].
#[inline(always)]
unsafe fn jump(pc: &mut *const u32, offset: impl Into<i64>) {
    // SAFETY: by the caller.
    *pc = unsafe { pc.offset(offset.into() as isize) };
}

/// The complete handlers by opcode.
pub(super) static HANDLERS: [Handler; 256] = {
    let mut handlers: [Handler; 256] = [bad_instruction; 256];
    let mut number = 0;
    while number < INSTRUCTIONS.len() {
        let op = INSTRUCTIONS[number].op;
        handlers[number] = match op.is_used_up() {
            true => used_up,
            // What it is combined with follows by itself.
            false => match handler(op.alone()) {
                Some(handler) => handler,
                // Evaluated by the compiler: an instruction without handler does not build.
                None => panic!("{}", INSTRUCTIONS[number].mnemonic),
            },
        };
        number += 1;
    }
    handlers
};

/// An instruction whose result the next one uses up: computes it by itself.
unsafe fn used_up(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    word: u32,
) -> Running {
    let alone = Op::from_byte(word as u8).and_then(|op| handler(op.alone()));
    let alone = alone.unwrap_or(bad_instruction);
    // SAFETY: by the caller; the verifier has seen the instruction that follows.
    unsafe { alone(vm, pc, base, func, frame, uncombined(word, *pc)) }
}

/// Whether a predicate, given by its operand byte, holds for a value.
#[inline(always)]
pub(super) fn holds_byte(host: &Host, predicate: u8, value: Value) -> bool {
    match Predicate::from_byte(predicate) {
        Some(predicate) => holds(host, predicate, value),
        None => false,
    }
}

/// What an unknown opcode does.
pub(super) unsafe fn bad_instruction(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    _: u32,
) -> Running {
    save!(vm pc base func frame);
    let event = vm.bad_instruction();
    vm.stop(event)
}

#[inline(always)]
pub(super) fn holds(host: &Host, predicate: Predicate, value: Value) -> bool {
    match predicate {
        Predicate::Nil => value.is_nil(),
        Predicate::Null => value.is_nil() || value == Value::EMPTY,
        Predicate::Pair => host.heap.is_pair(value),
        Predicate::List => value == Value::EMPTY || host.heap.is_pair(value),
        Predicate::Vector => object::is_kind(value, Kind::Vector),
        Predicate::Map => object::is_kind(value, Kind::Map),
        Predicate::String => host.heap.is_string(value),
        Predicate::Symbol => value.as_symbol().is_some(),
        Predicate::Keyword => value.as_keyword().is_some(),
        Predicate::Bool => value.as_bool().is_some(),
        Predicate::Char => value.as_char().is_some(),
        Predicate::Number => {
            value.is_fixnum()
                || value.is_float()
                || value.is_heap() && object::kind_at(value).is_number()
        }
        Predicate::Float => value.is_float(),
        Predicate::Function => object::is_kind(value, Kind::Closure) || value.as_native().is_some(),
        Predicate::Missing => value == Value::MISSING,
        Predicate::ExactInteger => value.is_fixnum() || object::is_kind(value, Kind::Int),
    }
}

#[cold]
fn equal_numbers(host: &Host, x: Value, y: Value) -> Outcome<bool> {
    Ok(number::num_equal(host, x, y))
}
