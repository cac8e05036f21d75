//! Calls that are not plain closure calls, and the slow paths of data instructions.

use super::Vm;
use super::dispatch::{Next, Registers};
use super::dynamic::Answer;
use super::module::Func;
use super::stack::{Frame, FrameKind};
use super::unwind::Payload;
use crate::data::collections;
use crate::data::print;
use crate::data::{record, sequence};
use crate::host::condition::{Condition, ConditionKind, Signal, arity_error};
use crate::memory::value::{Kind, Value};

/// Arguments that the invoker of multimethods takes as they are; more travel in a list behind them.
const MULTIMETHOD_ARGUMENTS: usize = 2;

/// A callee made ready by [`Vm::prepare`].
enum Prepared {
    /// Enter this function; its window is in place behind slot `a`, `slots` long.
    Function { func: *const Func, slots: usize },
    /// The result is in slot `a` already.
    Done,
}

impl Vm {
    /// `call`: slot `a` holds the callee, the arguments follow.
    pub(crate) fn call_value(&mut self, a: usize, count: usize) -> Next {
        match self.prepare(a, count) {
            Ok(Prepared::Done) => Next::Continue,
            Ok(Prepared::Function { func, .. }) => {
                self.push_frame(a, func, FrameKind::Call);
                self.reserve_window()
            }
            Err(next) => next,
        }
    }

    /// `tail_call`; after anything but a function the next instruction returns slot `a`.
    pub(crate) fn tail_call_value(&mut self, a: usize, count: usize) -> Next {
        match self.prepare(a, count) {
            Ok(Prepared::Done) => Next::Continue,
            Ok(Prepared::Function { func, slots }) => {
                let base = self.task.registers.base;
                // SAFETY: the callee and its `slots` slots lie in this window or the headroom
                // above it, which `prepare` reserved.
                unsafe {
                    std::ptr::copy(base.add(a), base.sub(1), slots + 1);
                    self.task.registers.func = func;
                    self.task.registers.pc = (*func).code;
                }
                self.reserve_window()
            }
            Err(next) => next,
        }
    }

    /// `apply`: the last of the `count` arguments is a sequence to spread.
    pub(crate) fn apply(&mut self, a: usize, count: usize, tail: bool) -> Next {
        let sequence = self.slot(a + count);
        // So do tasks begin.
        let spread = if sequence == Value::EMPTY {
            Vec::new()
        } else {
            match sequence::elements(&self.host, sequence) {
                Ok(elements) => elements.into_owned(),
                Err(signal) => return self.signalled(signal, a),
            }
        };
        let total = count - 1 + spread.len();
        if let Err(signal) = sequence::callable(&self.host, self.slot(a), total) {
            return self.signalled(signal, a);
        }
        if let Some(next) = self.reserve_slots(a + 1 + total) {
            return next;
        }
        for (index, value) in spread.into_iter().enumerate() {
            self.set_slot(a + count + index, value);
        }
        if tail {
            self.tail_call_value(a, total)
        } else {
            self.call_value(a, total)
        }
    }

    /// The instruction before the saved program counter has called [`BY_NUMBER`](crate::host::functions): calls the
    /// host function that it means. The result is for slot `a`.
    #[cold]
    pub(super) fn call_by_number(&mut self, a: usize) -> Next {
        let Registers { pc, func, .. } = self.task.registers;
        // SAFETY: `BY_NUMBER` stands in tables of modules only, which `call_native` alone reads; the program counter
        // is behind its two words then, and the function runs, so its module is loaded.
        let (word, index, module) = unsafe { (*pc.sub(2), *pc.sub(1), (*func).module()) };
        let [_, _, first, count] = word.to_le_bytes();
        let number = module.native_value(index as usize).as_native();
        let arguments = self.slots(first.into(), count.into());
        match self.host.call_function(number.unwrap_or(0), arguments) {
            Ok(value) => {
                self.set_slot(a, value);
                Next::Continue
            }
            Err(signal) => self.signalled(signal, a),
        }
    }

    fn slot(&self, index: usize) -> Value {
        // SAFETY: callers pass slots of the running window or reserved ones above it.
        unsafe { *self.task.registers.base.add(index) }
    }

    pub(crate) fn set_slot(&mut self, index: usize, value: Value) {
        // SAFETY: as for `slot`.
        unsafe { *self.task.registers.base.add(index) = value };
    }

    fn slots(&self, from: usize, count: usize) -> &[Value] {
        // SAFETY: as for `slot`.
        unsafe { std::slice::from_raw_parts(self.task.registers.base.add(from), count) }
    }

    /// Makes slots up to `count` above the running window's base usable; the result of raising a
    /// stack overflow if they are not to be had.
    fn reserve_slots(&mut self, count: usize) -> Option<Next> {
        let base = self.task.registers.base;
        // SAFETY: only compared, never followed, before it is reserved.
        if base.wrapping_add(count) <= self.task.value_limit {
            return None;
        }
        loop {
            let most = self
                .stack_limit
                .bytes()
                .saturating_sub(self.tasks.parked_bytes());
            if self.task.reserve(count, most) {
                break;
            }
            if !self.stack_limit.settle() {
                return Some(self.stack_overflow());
            }
        }
        if self.task.has_grown_much() {
            self.host.heap.request_collection();
        }
        None
    }

    /// Makes the running function's whole window usable.
    pub(crate) fn reserve_window(&mut self) -> Next {
        // SAFETY: the function runs, so its module is loaded.
        let registers = unsafe { (*self.task.registers.func).registers } as usize;
        self.reserve_slots(registers).unwrap_or(Next::Continue)
    }

    #[cold]
    fn stack_overflow(&mut self) -> Next {
        let condition = Condition::new(
            ConditionKind::Eval,
            "stack overflow: maximum call depth exceeded",
        )
        .hint("the recursion does not end, or it needs a larger limit (SEMAC_STACK_MB)");
        self.raise(Payload::Condition(condition))
    }

    /// Starts `func`, whose window begins behind slot `a`.
    pub(crate) fn push_frame(&mut self, a: usize, func: *const Func, kind: FrameKind) {
        if self.task.registers.frame == self.task.frame_limit {
            self.task.grow_frames();
        }
        let Registers {
            pc,
            base,
            func: caller,
            frame,
        } = self.task.registers;
        // SAFETY: there is room for a frame; the window behind slot `a` is in reserved memory.
        unsafe {
            *frame = Frame::new(pc, caller, a + 1, kind);
            self.task.registers = Registers {
                pc: (*func).code,
                base: base.add(a + 1),
                func,
                frame: frame.add(1),
            };
        }
    }

    /// Resolves the callee in slot `a` down to a function with its arguments in place, or calls
    /// what is not a function.
    fn prepare(&mut self, a: usize, mut count: usize) -> Result<Prepared, Next> {
        loop {
            let callee = self.slot(a);
            match callee.kind() {
                Kind::Closure => {
                    let func = Func::decode(self.host.heap.field(callee, 0));
                    // SAFETY: field 0 of a closure is a live function.
                    let slots = self.place_arguments(unsafe { &*func }, a, count)?;
                    return Ok(Prepared::Function { func, slots });
                }
                Kind::Native => {
                    let number = callee.as_native().unwrap_or(0);
                    let Some(native) = self.host.natives.known(number) else {
                        let arguments = self.slots(a + 1, count);
                        return match self.host.call_function(number, arguments) {
                            Ok(value) => {
                                self.set_slot(a, value);
                                Ok(Prepared::Done)
                            }
                            Err(signal) => Err(self.signalled(signal, a)),
                        };
                    };
                    if !native.arity.accepts(count) {
                        let signal = arity_error(
                            native.name,
                            native.arity.min.into(),
                            native.arity.max.map(usize::from),
                            count,
                        );
                        return Err(self.signalled(signal, a));
                    }
                    match (native.call)(&self.host, self.slots(a + 1, count)) {
                        Ok(value) => {
                            self.set_slot(a, value);
                            return Ok(Prepared::Done);
                        }
                        Err(signal) => match *signal {
                            Signal::TailCall(function, arguments) => {
                                if let Some(next) = self.reserve_slots(a + 1 + arguments.len()) {
                                    return Err(next);
                                }
                                self.set_slot(a, function);
                                count = arguments.len();
                                for (index, argument) in arguments.into_iter().enumerate() {
                                    self.set_slot(a + 1 + index, argument);
                                }
                            }
                            Signal::Dynamic(request) => match self.answer(request) {
                                Ok(Answer::Value(value)) => {
                                    self.set_slot(a, value);
                                    return Ok(Prepared::Done);
                                }
                                Ok(Answer::Call(thunk)) => {
                                    self.set_slot(a, thunk);
                                    count = 0;
                                }
                                Err(signal) => return Err(self.signalled(signal, a)),
                            },
                            other => return Err(self.signalled(Box::new(other), a)),
                        },
                    }
                }
                Kind::Keyword => {
                    let outcome = match *self.slots(a + 1, count) {
                        [map] => collections::lookup(&self.host, map, callee, Value::NIL),
                        [map, default] => collections::lookup(&self.host, map, callee, default),
                        _ => Err(arity_error(
                            &print::shown(&self.host, callee),
                            1,
                            Some(2),
                            count,
                        )),
                    };
                    match outcome {
                        Ok(value) => self.set_slot(a, value),
                        Err(signal) => return Err(self.signalled(signal, a)),
                    }
                    return Ok(Prepared::Done);
                }
                Kind::Multimethod => {
                    if let Some(next) = self.reserve_slots(a + 2 + count) {
                        return Err(next);
                    }
                    if count <= MULTIMETHOD_ARGUMENTS {
                        for index in (a + 1..=a + count).rev() {
                            self.set_slot(index + 1, self.slot(index));
                        }
                        count += 1;
                    } else {
                        let arguments = self.host.heap.list(self.slots(a + 1, count));
                        count = 1 + MULTIMETHOD_ARGUMENTS + 1;
                        for index in a + 2..a + count {
                            self.set_slot(index, Value::MISSING);
                        }
                        self.set_slot(a + count, arguments);
                    }
                    let invoker = self.host.heap.field(callee, record::MULTIMETHOD_INVOKER);
                    self.set_slot(a, invoker);
                    self.set_slot(a + 1, callee);
                }
                kind => {
                    let shown = print::shown(&self.host, callee);
                    let message = format!("not callable: {shown} ({})", kind.type_name());
                    let condition = Condition::new(ConditionKind::Eval, message)
                        .hint("expected a function, lambda, or keyword");
                    return Err(self.raise(Payload::Condition(condition)));
                }
            }
        }
    }

    /// Brings `count` arguments behind slot `a` into the shape of the function's parameters and
    /// gives the number of slots they take.
    fn place_arguments(&mut self, func: &Func, a: usize, count: usize) -> Result<usize, Next> {
        let (required, parameters) = (func.required.into(), func.parameters.into());
        if count < required || count > parameters && !func.rest {
            let max = if func.rest { None } else { Some(parameters) };
            return Err(self.signalled(arity_error(func.name(), required, max, count), a));
        }
        let slots = parameters + usize::from(func.rest);
        if let Some(next) = self.reserve_slots(a + 1 + slots.max(count)) {
            return Err(next);
        }
        if func.rest {
            let extra = if count > parameters {
                self.host
                    .heap
                    .list(self.slots(a + 1 + parameters, count - parameters))
            } else {
                Value::EMPTY
            };
            self.set_slot(a + 1 + parameters, extra);
        }
        for index in count..parameters {
            self.set_slot(a + 1 + index, Value::MISSING);
        }
        Ok(slots)
    }
}
