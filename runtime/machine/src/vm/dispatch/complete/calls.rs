//! Calls, returns, `throw`.

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

use super::super::operands::{a, b, c, field, register, set};
use super::super::{Handler, Next, Registers, Running};
use super::extra;
use crate::host::condition::Signal;
use crate::memory::heap::object;
use crate::memory::value::{Kind, Value};
use crate::vm::module::Func;
use crate::vm::stack::{Frame, FrameKind};
use crate::vm::{Event, Vm};

/// The complete handler of an instruction of this family.
pub(super) const fn handler(op: Op) -> Option<Handler> {
    Some(match op {
        Op::Call | Op::CountedCall => op_call,
        Op::TailCall | Op::CountedTailCall => op_tail_call,
        Op::CallKnown | Op::CountedCallKnown => op_call_known,
        Op::TailCallKnown | Op::CountedTailCallKnown => op_tail_call_known,
        Op::CountStep => op_count_step,
        Op::CallNative => op_call_native,
        Op::Apply => op_apply,
        Op::TailApply => op_tail_apply,
        Op::Return => op_return,
        Op::Throw => op_throw,
        _ => return None,
    })
}

handler! { op_call |vm, pc, base, func, frame, word| {
    let a = a(word);
    'op: {
        let callee = register(base, a);
        let count = b(word);
        if callee.is_heap() && object::kind_at(callee) == Kind::Closure {
            let target = Func::decode(field(callee, 0));
            if usize::from((*target).exact_parameters) == count {
                enter!(vm pc base func frame a; target);
                break 'op;
            }
        }
        slow!(vm pc base func frame; vm.call_value(a, count));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_tail_call |vm, pc, base, func, frame, word| {
    let a = a(word);
    'op: {
        let callee = register(base, a);
        let count = b(word);
        if callee.is_heap() && object::kind_at(callee) == Kind::Closure {
            let target = Func::decode(field(callee, 0));
            if usize::from((*target).exact_parameters) == count {
                {
                    *base.sub(1) = callee;
                    for index in 0..count {
                        *base.add(index) = *base.add(a + 1 + index);
                    }
                }
                func = target;
                pc = (*func).code;
                if base.wrapping_add((*func).registers as usize) > vm.task.value_limit {
                    slow!(vm pc base func frame; vm.reserve_window());
                }
                break 'op;
            }
        }
        slow!(vm pc base func frame; vm.tail_call_value(a, count));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_call_known |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        let target = { (*(*func).module).functions.as_ptr().add(index) };
        enter!(vm pc base func frame a; target);
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_tail_call_known |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        let count = b(word);
        {
            *base.sub(1) = Value::NIL;
            for index in 0..count {
                *base.add(index) = *base.add(a + 1 + index);
            }
        }
        func = (*(*func).module).functions.as_ptr().add(index);
        pc = (*func).code;
        if base.wrapping_add((*func).registers as usize) > vm.task.value_limit {
            slow!(vm pc base func frame; vm.reserve_window());
        }
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_call_native |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let index = extra(&mut pc);
        let native = { *(*func).natives.add(index) };
        let arguments = { std::slice::from_raw_parts(base.add(b(word)), c(word)) };
        fallible!(vm pc base func frame; a, (native.call)(&vm.host, arguments))
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_count_step |vm, pc, base, func, frame, word| {
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_apply |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        slow!(vm pc base func frame; vm.apply(a, b(word), false));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_tail_apply |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        slow!(vm pc base func frame; vm.apply(a, b(word), true));
    }
    dispatch!(vm, pc, base, func, frame)
}}

handler! { op_return |vm, pc, base, func, frame, word| {
    let result = register(base, a(word));
    frame = frame.sub(1);
    let caller = *frame;
    *base.sub(1) = result;
    if caller.kind == FrameKind::Bottom {
        save!(vm pc base func frame);
        return vm.stop(Event::Finished(result));
    }
    base = caller.base_below(base);
    dispatch!(vm, caller.pc, base, caller.func, frame)
}}

handler! { op_throw |vm, pc, base, func, frame, word| {
    let a = a(word);
    {
        let value = register(base, a);
        slow!(vm pc base func frame; vm.signalled(Box::new(Signal::Throw(value)), a))
    }
    dispatch!(vm, pc, base, func, frame)
}}
