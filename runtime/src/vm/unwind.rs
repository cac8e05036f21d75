//! Raising: from a signal to the handler that catches it, or out of the task.

use std::borrow::Cow;

use sema_format::Location;

use super::dispatch::{Next, Registers};
use super::dynamic::Answer;
use super::module::{ANONYMOUS, Func, ModuleState};
use super::{Event, Vm};
use crate::collections::sorted_map;
use crate::error::{Condition, ConditionKind, Extra, Signal};
use crate::host::Host;
use crate::print;
use crate::value::{Kind, Value};

/// Frames that a trace keeps, from the innermost.
const TRACE_FRAMES: usize = 64;

/// What is being raised.
pub(crate) enum Payload {
    Condition(Condition),
    /// Any value; a map that was a condition is that condition again.
    Thrown(Value),
}

/// A place in a trace.
#[derive(Clone, Copy)]
pub(crate) struct TracePoint {
    pub func: *const Func,
    pub pc: u32,
}

/// A raised condition with the frames it left.
pub(crate) struct Raised {
    pub payload: Payload,
    pub trace: Vec<TracePoint>,
}

impl Vm {
    /// Does what a native's signal asks for. A value that comes later goes to register `slot`.
    #[cold]
    #[allow(clippy::boxed_local, reason = "natives return their signals boxed")]
    pub(crate) fn signalled(&mut self, signal: Box<Signal>, slot: usize) -> Next {
        match *signal {
            Signal::Raise(condition) => self.raise(Payload::Condition(condition)),
            Signal::Throw(value) => self.raise(Payload::Thrown(value)),
            Signal::Suspend(operation) => {
                self.task.resume_slot = self.task.offset_of(slot);
                Next::Stop(Event::Suspended(operation))
            }
            Signal::Exit(status) => Next::Stop(Event::Exit(status)),
            Signal::Dynamic(request) => match self.answer(request) {
                Ok(Answer::Value(value)) => {
                    self.set_slot(slot, value);
                    Next::Continue
                }
                Ok(Answer::Call(_)) => self.misplaced_call(),
                Err(signal) => self.signalled(signal, slot),
            },
            Signal::TailCall(..) => self.misplaced_call(),
        }
    }

    fn misplaced_call(&mut self) -> Next {
        let message = "a builtin that calls functions was called as one that does not";
        self.raise(Payload::Condition(Condition::new(
            ConditionKind::Internal,
            message,
        )))
    }

    /// Raises in the running task: continues at the innermost handler or ends the task.
    #[cold]
    pub(crate) fn raise(&mut self, payload: Payload) -> Next {
        let trace = self.trace();
        self.unwind(Raised { payload, trace })
    }

    fn trace(&self) -> Vec<TracePoint> {
        let Registers {
            pc,
            func,
            mut frame,
            ..
        } = self.task.registers;
        let mut trace = vec![trace_point(func, pc)];
        while trace.len() < TRACE_FRAMES {
            // SAFETY: `frame` is above the bottom frame of this task, which stops the walk.
            let caller = unsafe {
                frame = frame.sub(1);
                *frame
            };
            if self.task.is_bottom(frame) {
                break;
            }
            trace.push(trace_point(caller.func, caller.pc));
        }
        trace
    }

    fn unwind(&mut self, raised: Raised) -> Next {
        let mut passed_mark = None;
        loop {
            let Registers {
                pc,
                base,
                func,
                frame,
            } = self.task.registers;
            // SAFETY: functions live as long as the VM.
            let function = unsafe { &*func };
            let module = function.module();
            let at = trace_point(func, pc).pc;
            if let Some(handler) = module.handler(function.index, at) {
                let map = condition_map(&self.host, &raised);
                // SAFETY: the handler's register and target are inside the function (verified).
                unsafe {
                    *base.add(handler.register as usize) = map;
                    self.task.registers.pc = function.code.add(handler.target as usize);
                }
                if let Some(clean) = passed_mark {
                    self.task.lower_mark(clean);
                }
                return Next::Continue;
            }
            // SAFETY: there is a frame below every running window.
            let left = unsafe { frame.sub(1) };
            passed_mark = self.task.unwind_mark(left).or(passed_mark);
            // SAFETY: as above.
            let caller = unsafe { *left };
            if function.index == 0 && module.state.get() == ModuleState::Running {
                // Its main function: a failed import may be tried again.
                module.state.set(ModuleState::New);
            }
            if self.task.is_bottom(left) {
                return Next::Stop(Event::Failed(raised));
            }
            self.task.registers = Registers {
                pc: caller.pc,
                // SAFETY: the caller's window lies `delta` slots below.
                base: unsafe { base.sub(caller.delta as usize) },
                func: caller.func,
                frame: left,
            };
        }
    }

    /// Ends execution because of code that no compiler makes.
    #[cold]
    pub(crate) fn bad_instruction(&mut self) -> Event {
        let message = "the bytecode contains an instruction this runtime does not know";
        Event::Failed(Raised {
            payload: Payload::Condition(Condition::new(ConditionKind::Internal, message)),
            trace: Vec::new(),
        })
    }

    /// Raises `:unbound` for a global of the running function's module.
    #[cold]
    pub(crate) fn unbound(&mut self, global: usize) -> Next {
        // SAFETY: functions live as long as the VM.
        let module = unsafe { &*self.task.registers.func }.module();
        let name = module.global_name(global).unwrap_or_default();
        self.raise(Payload::Condition(unbound_condition(name)))
    }
}

/// The condition for a name without a value.
pub(crate) fn unbound_condition(name: &str) -> Condition {
    Condition::new(ConditionKind::Unbound, format!("Unbound variable: {name}"))
        .with("name", Extra::Text(name.to_owned()))
}

/// The word that was being executed when the program counter stood at `pc`.
fn trace_point(func: *const Func, pc: *const u32) -> TracePoint {
    // SAFETY: functions live as long as the VM.
    let code = unsafe { (*func).code };
    let words = (pc as usize).wrapping_sub(code as usize) / 4;
    TracePoint {
        func,
        pc: (words as u32).wrapping_sub(1),
    }
}

/// Whether a thrown value is a condition map that `catch` gave out.
pub(crate) fn is_condition_map(host: &Host, value: Value) -> Option<ConditionKind> {
    if value.kind() != Kind::Map {
        return None;
    }
    let kind = sorted_map::get_keyword(host, value, host.keyword("type"))?;
    let message = sorted_map::get_keyword(host, value, host.keyword("message"))?;
    if !host.heap.is_string(message) {
        return None;
    }
    ConditionKind::from_name(host.symbols.name(kind.as_keyword()?))
}

/// The map that `catch` binds.
pub(crate) fn condition_map(host: &Host, raised: &Raised) -> Value {
    let mut entries: Vec<(Value, Value)> = Vec::with_capacity(6);
    let keyword = |name: &str| host.keyword(name);
    match &raised.payload {
        Payload::Thrown(value) => {
            if is_condition_map(host, *value).is_some() {
                return *value;
            }
            let message = match host.heap.as_str(*value) {
                Some(_) => *value,
                None => host.heap.string(&print::readable(host, *value)),
            };
            entries.push((keyword("type"), keyword(ConditionKind::User.name())));
            entries.push((keyword("message"), message));
            entries.push((keyword("value"), *value));
        }
        Payload::Condition(condition) => {
            entries.push((keyword("type"), keyword(condition.kind.name())));
            entries.push((keyword("message"), host.heap.string(&condition.message)));
            for (key, extra) in &condition.extra {
                entries.push((keyword(key), extra_value(host, extra)));
            }
        }
    }
    entries.push((keyword("stack-trace"), trace_list(host, &raised.trace)));
    sorted_map::from_entries(host, &entries)
}

fn extra_value(host: &Host, extra: &Extra) -> Value {
    match extra {
        Extra::Text(text) => host.heap.string(text),
        Extra::Int(number) => host.heap.int(*number),
        Extra::Keyword(name) => host.keyword(name),
        Extra::Value(value) => *value,
    }
}

fn trace_list(host: &Host, trace: &[TracePoint]) -> Value {
    let mut frames: Vec<Value> = Vec::new();
    visible_frames(trace, &mut |name, location| {
        let mut entries = vec![(host.keyword("name"), host.heap.string(name))];
        if let Some(at) = location {
            entries.push((host.keyword("file"), host.heap.string(at.file)));
            entries.push((host.keyword("line"), Value::index(at.line as usize)));
            entries.push((host.keyword("col"), Value::index(at.column as usize)));
        }
        frames.push(sorted_map::from_entries(host, &entries));
    });
    host.heap.list(&frames)
}

/// Shows name and place of the frames of user code to `visit`, those of inlined functions among them.
pub(crate) fn visible_frames(
    trace: &[TracePoint],
    visit: &mut dyn FnMut(&str, Option<Location<'_>>),
) {
    let mut frames = 0;
    for (depth, point) in trace.iter().enumerate() {
        // SAFETY: functions live as long as the VM, which is alive while its traces are looked at.
        let function = unsafe { &*point.func };
        let module = function.module();
        module.frames(function.index, point.pc, depth > 0, &mut |frame| {
            frames += 1;
            let (name, library) = match frame.inlined {
                Some((name, library)) => (name.unwrap_or(ANONYMOUS), library),
                None => (function.name(), module.is_library(function.index)),
            };
            // As many as there would be if nothing were inlined.
            if !library && frames <= TRACE_FRAMES {
                visit(name, frame.location);
            }
        });
    }
}

/// Type, message and hint of what was raised, for the report of an uncaught condition.
pub(crate) fn describe(
    host: &Host,
    raised: &Raised,
) -> (ConditionKind, String, Option<Cow<'static, str>>) {
    match &raised.payload {
        Payload::Condition(condition) => (
            condition.kind,
            condition.message.to_string(),
            condition.hint.clone(),
        ),
        Payload::Thrown(value) => match is_condition_map(host, *value) {
            Some(ConditionKind::User) => {
                let thrown = sorted_map::get_keyword(host, *value, host.keyword("value"))
                    .unwrap_or(Value::NIL);
                (ConditionKind::User, print::readable(host, thrown), None)
            }
            Some(kind) => {
                let message = sorted_map::get_keyword(host, *value, host.keyword("message"))
                    .unwrap_or(Value::NIL);
                (kind, print::display(host, message), None)
            }
            None => (ConditionKind::User, print::readable(host, *value), None),
        },
    }
}
