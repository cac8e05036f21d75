//! Instructions that do the work of the next one, too (`Op::combined`): one dispatch for two, and what
//! the first computes for the second stays in a machine register.
//!
//! Where the case of a combination does not apply, the handler of its first instruction goes on, and
//! then that of the second, which stands in the code as if nothing had been combined.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "every line of a handler relies on the one contract of `Handler`"
)]

use sema_format::combined::uncombined;
use sema_format::isa::{Op, Predicate};

use super::super::operands::{a, b, c, register, sbx, sc, set};
use super::super::{Handler, Running, dispatch, dispatch_elsewhere};
use super::arithmetic::{add_imm, mixed_add, mixed_multiply, mixed_subtract, step, subtract_imm};
use super::data::{array_get, element, rest};
use crate::memory::heap::object;
use crate::memory::value::{Kind, Value};
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;

/// Stores the result of the second instruction and goes on behind it, unless it is NaN.
macro_rules! float_result {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident; $result:expr) => {{
        let result: f64 = $result;
        if !result.is_nan() {
            set($base, a(*$pc), Value::float_not_nan(result));
            dispatch!($vm, $pc.add(1), $base, $func, $frame)
        }
    }};
}

/// The operand of the second instruction that the first does not compute.
macro_rules! other {
    ($base:ident $word:ident) => {
        register($base, a($word)).float_unchecked()
    };
}

/// Float arithmetic, and a second operation that does not care about the order of its operands.
macro_rules! floats {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $first:tt, $second:tt, $alone:ident) => {{
        let x = register($base, b($word)).float_unchecked();
        let y = register($base, c($word)).float_unchecked();
        float_result!($vm $pc $base $func $frame; (x $first y) $second other!($base $word));
        return $alone($vm, $pc, $base, $func, $frame, 0);
    }};
}

/// The difference of what the first instruction computes and the other operand of the second.
macro_rules! difference {
    ($pc:ident $base:ident $word:ident; $computed:expr) => {{
        let (computed, other): (f64, f64) = ($computed, other!($base $word));
        if b(*$pc) == a($word) { other - computed } else { computed - other }
    }};
}

/// An element of an array, and float arithmetic with it.
macro_rules! element_then {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; |$element:ident| $result:expr) => {{
        if let Some((slot, _)) = element(register($base, b($word)), register($base, c($word))) {
            let $element = (*slot).float_unchecked();
            float_result!($vm $pc $base $func $frame; $result);
        }
        return element_alone($vm, $pc, $base, $func, $frame, 0);
    }};
}

/// Goes on behind the branch that follows, or where it leads.
macro_rules! branch {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident; $condition:expr) => {{
        let after = $pc.add(2);
        let target = if $condition {
            after.offset(*$pc.add(1) as i32 as isize)
        } else {
            after
        };
        dispatch_elsewhere!($vm, target, $base, $func, $frame)
    }};
}

/// A counter and a small integer, and a comparison of the sum with a register.
macro_rules! step_then_jump {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $op:tt, $wanted:literal) => {{
        let limit = register($base, b(*$pc)).fixnum_position();
        let by = sc($word);
        if let Some(sum) = step(register($base, b($word)), by, limit) {
            set($base, a($word), Value::from_fixnum_position(sum));
            branch!($vm $pc $base $func $frame; (sum $op limit) == $wanted)
        }
        return add_imm($vm, $pc, $base, $func, $frame, *$pc.sub(1));
    }};
}

/// The same, and a comparison with a constant. `$by` is the number that is added.
macro_rules! step_then_jump_imm {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $by:expr, $op:tt, $wanted:literal, $alone:ident) => {{
        let by: i64 = $by;
        if let Some(sum) = step(register($base, b($word)), by, 0) {
            set($base, a($word), Value::from_fixnum_position(sum));
            branch!($vm $pc $base $func $frame; (sum as i64 $op sbx(*$pc)) == $wanted)
        }
        return $alone($vm, $pc, $base, $func, $frame, *$pc.sub(1));
    }};
}

/// The rest of a list, and the tests with which loops over lists end.
macro_rules! rest_then_jump {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $wanted:literal) => {{
        let list = register($base, b($word));
        if $vm.host.heap.is_pair(list) {
            let tail = $vm.host.heap.rest_unchecked(list);
            set($base, a($word), tail);
            let predicate = b(*$pc) as u8;
            if predicate == Predicate::Null as u8 {
                branch!($vm $pc $base $func $frame; (tail.is_nil() || tail == Value::EMPTY) == $wanted)
            }
            if predicate == Predicate::Pair as u8 {
                branch!($vm $pc $base $func $frame; object::is_kind(tail, Kind::List) == $wanted)
            }
            dispatch!($vm, $pc, $base, $func, $frame)
        }
        return rest($vm, $pc, $base, $func, $frame, *$pc.sub(1));
    }};
}

/// Defines handlers of the first instructions by themselves: those in the code do not name their
/// destinations.
macro_rules! alone {
    ($($name:ident = $handler:ident)*) => {
        $(
            #[inline(never)]
            unsafe fn $name(vm: &mut Vm, pc: *const u32, base: *mut Value, func: *const Func, frame: *mut Frame, _: u32) -> Running {
                $handler(vm, pc, base, func, frame, uncombined(*pc.sub(1), *pc))
            }
        )*
    };
}
alone! {
    add_alone = mixed_add
    subtract_alone = mixed_subtract
    multiply_alone = mixed_multiply
}

/// The same for elements.
#[inline(never)]
unsafe fn element_alone(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    _: u32,
) -> Running {
    let word = uncombined(*pc.sub(1), *pc);
    if let Some((slot, _)) = element(register(base, b(word)), register(base, c(word))) {
        set(base, a(word), *slot);
        dispatch!(vm, pc, base, func, frame)
    }
    complete!(vm pc base func frame)
}

handlers! {
    multiply_then_add = MultiplyThenAdd |vm, pc, base, func, frame, word| {
        floats!(vm pc base func frame word; *, +, multiply_alone)
    }
    multiply_then_subtract = MultiplyThenSubtract |vm, pc, base, func, frame, word| {
        let x = register(base, b(word)).float_unchecked();
        let y = register(base, c(word)).float_unchecked();
        float_result!(vm pc base func frame; difference!(pc base word; x * y));
        return multiply_alone(vm, pc, base, func, frame, 0);
    }
    multiply_then_multiply = MultiplyThenMultiply |vm, pc, base, func, frame, word| {
        floats!(vm pc base func frame word; *, *, multiply_alone)
    }
    add_then_add = AddThenAdd |vm, pc, base, func, frame, word| {
        floats!(vm pc base func frame word; +, +, add_alone)
    }
    add_then_multiply = AddThenMultiply |vm, pc, base, func, frame, word| {
        floats!(vm pc base func frame word; +, *, add_alone)
    }
    subtract_then_add = SubtractThenAdd |vm, pc, base, func, frame, word| {
        floats!(vm pc base func frame word; -, +, subtract_alone)
    }
    subtract_then_multiply = SubtractThenMultiply |vm, pc, base, func, frame, word| {
        floats!(vm pc base func frame word; -, *, subtract_alone)
    }
    element_then_add = ElementThenAdd |vm, pc, base, func, frame, word| {
        element_then!(vm pc base func frame word; |element| element + other!(base word))
    }
    element_then_subtract = ElementThenSubtract |vm, pc, base, func, frame, word| {
        element_then!(vm pc base func frame word; |element| difference!(pc base word; element))
    }
    element_then_multiply = ElementThenMultiply |vm, pc, base, func, frame, word| {
        element_then!(vm pc base func frame word; |element| element * other!(base word))
    }
    element_then_add_then_set = ElementThenAddThenSet |vm, pc, base, func, frame, word| {
        if let Some((slot, _)) = element(register(base, b(word)), register(base, c(word))) {
            let sum = (*slot).float_unchecked() + other!(base word);
            if !sum.is_nan() {
                // A float is no reference: no barrier.
                *slot = Value::float_not_nan(sum);
                dispatch!(vm, pc.add(2), base, func, frame)
            }
        }
        return element_alone(vm, pc, base, func, frame, 0);
    }
    element_then_jump_false = ElementThenJumpFalse |vm, pc, base, func, frame, word| {
        if let Some((slot, _)) = element(register(base, b(word)), register(base, c(word))) {
            let value = *slot;
            set(base, a(word), value);
            let after = pc.add(1);
            let target = if value.is_truthy() { after } else { after.offset(sbx(*pc) as isize) };
            dispatch_elsewhere!(vm, target, base, func, frame)
        }
        return array_get(vm, pc, base, func, frame, *pc.sub(1));
    }
    step_then_jump_less = StepThenJumpLess |vm, pc, base, func, frame, word| {
        step_then_jump!(vm pc base func frame word; <, true)
    }
    step_then_jump_not_greater = StepThenJumpNotGreater |vm, pc, base, func, frame, word| {
        step_then_jump!(vm pc base func frame word; >, false)
    }
    step_then_jump_not_greater_equal = StepThenJumpNotGreaterEqual |vm, pc, base, func, frame, word| {
        step_then_jump!(vm pc base func frame word; >=, false)
    }
    step_then_jump_not_equal = StepThenJumpNotEqual |vm, pc, base, func, frame, word| {
        step_then_jump!(vm pc base func frame word; ==, false)
    }
    step_then_jump_not_greater_equal_imm = StepThenJumpNotGreaterEqualImm |vm, pc, base, func, frame, word| {
        step_then_jump_imm!(vm pc base func frame word; sc(word), >=, false, add_imm)
    }
    step_then_jump_not_equal_imm = StepThenJumpNotEqualImm |vm, pc, base, func, frame, word| {
        step_then_jump_imm!(vm pc base func frame word; -sc(word), ==, false, subtract_imm)
    }
    rest_then_jump_test = RestThenJumpTest |vm, pc, base, func, frame, word| {
        rest_then_jump!(vm pc base func frame word; true)
    }
    rest_then_jump_not_test = RestThenJumpNotTest |vm, pc, base, func, frame, word| {
        rest_then_jump!(vm pc base func frame word; false)
    }
}
