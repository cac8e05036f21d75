//! What a runtime is made of.

use std::io::Write;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::Duration;

use sema_machine::host::native::{Arity, Capabilities};
use sema_natives::NATIVES;

use crate::output::{Shared, Target};
use crate::{Capability, Data, Error, Runtime};

/// What a program may use. Nothing is limited by default, except that stacks and heap leave room to the rest of
/// the process.
///
/// Memory is limited for the program as a whole. `steps` and `time` hold for each run and each call; code that
/// computes without waiting is reached where it counts its steps: compile it with `--stoppable`. A builtin that
/// is at work is not interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls and rounds of loops. Beyond, every further one raises an `:eval` condition.
    pub steps: Option<u64>,
    /// Time by the clock. Beyond, the program ends with a `:timeout` condition that it cannot catch.
    pub time: Option<Duration>,
    /// Bytes of data, the stacks too. Beyond, an allocation raises an `:eval` condition.
    pub heap: Option<usize>,
    /// Bytes of the stacks of all tasks; a quarter of `heap` if only that is given. Beyond, a call raises an `:eval` condition.
    pub stack: Option<usize>,
}

/// A function of the embedder.
pub(crate) struct Function {
    pub name: String,
    pub arity: Arity,
    pub call: Rc<Call>,
}

/// What a function of the embedder does.
type Call = dyn Fn(&[Data]) -> Result<Data, String>;

/// Settings of a [`Runtime`]; see [`Runtime::builder`].
#[must_use = "`build` makes the runtime"]
pub struct Builder {
    pub(crate) functions: Vec<Rc<Function>>,
    pub(crate) limits: Limits,
    pub(crate) granted: Vec<Capability>,
    pub(crate) arguments: Vec<String>,
    pub(crate) output: Target,
    pub(crate) errors: Target,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder {
            functions: Vec::new(),
            limits: Limits::default(),
            granted: Vec::new(),
            arguments: Vec::new(),
            output: Target::Process,
            errors: Target::Process,
        }
    }

    /// Adds a function that programs can call by `name`, with so many arguments (at most 255). Its error becomes
    /// an `:eval` condition with that message.
    ///
    /// Compiled code sees it where it has not defined the name itself; semac warns then that the name is unbound.
    /// The function cannot call back into the runtime: give it data, or make it a handle's business to be called
    /// after [`Runtime::call`] has returned. If it panics, the program gets an `:internal` condition.
    pub fn function(
        mut self,
        name: impl Into<String>,
        arguments: RangeInclusive<u8>,
        call: impl Fn(&[Data]) -> Result<Data, String> + 'static,
    ) -> Builder {
        let arity = Arity {
            min: *arguments.start(),
            max: Some(*arguments.end()),
        };
        self.functions.push(Rc::new(Function {
            name: name.into(),
            arity,
            call: Rc::new(call),
        }));
        self
    }

    /// Limits what programs use.
    pub fn limits(mut self, limits: Limits) -> Builder {
        self.limits = limits;
        self
    }

    /// Lets programs do what needs this capability. Without it, such builtins stay callable and raise
    /// `:permission-denied`. Files that are embedded in a program can always be read.
    pub fn grant(mut self, capability: Capability) -> Builder {
        self.granted.push(capability);
        self
    }

    /// Lets programs do everything.
    pub fn grant_all(mut self) -> Builder {
        self.granted.extend(Capability::ALL);
        self
    }

    /// What `(sys/args)` gives: the name of the program first, by custom.
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Builder {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Keeps standard output and standard error of programs in memory: see [`Runtime::take_output`] and
    /// [`Runtime::take_errors`].
    pub fn capture_output(mut self) -> Builder {
        self.output = Target::Captured(Shared::new(Vec::new()));
        self.errors = Target::Captured(Shared::new(Vec::new()));
        self
    }

    /// Sends standard output of programs to a writer. Without this and [`Builder::capture_output`] it is that of
    /// the process.
    pub fn output(mut self, writer: impl Write + 'static) -> Builder {
        self.output = Target::Writer(Shared::boxed(writer));
        self
    }

    /// The same for standard error.
    pub fn errors(mut self, writer: impl Write + 'static) -> Builder {
        self.errors = Target::Writer(Shared::boxed(writer));
        self
    }

    /// The capabilities that programs do not have.
    pub(crate) fn denied(&self) -> Capabilities {
        Capabilities::of(&self.granted).complement()
    }

    /// Makes the runtime.
    ///
    /// # Errors
    /// A function has the name of a builtin.
    pub fn build(self) -> Result<Runtime, Error> {
        for function in &self.functions {
            if NATIVES.find(&function.name).is_some() {
                return Err(Error::IsBuiltin(function.name.clone()));
            }
        }
        Ok(Runtime::new(self))
    }
}
