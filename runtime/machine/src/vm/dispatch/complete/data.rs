//! Lists, vectors, maps, arrays, cells.

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

use sema_format::isa::Op;

use super::super::operands::{a, b, c, constant, global, register, set};
use super::super::{Handler, Next, Registers, Running};
use super::extra;
use crate::data::{collections, mutable, record, sequence};
use crate::memory::value::Value;
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;

/// The complete handler of an instruction of this family.
pub(super) const fn handler(op: Op) -> Option<Handler> {
    Some(match op {
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
        Op::Element => op_element,
        Op::CellGet => op_cell_get,
        Op::CellSet => op_cell_set,
        Op::MakeRecord => op_make_record,
        Op::RecordRef => op_record_ref,
        Op::RecordTest => op_record_test,
        _ => return None,
    })
}

handler! { op_first |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let list = register(base, b(word));
        if vm.host.heap.is_pair(list) {
            set(base, a, vm.host.heap.first_unchecked(list));
        } else if list == Value::EMPTY {
            set(base, a, Value::NIL);
        } else {
            fallible!(vm pc base func frame; a, sequence::first(&vm.host, list))
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
            fallible!(vm pc base func frame; a, sequence::rest(&vm.host, list))
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
            set(base, a, sequence::cons(&vm.host, first, rest));
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_nth |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let (sequence, index) = (register(base, b(word)), register(base, c(word)));
        fallible!(vm pc base func frame; a, sequence::nth(&vm.host, sequence, index))
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
            fallible!(vm pc base func frame; a, sequence::length(&vm.host, sequence))
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_get |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let (map, key) = (register(base, b(word)), register(base, c(word)));
        fallible!(vm pc base func frame; a, collections::lookup(&vm.host, map, key, Value::NIL))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_get_keyword |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let key = constant(func, extra(&mut pc));
        fallible!(vm pc base func frame; a, collections::lookup_keyword(&vm.host, register(base, b(word)), key))
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

handler! { op_element |vm, pc, base, func, frame, word| {
    let found = sequence::element_at(&vm.host, register(base, b(word)), c(word)).unwrap_or(Value::NIL);
    set(base, a(word), found);
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_make_record |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let record_type = global(func, extra(&mut pc) as u32);
        let fields = std::slice::from_raw_parts(base.add(b(word)), c(word));
        fallible!(vm pc base func frame; a, record::checked_record(&vm.host, record_type, fields))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_record_ref |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let record_type = global(func, extra(&mut pc) as u32);
        fallible!(vm pc base func frame; a, record::field(&vm.host, register(base, b(word)), record_type, c(word)))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_record_test |vm, pc, base, func, frame, word| {
    let record_type = global(func, extra(&mut pc) as u32);
    let holds = record::has_type(&vm.host, register(base, b(word)), record_type);
    set(base, a(word), Value::bool(holds));
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_array_get |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        fallible!(vm pc base func frame; a, mutable::array_get(&vm.host, register(base, b(word)), register(base, c(word)), None))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_array_set |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        if let Err(signal) = mutable::array_set(
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
        fallible!(vm pc base func frame; a, mutable::cell_get(&vm.host, register(base, b(word))))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_cell_set |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        if let Err(signal) = mutable::cell_set(&vm.host, register(base, a), register(base, b(word))) {
            slow!(vm pc base func frame; vm.signalled(signal, a));
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}
