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
use super::{equal_numbers, extra, holds, jump};
use crate::data::number::{greater, greater_equal};
use crate::data::sequence;
use crate::data::{equality, number};
use crate::host::Host;
use crate::host::condition::Outcome;
use crate::memory::value::Value;
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;

/// The complete handler of an instruction of this family.
pub(super) const fn handler(op: Op) -> Option<Handler> {
    Some(match op {
        Op::Jump => op_jump,
        Op::JumpLength => op_jump_length,
        Op::JumpNotLength => op_jump_length,
        Op::Loop => op_jump,
        Op::JumpFalse => op_jump_truth,
        Op::JumpTrue => op_jump_truth,
        Op::JumpLess => op_compare_jump,
        Op::JumpNotLess => op_compare_jump,
        Op::JumpLessEqual => op_compare_jump,
        Op::JumpNotLessEqual => op_compare_jump,
        Op::JumpEqual => op_compare_jump,
        Op::JumpNotEqual => op_compare_jump,
        Op::JumpLessImm => op_compare_jump,
        Op::JumpNotLessImm => op_compare_jump,
        Op::JumpLessEqualImm => op_compare_jump,
        Op::JumpNotLessEqualImm => op_compare_jump,
        Op::JumpGreaterImm => op_compare_jump,
        Op::JumpNotGreaterImm => op_compare_jump,
        Op::JumpGreaterEqualImm => op_compare_jump,
        Op::JumpNotGreaterEqualImm => op_compare_jump,
        Op::JumpEqualImm => op_compare_jump,
        Op::JumpNotEqualImm => op_compare_jump,
        Op::JumpEqualConst => op_jump_constant,
        Op::JumpNotEqualConst => op_jump_constant,
        Op::JumpTest => op_jump_test,
        Op::JumpNotTest => op_jump_test,
        Op::Switch => op_switch,
        Op::JumpGreater => op_compare_jump,
        Op::JumpNotGreater => op_compare_jump,
        Op::JumpGreaterEqual => op_compare_jump,
        Op::JumpNotGreaterEqual => op_compare_jump,
        _ => return None,
    })
}

handler! { op_jump_length |vm, pc, base, func, frame, word| {
    let offset = extra(&mut pc) as i32;
    let holds = sequence::sequence_length(&vm.host, register(base, a(word))) == Some(b(word));
    if holds == (word as u8 == Op::JumpLength as u8) {
        jump(&mut pc, offset);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump |vm, pc, base, func, frame, word| {
    jump(&mut pc, word as i32 >> 8);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump_truth |vm, pc, base, func, frame, word| {
    if register(base, a(word)).is_truthy() == (word as u8 == Op::JumpTrue as u8) {
        jump(&mut pc, sbx(word));
    }
    dispatch!(vm, pc, base, func, frame)
}}

/// `equal?` of any value and one that holds no others.
fn equal(host: &Host, x: Value, y: Value) -> bool {
    x == y || (x.is_heap() || x.is_float()) && equality::equal(host, x, y)
}

handler! { op_jump_constant |vm, pc, base, func, frame, word| {
    let offset = extra(&mut pc) as i32;
    let holds = equal(&vm.host, register(base, a(word)), constant(func, bx(word)));
    if holds == (word as u8 == Op::JumpEqualConst as u8) {
        jump(&mut pc, offset);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_switch |vm, pc, base, func, frame, word| {
    let value = register(base, a(word));
    let keys = vm.host.heap.values(constant(func, bx(word)));
    let count = keys.len();
    let found = keys.iter().position(|key| equal(&vm.host, value, *key));
    pc = pc.add(found.unwrap_or(count));
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_jump_test |vm, pc, base, func, frame, word| {
    let offset = extra(&mut pc) as i32;
    let Some(predicate) = Predicate::from_byte((word >> 16) as u8) else {
        let event = vm.bad_instruction();
        return vm.stop(event);
    };
    let holds = holds(&vm.host, predicate, register(base, a(word)));
    if holds == (word as u8 == Op::JumpTest as u8) {
        jump(&mut pc, offset);
    }
    dispatch!(vm, pc, base, func, frame)
}}

/// Whether two numbers are in some order, or the error of asking.
type Relation = fn(&Host, Value, Value) -> Outcome<bool>;

/// What a comparing branch asks.
struct Question {
    relation: Relation,
    /// Whether the second operand is an immediate.
    immediate: bool,
    /// The answer upon which it jumps.
    wanted: bool,
}

impl Question {
    fn of(op: Op) -> Option<Question> {
        let (relation, immediate, wanted): (Relation, _, _) = match op {
            Op::JumpLess => (number::less, false, true),
            Op::JumpNotLess => (number::less, false, false),
            Op::JumpLessEqual => (number::less_equal, false, true),
            Op::JumpNotLessEqual => (number::less_equal, false, false),
            Op::JumpGreater => (greater, false, true),
            Op::JumpNotGreater => (greater, false, false),
            Op::JumpGreaterEqual => (greater_equal, false, true),
            Op::JumpNotGreaterEqual => (greater_equal, false, false),
            Op::JumpEqual => (equal_numbers, false, true),
            Op::JumpNotEqual => (equal_numbers, false, false),
            Op::JumpLessImm => (number::less, true, true),
            Op::JumpNotLessImm => (number::less, true, false),
            Op::JumpLessEqualImm => (number::less_equal, true, true),
            Op::JumpNotLessEqualImm => (number::less_equal, true, false),
            Op::JumpGreaterImm => (greater, true, true),
            Op::JumpNotGreaterImm => (greater, true, false),
            Op::JumpGreaterEqualImm => (greater_equal, true, true),
            Op::JumpNotGreaterEqualImm => (greater_equal, true, false),
            Op::JumpEqualImm => (equal_numbers, true, true),
            Op::JumpNotEqualImm => (equal_numbers, true, false),
            _ => return None,
        };
        Some(Question {
            relation,
            immediate,
            wanted,
        })
    }
}

handler! { op_compare_jump |vm, pc, base, func, frame, word| {
    let offset = extra(&mut pc) as i32;
    let Some(question) = Op::from_byte(word as u8).and_then(Question::of) else {
        let event = vm.bad_instruction();
        return vm.stop(event);
    };
    let other = if question.immediate {
        Value::small(sbx(word) as i32)
    } else {
        register(base, b(word))
    };
    match (question.relation)(&vm.host, register(base, a(word)), other) {
        Ok(holds) if holds == question.wanted => jump(&mut pc, offset),
        Ok(_) => {}
        Err(signal) => slow!(vm pc base func frame; vm.signalled(signal, a(word))),
    }
    dispatch!(vm, pc, base, func, frame)
}}
