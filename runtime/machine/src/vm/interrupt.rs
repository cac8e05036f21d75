//! Programs that a signal asks to end.
//!
//! A program ends with a condition that no handler sees (language specification, 12.3). The first process of a container is
//! different: nobody but itself can end it in order. There the running task gets a condition that `catch` sees, so that what cleans up
//! can do its work; a root task that waits gets it, too. What goes on all the same gets it again at each reminder
//! ([`crate::platform::signals`]), and in the end one that no handler sees.

use super::dispatch::{Next, Running};
use super::unwind::{Payload, Raised};
use super::{Event, Vm};
use crate::host::condition::{Condition, ConditionKind};
use crate::platform::signals;
use crate::task::{Resume, TaskId};

/// How often the first process gets the condition before it is ended.
const MOST_CONDITIONS: u32 = 20;

/// A signal that has asked the program to end.
#[derive(Clone, Copy)]
pub(super) struct Interrupt {
    signal: i32,
    conditions: u32,
}

impl Interrupt {
    /// Whether no handler is to see it.
    fn is_final(self) -> bool {
        !signals::is_first_process() || self.conditions > MOST_CONDITIONS
    }

    fn condition(self) -> Condition {
        Condition::new(ConditionKind::Cancelled, "evaluation cancelled: HostStop")
    }
}

impl Vm {
    /// Lets signals end the program of this machine, which is the one of the process and runs on this thread.
    pub fn obey_signals(&mut self) {
        #[cfg(feature = "many-threads")]
        {
            self.obeys_signals = true;
        }
        signals::begin_program(super::dispatch::alert);
    }

    /// With which status a program has to end that a signal has asked to, whatever it has made of that: where
    /// nobody but the program can react to signals, in the first process of a container.
    pub fn status_of_signal(&self) -> Option<u8> {
        let interrupt = self.interrupt?;
        signals::is_first_process().then(|| u8::try_from(128 + interrupt.signal).unwrap_or(1))
    }

    /// The condition for the program, if it is to get one now.
    fn hear(&mut self) -> Option<Interrupt> {
        #[cfg(feature = "many-threads")]
        if !self.obeys_signals {
            return None;
        }
        let signal = signals::hear()?;
        let before = self.interrupt.map_or(0, |interrupt| interrupt.conditions);
        let interrupt = Interrupt {
            signal,
            conditions: before + 1,
        };
        self.interrupt = Some(interrupt);
        Some(interrupt)
    }

    /// A signal may have come. The program counter of the saved registers stands behind the first word of the instruction
    /// that is next. Whether the task goes on, with that instruction or in a handler.
    #[cold]
    #[inline(never)]
    pub(super) fn attend(&mut self) -> Running {
        let Some(interrupt) = self.hear() else {
            let pc = self.task.registers.pc;
            self.task.registers.pc = pc.wrapping_sub(1);
            return true;
        };
        let next = if interrupt.is_final() {
            let trace = self.trace();
            let payload = Payload::Condition(interrupt.condition());
            Next::Stop(Event::Stopped(Box::new(Raised { payload, trace })))
        } else {
            if self.task.id != TaskId::ROOT {
                self.interrupt_root(interrupt);
            }
            self.raise(Payload::Condition(interrupt.condition()))
        };
        match next {
            Next::Continue => self.safepoint(),
            Next::Stop(event) => self.stop(event),
        }
    }

    /// If the root task waits, it goes on with the condition.
    fn interrupt_root(&mut self, interrupt: Interrupt) {
        let resume = Resume::Raise(Box::new(interrupt.condition()));
        let host = &self.host;
        host.scheduler.interrupt(&host.heap, TaskId::ROOT, resume);
    }

    /// No task runs: wakes the root task with the condition, if it is to get one.
    pub(super) fn attend_idle(&mut self) -> Option<Box<Raised>> {
        let interrupt = self.hear()?;
        if interrupt.is_final() {
            let payload = Payload::Condition(interrupt.condition());
            let trace = Vec::new();
            return Some(Box::new(Raised { payload, trace }));
        }
        self.interrupt_root(interrupt);
        None
    }
}
