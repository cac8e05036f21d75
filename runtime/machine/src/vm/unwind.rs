//! Raising: from a signal to the handler that catches it, or out of the task.

use super::condition::TracePoint;
use super::dispatch::{Next, Registers};
use super::dynamic::Answer;
use super::module::{Func, ModuleState};
use super::{Event, Vm};
use crate::host::condition::{Condition, ConditionKind, Extra, Signal};
use crate::memory::value::Value;
use crate::task::Operation;

/// Frames that a trace keeps, from the innermost.
pub(crate) const TRACE_FRAMES: usize = 64;

/// What is being raised.
pub(crate) enum Payload {
    Condition(Condition),
    /// Any value; a map that was a condition is that condition again.
    Thrown(Value),
    /// The condition map with which an awaited task has failed.
    Awaited(Value),
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
    pub(crate) fn signalled(&mut self, mut signal: Box<Signal>, slot: usize) -> Next {
        if let Signal::Suspend(operation) = &mut *signal {
            self.task.resume_slot = self.task.offset_of(slot);
            if matches!(operation, Operation::Blocked) && self.interrupted.is_empty() {
                self.host.reuse_signal(signal);
                return self.exchange();
            }
            let operation = std::mem::replace(operation, Operation::Blocked);
            self.host.reuse_signal(signal);
            return self.stand_back(operation);
        }
        match *signal {
            Signal::Raise(condition) => self.raise(Payload::Condition(condition)),
            Signal::Throw(value) => self.raise(Payload::Thrown(value)),
            Signal::Suspend(operation) => self.stand_back(operation),
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
            Signal::ByNumber => self.call_by_number(slot),
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
        self.unwind::<true>(Raised { payload, trace })
    }

    /// The same, but no handler sees it: the task ends.
    #[cold]
    pub(super) fn raise_past_handlers(&mut self, payload: Payload) -> Next {
        let trace = self.trace();
        self.unwind::<false>(Raised { payload, trace })
    }

    pub(super) fn trace(&mut self) -> Vec<TracePoint> {
        let Registers {
            pc,
            func,
            mut frame,
            ..
        } = self.task.registers;
        let mut trace = std::mem::take(&mut self.spare_trace);
        trace.reserve(TRACE_FRAMES);
        trace.push(trace_point(func, pc));
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

    /// Leaves frames up to the innermost handler, or all of them if no handler is to see what is raised.
    fn unwind<const HANDLED: bool>(&mut self, raised: Raised) -> Next {
        let mut passed_mark = None;
        loop {
            let Registers {
                pc,
                base,
                func,
                frame,
            } = self.task.registers;
            // SAFETY: the function runs, so its module is loaded.
            let function = unsafe { &*func };
            let module = function.module();
            let at = trace_point(func, pc).pc;
            if HANDLED
                && function.has_handlers
                && let Some(handler) = module.handler(function.index, at)
            {
                let map = self.condition_maps.map(&self.host, &raised);
                // SAFETY: the handler's register and target are inside the function (verified).
                unsafe {
                    *base.add(handler.register as usize) = map;
                    self.task.registers.pc = function.code.add(handler.target as usize);
                }
                if let Some(clean) = passed_mark {
                    self.task.lower_mark(clean);
                }
                self.spare_trace = raised.trace;
                self.spare_trace.clear();
                return Next::Continue;
            }
            // SAFETY: there is a frame below every running window.
            let left = unsafe { frame.sub(1) };
            passed_mark = self.task.unwind_mark(left).or(passed_mark);
            // SAFETY: as above.
            let caller = unsafe { *left };
            if let Some((_, state)) = module.run_by(function.index)
                && state.get() == ModuleState::Running
            {
                // Its main function: a failed import may be tried again.
                state.set(ModuleState::New);
                self.module_ended(module.number.get(), function.index);
            }
            if self.task.is_bottom(left) {
                return Next::Stop(Event::Raised(Box::new(raised)));
            }
            self.task.registers = Registers {
                pc: caller.pc,
                // SAFETY: the window that is left is that of the caller's callee.
                base: unsafe { caller.base_below(base) },
                func: caller.func,
                frame: left,
            };
        }
    }

    /// Ends execution because of code that no compiler makes.
    #[cold]
    pub(crate) fn bad_instruction(&mut self) -> Event {
        let message = "the bytecode contains an instruction this runtime does not know";
        Event::Raised(Box::new(Raised {
            payload: Payload::Condition(Condition::new(ConditionKind::Internal, message)),
            trace: Vec::new(),
        }))
    }

    /// Raises `:unbound` for a global of the running function's module.
    #[cold]
    pub(crate) fn unbound(&mut self, global: usize) -> Next {
        // SAFETY: the function runs, so its module is loaded.
        let module = unsafe { &(*(*self.task.registers.func).module) };
        let condition = unbound_condition(self.name_of_global(module, global));
        self.raise(Payload::Condition(condition))
    }
}

/// The condition for a name without a value.
pub(crate) fn unbound_condition(name: &str) -> Condition {
    Condition::new(ConditionKind::Unbound, format!("Unbound variable: {name}"))
        .with("name", Extra::Text(name.to_owned()))
}

/// The word that was being executed when the program counter stood at `pc`.
fn trace_point(func: *const Func, pc: *const u32) -> TracePoint {
    // SAFETY: the function runs, so its module is loaded.
    let code = unsafe { (*func).code };
    let words = (pc as usize).wrapping_sub(code as usize) / 4;
    TracePoint {
        func,
        pc: (words as u32).wrapping_sub(1),
    }
}
