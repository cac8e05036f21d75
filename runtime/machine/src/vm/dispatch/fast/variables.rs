//! Moves, constants, variables.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "every line of a handler relies on the one contract of `Handler`"
)]

use sema_format::isa::Op;

use super::super::operands::{
    a, b, bx, c, capture, constant, register, sbx, set, set_boxed, unboxed,
};
use super::super::{Handler, Running, dispatch};
use crate::memory::value::Value;
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;

handlers! {
    move_register = Move |vm, pc, base, func, frame, word| {
        set(base, a(word), register(base, b(word)));
        dispatch!(vm, pc, base, func, frame)
    }
    move_two = Move2 |vm, pc, base, func, frame, word| {
        set(base, a(word), register(base, b(word)));
        set(base, c(word), register(base, *pc as usize));
        dispatch!(vm, pc.add(1), base, func, frame)
    }
    load_const = LoadConst |vm, pc, base, func, frame, word| {
        set(base, a(word), constant(func, bx(word)));
        dispatch!(vm, pc, base, func, frame)
    }
    load_int = LoadInt |vm, pc, base, func, frame, word| {
        set(base, a(word), Value::small(sbx(word) as i32));
        dispatch!(vm, pc, base, func, frame)
    }
    load_special = LoadSpecial |vm, pc, base, func, frame, word| {
        set(base, a(word), Value::special(b(word) as u8));
        dispatch!(vm, pc, base, func, frame)
    }
    get_capture = GetCapture |vm, pc, base, func, frame, word| {
        set(base, a(word), capture(base, bx(word)));
        dispatch!(vm, pc, base, func, frame)
    }
    get_capture_box = GetCaptureBox |vm, pc, base, func, frame, word| {
        set(base, a(word), unboxed(capture(base, bx(word))));
        dispatch!(vm, pc, base, func, frame)
    }
    set_capture_box = SetCaptureBox |vm, pc, base, func, frame, word| {
        set_boxed(&vm.host.heap, capture(base, bx(word)), register(base, a(word)));
        dispatch!(vm, pc, base, func, frame)
    }
    get_box = GetBox |vm, pc, base, func, frame, word| {
        set(base, a(word), unboxed(register(base, b(word))));
        dispatch!(vm, pc, base, func, frame)
    }
    set_box = SetBox |vm, pc, base, func, frame, word| {
        set_boxed(&vm.host.heap, register(base, a(word)), register(base, b(word)));
        dispatch!(vm, pc, base, func, frame)
    }
    get_global = GetGlobal |vm, pc, base, func, frame, word| {
        let value = *(*func).globals.get().add(*pc as usize);
        if value != Value::UNBOUND {
            set(base, a(word), value);
            dispatch!(vm, pc.add(1), base, func, frame)
        }
    }
    set_global = SetGlobal |vm, pc, base, func, frame, word| {
        let slot = (*func).globals.get().add(*pc as usize);
        if *slot != Value::UNBOUND {
            *slot = register(base, a(word));
            dispatch!(vm, pc.add(1), base, func, frame)
        }
    }
}
