//! Arithmetic and comparisons as values.
//!
//! Operands that are not floats read as NaN, so a result that is not NaN needs no check of the
//! operands; a result that is goes to the complete handler, whatever the reason.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "every line of a handler relies on the one contract of `Handler`"
)]

use sema_format::isa::Op;

use super::super::operands::{a, b, c, register, sc, set};
use super::super::{Handler, Running, dispatch};
use crate::memory::value::Value;
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;

/// Stores the result of float arithmetic and goes on, unless it is NaN.
macro_rules! float_result {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $result:expr) => {{
        let result: f64 = $result;
        if !result.is_nan() {
            set($base, a($word), Value::float_not_nan(result));
            dispatch!($vm, $pc, $base, $func, $frame)
        }
    }};
}

/// The two operands.
macro_rules! operands {
    ($base:ident, $word:ident) => {
        (register($base, b($word)), register($base, c($word)))
    };
}

/// Sums and differences of fixnums without overflow, and of floats.
macro_rules! additive {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $method:ident, $float:tt, $mixed:ident) => {{
        let (x, y) = operands!($base, $word);
        if x.both_fixnums(y) {
            if let Some(result) = x.fixnum_shifted().$method(y.fixnum_shifted()) {
                set($base, a($word), Value::from_fixnum_shifted(result));
                dispatch!($vm, $pc, $base, $func, $frame)
            }
        } else {
            float_result!($vm $pc $base $func $frame $word; x.float_unchecked() $float y.float_unchecked());
            return $mixed($vm, $pc, $base, $func, $frame, *$pc.sub(1));
        }
    }};
}

/// Sum or difference with a small integer: of a counter, else in `$other`.
macro_rules! additive_immediate {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $by:expr, $other:ident) => {{
        let by: i64 = $by;
        if let Some(result) = step(register($base, b($word)), by, 0) {
            set($base, a($word), Value::from_fixnum_position(result));
            dispatch!($vm, $pc, $base, $func, $frame)
        }
        return $other($vm, $pc, $base, $func, $frame, *$pc.sub(1));
    }};
}

/// A counter and its next value, if neither is negative or too large for a fixnum, and nor is `limit`.
#[inline(always)]
pub(super) fn step(counter: Value, by: i64, limit: u64) -> Option<u64> {
    let from = counter.fixnum_position();
    let to = from.wrapping_add_signed(by);
    // One test for all: what is not a fixnum has a bit up there, too.
    ((from | to | limit) >> 50 == 0).then_some(to)
}

/// Sum or difference of any fixnum, or of a float, with a small integer.
macro_rules! any_additive_immediate {
    ($name:ident, $method:ident, $float:tt) => {
        #[inline(never)]
        unsafe fn $name(vm: &mut Vm, pc: *const u32, base: *mut Value, func: *const Func, frame: *mut Frame, word: u32) -> Running {
            let x = register(base, b(word));
            if x.is_fixnum() {
                if let Some(result) = x.fixnum_shifted().$method(sc(word) << 13) {
                    set(base, a(word), Value::from_fixnum_shifted(result));
                    dispatch!(vm, pc, base, func, frame)
                }
            } else {
                float_result!(vm pc base func frame word; x.float_unchecked() $float sc(word) as f64);
            }
            complete!(vm pc base func frame)
        }
    };
}
any_additive_immediate!(any_add_imm, checked_add, +);
any_additive_immediate!(any_subtract_imm, checked_sub, -);

/// A fixnum or a float as a float, else NaN.
#[inline(always)]
fn real(value: Value) -> f64 {
    match value.as_fixnum() {
        Some(integer) => integer as f64,
        None => value.float_unchecked(),
    }
}

/// Arithmetic of fixnums and floats in any combination. The operands are those of the given word, which
/// need not be the one in the code.
macro_rules! mixed {
    ($name:ident, $float:tt, |$x:ident, $y:ident| $fixnums:expr) => {
        #[inline(never)]
        pub(super) unsafe fn $name(vm: &mut Vm, pc: *const u32, base: *mut Value, func: *const Func, frame: *mut Frame, word: u32) -> Running {
            let ($x, $y) = operands!(base, word);
            if $x.both_fixnums($y) {
                let result: Option<i64> = $fixnums;
                if let Some(result) = result {
                    set(base, a(word), Value::from_fixnum_shifted(result));
                    dispatch!(vm, pc, base, func, frame)
                }
            } else {
                float_result!(vm pc base func frame word; real($x) $float real($y));
            }
            complete!(vm pc base func frame)
        }
    };
}
mixed!(mixed_add, +, |x, y| x.fixnum_shifted().checked_add(y.fixnum_shifted()));
mixed!(mixed_subtract, -, |x, y| x.fixnum_shifted().checked_sub(y.fixnum_shifted()));
mixed!(mixed_multiply, *, |x, y| x.fixnum_shifted().checked_mul(y.fixnum_unchecked()));
mixed!(mixed_divide, /, |x, y| None);

/// Comparison of fixnums or of floats, as a value.
macro_rules! compare {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $op:tt) => {{
        let (x, y) = operands!($base, $word);
        if x.both_fixnums(y) {
            set($base, a($word), Value::bool(x.fixnum_shifted() $op y.fixnum_shifted()));
            dispatch!($vm, $pc, $base, $func, $frame)
        }
        let (x, y) = (x.float_unchecked(), y.float_unchecked());
        if !(x.is_nan() || y.is_nan()) {
            set($base, a($word), Value::bool(x $op y));
            dispatch!($vm, $pc, $base, $func, $frame)
        }
    }};
}

/// Division of fixnums by a positive one: `$narrow` on 32 bits, which processors divide faster, or
/// `$wide`.
macro_rules! division {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; |$x:ident, $y:ident| $narrow:expr, $wide:expr) => {{
        let (x, y) = operands!($base, $word);
        if x.both_fixnums(y) && y.fixnum_unchecked() > 0 {
            let (x, y) = (x.fixnum_unchecked(), y.fixnum_unchecked());
            let result = if (x | y) as u64 >> 32 == 0 {
                let ($x, $y) = (x as u32, y as u32);
                i64::from($narrow)
            } else {
                let ($x, $y) = (x, y);
                $wide
            };
            set($base, a($word), Value::from_fixnum_shifted(result << 13));
            dispatch!($vm, $pc, $base, $func, $frame)
        }
    }};
}

/// Product of fixnums or of floats.
macro_rules! product {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident) => {{
        let (x, y) = operands!($base, $word);
        if x.both_fixnums(y) {
            if let Some(product) = x.fixnum_shifted().checked_mul(y.fixnum_unchecked()) {
                set($base, a($word), Value::from_fixnum_shifted(product));
                dispatch!($vm, $pc, $base, $func, $frame)
            }
        } else {
            float_result!($vm $pc $base $func $frame $word; x.float_unchecked() * y.float_unchecked());
            return mixed_multiply($vm, $pc, $base, $func, $frame, *$pc.sub(1));
        }
    }};
}

handlers! {
    add = Add |vm, pc, base, func, frame, word| { additive!(vm pc base func frame word; checked_add, +, mixed_add) }
    add_numbers = AddNumbers |vm, pc, base, func, frame, word| { additive!(vm pc base func frame word; checked_add, +, mixed_add) }
    subtract = Subtract |vm, pc, base, func, frame, word| { additive!(vm pc base func frame word; checked_sub, -, mixed_subtract) }
    subtract_numbers = SubtractNumbers |vm, pc, base, func, frame, word| { additive!(vm pc base func frame word; checked_sub, -, mixed_subtract) }
    add_imm = AddImm |vm, pc, base, func, frame, word| { additive_immediate!(vm pc base func frame word; sc(word), any_add_imm) }
    imm_add = ImmAdd |vm, pc, base, func, frame, word| { additive_immediate!(vm pc base func frame word; sc(word), any_add_imm) }
    subtract_imm = SubtractImm |vm, pc, base, func, frame, word| { additive_immediate!(vm pc base func frame word; -sc(word), any_subtract_imm) }
    multiply = Multiply |vm, pc, base, func, frame, word| { product!(vm pc base func frame word) }
    multiply_numbers = MultiplyNumbers |vm, pc, base, func, frame, word| { product!(vm pc base func frame word) }
    divide = Divide |vm, pc, base, func, frame, word| {
        let (x, y) = operands!(base, word);
        float_result!(vm pc base func frame word; x.float_unchecked() / y.float_unchecked());
        return mixed_divide(vm, pc, base, func, frame, *pc.sub(1));
    }
    float_add = FloatAdd |vm, pc, base, func, frame, word| {
        let (x, y) = operands!(base, word);
        float_result!(vm pc base func frame word; x.float_unchecked() + y.float_unchecked());
        return mixed_add(vm, pc, base, func, frame, *pc.sub(1));
    }
    float_subtract = FloatSubtract |vm, pc, base, func, frame, word| {
        let (x, y) = operands!(base, word);
        float_result!(vm pc base func frame word; x.float_unchecked() - y.float_unchecked());
        return mixed_subtract(vm, pc, base, func, frame, *pc.sub(1));
    }
    float_multiply = FloatMultiply |vm, pc, base, func, frame, word| {
        let (x, y) = operands!(base, word);
        float_result!(vm pc base func frame word; x.float_unchecked() * y.float_unchecked());
        return mixed_multiply(vm, pc, base, func, frame, *pc.sub(1));
    }
    negate = Negate |vm, pc, base, func, frame, word| {
        let x = register(base, b(word));
        if x.is_fixnum() {
            if let Some(negative) = 0i64.checked_sub(x.fixnum_shifted()) {
                set(base, a(word), Value::from_fixnum_shifted(negative));
                dispatch!(vm, pc, base, func, frame)
            }
        } else {
            float_result!(vm pc base func frame word; -x.float_unchecked());
        }
    }
    square_root = SquareRoot |vm, pc, base, func, frame, word| {
        float_result!(vm pc base func frame word; register(base, b(word)).float_unchecked().sqrt());
    }
    quotient = Quotient |vm, pc, base, func, frame, word| {
        division!(vm pc base func frame word; |x, y| x / y, x / y)
    }
    remainder = Remainder |vm, pc, base, func, frame, word| {
        division!(vm pc base func frame word; |x, y| x % y, x % y)
    }
    modulo = Modulo |vm, pc, base, func, frame, word| {
        division!(vm pc base func frame word; |x, y| x % y, x.rem_euclid(y))
    }
    less = Less |vm, pc, base, func, frame, word| { compare!(vm pc base func frame word; <) }
    less_equal = LessEqual |vm, pc, base, func, frame, word| { compare!(vm pc base func frame word; <=) }
    greater = Greater |vm, pc, base, func, frame, word| { compare!(vm pc base func frame word; >) }
    greater_equal = GreaterEqual |vm, pc, base, func, frame, word| { compare!(vm pc base func frame word; >=) }
    num_equal = NumEqual |vm, pc, base, func, frame, word| { compare!(vm pc base func frame word; ==) }
    equal = Equal |vm, pc, base, func, frame, word| {
        let (x, y) = operands!(base, word);
        if !x.is_heap() && !x.is_float() {
            set(base, a(word), Value::bool(x == y));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    not = Not |vm, pc, base, func, frame, word| {
        set(base, a(word), Value::bool(!register(base, b(word)).is_truthy()));
        dispatch!(vm, pc, base, func, frame)
    }
}
