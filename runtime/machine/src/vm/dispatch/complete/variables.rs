//! Moves, constants, variables, modules.

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

use sema_format::isa::{CAPTURE_FROM_CLOSURE, Op, special};

use super::super::operands::{
    a, b, bx, c, capture, constant, register, sbx, set, set_boxed, unboxed,
};
use super::super::{Handler, Next, Registers, Running};
use super::extra;
use crate::memory::heap::object;
use crate::memory::value::{Kind, Value};
use crate::vm::Vm;
use crate::vm::module::{Func, ModuleState};
use crate::vm::stack::Frame;

/// The complete handler of an instruction of this family.
pub(super) const fn handler(op: Op) -> Option<Handler> {
    Some(match op {
        Op::Move => op_move,
        Op::Move2 => op_move2,
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
        Op::RunModule => op_run_module,
        Op::BindImports => op_bind_imports,
        Op::ModuleDone => op_module_done,
        _ => return None,
    })
}

handler! { op_move |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        set(base, a, register(base, b(word)))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_move2 |vm, pc, base, func, frame, word| {
    set(base, a(word), register(base, b(word)));
    let source = extra(&mut pc);
    set(base, c(word), register(base, source));
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
        set_boxed(&vm.host.heap, capture(base, bx(word)), register(base, a))
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
        set_boxed(&vm.host.heap, register(base, a), register(base, b(word)))
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
        let (closure, field) = (register(base, a), b(word) + 1);
        // The verifier does not prove that this is a closure with so many captured variables.
        if object::is_kind(closure, Kind::Closure) && field < vm.host.heap.fields(closure).len() {
            vm.host.heap.set_field(closure, field, register(base, c(word)))
        }
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
        if let Some((_, state)) = { &*(*func).module }.run_by((*func).index) {
            state.set(ModuleState::Done);
            vm.module_ended((*func).module().number.get(), (*func).index);
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}
