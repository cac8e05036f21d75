//! Lists, vectors, maps, arrays, cells.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "every line of a handler relies on the one contract of `Handler`"
)]

use sema_format::isa::Op;

use super::super::operands::{a, b, c, constant, field, global, in_code, register, set};
use super::super::{Handler, Running, dispatch};
use crate::data::{collections, record};
use crate::memory::heap::object;
use crate::memory::value::{Kind, Value};
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::Frame;

/// The address of the element of a mutable array that `index` names, and the array's buffer.
///
/// # Safety
/// Any values will do; the address is that of a live slot.
#[inline(always)]
pub(super) unsafe fn element(array: Value, index: Value) -> Option<(*mut Value, Value)> {
    if !object::is_kind(array, Kind::MutableArray) {
        return None;
    }
    // What is not a fixnum, or is negative, is a huge number.
    let position = index.fixnum_position();
    // SAFETY: a mutable array has a length and a buffer.
    let length = unsafe { field(array, 0) }.fixnum_position();
    if position >= length {
        return None;
    }
    // SAFETY: as above; an array of some length has a buffer of at least that length (see
    // `natives::mutable`), whose elements follow its header.
    let buffer = unsafe { field(array, 1) };
    let address = buffer.address() + 8 + 8 * position as usize;
    Some((address as *mut Value, buffer))
}

/// `nth` of a list.
#[inline(never)]
unsafe fn nth_of_list(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    _: u32,
) -> Running {
    let word = in_code(pc);
    let (sequence, index) = (register(base, b(word)), register(base, c(word)));
    if vm.host.heap.is_pair(sequence)
        && index.is_fixnum()
        && let Ok(position) = usize::try_from(index.fixnum_unchecked())
        && let Some(element) = vm.host.heap.list_nth(sequence, position)
    {
        set(base, a(word), element);
        dispatch!(vm, pc, base, func, frame)
    }
    complete!(vm pc base func frame)
}

/// `get_keyword` of what is not a map in one object.
#[inline(never)]
unsafe fn get_keyword_of_other(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    _: u32,
) -> Running {
    let word = in_code(pc);
    let (map, key) = (register(base, b(word)), constant(func, *pc as usize));
    deliver!(vm, pc.add(1), base, func, frame, word; collections::lookup_keyword(&vm.host, map, key))
}

handlers! {
    first = First |vm, pc, base, func, frame, word| {
        let list = register(base, b(word));
        if vm.host.heap.is_pair(list) {
            set(base, a(word), vm.host.heap.first_unchecked(list));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    rest = Rest |vm, pc, base, func, frame, word| {
        let list = register(base, b(word));
        if vm.host.heap.is_pair(list) {
            set(base, a(word), vm.host.heap.rest_unchecked(list));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    cons = Cons |vm, pc, base, func, frame, word| {
        let (first, rest) = (register(base, b(word)), register(base, c(word)));
        if vm.host.heap.is_pair(rest)
            && let Some(list) = vm.host.heap.cons_in_place(first, rest)
        {
            set(base, a(word), list);
            dispatch!(vm, pc, base, func, frame)
        }
    }
    length = Length |vm, pc, base, func, frame, word| {
        let sequence = register(base, b(word));
        if sequence.is_heap() {
            let header = object::header_at(sequence);
            if header as u8 == Kind::List as u8 || object::has_form(header, Kind::Vector, 0) {
                set(base, a(word), Value::index(object::length_of(header)));
                dispatch!(vm, pc, base, func, frame)
            }
        }
    }
    make_list = MakeList |vm, pc, base, func, frame, word| {
        let elements = std::slice::from_raw_parts(base.add(b(word)), c(word));
        set(base, a(word), vm.host.heap.list(elements));
        dispatch_allocated!(vm, pc, base, func, frame)
    }
    make_vector = MakeVector |vm, pc, base, func, frame, word| {
        let elements = std::slice::from_raw_parts(base.add(b(word)), c(word));
        set(base, a(word), vm.host.heap.vector(elements));
        dispatch_allocated!(vm, pc, base, func, frame)
    }
    get = Get |vm, pc, base, func, frame, word| {
        let (map, key) = (register(base, b(word)), register(base, c(word)));
        deliver!(vm, pc, base, func, frame, word; collections::lookup(&vm.host, map, key, Value::NIL))
    }
    get_keyword = GetKeyword |vm, pc, base, func, frame, word| {
        let map = register(base, b(word));
        if map.is_heap() {
            let header = object::header_at(map);
            // A map that is one object (see `collections::sorted_map`): its entries in a row.
            if object::has_form(header, Kind::Map, 0) {
                let key = constant(func, *pc as usize);
                let mut value = Value::NIL;
                let mut entry = (map.address() + 8) as *const Value;
                let end = entry.add(object::length_of(header));
                while entry < end {
                    if *entry == key {
                        value = *entry.add(1);
                        break;
                    }
                    entry = entry.add(2);
                }
                set(base, a(word), value);
                dispatch!(vm, pc.add(1), base, func, frame)
            }
        }
        return get_keyword_of_other(vm, pc, base, func, frame, 0);
    }
    nth = Nth |vm, pc, base, func, frame, word| {
        let (sequence, index) = (register(base, b(word)), register(base, c(word)));
        if sequence.is_heap() && index.is_fixnum() {
            let header = object::header_at(sequence);
            if header as u8 != Kind::Vector as u8 {
                return nth_of_list(vm, pc, base, func, frame, 0);
            }
            let position = index.fixnum_shifted() as u64 >> 13;
            if position < header >> 32 {
                set(base, a(word), field(sequence, position as usize));
                dispatch!(vm, pc, base, func, frame)
            }
        }
    }
    element_of = Element |vm, pc, base, func, frame, word| {
        let sequence = register(base, b(word));
        if sequence.is_heap() {
            let header = object::header_at(sequence);
            if object::length_of(header) > c(word) {
                if header as u8 == Kind::List as u8 {
                    let mut rest = sequence;
                    for _ in 0..c(word) {
                        rest = vm.host.heap.rest_unchecked(rest);
                    }
                    set(base, a(word), vm.host.heap.first_unchecked(rest));
                    dispatch!(vm, pc, base, func, frame)
                }
                if header as u8 == Kind::Vector as u8 {
                    set(base, a(word), field(sequence, c(word)));
                    dispatch!(vm, pc, base, func, frame)
                }
            }
        }
    }
    make_record = MakeRecord |vm, pc, base, func, frame, word| {
        let record_type = global(func, *pc);
        if object::is_kind(record_type, Kind::RecordType) {
            let fields = std::slice::from_raw_parts(base.add(b(word)), c(word));
            set(base, a(word), record::make_record(&vm.host, record_type, fields));
            dispatch_allocated!(vm, pc.add(1), base, func, frame)
        }
    }
    record_ref = RecordRef |vm, pc, base, func, frame, word| {
        let record = register(base, b(word));
        if record.is_heap() {
            let header = object::header_at(record);
            // The type is field 0.
            let index = c(word) + 1;
            if header as u8 == Kind::Record as u8
                && object::length_of(header) > index
                && field(record, 0) == global(func, *pc)
            {
                set(base, a(word), field(record, index));
                dispatch!(vm, pc.add(1), base, func, frame)
            }
        }
    }
    record_test = RecordTest |vm, pc, base, func, frame, word| {
        let value = register(base, b(word));
        let holds = object::is_kind(value, Kind::Record) && field(value, 0) == global(func, *pc);
        set(base, a(word), Value::bool(holds));
        dispatch!(vm, pc.add(1), base, func, frame)
    }
    array_get = ArrayGet |vm, pc, base, func, frame, word| {
        if let Some((slot, _)) = element(register(base, b(word)), register(base, c(word))) {
            set(base, a(word), *slot);
            dispatch!(vm, pc, base, func, frame)
        }
    }
    array_set = ArraySet |vm, pc, base, func, frame, word| {
        let index = register(base, b(word));
        if let Some((slot, buffer)) = element(register(base, a(word)), index) {
            let value = register(base, c(word));
            *slot = value;
            if !value.is_heap() || !vm.host.heap.needs_barrier(buffer) {
                dispatch!(vm, pc, base, func, frame)
            }
        }
    }
    cell_get = CellGet |vm, pc, base, func, frame, word| {
        let cell = register(base, b(word));
        if object::is_kind(cell, Kind::MutableCell) {
            set(base, a(word), field(cell, 0));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    cell_set = CellSet |vm, pc, base, func, frame, word| {
        let cell = register(base, a(word));
        if object::is_kind(cell, Kind::MutableCell) {
            vm.host.heap.set_field(cell, 0, register(base, b(word)));
            dispatch!(vm, pc, base, func, frame)
        }
    }
}
