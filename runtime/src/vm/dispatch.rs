//! The dispatch loop.
//!
//! The program counter, the window and the function live in locals (machine registers); anything
//! that is not a fast path saves them into the task, does its work in an ordinary method and loads
//! them again. Verified code keeps every index in bounds, so registers, constants and globals are
//! accessed without checks.

use sema_format::isa::{CAPTURE_FROM_CLOSURE, Op, Predicate, special};

use super::module::Func;
use super::stack::{Frame, FrameKind};
use super::{Event, Vm};
use crate::collections::sorted_map;
use crate::error::{Outcome, Signal};
use crate::heap::object;
use crate::host::Host;
use crate::value::{Kind, Value};
use crate::{equality, number};

/// The machine state of a task that is not running, or that a slow path works on.
#[derive(Clone, Copy)]
pub(crate) struct Registers {
    pub pc: *const u32,
    pub base: *mut Value,
    pub func: *const Func,
    pub frame: *mut Frame,
}

/// What a slow path tells the loop.
pub(crate) enum Next {
    /// Go on with the saved registers.
    Continue,
    /// Stop executing this task.
    Stop(Event),
}

#[inline(always)]
fn test(host: &Host, predicate: Predicate, value: Value) -> bool {
    match predicate {
        Predicate::Nil => value.is_nil(),
        Predicate::Null => value.is_nil() || value == Value::EMPTY,
        Predicate::Pair => host.heap.is_pair(value),
        Predicate::List => value == Value::EMPTY || host.heap.is_pair(value),
        Predicate::Vector => value.kind() == Kind::Vector,
        Predicate::Map => value.kind() == Kind::Map,
        Predicate::String => host.heap.is_string(value),
        Predicate::Symbol => value.as_symbol().is_some(),
        Predicate::Keyword => value.as_keyword().is_some(),
        Predicate::Bool => value.as_bool().is_some(),
        Predicate::Char => value.as_char().is_some(),
        Predicate::Number => value.is_fixnum() || value.is_float() || value.kind().is_number(),
        Predicate::Float => value.is_float(),
        Predicate::Function => matches!(value.kind(), Kind::Closure | Kind::Native),
        Predicate::Missing => value == Value::MISSING,
        Predicate::ExactInteger => value.is_fixnum() || value.kind() == Kind::Int,
    }
}

impl Vm {
    /// Runs the current task from its saved registers until it ends or waits.
    #[allow(clippy::cognitive_complexity, reason = "one arm per instruction")]
    pub(crate) fn execute(&mut self) -> Event {
        let Registers {
            mut pc,
            mut base,
            mut func,
            mut frame,
        } = self.task.registers;
        // SAFETY (for every unsafe block of this function): the code was produced by our compiler
        // or verified, so register, constant, global, native and capture operands are in bounds of
        // the window, of the pools of `func` and of the running closure, and jumps stay inside the
        // function; `base` points at a window of the task's stack, below its limit.
        loop {
            let word = unsafe { *pc };
            pc = unsafe { pc.add(1) };
            let a = (word >> 8) as usize & 0xFF;

            macro_rules! b {
                () => {
                    (word >> 16) as usize & 0xFF
                };
            }
            macro_rules! c {
                () => {
                    (word >> 24) as usize
                };
            }
            macro_rules! bx {
                () => {
                    (word >> 16) as usize
                };
            }
            macro_rules! sbx {
                () => {
                    (word as i32 >> 16) as i64
                };
            }
            macro_rules! reg {
                ($index:expr) => {
                    unsafe { *base.add($index) }
                };
            }
            macro_rules! set {
                ($index:expr, $value:expr) => {{
                    let value: Value = $value;
                    unsafe { *base.add($index) = value }
                }};
            }
            macro_rules! extra {
                () => {{
                    let x = unsafe { *pc };
                    pc = unsafe { pc.add(1) };
                    x as usize
                }};
            }
            macro_rules! constant {
                ($index:expr) => {
                    unsafe { *(*func).constants.add($index) }
                };
            }
            macro_rules! save {
                () => {
                    self.task.registers = Registers {
                        pc,
                        base,
                        func,
                        frame,
                    }
                };
            }
            macro_rules! load {
                () => {
                    Registers {
                        pc,
                        base,
                        func,
                        frame,
                    } = self.task.registers
                };
            }
            macro_rules! slow {
                ($call:expr) => {{
                    save!();
                    match $call {
                        Next::Continue => load!(),
                        Next::Stop(event) => return event,
                    }
                }};
            }
            // A fallible operation of the host whose result goes to a register.
            macro_rules! fallible {
                ($dst:expr, $outcome:expr) => {
                    match $outcome {
                        Ok(value) => set!($dst, value),
                        Err(signal) => slow!(self.signalled(signal, $dst)),
                    }
                };
            }
            macro_rules! arithmetic {
                ($checked:ident, $float:tt, $slow:path) => {{
                    let (x, y) = (reg!(b!()), reg!(c!()));
                    if x.both_fixnums(y) {
                        if let Some(sum) = x.fixnum_shifted().$checked(y.fixnum_shifted()) {
                            set!(a, Value::from_fixnum_shifted(sum));
                            continue;
                        }
                    } else if x.is_float() && y.is_float() {
                        set!(a, Value::float(x.float_unchecked() $float y.float_unchecked()));
                        continue;
                    }
                    fallible!(a, $slow(&self.host, x, y))
                }};
            }
            macro_rules! jump {
                ($offset:expr) => {
                    pc = unsafe { pc.offset($offset as isize) }
                };
            }
            // The truth of a comparison of two values.
            macro_rules! compare {
                ($x:expr, $y:expr, $op:tt, $slow:path, $then:expr) => {{
                    let (x, y) = ($x, $y);
                    let holds = if x.both_fixnums(y) {
                        x.fixnum_shifted() $op y.fixnum_shifted()
                    } else if x.is_float() && y.is_float() {
                        x.float_unchecked() $op y.float_unchecked()
                    } else {
                        match $slow(&self.host, x, y) {
                            Ok(holds) => holds,
                            Err(signal) => {
                                slow!(self.signalled(signal, a));
                                continue;
                            }
                        }
                    };
                    #[allow(clippy::redundant_closure_call, reason = "passes the truth to the arm")]
                    $then(holds)
                }};
            }
            macro_rules! compare_jump {
                ($y:expr, $op:tt, $slow:path, $wanted:literal) => {{
                    let x = reg!(a);
                    let y = $y;
                    let offset = extra!() as i32;
                    compare!(x, y, $op, $slow, |holds: bool| if holds == $wanted {
                        jump!(offset)
                    })
                }};
            }
            macro_rules! safepoint {
                () => {
                    if self.host.heap.wants_collection() {
                        save!();
                        self.collect(false);
                    }
                };
            }
            // Enters `callee` (a pointer to a function that takes exactly the arguments in place)
            // whose window starts at slot `a + 1`.
            macro_rules! enter {
                ($callee:expr) => {{
                    let callee: *const Func = $callee;
                    if frame == self.task.frame_limit {
                        save!();
                        self.task.grow_frames();
                        frame = self.task.registers.frame;
                    }
                    unsafe {
                        *frame = Frame {
                            pc,
                            func,
                            delta: a as u32 + 1,
                            kind: FrameKind::Call,
                        }
                    };
                    frame = unsafe { frame.add(1) };
                    base = unsafe { base.add(a + 1) };
                    func = callee;
                    pc = unsafe { (*func).code };
                    if unsafe { base.add((*func).registers as usize) } > self.task.value_limit {
                        slow!(self.reserve_window());
                    }
                    safepoint!();
                }};
            }

            let Some(op) = Op::from_byte_fast(word as u8) else {
                return self.bad_instruction();
            };
            match op {
                Op::Move => set!(a, reg!(b!())),
                Op::LoadConst => set!(a, constant!(bx!())),
                Op::LoadConstWide => {
                    let index = extra!();
                    set!(a, constant!(index));
                }
                Op::LoadInt => set!(a, Value::small(sbx!() as i32)),
                Op::LoadSpecial => set!(
                    a,
                    match b!() as u8 {
                        special::FALSE => Value::FALSE,
                        special::TRUE => Value::TRUE,
                        special::EMPTY_LIST => Value::EMPTY,
                        special::MISSING => Value::MISSING,
                        _ => Value::NIL,
                    }
                ),
                Op::LoadSlot => {
                    let index = extra!();
                    set!(a, reg!(index));
                }
                Op::StoreSlot => {
                    let index = extra!();
                    set!(index, reg!(a));
                }

                Op::GetCapture => set!(a, capture(base, bx!())),
                Op::GetCaptureBox => set!(a, unboxed(capture(base, bx!()))),
                Op::SetCaptureBox => self.host.heap.set_field(capture(base, bx!()), 0, reg!(a)),
                Op::NewBox => set!(a, self.host.heap.object(Kind::Box, 0, &[reg!(b!())])),
                Op::GetBox => set!(a, unboxed(reg!(b!()))),
                Op::SetBox => self.host.heap.set_field(reg!(a), 0, reg!(b!())),
                Op::GetGlobal => {
                    let index = extra!();
                    let value = unsafe { *(*func).globals.add(index) };
                    if value == Value::UNBOUND {
                        slow!(self.unbound(index));
                        continue;
                    }
                    set!(a, value);
                }
                Op::SetGlobal => {
                    let index = extra!();
                    let slot = unsafe { &mut *(*func).globals.add(index) };
                    if *slot == Value::UNBOUND {
                        slow!(self.unbound(index));
                        continue;
                    }
                    *slot = reg!(a);
                }
                Op::DefineGlobal => {
                    let index = extra!();
                    unsafe { *(*func).globals.add(index) = reg!(a) };
                }
                Op::Closure => {
                    let index = extra!();
                    let count = bx!();
                    let function = unsafe { (&(*(*func).module).functions).as_ptr().add(index) };
                    let closure =
                        self.host
                            .heap
                            .object_filled(Kind::Closure, 0, count + 1, Value::NIL);
                    let fields = self.host.heap.fields(closure);
                    if let Some(first) = fields.first() {
                        first.set(unsafe { &*function }.encode());
                    }
                    for field in fields.iter().skip(1) {
                        let word = extra!() as u32;
                        let slot = (word & !CAPTURE_FROM_CLOSURE) as usize;
                        field.set(if word & CAPTURE_FROM_CLOSURE != 0 {
                            capture(base, slot)
                        } else {
                            reg!(slot)
                        });
                    }
                    set!(a, closure);
                }
                Op::PatchCapture => self.host.heap.set_field(reg!(a), b!() + 1, reg!(c!())),
                Op::LoadNative => set!(a, unsafe { &*(*func).module }.native_value(bx!())),

                Op::Call => {
                    let callee = reg!(a);
                    let count = b!();
                    if callee.is_heap() && object::kind_at(callee) == Kind::Closure {
                        let target = Func::decode(closure_field(callee));
                        if unsafe { (*target).exact && (*target).parameters == count as u32 } {
                            enter!(target);
                            continue;
                        }
                    }
                    slow!(self.call_value(a, count));
                    safepoint!();
                }
                Op::TailCall => {
                    let callee = reg!(a);
                    let count = b!();
                    if callee.is_heap() && object::kind_at(callee) == Kind::Closure {
                        let target = Func::decode(closure_field(callee));
                        if unsafe { (*target).exact && (*target).parameters == count as u32 } {
                            unsafe {
                                *base.sub(1) = callee;
                                for index in 0..count {
                                    *base.add(index) = *base.add(a + 1 + index);
                                }
                            }
                            func = target;
                            pc = unsafe { (*func).code };
                            if unsafe { base.add((*func).registers as usize) }
                                > self.task.value_limit
                            {
                                slow!(self.reserve_window());
                            }
                            safepoint!();
                            continue;
                        }
                    }
                    slow!(self.tail_call_value(a, count));
                    safepoint!();
                }
                Op::CallKnown => {
                    let index = extra!();
                    let target = unsafe { (&(*(*func).module).functions).as_ptr().add(index) };
                    enter!(target);
                }
                Op::TailCallKnown => {
                    let index = extra!();
                    let count = b!();
                    unsafe {
                        *base.sub(1) = Value::NIL;
                        for index in 0..count {
                            *base.add(index) = *base.add(a + 1 + index);
                        }
                    }
                    func = unsafe { (&(*(*func).module).functions).as_ptr().add(index) };
                    pc = unsafe { (*func).code };
                    if unsafe { base.add((*func).registers as usize) } > self.task.value_limit {
                        slow!(self.reserve_window());
                    }
                    safepoint!();
                }
                Op::CallNative => {
                    let index = extra!();
                    let native = unsafe { *(*func).natives.add(index) };
                    let arguments = unsafe { std::slice::from_raw_parts(base.add(b!()), c!()) };
                    fallible!(a, (native.call)(&self.host, arguments))
                }
                Op::Apply => {
                    slow!(self.apply(a, b!(), false));
                    safepoint!();
                }
                Op::TailApply => {
                    slow!(self.apply(a, b!(), true));
                    safepoint!();
                }
                Op::Return => {
                    let result = reg!(a);
                    frame = unsafe { frame.sub(1) };
                    let caller = unsafe { *frame };
                    unsafe { *base.sub(1) = result };
                    if caller.kind != FrameKind::Bottom {
                        base = unsafe { base.sub(caller.delta as usize) };
                        func = caller.func;
                        pc = caller.pc;
                        continue;
                    }
                    save!();
                    return Event::Finished(result);
                }
                Op::Throw => {
                    let value = reg!(a);
                    slow!(self.signalled(Box::new(Signal::Throw(value)), a))
                }

                Op::Jump => jump!(word as i32 >> 8),
                Op::Loop => {
                    jump!(word as i32 >> 8);
                    safepoint!();
                }
                Op::JumpFalse => {
                    if !reg!(a).is_truthy() {
                        jump!(sbx!());
                    }
                }
                Op::JumpTrue => {
                    if reg!(a).is_truthy() {
                        jump!(sbx!());
                    }
                }
                Op::JumpLess => compare_jump!(reg!(b!()), <, number::less, true),
                Op::JumpNotLess => compare_jump!(reg!(b!()), <, number::less, false),
                Op::JumpLessEqual => compare_jump!(reg!(b!()), <=, number::less_equal, true),
                Op::JumpNotLessEqual => compare_jump!(reg!(b!()), <=, number::less_equal, false),
                Op::JumpEqual => compare_jump!(reg!(b!()), ==, num_equal, true),
                Op::JumpNotEqual => compare_jump!(reg!(b!()), ==, num_equal, false),
                Op::JumpLessImm => {
                    compare_jump!(Value::small(sbx!() as i32), <, number::less, true)
                }
                Op::JumpNotLessImm => {
                    compare_jump!(Value::small(sbx!() as i32), <, number::less, false)
                }
                Op::JumpLessEqualImm => {
                    compare_jump!(Value::small(sbx!() as i32), <=, number::less_equal, true)
                }
                Op::JumpNotLessEqualImm => {
                    compare_jump!(Value::small(sbx!() as i32), <=, number::less_equal, false)
                }
                Op::JumpGreaterImm => compare_jump!(Value::small(sbx!() as i32), >, greater, true),
                Op::JumpNotGreaterImm => {
                    compare_jump!(Value::small(sbx!() as i32), >, greater, false)
                }
                Op::JumpGreaterEqualImm => {
                    compare_jump!(Value::small(sbx!() as i32), >=, greater_equal, true)
                }
                Op::JumpNotGreaterEqualImm => {
                    compare_jump!(Value::small(sbx!() as i32), >=, greater_equal, false)
                }
                Op::JumpEqualImm => compare_jump!(Value::small(sbx!() as i32), ==, num_equal, true),
                Op::JumpNotEqualImm => {
                    compare_jump!(Value::small(sbx!() as i32), ==, num_equal, false)
                }
                Op::JumpEqualConst | Op::JumpNotEqualConst => {
                    let (x, y) = (reg!(a), constant!(bx!()));
                    let offset = extra!() as i32;
                    let same = x == y
                        || (x.is_heap() || x.is_float()) && equality::equal(&self.host, x, y);
                    if same == (op == Op::JumpEqualConst) {
                        jump!(offset);
                    }
                }
                Op::JumpTest | Op::JumpNotTest => {
                    let value = reg!(a);
                    let offset = extra!() as i32;
                    let Some(predicate) = Predicate::from_byte((word >> 16) as u8) else {
                        return self.bad_instruction();
                    };
                    if test(&self.host, predicate, value) == (op == Op::JumpTest) {
                        jump!(offset);
                    }
                }

                Op::Add => arithmetic!(checked_add, +, number::add),
                Op::AddNumbers => arithmetic!(checked_add, +, number::add_numbers),
                Op::Subtract => arithmetic!(checked_sub, -, number::subtract),
                Op::Multiply => {
                    let (x, y) = (reg!(b!()), reg!(c!()));
                    if x.both_fixnums(y) {
                        if let Some(product) = x.fixnum_shifted().checked_mul(y.fixnum_unchecked())
                        {
                            set!(a, Value::from_fixnum_shifted(product));
                            continue;
                        }
                    } else if x.is_float() && y.is_float() {
                        set!(a, Value::float(x.float_unchecked() * y.float_unchecked()));
                        continue;
                    }
                    fallible!(a, number::multiply(&self.host, x, y))
                }
                Op::Divide => {
                    let (x, y) = (reg!(b!()), reg!(c!()));
                    if x.is_float() && y.is_float() {
                        set!(a, Value::float(x.float_unchecked() / y.float_unchecked()));
                        continue;
                    }
                    fallible!(a, number::divide(&self.host, x, y))
                }
                Op::Quotient => {
                    let (x, y) = (reg!(b!()), reg!(c!()));
                    if x.both_fixnums(y)
                        && let Some(quotient) =
                            x.fixnum_unchecked().checked_div(y.fixnum_unchecked())
                        && let Some(quotient) = Value::fixnum(quotient)
                    {
                        set!(a, quotient);
                        continue;
                    }
                    fallible!(a, number::quotient(&self.host, x, y))
                }
                Op::Remainder => {
                    let (x, y) = (reg!(b!()), reg!(c!()));
                    if x.both_fixnums(y)
                        && let Some(remainder) =
                            x.fixnum_unchecked().checked_rem(y.fixnum_unchecked())
                        && let Some(remainder) = Value::fixnum(remainder)
                    {
                        set!(a, remainder);
                        continue;
                    }
                    fallible!(a, number::remainder(&self.host, x, y))
                }
                Op::Modulo => {
                    let (x, y) = (reg!(b!()), reg!(c!()));
                    if x.both_fixnums(y) {
                        let divisor = y.fixnum_unchecked();
                        if let Some(mut result) = x.fixnum_unchecked().checked_rem(divisor) {
                            if result != 0 && (result ^ divisor) < 0 {
                                result += divisor;
                            }
                            if let Some(result) = Value::fixnum(result) {
                                set!(a, result);
                                continue;
                            }
                        }
                    }
                    fallible!(a, number::modulo(&self.host, x, y))
                }
                Op::AddImm => {
                    let x = reg!(b!());
                    let y = Value::small(word as i32 >> 24);
                    if x.is_fixnum()
                        && let Some(sum) = x.fixnum_shifted().checked_add(y.fixnum_shifted())
                    {
                        set!(a, Value::from_fixnum_shifted(sum));
                        continue;
                    }
                    fallible!(a, number::add(&self.host, x, y))
                }
                Op::Less => {
                    compare!(reg!(b!()), reg!(c!()), <, number::less, |holds| set!(a, Value::bool(holds)))
                }
                Op::LessEqual => {
                    compare!(reg!(b!()), reg!(c!()), <=, number::less_equal, |holds| set!(a, Value::bool(holds)))
                }
                Op::NumEqual => {
                    compare!(reg!(b!()), reg!(c!()), ==, num_equal, |holds| set!(a, Value::bool(holds)))
                }
                Op::Equal => {
                    let (x, y) = (reg!(b!()), reg!(c!()));
                    set!(
                        a,
                        Value::bool(x == y && !x.is_float() || equality::equal(&self.host, x, y))
                    );
                }
                Op::Not => set!(a, Value::bool(!reg!(b!()).is_truthy())),
                Op::Test => {
                    let Some(predicate) = Predicate::from_byte((word >> 24) as u8) else {
                        return self.bad_instruction();
                    };
                    set!(a, Value::bool(test(&self.host, predicate, reg!(b!()))));
                }

                Op::First => {
                    let list = reg!(b!());
                    if self.host.heap.is_pair(list) {
                        set!(a, self.host.heap.first_unchecked(list));
                    } else if list == Value::EMPTY {
                        set!(a, Value::NIL);
                    } else {
                        fallible!(a, call::first(&self.host, list))
                    }
                }
                Op::Rest => {
                    let list = reg!(b!());
                    if self.host.heap.is_pair(list) {
                        set!(a, self.host.heap.rest_unchecked(list));
                    } else if list == Value::EMPTY {
                        set!(a, Value::EMPTY);
                    } else {
                        fallible!(a, call::rest(&self.host, list))
                    }
                }
                Op::Cons => {
                    let (first, rest) = (reg!(b!()), reg!(c!()));
                    if rest == Value::EMPTY || self.host.heap.is_pair(rest) {
                        set!(a, self.host.heap.cons(first, rest));
                    } else {
                        set!(a, call::cons_onto_other(&self.host, first, rest));
                    }
                }
                Op::Nth => {
                    let (sequence, index) = (reg!(b!()), reg!(c!()));
                    fallible!(a, call::nth(&self.host, sequence, index))
                }
                Op::Length => {
                    let sequence = reg!(b!());
                    if self.host.heap.is_pair(sequence) {
                        set!(a, Value::index(self.host.heap.list_len(sequence)));
                    } else {
                        fallible!(a, call::length(&self.host, sequence))
                    }
                }
                Op::Get => {
                    let (map, key) = (reg!(b!()), reg!(c!()));
                    fallible!(a, call::get(&self.host, map, key))
                }
                Op::GetKeyword => {
                    let index = extra!();
                    let map = reg!(b!());
                    let key = constant!(index);
                    if map.is_heap() && object::kind_at(map) == Kind::Map {
                        set!(
                            a,
                            sorted_map::get_keyword(&self.host, map, key).unwrap_or(Value::NIL)
                        );
                    } else {
                        fallible!(a, call::get(&self.host, map, key))
                    }
                }
                Op::MakeList => {
                    let elements = unsafe { std::slice::from_raw_parts(base.add(b!()), c!()) };
                    set!(a, self.host.heap.list(elements));
                }
                Op::MakeVector => {
                    let elements = unsafe { std::slice::from_raw_parts(base.add(b!()), c!()) };
                    set!(a, self.host.heap.vector(elements));
                }
                Op::ArrayGet => fallible!(a, call::array_get(&self.host, reg!(b!()), reg!(c!()))),
                Op::ArraySet => {
                    if let Err(signal) =
                        call::array_set(&self.host, reg!(a), reg!(b!()), reg!(c!()))
                    {
                        slow!(self.signalled(signal, a));
                    }
                }
                Op::CellGet => fallible!(a, call::cell_get(&self.host, reg!(b!()))),
                Op::CellSet => {
                    if let Err(signal) = call::cell_set(&self.host, reg!(a), reg!(b!())) {
                        slow!(self.signalled(signal, a));
                    }
                }

                Op::RunModule => {
                    let import = extra!();
                    slow!(self.run_module(a, import));
                }
                Op::BindImports => {
                    let import = extra!();
                    slow!(self.bind_imports(a, import));
                }
                Op::ModuleDone => unsafe { &*(*func).module }
                    .state
                    .set(super::module::ModuleState::Done),
            }
        }
    }
}

use super::call;

/// A captured variable of the closure that runs in the window at `base`.
#[inline(always)]
fn capture(base: *mut Value, index: usize) -> Value {
    // SAFETY: the slot below a window holds the running closure, which has as many captures as
    // its function declares; the verifier checked `index` against that.
    unsafe { *(((*base.sub(1)).address() + 16) as *const Value).add(index) }
}

/// Field 0 of a closure.
#[inline(always)]
fn closure_field(closure: Value) -> Value {
    // SAFETY: the caller checked that this is a closure; it has at least one field.
    unsafe { *((closure.address() + 8) as *const Value) }
}

/// What a box holds.
#[inline(always)]
fn unboxed(value: Value) -> Value {
    if value.is_heap() && object::kind_at(value) == Kind::Box {
        // SAFETY: a box has one field.
        return unsafe { *((value.address() + 8) as *const Value) };
    }
    Value::NIL
}

#[cold]
fn num_equal(host: &Host, x: Value, y: Value) -> Outcome<bool> {
    Ok(number::num_equal(host, x, y))
}

#[cold]
fn greater(host: &Host, x: Value, y: Value) -> Outcome<bool> {
    number::less(host, y, x)
}

#[cold]
fn greater_equal(host: &Host, x: Value, y: Value) -> Outcome<bool> {
    number::less_equal(host, y, x)
}
