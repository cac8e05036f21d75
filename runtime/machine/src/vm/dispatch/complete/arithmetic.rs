//! Arithmetic, comparisons and predicates as values.

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

use super::super::operands::{a, b, c, register, set};
use super::super::{Handler, Next, Registers, Running};
use super::{equal_numbers, holds};
use crate::data::number::{greater, greater_equal};
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
        Op::Add | Op::FloatAdd => op_binary,
        Op::AddNumbers => op_binary,
        Op::Subtract | Op::FloatSubtract | Op::SubtractNumbers => op_binary,
        Op::Multiply | Op::FloatMultiply | Op::MultiplyNumbers => op_binary,
        Op::Divide => op_binary,
        Op::Quotient => op_binary,
        Op::Remainder => op_binary,
        Op::Modulo => op_binary,
        Op::AddImm => op_add_imm,
        Op::ImmAdd => op_imm_add,
        Op::SubtractImm => op_subtract_imm,
        Op::Less => op_less,
        Op::LessEqual => op_less_equal,
        Op::Greater => op_greater,
        Op::GreaterEqual => op_greater_equal,
        Op::NumEqual => op_num_equal,
        Op::Equal => op_equal,
        Op::Not => op_not,
        Op::Test => op_test,
        Op::Negate | Op::SquareRoot => op_unary,
        _ => return None,
    })
}

/// The operation of an instruction with two operands.
fn operation(op: Op) -> Option<fn(&Host, Value, Value) -> Outcome> {
    Some(match op.alone() {
        Op::Add | Op::FloatAdd => number::add,
        Op::AddNumbers => number::add_numbers,
        Op::Subtract | Op::FloatSubtract => number::subtract,
        Op::SubtractNumbers => number::subtract_numbers,
        Op::Multiply | Op::FloatMultiply => number::multiply,
        Op::MultiplyNumbers => number::multiply_numbers,
        Op::Divide => number::divide,
        Op::Quotient => number::quotient,
        Op::Remainder => number::remainder,
        Op::Modulo => number::modulo,
        _ => return None,
    })
}

handler! { op_binary |vm, pc, base, func, frame, word| {
    let Some(operation) = Op::from_byte(word as u8).and_then(operation) else {
        let event = vm.bad_instruction();
        return vm.stop(event);
    };
    let outcome = operation(&vm.host, register(base, b(word)), register(base, c(word)));
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_unary |vm, pc, base, func, frame, word| {
    let x = register(base, b(word));
    let outcome = match word as u8 == Op::Negate as u8 {
        true => number::negate(&vm.host, x),
        false => number::power::square_root(&vm.host, x),
    };
    fallible!(vm pc base func frame; a(word), outcome);
    dispatch!(vm, pc, base, func, frame)
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
