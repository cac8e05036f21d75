//! The complete instructions: every operand kind, every error.
//!
//! These handlers never dispatch: they leave the state in the task and return, because their
//! locals may be referred to by what they call, which would keep the last call from being a jump.
//! [`super::complete`] goes on from the saved state.

#![allow(
    unused_mut,
    unused_assignments,
    unused_variables,
    reason = "all handlers have the same parameters; what slow paths change is not used by all"
)]
#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "every line of a handler relies on the one contract of `Handler`"
)]
#![allow(unused_unsafe, reason = "as above")]

use sema_format::isa::{CAPTURE_FROM_CLOSURE, INSTRUCTIONS, Op, Predicate, special};

use super::{Handler, Next, Registers, Running};
use crate::collections::sorted_map;
use crate::error::{Outcome, Signal};
use crate::heap::object;
use crate::host::Host;
use crate::value::{Kind, Value};
use crate::vm::module::Func;
use crate::vm::stack::{Frame, FrameKind};
use crate::vm::{Event, Vm, call};
use crate::{equality, number};

/// The handler of an instruction.
pub(super) const fn handler(op: Op) -> Handler {
    match op {
        Op::Move => op_move,
        Op::LoadConst => op_load_const,
        Op::LoadConstWide => op_load_const_wide,
        Op::LoadInt => op_load_int,
        Op::LoadSpecial => op_load_special,
        Op::LoadSlot => op_load_slot,
        Op::StoreSlot => op_store_slot,
        Op::GetCapture => op_get_capture,
        Op::GetCaptureBox => op_get_capture_box,
        Op::SetCaptureBox => op_set_capture_box,
        Op::NewBox => op_new_box,
        Op::GetBox => op_get_box,
        Op::SetBox => op_set_box,
        Op::GetGlobal => op_get_global,
        Op::SetGlobal => op_set_global,
        Op::DefineGlobal => op_define_global,
        Op::Closure => op_closure,
        Op::PatchCapture => op_patch_capture,
        Op::LoadNative => op_load_native,
        Op::Call => op_call,
        Op::TailCall => op_tail_call,
        Op::CallKnown => op_call_known,
        Op::TailCallKnown => op_tail_call_known,
        Op::CallNative => op_call_native,
        Op::Apply => op_apply,
        Op::TailApply => op_tail_apply,
        Op::Return => op_return,
        Op::Throw => op_throw,
        Op::Jump => op_jump,
        Op::Loop => op_loop,
        Op::JumpFalse => op_jump_false,
        Op::JumpTrue => op_jump_true,
        Op::JumpLess => op_jump_less,
        Op::JumpNotLess => op_jump_not_less,
        Op::JumpLessEqual => op_jump_less_equal,
        Op::JumpNotLessEqual => op_jump_not_less_equal,
        Op::JumpEqual => op_jump_equal,
        Op::JumpNotEqual => op_jump_not_equal,
        Op::JumpLessImm => op_jump_less_imm,
        Op::JumpNotLessImm => op_jump_not_less_imm,
        Op::JumpLessEqualImm => op_jump_less_equal_imm,
        Op::JumpNotLessEqualImm => op_jump_not_less_equal_imm,
        Op::JumpGreaterImm => op_jump_greater_imm,
        Op::JumpNotGreaterImm => op_jump_not_greater_imm,
        Op::JumpGreaterEqualImm => op_jump_greater_equal_imm,
        Op::JumpNotGreaterEqualImm => op_jump_not_greater_equal_imm,
        Op::JumpEqualImm => op_jump_equal_imm,
        Op::JumpNotEqualImm => op_jump_not_equal_imm,
        Op::JumpEqualConst => op_jump_equal_const,
        Op::JumpNotEqualConst => op_jump_not_equal_const,
        Op::JumpTest => op_jump_test,
        Op::JumpNotTest => op_jump_not_test,
        Op::Add => op_add,
        Op::AddNumbers => op_add_numbers,
        Op::Subtract => op_subtract,
        Op::Multiply => op_multiply,
        Op::Divide => op_divide,
        Op::Quotient => op_quotient,
        Op::Remainder => op_remainder,
        Op::Modulo => op_modulo,
        Op::AddImm => op_add_imm,
        Op::Less => op_less,
        Op::Greater => op_greater,
        Op::GreaterEqual => op_greater_equal,
        Op::ImmAdd => op_imm_add,
        Op::SubtractImm => op_subtract_imm,
        Op::JumpGreater => op_jump_greater,
        Op::JumpNotGreater => op_jump_not_greater,
        Op::JumpGreaterEqual => op_jump_greater_equal,
        Op::JumpNotGreaterEqual => op_jump_not_greater_equal,
        Op::LessEqual => op_less_equal,
        Op::NumEqual => op_num_equal,
        Op::Equal => op_equal,
        Op::Not => op_not,
        Op::Test => op_test,
        Op::First => op_first,
        Op::Rest => op_rest,
        Op::Cons => op_cons,
        Op::Nth => op_nth,
        Op::Length => op_length,
        Op::Get => op_get,
        Op::GetKeyword => op_get_keyword,
        Op::MakeList => op_make_list,
        Op::MakeVector => op_make_vector,
        Op::ArrayGet => op_array_get,
        Op::ArraySet => op_array_set,
        Op::CellGet => op_cell_get,
        Op::CellSet => op_cell_set,
        Op::RunModule => op_run_module,
        Op::BindImports => op_bind_imports,
        Op::ModuleDone => op_module_done,
    }
}

#[inline(always)]
pub(super) fn a(word: u32) -> usize {
    (word >> 8) as usize & 0xFF
}
#[inline(always)]
pub(super) fn b(word: u32) -> usize {
    (word >> 16) as usize & 0xFF
}
#[inline(always)]
pub(super) fn c(word: u32) -> usize {
    (word >> 24) as usize
}
#[inline(always)]
pub(super) fn bx(word: u32) -> usize {
    (word >> 16) as usize
}
#[inline(always)]
pub(super) fn sbx(word: u32) -> i64 {
    i64::from(word as i32 >> 16)
}
/// # Safety
/// As for [`Handler`].
#[inline(always)]
pub(super) unsafe fn register(base: *mut Value, index: usize) -> Value {
    *base.add(index)
}
/// # Safety
/// As for [`Handler`].
#[inline(always)]
pub(super) unsafe fn set(base: *mut Value, index: usize, value: Value) {
    *base.add(index) = value;
}
/// # Safety
/// As for [`Handler`].
#[inline(always)]
pub(super) unsafe fn constant(func: *const Func, index: usize) -> Value {
    *(*func).constants.add(index)
}
/// The word at the program counter, which moves on.
///
/// # Safety
/// As for [`Handler`].
#[inline(always)]
unsafe fn extra(pc: &mut *const u32) -> usize {
    let word = **pc;
    *pc = pc.add(1);
    word as usize
}
/// # Safety
/// As for [`Handler`].
#[inline(always)]
unsafe fn jump(pc: &mut *const u32, offset: impl Into<i64>) {
    *pc = pc.offset(offset.into() as isize);
}

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
macro_rules! safepoint {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident) => {
        if $vm.host.heap.wants_collection() {
            save!($vm $pc $base $func $frame);
            $vm.collect(false);
        }
    };
}
macro_rules! binary {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $operation:path) => {{
        let outcome = $operation(&$vm.host, register($base, b($word)), register($base, c($word)));
        fallible!($vm $pc $base $func $frame; a($word), outcome);
        dispatch!($vm, $pc, $base, $func, $frame)
    }};
}
macro_rules! compare_jump {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $relation:path, $other:expr, $wanted:literal) => {{
        let offset = extra(&mut $pc) as i32;
        match $relation(&$vm.host, register($base, a($word)), $other) {
            Ok(holds) if holds == $wanted => jump(&mut $pc, offset),
            Ok(_) => {}
            Err(signal) => slow!($vm $pc $base $func $frame; $vm.signalled(signal, a($word))),
        }
        dispatch!($vm, $pc, $base, $func, $frame)
    }};
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
        *$frame = Frame { pc: $pc, func: $func, delta: $a as u32 + 1, kind: FrameKind::Call };
        $frame = $frame.add(1);
        $base = $base.add($a + 1);
        $func = callee;
        $pc = (*$func).code;
        if $base.add((*$func).registers as usize) > $vm.task.value_limit {
            slow!($vm $pc $base $func $frame; $vm.reserve_window());
        }
        safepoint!($vm $pc $base $func $frame);
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

/// The complete handlers by opcode.
pub(super) static HANDLERS: [Handler; 256] = {
    let mut handlers: [Handler; 256] = [bad_instruction; 256];
    let mut number = 0;
    while number < INSTRUCTIONS.len() {
        handlers[number] = handler(INSTRUCTIONS[number].op);
        number += 1;
    }
    handlers
};

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

handler! { op_move |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(base, a, register(base, b(word)))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_load_const |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(base, a, constant(func, bx(word)))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_load_const_wide |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        set(base, a, constant(func, index));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_load_int |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(base, a, Value::small(sbx(word) as i32))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_load_special |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(
            base,
            a,
            match b(word) as u8 {
                special::FALSE => Value::FALSE,
                special::TRUE => Value::TRUE,
                special::EMPTY_LIST => Value::EMPTY,
                special::MISSING => Value::MISSING,
                _ => Value::NIL,
            },
        )
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_load_slot |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        set(base, a, register(base, index));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_store_slot |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        set(base, index, register(base, a));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_get_capture |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(base, a, capture(base, bx(word)))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_get_capture_box |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(base, a, unboxed(capture(base, bx(word))))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_set_capture_box |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        vm.host
            .heap
            .set_field(capture(base, bx(word)), 0, register(base, a))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_new_box |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(
            base,
            a,
            vm.host
                .heap
                .object(Kind::Box, 0, &[register(base, b(word))]),
        )
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_get_box |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(base, a, unboxed(register(base, b(word))))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_set_box |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        vm.host
            .heap
            .set_field(register(base, a), 0, register(base, b(word)))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_get_global |vm, pc, base, func, frame, word| {
    let a = a(word);
    'op: {
        let index = extra(&mut pc);
        let value = { *(*func).globals.get().add(index) };
        if value == Value::UNBOUND {
            slow!(vm pc base func frame; vm.unbound(index));
            break 'op;
        }
        set(base, a, value);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_set_global |vm, pc, base, func, frame, word| {
    let a = a(word);
    'op: {
        let index = extra(&mut pc);
        let slot = { &mut *(*func).globals.get().add(index) };
        if *slot == Value::UNBOUND {
            slow!(vm pc base func frame; vm.unbound(index));
            break 'op;
        }
        *slot = register(base, a);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_define_global |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        *(*func).globals.get().add(index) = register(base, a);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_closure |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        let count = bx(word);
        let function = { (*(*func).module).functions.as_ptr().add(index) };
        let closure = vm
            .host
            .heap
            .object_filled(Kind::Closure, 0, count + 1, Value::NIL);
        let fields = vm.host.heap.fields(closure);
        if let Some(first) = fields.first() {
            first.set({ &*function }.encode());
        }
        for field in fields.iter().skip(1) {
            let word = extra(&mut pc) as u32;
            let slot = (word & !CAPTURE_FROM_CLOSURE) as usize;
            field.set(if word & CAPTURE_FROM_CLOSURE != 0 {
                capture(base, slot)
            } else {
                register(base, slot)
            });
        }
        set(base, a, closure);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_patch_capture |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        vm.host
            .heap
            .set_field(register(base, a), b(word) + 1, register(base, c(word)))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_load_native |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(base, a, { &*(*func).module }.native_value(bx(word)))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_call |vm, pc, base, func, frame, word| {
    let a = a(word);
    'op: {
        let callee = register(base, a);
        let count = b(word);
        if callee.is_heap() && object::kind_at(callee) == Kind::Closure {
            let target = Func::decode(closure_field(callee));
            if (*target).exact && (*target).parameters == count as u32 {
                enter!(vm pc base func frame a; target);
                break 'op;
            }
        }
        slow!(vm pc base func frame; vm.call_value(a, count));
        safepoint!(vm pc base func frame);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_tail_call |vm, pc, base, func, frame, word| {
    let a = a(word);
    'op: {
        let callee = register(base, a);
        let count = b(word);
        if callee.is_heap() && object::kind_at(callee) == Kind::Closure {
            let target = Func::decode(closure_field(callee));
            if (*target).exact && (*target).parameters == count as u32 {
                {
                    *base.sub(1) = callee;
                    for index in 0..count {
                        *base.add(index) = *base.add(a + 1 + index);
                    }
                }
                func = target;
                pc = (*func).code;
                if { base.add((*func).registers as usize) } > vm.task.value_limit {
                    slow!(vm pc base func frame; vm.reserve_window());
                }
                safepoint!(vm pc base func frame);
                break 'op;
            }
        }
        slow!(vm pc base func frame; vm.tail_call_value(a, count));
        safepoint!(vm pc base func frame);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_call_known |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        let target = { (*(*func).module).functions.as_ptr().add(index) };
        enter!(vm pc base func frame a; target);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_tail_call_known |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        let count = b(word);
        {
            *base.sub(1) = Value::NIL;
            for index in 0..count {
                *base.add(index) = *base.add(a + 1 + index);
            }
        }
        func = (*(*func).module).functions.as_ptr().add(index);
        pc = (*func).code;
        if { base.add((*func).registers as usize) } > vm.task.value_limit {
            slow!(vm pc base func frame; vm.reserve_window());
        }
        safepoint!(vm pc base func frame);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_call_native |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        let native = { *(*func).natives.add(index) };
        let arguments = { std::slice::from_raw_parts(base.add(b(word)), c(word)) };
        fallible!(vm pc base func frame; a, (native.call)(&vm.host, arguments))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_apply |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        slow!(vm pc base func frame; vm.apply(a, b(word), false));
        safepoint!(vm pc base func frame);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_tail_apply |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        slow!(vm pc base func frame; vm.apply(a, b(word), true));
        safepoint!(vm pc base func frame);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_return |vm, pc, base, func, frame, word| {
    let result = register(base, a(word));
    frame = frame.sub(1);
    let caller = *frame;
    *base.sub(1) = result;
    if caller.kind == FrameKind::Bottom {
        save!(vm pc base func frame);
        return vm.stop(Event::Finished(result));
    }
    base = base.sub(caller.delta as usize);
    dispatch!(vm, caller.pc, base, caller.func, frame)
}}

handler! { op_throw |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let value = register(base, a);
        slow!(vm pc base func frame; vm.signalled(Box::new(Signal::Throw(value)), a))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        jump(&mut pc, word as i32 >> 8)
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_loop |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        jump(&mut pc, word as i32 >> 8);
        safepoint!(vm pc base func frame);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump_false |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        if !register(base, a).is_truthy() {
            jump(&mut pc, sbx(word));
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump_true |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        if register(base, a).is_truthy() {
            jump(&mut pc, sbx(word));
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump_less |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; number::less, register(base, b(word)), true)
}}

handler! { op_jump_not_less |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; number::less, register(base, b(word)), false)
}}

handler! { op_jump_less_equal |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; number::less_equal, register(base, b(word)), true)
}}

handler! { op_jump_not_less_equal |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; number::less_equal, register(base, b(word)), false)
}}

handler! { op_jump_equal |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; equal_numbers, register(base, b(word)), true)
}}

handler! { op_jump_not_equal |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; equal_numbers, register(base, b(word)), false)
}}

handler! { op_jump_less_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; number::less, Value::small(sbx(word) as i32), true)
}}

handler! { op_jump_not_less_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; number::less, Value::small(sbx(word) as i32), false)
}}

handler! { op_jump_less_equal_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; number::less_equal, Value::small(sbx(word) as i32), true)
}}

handler! { op_jump_not_less_equal_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; number::less_equal, Value::small(sbx(word) as i32), false)
}}

handler! { op_jump_greater_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; greater, Value::small(sbx(word) as i32), true)
}}

handler! { op_jump_not_greater_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; greater, Value::small(sbx(word) as i32), false)
}}

handler! { op_jump_greater_equal_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; greater_equal, Value::small(sbx(word) as i32), true)
}}

handler! { op_jump_not_greater_equal_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; greater_equal, Value::small(sbx(word) as i32), false)
}}

handler! { op_jump_equal_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; equal_numbers, Value::small(sbx(word) as i32), true)
}}

handler! { op_jump_not_equal_imm |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; equal_numbers, Value::small(sbx(word) as i32), false)
}}

handler! { op_jump_equal_const |vm, pc, base, func, frame, word| {
    let a = a(word);
    let op = Op::JumpEqualConst;
    {
        let (x, y) = (register(base, a), constant(func, bx(word)));
        let offset = extra(&mut pc) as i32;
        let same = x == y || (x.is_heap() || x.is_float()) && equality::equal(&vm.host, x, y);
        if same == (op == Op::JumpEqualConst) {
            jump(&mut pc, offset);
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump_not_equal_const |vm, pc, base, func, frame, word| {
    let a = a(word);
    let op = Op::JumpNotEqualConst;
    {
        let (x, y) = (register(base, a), constant(func, bx(word)));
        let offset = extra(&mut pc) as i32;
        let same = x == y || (x.is_heap() || x.is_float()) && equality::equal(&vm.host, x, y);
        if same == (op == Op::JumpEqualConst) {
            jump(&mut pc, offset);
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump_test |vm, pc, base, func, frame, word| {
    let a = a(word);
    let op = Op::JumpTest;
    {
        let value = register(base, a);
        let offset = extra(&mut pc) as i32;
        let Some(predicate) = Predicate::from_byte((word >> 16) as u8) else {
            {
                let event = vm.bad_instruction();
                return vm.stop(event);
            };
        };
        if holds(&vm.host, predicate, value) == (op == Op::JumpTest) {
            jump(&mut pc, offset);
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump_not_test |vm, pc, base, func, frame, word| {
    let a = a(word);
    let op = Op::JumpNotTest;
    {
        let value = register(base, a);
        let offset = extra(&mut pc) as i32;
        let Some(predicate) = Predicate::from_byte((word >> 16) as u8) else {
            {
                let event = vm.bad_instruction();
                return vm.stop(event);
            };
        };
        if holds(&vm.host, predicate, value) == (op == Op::JumpTest) {
            jump(&mut pc, offset);
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_add |vm, pc, base, func, frame, word| {
    binary!(vm pc base func frame word; number::add)
}}

handler! { op_add_numbers |vm, pc, base, func, frame, word| {
    binary!(vm pc base func frame word; number::add_numbers)
}}

handler! { op_subtract |vm, pc, base, func, frame, word| {
    binary!(vm pc base func frame word; number::subtract)
}}

handler! { op_multiply |vm, pc, base, func, frame, word| {
    binary!(vm pc base func frame word; number::multiply)
}}

handler! { op_divide |vm, pc, base, func, frame, word| {
    binary!(vm pc base func frame word; number::divide)
}}

handler! { op_quotient |vm, pc, base, func, frame, word| {
    binary!(vm pc base func frame word; number::quotient)
}}

handler! { op_remainder |vm, pc, base, func, frame, word| {
    binary!(vm pc base func frame word; number::remainder)
}}

handler! { op_modulo |vm, pc, base, func, frame, word| {
    binary!(vm pc base func frame word; number::modulo)
}}

handler! { op_add_imm |vm, pc, base, func, frame, word| {
    let outcome = number::add(
        &vm.host,
        register(base, b(word)),
        Value::small(word as i32 >> 24),
    );
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_greater |vm, pc, base, func, frame, word| {
    let outcome =
        greater(&vm.host, register(base, b(word)), register(base, c(word))).map(Value::bool);
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_greater_equal |vm, pc, base, func, frame, word| {
    let outcome =
        greater_equal(&vm.host, register(base, b(word)), register(base, c(word))).map(Value::bool);
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump_greater |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; greater, register(base, b(word)), true)
}}

handler! { op_jump_not_greater |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; greater, register(base, b(word)), false)
}}

handler! { op_jump_greater_equal |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; greater_equal, register(base, b(word)), true)
}}

handler! { op_jump_not_greater_equal |vm, pc, base, func, frame, word| {
    compare_jump!(vm pc base func frame word; greater_equal, register(base, b(word)), false)
}}

handler! { op_imm_add |vm, pc, base, func, frame, word| {
    let outcome = number::add(
        &vm.host,
        Value::small(word as i32 >> 24),
        register(base, b(word)),
    );
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_subtract_imm |vm, pc, base, func, frame, word| {
    let outcome = number::subtract(
        &vm.host,
        register(base, b(word)),
        Value::small(word as i32 >> 24),
    );
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_less |vm, pc, base, func, frame, word| {
    let outcome =
        number::less(&vm.host, register(base, b(word)), register(base, c(word))).map(Value::bool);
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_less_equal |vm, pc, base, func, frame, word| {
    let outcome = number::less_equal(&vm.host, register(base, b(word)), register(base, c(word)))
        .map(Value::bool);
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_num_equal |vm, pc, base, func, frame, word| {
    let outcome =
        equal_numbers(&vm.host, register(base, b(word)), register(base, c(word))).map(Value::bool);
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_equal |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        set(
            base,
            a,
            Value::bool(x == y && !x.is_float() || equality::equal(&vm.host, x, y)),
        );
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_not |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(base, a, Value::bool(!register(base, b(word)).is_truthy()))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_test |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let Some(predicate) = Predicate::from_byte((word >> 24) as u8) else {
            {
                let event = vm.bad_instruction();
                return vm.stop(event);
            };
        };
        set(
            base,
            a,
            Value::bool(holds(&vm.host, predicate, register(base, b(word)))),
        );
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_first |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let list = register(base, b(word));
        if vm.host.heap.is_pair(list) {
            set(base, a, vm.host.heap.first_unchecked(list));
        } else if list == Value::EMPTY {
            set(base, a, Value::NIL);
        } else {
            fallible!(vm pc base func frame; a, call::first(&vm.host, list))
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_rest |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let list = register(base, b(word));
        if vm.host.heap.is_pair(list) {
            set(base, a, vm.host.heap.rest_unchecked(list));
        } else if list == Value::EMPTY {
            set(base, a, Value::EMPTY);
        } else {
            fallible!(vm pc base func frame; a, call::rest(&vm.host, list))
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_cons |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let (first, rest) = (register(base, b(word)), register(base, c(word)));
        if rest == Value::EMPTY || vm.host.heap.is_pair(rest) {
            set(base, a, vm.host.heap.cons(first, rest));
        } else {
            set(base, a, call::cons_onto_other(&vm.host, first, rest));
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_nth |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let (sequence, index) = (register(base, b(word)), register(base, c(word)));
        fallible!(vm pc base func frame; a, call::nth(&vm.host, sequence, index))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_length |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let sequence = register(base, b(word));
        if vm.host.heap.is_pair(sequence) {
            set(base, a, Value::index(vm.host.heap.list_len(sequence)));
        } else {
            fallible!(vm pc base func frame; a, call::length(&vm.host, sequence))
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_get |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let (map, key) = (register(base, b(word)), register(base, c(word)));
        fallible!(vm pc base func frame; a, call::get(&vm.host, map, key))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_get_keyword |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        let map = register(base, b(word));
        let key = constant(func, index);
        if map.is_heap() && object::kind_at(map) == Kind::Map {
            set(
                base,
                a,
                sorted_map::get_keyword(&vm.host, map, key).unwrap_or(Value::NIL),
            );
        } else {
            fallible!(vm pc base func frame; a, call::get(&vm.host, map, key))
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_make_list |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let elements = { std::slice::from_raw_parts(base.add(b(word)), c(word)) };
        set(base, a, vm.host.heap.list(elements));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_make_vector |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let elements = { std::slice::from_raw_parts(base.add(b(word)), c(word)) };
        set(base, a, vm.host.heap.vector(elements));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_array_get |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        fallible!(vm pc base func frame; a, call::array_get(&vm.host, register(base, b(word)), register(base, c(word))))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_array_set |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        if let Err(signal) = call::array_set(
            &vm.host,
            register(base, a),
            register(base, b(word)),
            register(base, c(word)),
        ) {
            slow!(vm pc base func frame; vm.signalled(signal, a));
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_cell_get |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        fallible!(vm pc base func frame; a, call::cell_get(&vm.host, register(base, b(word))))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_cell_set |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        if let Err(signal) = call::cell_set(&vm.host, register(base, a), register(base, b(word))) {
            slow!(vm pc base func frame; vm.signalled(signal, a));
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_run_module |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let import = extra(&mut pc);
        slow!(vm pc base func frame; vm.run_module(a, import));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_bind_imports |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let import = extra(&mut pc);
        slow!(vm pc base func frame; vm.bind_imports(a, import));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_module_done |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        { &*(*func).module }
            .state
            .set(crate::vm::module::ModuleState::Done)
    }
    dispatch!(vm, pc, base, func, frame)
}}

#[inline(always)]
pub(super) fn holds(host: &Host, predicate: Predicate, value: Value) -> bool {
    match predicate {
        Predicate::Nil => value.is_nil(),
        Predicate::Null => value.is_nil() || value == Value::EMPTY,
        Predicate::Pair => host.heap.is_pair(value),
        Predicate::List => value == Value::EMPTY || host.heap.is_pair(value),
        Predicate::Vector => value.kind() == Kind::Vector,
        Predicate::Map => value.kind() == Kind::Map,
        Predicate::String => host.heap.is_string(value),
        Predicate::Symbol => value.as_symbol().is_some(),
        Predicate::Keyword => value.as_keyword().is_some(),
        Predicate::Bool => value.as_bool().is_some(),
        Predicate::Char => value.as_char().is_some(),
        Predicate::Number => value.is_fixnum() || value.is_float() || value.kind().is_number(),
        Predicate::Float => value.is_float(),
        Predicate::Function => matches!(value.kind(), Kind::Closure | Kind::Native),
        Predicate::Missing => value == Value::MISSING,
        Predicate::ExactInteger => value.is_fixnum() || value.kind() == Kind::Int,
    }
}

/// A captured variable of the closure that runs in the window at `base`.
#[inline(always)]
pub(super) fn capture(base: *mut Value, index: usize) -> Value {
    // SAFETY: the slot below a window holds the running closure, which has as many captures as
    // its function declares; the verifier checked `index` against that.
    unsafe { *(((*base.sub(1)).address() + 16) as *const Value).add(index) }
}

/// Field 0 of a closure.
#[inline(always)]
pub(super) fn closure_field(closure: Value) -> Value {
    // SAFETY: the caller checked that this is a closure; it has at least one field.
    unsafe { *((closure.address() + 8) as *const Value) }
}

/// What a box holds.
#[inline(always)]
pub(super) fn unboxed(value: Value) -> Value {
    if value.is_heap() && object::kind_at(value) == Kind::Box {
        // SAFETY: a box has one field.
        return unsafe { *((value.address() + 8) as *const Value) };
    }
    Value::NIL
}

#[cold]
fn equal_numbers(host: &Host, x: Value, y: Value) -> Outcome<bool> {
    Ok(number::num_equal(host, x, y))
}

#[cold]
fn greater(host: &Host, x: Value, y: Value) -> Outcome<bool> {
    // The error names the operands as they were written.
    number::less(host, y, x).or_else(|_| number::less(host, x, y))
}

#[cold]
fn greater_equal(host: &Host, x: Value, y: Value) -> Outcome<bool> {
    number::less_equal(host, y, x).or_else(|_| number::less_equal(host, x, y))
}
