//! Calls and returns.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "every line of a handler relies on the one contract of `Handler`"
)]

use sema_format::isa::Op;

use super::super::operands::{a, b, c, field, register, set};
use super::super::{Handler, Running, dispatch, dispatch_elsewhere};
use crate::memory::heap::object;
use crate::memory::value::{Kind, Value};
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::{Frame, FrameKind};

/// Continues in a function whose window begins at `base`, when that is usable. `$dispatch` is how: what calls one another in
/// tail position may do so for ever, other calls end with the stack.
macro_rules! begin {
    ($dispatch:ident: $vm:ident $base:expr, $func:expr, $frame:expr) => {{
        let (base, func, frame): (*mut Value, *const Func, *mut Frame) = ($base, $func, $frame);
        let code = (*func).code;
        // Only compared: it may lie far behind the stack.
        if base.wrapping_add((*func).registers as usize) > $vm.task.value_limit {
            return super::reserve($vm, code, base, func, frame, 0);
        }
        $dispatch!($vm, code, base, func, frame)
    }};
}

/// Pushes a frame and continues in `callee`, whose arguments are in place behind slot `a`.
macro_rules! enter {
    ($vm:ident $pc:expr, $base:ident $func:ident $frame:ident $word:ident; $callee:expr) => {{
        let callee: *const Func = $callee;
        if $frame != $vm.task.frame_limit {
            let distance = (a($word) as u32 + 1) * size_of::<Value>() as u32;
            Frame::push_call($frame, $pc, $func, distance);
            begin!(dispatch: $vm $base.byte_add(distance as usize), callee, $frame.add(1))
        }
    }};
}

/// Function `index` of the module of `func`.
///
/// # Safety
/// As for [`Handler`].
#[inline(always)]
unsafe fn known(func: *const Func, index: u32) -> *const Func {
    (*func).functions.add(index as usize)
}

/// Calls a closure that takes these arguments as they are.
macro_rules! call {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident) => {{
        let callee = register($base, a($word));
        if object::is_kind(callee, Kind::Closure) {
            let target = Func::decode(field(callee, 0));
            if usize::from((*target).exact_parameters) == b($word) {
                enter!($vm $pc, $base $func $frame $word; target)
            }
        }
    }};
}

/// The same in tail position.
macro_rules! tail_call {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident) => {{
        let callee = register($base, a($word));
        if object::is_kind(callee, Kind::Closure) {
            let target = Func::decode(field(callee, 0));
            if usize::from((*target).exact_parameters) == b($word) {
                *$base.sub(1) = callee;
                let from = $base.add(a($word) + 1);
                for index in 0..b($word) {
                    *$base.add(index) = *from.add(index);
                }
                begin!(dispatch_elsewhere: $vm $base, target, $frame)
            }
        }
    }};
}

/// Calls a function of the module.
macro_rules! call_known {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident) => {{
        let target = known($func, *$pc);
        enter!($vm $pc.add(1), $base $func $frame $word; target)
    }};
}

/// The same in tail position.
macro_rules! tail_call_known {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident) => {{
        let target = known($func, *$pc);
        *$base.sub(1) = Value::NIL;
        let from = $base.add(a($word) + 1);
        for index in 0..b($word) {
            *$base.add(index) = *from.add(index);
        }
        begin!(dispatch_elsewhere: $vm $base, target, $frame)
    }};
}

/// Counts a step; when there are none left, asks whether the task goes on, and does the instruction again.
macro_rules! count {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident) => {
        let (left, none) = $vm.steps.left.overflowing_sub(1);
        $vm.steps.left = left;
        if none {
            return super::out_of_steps($vm, $pc, $base, $func, $frame, 0);
        }
    };
}

handlers! {
    call = Call |vm, pc, base, func, frame, word| { call!(vm pc base func frame word); }
    tail_call = TailCall |vm, pc, base, func, frame, word| { tail_call!(vm pc base func frame word); }
    call_known = CallKnown |vm, pc, base, func, frame, word| { call_known!(vm pc base func frame word); }
    tail_call_known = TailCallKnown |vm, pc, base, func, frame, word| { tail_call_known!(vm pc base func frame word); }
    call_native = CallNative |vm, pc, base, func, frame, word| {
        let native = *(*func).natives.add(*pc as usize);
        let arguments = std::slice::from_raw_parts(base.add(b(word)), c(word));
        deliver!(vm, pc.add(1), base, func, frame, word; (native.call)(&vm.host, arguments))
    }
    return_value = Return |vm, pc, base, func, frame, word| {
        let caller = frame.sub(1);
        if (*caller).kind != FrameKind::Bottom {
            *base.sub(1) = register(base, a(word));
            dispatch!(vm, (*caller).pc, (*caller).base_below(base), (*caller).func, caller)
        }
    }
    counted_call = CountedCall |vm, pc, base, func, frame, word| {
        count!(vm pc base func frame);
        call!(vm pc base func frame word);
    }
    counted_tail_call = CountedTailCall |vm, pc, base, func, frame, word| {
        count!(vm pc base func frame);
        tail_call!(vm pc base func frame word);
    }
    counted_call_known = CountedCallKnown |vm, pc, base, func, frame, word| {
        count!(vm pc base func frame);
        call_known!(vm pc base func frame word);
    }
    counted_tail_call_known = CountedTailCallKnown |vm, pc, base, func, frame, word| {
        count!(vm pc base func frame);
        tail_call_known!(vm pc base func frame word);
    }
    count_step = CountStep |vm, pc, base, func, frame, _word| {
        count!(vm pc base func frame);
        dispatch!(vm, pc, base, func, frame)
    }
}
