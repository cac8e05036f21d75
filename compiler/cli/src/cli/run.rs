//! `semac run`: the program on the virtual machine, without a file in between.

use std::sync::Arc;

use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::host::program::{Common, Ended};
use sema_machine::vm::{Ending, Limits, Uncaught, Vm};

use super::arguments::{Lints, Run};
use super::capabilities;
use super::clock::Clock;
use super::failure::Failure;
use super::inside::Inside;
use super::program;
use super::runnable::Runnable;
use crate::bundle::Allowance;
use semac_core::driver::{Surroundings, World};
use semac_core::front::diagnostic::Diagnostic;
use semac_core::front::diagnostic::render::{Renderer, standard_error_takes_colour};
use semac_core::front::lower::CERTAIN;
use semac_core::live::dynamic;
use semac_core::live::machine::Printed;

pub(super) fn execute(arguments: &Run) -> Result<u8, Failure> {
    let clock = Clock::new(arguments.optimization.time_passes);
    // The program runs here and now and says itself where it fails.
    let lints = Lints {
        allow: CERTAIN
            .map(|code| Allowance::Code(code.to_owned()))
            .to_vec(),
        ..arguments.lints.clone()
    };
    let entry = super::build::entry_at(&arguments.file)?;
    let inside = Inside::of(&entry)?;
    let purpose = program::Purpose {
        embedded: inside.embedding.paths(),
        // Here and now the program prints, and its macros with it.
        printed: Printed::Output,
        ..program::Purpose::new(Surroundings::Sources, World::PROGRAM)
    };
    let compiled = program::compile(&entry, &arguments.optimization, &lints, purpose, &clock)?;
    clock.show();
    let (capabilities, policy) = capabilities::border(
        &compiled.program,
        &arguments.lints,
        inside.capabilities.as_deref(),
    )?;
    let files = inside.files()?;
    let file = entry.as_os_str();
    let words = std::iter::once(file).chain(arguments.arguments.iter().map(AsRef::as_ref));
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let limits = Limits::from_environment()?;
    let program = Runnable::new(compiled, capabilities, policy, files);
    let run = || run(program, words, limits);
    dynamic::on_large_stack(run).map_err(|error| Failure::Other {
        message: format!("cannot start the thread of the program: {error}"),
        hint: "the system refuses more memory or threads; try again when it is less busy"
            .to_owned(),
    })
}

/// Runs a program and gives its exit status. Errors have been shown.
fn run(program: Runnable, arguments: Vec<String>, limits: Limits) -> u8 {
    let again = Arc::new(Again {
        program,
        arguments,
        limits,
        common: Common::default(),
    });
    let Some((mut vm, number)) = again.machine() else {
        return 1;
    };
    vm.obey_signals();
    let ending = vm.run_main(number);
    vm.host.output.leave_terminal();
    let status = match (ending, vm.status_of_signal()) {
        (Ending::Exit(status), _) => status,
        (_, Some(status)) => status,
        (Ending::Value(_), _) => 0,
        (Ending::Uncaught(uncaught), _) => {
            again.report(&vm, &uncaught);
            1
        }
    };
    vm.host.output.flush();
    vm.host.end();
    status
}

/// A program with its arguments, from which any number of machines can be made.
struct Again {
    program: Runnable,
    arguments: Vec<String>,
    limits: Limits,
    common: Common,
}

impl Again {
    /// A machine and the number of the program's first module. `None`: it cannot be loaded, which has been shown.
    fn machine(self: &Arc<Self>) -> Option<(Vm, usize)> {
        let arguments = self.arguments.clone();
        let (mut vm, number) = self.program.load(Output::stdout(), arguments, self.limits);
        vm.host.program = Some(self.clone());
        vm.host.stack_bytes = dynamic::STACK_BYTES;
        match number {
            Ok(number) => Some((vm, number)),
            Err(problem) => {
                let text = format!("Error: {problem}\n");
                vm.host.output.write_error(text.as_bytes());
                None
            }
        }
    }

    /// Shows what ended a program.
    fn report(&self, vm: &Vm, uncaught: &Uncaught) {
        let renderer = Renderer::new(standard_error_takes_colour());
        let sources = &self.program.sources;
        let report = renderer.render(sources, &Diagnostic::uncaught(uncaught, sources));
        vm.host.output.write_error(report.as_bytes());
    }
}

impl sema_machine::host::program::Program for Again {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self: Arc<Self>, prepare: &mut dyn FnMut(&Host)) -> Ended {
        let Some((mut vm, number)) = self.machine() else {
            return Ended::Failed;
        };
        prepare(&vm.host);
        let ended = match vm.run_main(number) {
            Ending::Value(_) => Ended::Done,
            Ending::Exit(status) => Ended::Exit(status),
            Ending::Uncaught(uncaught) => {
                self.report(&vm, &uncaught);
                Ended::Failed
            }
        };
        vm.host.output.flush();
        vm.host.end();
        ended
    }
}
