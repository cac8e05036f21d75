//! The common cases of the common instructions.
//!
//! A fast handler keeps everything in machine registers and calls nothing but the next handler or,
//! when its case does not apply, the complete handler of the same instruction.

#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "every line of a handler relies on the one contract of `Handler`"
)]

use sema_format::isa::{Op, special};

use super::full::{
    self, a, b, bx, c, capture, closure_field, constant, register, sbx, set, unboxed,
};
use super::{Handler, Registers, Running, dispatch};
use crate::collections::sorted_map;
use crate::heap::object;
use crate::value::{Kind, Value};
use crate::vm::Vm;
use crate::vm::module::Func;
use crate::vm::stack::{Frame, FrameKind};

/// Defines handlers: `name = Op |vm, pc, base, func, frame, word| body`. The body ends the handler
/// with `dispatch!` or falls through to the complete handler of `Op`.
macro_rules! handlers {
    ($($(#[$attribute:meta])* $name:ident = $op:ident |$vm:ident, $pc:ident, $base:ident, $func:ident, $frame:ident, $word:ident| $body:block)*) => {
        $(
            $(#[$attribute])*
            unsafe fn $name($vm: &mut Vm, $pc: *const u32, $base: *mut Value, $func: *const Func, $frame: *mut Frame, $word: u32) -> Running {
                $body
                #[allow(unreachable_code, reason = "some bodies always dispatch")]
                {
                    super::complete($vm, $pc, $base, $func, $frame, $word)
                }
            }
        )*

        /// The fast handler of an instruction, if it has one.
        pub(super) const fn handler(op: Op) -> Option<Handler> {
            match op {
                $(Op::$op => Some($name),)*
                _ => None,
            }
        }
    };
}

/// Sums, differences: fixnums without overflow, or floats.
macro_rules! additive {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $checked:ident, $float:tt) => {{
        let (x, y) = (register($base, b($word)), register($base, c($word)));
        if x.both_fixnums(y) {
            if let Some(sum) = x.fixnum_shifted().$checked(y.fixnum_shifted()) {
                set($base, a($word), Value::from_fixnum_shifted(sum));
                dispatch!($vm, $pc, $base, $func, $frame)
            }
        } else if x.is_float() && y.is_float() {
            set($base, a($word), Value::float(x.float_unchecked() $float y.float_unchecked()));
            dispatch!($vm, $pc, $base, $func, $frame)
        }
    }};
}

/// Sum or difference of a fixnum and a small integer, without overflow.
macro_rules! add_immediate {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $checked:ident) => {{
        let x = register($base, b($word));
        let addend = Value::small($word as i32 >> 24).fixnum_shifted();
        if x.is_fixnum()
            && let Some(sum) = x.fixnum_shifted().$checked(addend)
        {
            set($base, a($word), Value::from_fixnum_shifted(sum));
            dispatch!($vm, $pc, $base, $func, $frame)
        }
    }};
}

/// Comparison of fixnums or floats with a jump by the second word.
macro_rules! compare_jump {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $op:tt, $wanted:literal) => {{
        let (x, y) = (register($base, a($word)), register($base, b($word)));
        let holds = if x.both_fixnums(y) {
            x.fixnum_shifted() $op y.fixnum_shifted()
        } else if x.is_float() && y.is_float() {
            x.float_unchecked() $op y.float_unchecked()
        } else {
            return complete!($vm $pc $base $func $frame $word);
        };
        branch!($vm $pc $base $func $frame; holds == $wanted)
    }};
}

/// The same with an immediate.
macro_rules! compare_jump_imm {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $op:tt, $wanted:literal) => {{
        let x = register($base, a($word));
        if x.is_fixnum() {
            let holds = x.fixnum_unchecked() $op sbx($word);
            branch!($vm $pc $base $func $frame; holds == $wanted)
        }
    }};
}

macro_rules! complete {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident) => {
        super::complete($vm, $pc, $base, $func, $frame, $word)
    };
}

/// Jumps by the second word if the condition holds, else skips it.
macro_rules! branch {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident; $condition:expr) => {{
        let after = $pc.add(1);
        let target = if $condition {
            after.offset(*$pc as i32 as isize)
        } else {
            after
        };
        dispatch!($vm, target, $base, $func, $frame)
    }};
}

/// Jumps by the 16-bit offset of the first word.
macro_rules! short_branch {
    ($vm:ident $pc:ident $base:ident $func:ident $frame:ident $word:ident; $condition:expr) => {{
        let target = if $condition {
            $pc.offset(sbx($word) as isize)
        } else {
            $pc
        };
        dispatch!($vm, target, $base, $func, $frame)
    }};
}

/// Continues in a function whose window begins at `base`: makes its window usable and lets the
/// collector run when that is due.
macro_rules! begin {
    ($vm:ident $base:expr, $func:expr, $frame:expr) => {{
        let (base, func, frame): (*mut Value, *const Func, *mut Frame) = ($base, $func, $frame);
        let code = (*func).code;
        let in_limit = base.add((*func).registers as usize) <= $vm.task.value_limit;
        if !in_limit || $vm.host.heap.wants_collection() {
            return settle($vm, code, base, func, frame, 0);
        }
        dispatch!($vm, code, base, func, frame)
    }};
}

/// Pushes a frame and continues in `callee`, whose arguments are in place behind slot `a`.
macro_rules! enter {
    ($vm:ident $pc:expr, $base:ident $func:ident $frame:ident $word:ident; $callee:expr) => {{
        let callee: *const Func = $callee;
        if $frame != $vm.task.frame_limit {
            *$frame = Frame { pc: $pc, func: $func, delta: a($word) as u32 + 1, kind: FrameKind::Call };
            begin!($vm $base.add(a($word) + 1), callee, $frame.add(1))
        }
    }};
}

/// A function has just been entered: reserves its window and runs the collector if that is due.
#[cold]
#[inline(never)]
unsafe fn settle(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    _: u32,
) -> Running {
    vm.task.registers = Registers {
        pc,
        base,
        func,
        frame,
    };
    if !vm.settle() {
        return false;
    }
    let Registers {
        pc,
        base,
        func,
        frame,
    } = vm.task.registers;
    dispatch!(vm, pc, base, func, frame)
}

/// Runs the collector and goes on.
#[cold]
#[inline(never)]
unsafe fn collect(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    _: u32,
) -> Running {
    vm.task.registers = Registers {
        pc,
        base,
        func,
        frame,
    };
    vm.collect(false);
    dispatch!(vm, pc, base, func, frame)
}

/// A native returned a signal, which lies in `vm.signal`.
#[cold]
#[inline(never)]
unsafe fn native_failed(
    vm: &mut Vm,
    pc: *const u32,
    base: *mut Value,
    func: *const Func,
    frame: *mut Frame,
    word: u32,
) -> Running {
    vm.task.registers = Registers {
        pc,
        base,
        func,
        frame,
    };
    if !vm.failed(a(word)) {
        return false;
    }
    let Registers {
        pc,
        base,
        func,
        frame,
    } = vm.task.registers;
    dispatch!(vm, pc, base, func, frame)
}

impl Vm {
    /// [`native_failed`] on the saved registers.
    #[inline(never)]
    fn failed(&mut self, slot: usize) -> Running {
        let Some(signal) = self.signal.take() else {
            return true;
        };
        match self.signalled(signal, slot) {
            super::Next::Continue => true,
            super::Next::Stop(event) => self.stop(event),
        }
    }

    /// [`settle`] on the saved registers.
    #[inline(never)]
    fn settle(&mut self) -> Running {
        match self.reserve_window() {
            super::Next::Continue => {}
            super::Next::Stop(event) => return self.stop(event),
        }
        if self.host.heap.wants_collection() {
            self.collect(false);
        }
        true
    }
}

handlers! {
    move_register = Move |vm, pc, base, func, frame, word| {
        set(base, a(word), register(base, b(word)));
        dispatch!(vm, pc, base, func, frame)
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
        const VALUES: [Value; special::COUNT as usize] = [Value::NIL, Value::FALSE, Value::TRUE, Value::EMPTY, Value::MISSING];
        set(base, a(word), VALUES[b(word) % VALUES.len()]);
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
        vm.host.heap.set_field(capture(base, bx(word)), 0, register(base, a(word)));
        dispatch!(vm, pc, base, func, frame)
    }
    get_box = GetBox |vm, pc, base, func, frame, word| {
        set(base, a(word), unboxed(register(base, b(word))));
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

    call = Call |vm, pc, base, func, frame, word| {
        let callee = register(base, a(word));
        if callee.is_heap() && object::kind_at(callee) == Kind::Closure {
            let target = Func::decode(closure_field(callee));
            if (*target).exact && (*target).parameters == b(word) as u32 {
                enter!(vm pc, base func frame word; target)
            }
        }
    }
    tail_call = TailCall |vm, pc, base, func, frame, word| {
        let callee = register(base, a(word));
        if callee.is_heap() && object::kind_at(callee) == Kind::Closure {
            let target = Func::decode(closure_field(callee));
            if (*target).exact && (*target).parameters == b(word) as u32 {
                *base.sub(1) = callee;
                let from = base.add(a(word) + 1);
                for index in 0..b(word) {
                    *base.add(index) = *from.add(index);
                }
                begin!(vm base, target, frame)
            }
        }
    }
    call_known = CallKnown |vm, pc, base, func, frame, word| {
        let target = (*(*func).module).functions.as_ptr().add(*pc as usize);
        enter!(vm pc.add(1), base func frame word; target)
    }
    tail_call_known = TailCallKnown |vm, pc, base, func, frame, word| {
        let target = (*(*func).module).functions.as_ptr().add(*pc as usize);
        *base.sub(1) = Value::NIL;
        let from = base.add(a(word) + 1);
        for index in 0..b(word) {
            *base.add(index) = *from.add(index);
        }
        begin!(vm base, target, frame)
    }
    return_value = Return |vm, pc, base, func, frame, word| {
        let caller = frame.sub(1);
        if (*caller).kind != FrameKind::Bottom {
            *base.sub(1) = register(base, a(word));
            dispatch!(vm, (*caller).pc, base.sub((*caller).delta as usize), (*caller).func, caller)
        }
    }

    jump = Jump |vm, pc, base, func, frame, word| {
        dispatch!(vm, pc.offset((word as i32 >> 8) as isize), base, func, frame)
    }
    loop_back = Loop |vm, pc, base, func, frame, word| {
        let target = pc.offset((word as i32 >> 8) as isize);
        if vm.host.heap.wants_collection() {
            return collect(vm, target, base, func, frame, 0);
        }
        dispatch!(vm, target, base, func, frame)
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
    jump_test = JumpTest |vm, pc, base, func, frame, word| {
        let holds = full::holds_byte(&vm.host, b(word) as u8, register(base, a(word)));
        branch!(vm pc base func frame; holds)
    }
    jump_not_test = JumpNotTest |vm, pc, base, func, frame, word| {
        let holds = full::holds_byte(&vm.host, b(word) as u8, register(base, a(word)));
        branch!(vm pc base func frame; !holds)
    }

    add = Add |vm, pc, base, func, frame, word| { additive!(vm pc base func frame word; checked_add, +) }
    add_numbers = AddNumbers |vm, pc, base, func, frame, word| { additive!(vm pc base func frame word; checked_add, +) }
    subtract = Subtract |vm, pc, base, func, frame, word| { additive!(vm pc base func frame word; checked_sub, -) }
    add_imm = AddImm |vm, pc, base, func, frame, word| { add_immediate!(vm pc base func frame word; checked_add) }
    imm_add = ImmAdd |vm, pc, base, func, frame, word| { add_immediate!(vm pc base func frame word; checked_add) }
    subtract_imm = SubtractImm |vm, pc, base, func, frame, word| { add_immediate!(vm pc base func frame word; checked_sub) }
    multiply = Multiply |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.both_fixnums(y) {
            if let Some(product) = x.fixnum_shifted().checked_mul(y.fixnum_unchecked()) {
                set(base, a(word), Value::from_fixnum_shifted(product));
                dispatch!(vm, pc, base, func, frame)
            }
        } else if x.is_float() && y.is_float() {
            set(base, a(word), Value::float(x.float_unchecked() * y.float_unchecked()));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    divide = Divide |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.is_float() && y.is_float() {
            set(base, a(word), Value::float(x.float_unchecked() / y.float_unchecked()));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    quotient = Quotient |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.both_fixnums(y) && y.fixnum_unchecked() > 0 {
            let quotient = x.fixnum_unchecked() / y.fixnum_unchecked();
            set(base, a(word), Value::from_fixnum_shifted(quotient << 13));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    remainder = Remainder |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.both_fixnums(y) && y.fixnum_unchecked() > 0 {
            let remainder = x.fixnum_unchecked() % y.fixnum_unchecked();
            set(base, a(word), Value::from_fixnum_shifted(remainder << 13));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    modulo = Modulo |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.both_fixnums(y) && y.fixnum_unchecked() > 0 {
            let modulus = x.fixnum_unchecked().rem_euclid(y.fixnum_unchecked());
            set(base, a(word), Value::from_fixnum_shifted(modulus << 13));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    less = Less |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.both_fixnums(y) {
            set(base, a(word), Value::bool(x.fixnum_shifted() < y.fixnum_shifted()));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    less_equal = LessEqual |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.both_fixnums(y) {
            set(base, a(word), Value::bool(x.fixnum_shifted() <= y.fixnum_shifted()));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    greater = Greater |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.both_fixnums(y) {
            set(base, a(word), Value::bool(x.fixnum_shifted() > y.fixnum_shifted()));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    greater_equal = GreaterEqual |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.both_fixnums(y) {
            set(base, a(word), Value::bool(x.fixnum_shifted() >= y.fixnum_shifted()));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    num_equal = NumEqual |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if x.both_fixnums(y) {
            set(base, a(word), Value::bool(x == y));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    equal = Equal |vm, pc, base, func, frame, word| {
        let (x, y) = (register(base, b(word)), register(base, c(word)));
        if !x.is_heap() && !x.is_float() {
            set(base, a(word), Value::bool(x == y));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    not = Not |vm, pc, base, func, frame, word| {
        set(base, a(word), Value::bool(!register(base, b(word)).is_truthy()));
        dispatch!(vm, pc, base, func, frame)
    }

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
        let list = register(base, b(word));
        if vm.host.heap.is_pair(list) {
            set(base, a(word), Value::index(vm.host.heap.list_len(list)));
            dispatch!(vm, pc, base, func, frame)
        }
    }
    call_native = CallNative |vm, pc, base, func, frame, word| {
        let native = *(*func).natives.add(*pc as usize);
        let arguments = std::slice::from_raw_parts(base.add(b(word)), c(word));
        match (native.call)(&vm.host, arguments) {
            Ok(value) => {
                set(base, a(word), value);
                dispatch!(vm, pc.add(1), base, func, frame)
            }
            Err(signal) => {
                vm.signal = Some(signal);
                return native_failed(vm, pc.add(1), base, func, frame, word);
            }
        }
    }
    make_list = MakeList |vm, pc, base, func, frame, word| {
        let elements = std::slice::from_raw_parts(base.add(b(word)), c(word));
        set(base, a(word), vm.host.heap.list(elements));
        dispatch!(vm, pc, base, func, frame)
    }
    make_vector = MakeVector |vm, pc, base, func, frame, word| {
        let elements = std::slice::from_raw_parts(base.add(b(word)), c(word));
        set(base, a(word), vm.host.heap.vector(elements));
        dispatch!(vm, pc, base, func, frame)
    }
    get_keyword = GetKeyword |vm, pc, base, func, frame, word| {
        let map = register(base, b(word));
        if map.is_heap() && object::kind_at(map) == Kind::Map {
            let key = constant(func, *pc as usize);
            let value = sorted_map::get_keyword(&vm.host, map, key).unwrap_or(Value::NIL);
            set(base, a(word), value);
            dispatch!(vm, pc.add(1), base, func, frame)
        }
    }
    nth = Nth |vm, pc, base, func, frame, word| {
        let (sequence, index) = (register(base, b(word)), register(base, c(word)));
        if sequence.is_heap() && index.is_fixnum() {
            let position = index.fixnum_unchecked() as usize;
            let element = match object::kind_at(sequence) {
                Kind::Vector => vm.host.heap.values(sequence).get(position).copied(),
                Kind::List if index.fixnum_unchecked() >= 0 => vm.host.heap.list_nth(sequence, position),
                _ => None,
            };
            if let Some(element) = element {
                set(base, a(word), element);
                dispatch!(vm, pc, base, func, frame)
            }
        }
    }
    array_get = ArrayGet |vm, pc, base, func, frame, word| {
        let (array, index) = (register(base, b(word)), register(base, c(word)));
        if array.is_heap() && index.is_fixnum() && object::kind_at(array) == Kind::MutableArray {
            let length = vm.host.heap.field(array, 0);
            let position = index.fixnum_unchecked();
            if position >= 0 && position < length.fixnum_unchecked() {
                let buffer = vm.host.heap.field(array, 1);
                set(base, a(word), vm.host.heap.field(buffer, position as usize));
                dispatch!(vm, pc, base, func, frame)
            }
        }
    }
    array_set = ArraySet |vm, pc, base, func, frame, word| {
        let (array, index) = (register(base, a(word)), register(base, b(word)));
        if array.is_heap() && index.is_fixnum() && object::kind_at(array) == Kind::MutableArray {
            let length = vm.host.heap.field(array, 0);
            let position = index.fixnum_unchecked();
            if position >= 0 && position < length.fixnum_unchecked() {
                let buffer = vm.host.heap.field(array, 1);
                vm.host.heap.set_field(buffer, position as usize, register(base, c(word)));
                dispatch!(vm, pc, base, func, frame)
            }
        }
    }
    cell_get = CellGet |vm, pc, base, func, frame, word| {
        let cell = register(base, b(word));
        if cell.is_heap() && object::kind_at(cell) == Kind::MutableCell {
            set(base, a(word), vm.host.heap.field(cell, 0));
            dispatch!(vm, pc, base, func, frame)
        }
    }
}
