//! Jumps and branches.

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

use sema_format::isa::{Op, Predicate};

use super::super::operands::{a, b, bx, constant, register, sbx};
use super::super::{Handler, Next, Registers, Running};
use super::{equal_numbers, extra, greater, greater_equal, holds, jump};
use crate::natives::forms;
use crate::value::Value;
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;
use crate::{equality, number};

/// The complete handler of an instruction of this family.
pub(super) const fn handler(op: Op) -> Option<Handler> {
    Some(match op {
        Op::Jump => op_jump,
        Op::JumpLength => op_jump_length,
        Op::JumpNotLength => op_jump_length,
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
        Op::JumpGreater => op_jump_greater,
        Op::JumpNotGreater => op_jump_not_greater,
        Op::JumpGreaterEqual => op_jump_greater_equal,
        Op::JumpNotGreaterEqual => op_jump_not_greater_equal,
        _ => return None,
    })
}

handler! { op_jump_length |vm, pc, base, func, frame, word| {
    let offset = extra(&mut pc) as i32;
    let holds = forms::sequence_length(&vm.host, register(base, a(word))) == Some(b(word));
    if holds == (word as u8 == Op::JumpLength as u8) {
        jump(&mut pc, offset);
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
