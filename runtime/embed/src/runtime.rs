//! Running programs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::condition::{Condition as Raised, ConditionKind, Outcome, eval_error};
use sema_machine::host::output::Output;
use sema_machine::memory::value::Value;
use sema_machine::vm::{Ending, Limits as MachineLimits, Vm};
use sema_natives::NATIVES;
use sema_vfs::Overlay;

use crate::builder::{Builder, Function};
use crate::convert::{to_data, to_value};
use crate::handle::Handles;
use crate::{Capability, Condition, Data, Error, Handle, Program};

/// Runs programs, one at a time. See [the crate](crate) for an example.
pub struct Runtime {
    settings: Builder,
    /// The machine of the program that runs.
    machine: Option<Machine>,
}

struct Machine {
    vm: Vm,
    handles: Handles,
    /// The number of the program's first module.
    entry: usize,
}

impl Runtime {
    /// Begins a runtime with the builtins of the tier that this crate was built for. Nothing is granted and
    /// nothing limited yet, and output goes where that of the process goes.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(settings: Builder) -> Runtime {
        Runtime {
            settings,
            machine: None,
        }
    }

    /// Runs the top level of a program, on a machine of its own: nothing is left of a program that ran before,
    /// and its handles are of no use any more. The result is the value of the last form.
    ///
    /// After an error what the top level has defined so far can be called.
    ///
    /// # Errors
    /// The program cannot be loaded, raises what it does not catch, or ends itself.
    pub fn run(&mut self, program: &Program) -> Result<Data, Error> {
        self.machine = None;
        let settings = &self.settings;
        let output = settings.output.writer(std::io::stdout());
        let errors = settings.errors.writer(std::io::stderr());
        let mut host = Host::new(Output::writers(output, errors), &NATIVES);
        host.arguments = settings.arguments.clone();
        host.files = Overlay::new(program.archive().cloned());
        host.deny(settings.denied());
        host.heap.stress_from_environment();
        let handles = Handles::default();
        for function in &settings.functions {
            add_function(&host, function, &handles);
        }
        let disk = !host.denies(Capability::FsRead);
        let mut vm = Vm::new(host, program.source(&NATIVES, disk));
        vm.set_limits(MachineLimits {
            stack: settings.limits.stack,
            heap: settings.limits.heap,
        });
        let entry = vm
            .load_from_source(program.entry(), "")
            .map_err(Error::Module)?;
        let Some(entry) = entry else {
            let missing = sema_machine::launch::StartError::NoModule(program.entry().to_owned());
            return Err(Error::Start(missing));
        };
        let machine = Machine { vm, handles, entry };
        self.go(machine, |machine| Ok(machine.vm.run_main(machine.entry)))
    }

    /// Calls what the program exports under this name. Other tasks of the program go on as long as any is ready.
    ///
    /// # Errors
    /// There is no such export, an argument cannot be converted, or as for [`Runtime::run`].
    pub fn call(&mut self, name: &str, arguments: &[Data]) -> Result<Data, Error> {
        let machine = self.machine.take().ok_or(Error::NoProgram)?;
        self.go(machine, |machine| {
            let function = machine.vm.exported(machine.entry, name);
            let function = function.ok_or_else(|| Error::NoExport(name.to_owned()))?;
            machine.call(function, arguments)
        })
    }

    /// Calls a function that the program gave out.
    ///
    /// # Errors
    /// The handle is not of the running program, or as for [`Runtime::call`].
    pub fn call_handle(&mut self, function: &Handle, arguments: &[Data]) -> Result<Data, Error> {
        let machine = self.machine.take().ok_or(Error::NoProgram)?;
        self.go(machine, |machine| {
            let function = machine.handles.value(&machine.vm.host, function)?;
            machine.call(function, arguments)
        })
    }

    /// What the program exports under this name: a function is a handle, data are copied.
    ///
    /// # Errors
    /// There is no such export.
    pub fn exported(&self, name: &str) -> Result<Data, Error> {
        let Machine { vm, handles, entry } = self.machine.as_ref().ok_or(Error::NoProgram)?;
        let value = vm.exported(*entry, name);
        let value = value.ok_or_else(|| Error::NoExport(name.to_owned()))?;
        to_data(&vm.host, handles, value)
    }

    /// The readable form of the value of a handle.
    ///
    /// # Errors
    /// The handle is not of the running program.
    pub fn text_of(&self, handle: &Handle) -> Result<String, Error> {
        let Machine { vm, handles, .. } = self.machine.as_ref().ok_or(Error::NoProgram)?;
        let value = handles.value(&vm.host, handle)?;
        Ok(print::readable(&vm.host, value))
    }

    /// What programs have written to standard output since the last call, if it is
    /// [captured](Builder::capture_output).
    pub fn take_output(&mut self) -> Vec<u8> {
        self.settings.output.take()
    }

    /// The same for standard error.
    pub fn take_errors(&mut self) -> Vec<u8> {
        self.settings.errors.take()
    }

    /// Lets a machine do something within the limits. A machine whose writer panics meanwhile is dropped.
    fn go(
        &mut self,
        mut machine: Machine,
        act: impl FnOnce(&mut Machine) -> Result<Ending, Error>,
    ) -> Result<Data, Error> {
        machine.handles.sweep(&machine.vm.host);
        machine.vm.set_step_limit(self.settings.limits.steps);
        machine.vm.set_time_limit(self.settings.limits.time);
        let ending = act(&mut machine);
        let host = &machine.vm.host;
        host.output.flush();
        let result = ending.and_then(|ending| match ending {
            Ending::Value(value) => to_data(host, &machine.handles, value),
            Ending::Exit(status) => Err(Error::Exited(status)),
            Ending::Uncaught(uncaught) => Err(Error::Raised(Box::new(Condition::of(*uncaught)))),
        });
        let result = match host.output.take_failure() {
            Some(failure) => result.and(Err(Error::Output(failure))),
            None => result,
        };
        self.machine = Some(machine);
        result
    }
}

impl Machine {
    fn call(&mut self, function: Value, arguments: &[Data]) -> Result<Ending, Error> {
        let host = &self.vm.host;
        let arguments = arguments
            .iter()
            .map(|argument| to_value(host, &self.handles, argument))
            .collect::<Result<Vec<Value>, Error>>()?;
        Ok(self.vm.call(function, &arguments))
    }
}

/// Makes a function of the embedder one of the machine.
fn add_function(host: &Host, function: &Rc<Function>, handles: &Handles) {
    let handles = handles.clone();
    let called = function.clone();
    let call = move |host: &Host, arguments: &[Value]| -> Outcome {
        let refused = |error: Error| eval_error(format!("{}: {error}", called.name));
        let arguments = arguments
            .iter()
            .map(|argument| to_data(host, &handles, *argument))
            .collect::<Result<Vec<Data>, Error>>()
            .map_err(refused)?;
        // It must not unwind through the machine. What it has left half done is its own.
        match catch_unwind(AssertUnwindSafe(|| (called.call)(&arguments))) {
            Ok(Ok(data)) => to_value(host, &handles, &data).map_err(refused),
            Ok(Err(message)) => Err(eval_error(message)),
            Err(_) => Err(Raised::new(
                ConditionKind::Internal,
                format!("the host function {} has panicked", called.name),
            )
            .signal()),
        }
    };
    host.add_function(&function.name, function.arity, Rc::new(call));
}
