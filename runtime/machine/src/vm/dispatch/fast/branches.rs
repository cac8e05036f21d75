//! Jumps and branches.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "every line of a handler relies on the one contract of `Handler`"
)]

use sema_format::isa::{Op, Predicate};

use super::super::complete::holds_byte;
use super::super::operands::{a, b, bx, constant, field, in_code, register, s24, sbx};
use super::super::{Handler, Running, dispatch, dispatch_elsewhere};
use crate::memory::heap::object;
use crate::memory::value::{Kind, Value};
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;

/// Jumps by the second word if the condition holds, else skips it. Each way goes on by itself: the shortest code for both,
/// and what does not jump is no part of a cycle.
macro_rules! branch {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident; $condition:expr) => {{
        let after = $pc.add(1);
        if $condition {
            dispatch_elsewhere!(
                $vm,
                after.offset(*$pc as i32 as isize),
                $base,
                $func,
                $frame
            )
        }
        dispatch!($vm, after, $base, $func, $frame)
    }};
}

/// Jumps by the 16-bit offset of the first word.
macro_rules! short_branch {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $condition:expr) => {{
        if $condition {
            dispatch_elsewhere!($vm, $pc.offset(sbx($word) as isize), $base, $func, $frame)
        }
        dispatch!($vm, $pc, $base, $func, $frame)
    }};
}

/// Comparison of fixnums or floats with a jump by the second word. What is not a float reads as NaN.
macro_rules! compare_jump {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $op:tt, $wanted:literal) => {{
        let (x, y) = (register($base, a($word)), register($base, b($word)));
        if x.both_fixnums(y) {
            branch!($vm $pc $base $func $frame; (x.fixnum_shifted() $op y.fixnum_shifted()) == $wanted)
        }
        let (x, y) = (x.float_unchecked(), y.float_unchecked());
        if !(x.is_nan() || y.is_nan()) {
            branch!($vm $pc $base $func $frame; (x $op y) == $wanted)
        }
    }};
}

/// The same with an immediate.
macro_rules! compare_jump_imm {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $op:tt, $wanted:literal) => {{
        let x = register($base, a($word));
        if x.is_fixnum() {
            branch!($vm $pc $base $func $frame; (x.fixnum_unchecked() $op sbx($word)) == $wanted)
        }
        let x = x.float_unchecked();
        if !x.is_nan() {
            branch!($vm $pc $base $func $frame; (x $op sbx($word) as f64) == $wanted)
        }
    }};
}

/// Jumps by a predicate: `pair?` and `null?`, which loops over lists use, or any other.
macro_rules! test_jump {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $wanted:literal, $other:ident) => {{
        let predicate = b($word) as u8;
        if predicate == Predicate::Pair as u8 {
            let value = register($base, a($word));
            branch!($vm $pc $base $func $frame; object::is_kind(value, Kind::List) == $wanted)
        }
        if predicate == Predicate::Null as u8 {
            let value = register($base, a($word));
            branch!($vm $pc $base $func $frame; (value.is_nil() || value == Value::EMPTY) == $wanted)
        }
        return $other($vm, $pc, $base, $func, $frame, 0);
    }};
}

/// Jumps by the number of elements of a list or a vector.
macro_rules! length_jump {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $wanted:literal) => {{
        let sequence = register($base, a($word));
        if sequence.is_heap() {
            let header = object::header_at(sequence);
            if header as u8 == Kind::List as u8 || object::has_form(header, Kind::Vector, 0) {
                branch!($vm $pc $base $func $frame; (object::length_of(header) == b($word)) == $wanted)
            }
        }
    }};
}

handlers! {
    jump_length = JumpLength |vm, pc, base, func, frame, word| { length_jump!(vm pc base func frame word; true) }
    jump_not_length = JumpNotLength |vm, pc, base, func, frame, word| { length_jump!(vm pc base func frame word; false) }
    jump = Jump |vm, pc, base, func, frame, word| {
        dispatch_elsewhere!(vm, pc.offset(s24(word)), base, func, frame)
    }
    loop_back = Loop |vm, pc, base, func, frame, word| {
        dispatch_elsewhere!(vm, pc.offset(s24(word)), base, func, frame)
    }
    jump_false = JumpFalse |vm, pc, base, func, frame, word| {
        short_branch!(vm pc base func frame word; !register(base, a(word)).is_truthy())
    }
    jump_true = JumpTrue |vm, pc, base, func, frame, word| {
        short_branch!(vm pc base func frame word; register(base, a(word)).is_truthy())
    }
    jump_less = JumpLess |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; <, true) }
    jump_not_less = JumpNotLess |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; <, false) }
    jump_less_equal = JumpLessEqual |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; <=, true) }
    jump_not_less_equal = JumpNotLessEqual |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; <=, false) }
    jump_greater = JumpGreater |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; >, true) }
    jump_not_greater = JumpNotGreater |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; >, false) }
    jump_greater_equal = JumpGreaterEqual |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; >=, true) }
    jump_not_greater_equal = JumpNotGreaterEqual |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; >=, false) }
    jump_equal = JumpEqual |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; ==, true) }
    jump_not_equal = JumpNotEqual |vm, pc, base, func, frame, word| { compare_jump!(vm pc base func frame word; ==, false) }
    jump_less_imm = JumpLessImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; <, true) }
    jump_not_less_imm = JumpNotLessImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; <, false) }
    jump_less_equal_imm = JumpLessEqualImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; <=, true) }
    jump_not_less_equal_imm = JumpNotLessEqualImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; <=, false) }
    jump_greater_imm = JumpGreaterImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; >, true) }
    jump_not_greater_imm = JumpNotGreaterImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; >, false) }
    jump_greater_equal_imm = JumpGreaterEqualImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; >=, true) }
    jump_not_greater_equal_imm = JumpNotGreaterEqualImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; >=, false) }
    jump_equal_imm = JumpEqualImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; ==, true) }
    jump_not_equal_imm = JumpNotEqualImm |vm, pc, base, func, frame, word| { compare_jump_imm!(vm pc base func frame word; ==, false) }
    jump_equal_const = JumpEqualConst |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, a(word)), constant(func, bx(word)));
        if x == y || !(x.is_heap() || x.is_float()) {
            branch!(vm pc base func frame; x == y)
        }
    }
    jump_not_equal_const = JumpNotEqualConst |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, a(word)), constant(func, bx(word)));
        if x == y || !(x.is_heap() || x.is_float()) {
            branch!(vm pc base func frame; x != y)
        }
    }
    switch = Switch |vm, pc, base, func, frame, word| {
        let (value, keys) = (register(base, a(word)), constant(func, bx(word)));
        // The keys are a vector, and a jump follows for each.
        let count = object::length_of(object::header_at(keys));
        let mut index = 0;
        while index < count {
            if field(keys, index) == value {
                let jump = pc.add(index);
                dispatch_elsewhere!(vm, jump.offset(s24(*jump) + 1), base, func, frame)
            }
            index += 1;
        }
        if !(value.is_heap() || value.is_float()) {
            dispatch!(vm, pc.add(count), base, func, frame)
        }
    }
    jump_test = JumpTest |vm, pc, base, func, frame, word| { test_jump!(vm pc base func frame word; true, any_jump_test) }
    jump_not_test = JumpNotTest |vm, pc, base, func, frame, word| { test_jump!(vm pc base func frame word; false, any_jump_not_test) }
}

/// Branches by the predicates that are not tested in [`test_jump`].
macro_rules! any_test {
    ($name:ident, $wanted:literal) => {
        #[inline(never)]
        unsafe fn $name(
            vm: &mut Vm,
            pc: *const u32,
            base: *mut Value,
            func: *const Func,
            frame: *mut Frame,
            _: u32,
        ) -> Running {
            let word = in_code(pc);
            let holds = holds_byte(&vm.host, b(word) as u8, register(base, a(word)));
            branch!(vm pc base func frame; holds == $wanted)
        }
    };
}
any_test!(any_jump_test, true);
any_test!(any_jump_not_test, false);
