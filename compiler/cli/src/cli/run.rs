//! `semac run`: the program on the virtual machine, without a file in between.

use sema_machine::host::output::Output;
use sema_machine::vm::{Ending, Limits};

use super::arguments::{Lints, Run};
use super::clock::Clock;
use super::failure::Failure;
use super::program::{self, Compiled};
use super::runnable::Runnable;
use semac_core::driver::{Surroundings, World};
use semac_core::front::diagnostic::Diagnostic;
use semac_core::front::diagnostic::render::{Renderer, standard_error_takes_colour};
use semac_core::front::lower::CERTAIN;
use semac_core::live::dynamic;

pub(super) fn execute(arguments: &Run) -> Result<u8, Failure> {
    let clock = Clock::new(arguments.optimization.time_passes);
    // The program runs here and now and says itself where it fails.
    let lints = Lints {
        allow: CERTAIN.map(str::to_owned).to_vec(),
        deny_warnings: arguments.lints.deny_warnings,
    };
    let compiled = program::compile(
        &arguments.file,
        &arguments.optimization,
        &lints,
        program::Purpose::new(Surroundings::Sources, World::PROGRAM),
        &clock,
    )?;
    clock.show();
    let file = arguments.file.as_os_str();
    let words = std::iter::once(file).chain(arguments.arguments.iter().map(AsRef::as_ref));
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let limits = Limits::from_environment()?;
    let run = || run(compiled, words, limits);
    dynamic::on_large_stack(run).map_err(|error| Failure::Other {
        message: format!("cannot start the thread of the program: {error}"),
        hint: "the system refuses more memory or threads; try again when it is less busy"
            .to_owned(),
    })
}

/// Runs a program and gives its exit status. Errors have been shown.
fn run(compiled: Compiled, arguments: Vec<String>, limits: Limits) -> u8 {
    let program = Runnable::new(compiled);
    let (mut vm, number) = program.load(Output::stdout(), arguments, limits);
    let number = match number {
        Ok(number) => number,
        Err(problem) => {
            let text = format!("Error: {problem}\n");
            vm.host.output.write_error(text.as_bytes());
            return 1;
        }
    };
    vm.obey_signals();
    let ending = vm.run_main(number);
    let status = match (ending, vm.status_of_signal()) {
        (Ending::Exit(status), _) => status,
        (_, Some(status)) => status,
        (Ending::Value(_), _) => 0,
        (Ending::Uncaught(uncaught), _) => {
            let renderer = Renderer::new(standard_error_takes_colour());
            let sources = &program.sources;
            let report = renderer.render(sources, &Diagnostic::uncaught(&uncaught, sources));
            vm.host.output.write_error(report.as_bytes());
            1
        }
    };
    vm.host.output.flush();
    vm.host.end();
    status
}
