//! `semac run`: the program on the virtual machine, without a file in between.

use std::collections::HashMap;
use std::rc::Rc;

use sema_format::Module;
use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::launch;
use sema_machine::vm::{
    Ending, FoundModule, Limits, LoadError, ModuleImage, ModuleSource, Vm, read_plugin,
};
use sema_natives::NATIVES;

use super::arguments::{Lints, Run};
use super::clock::Clock;
use super::failure::Failure;
use super::program::{self, Compiled};
use semac_core::driver::{Surroundings, World};
use semac_core::front::diagnostic::Diagnostic;
use semac_core::front::diagnostic::render::{Renderer, standard_error_takes_colour};
use semac_core::front::lower::CERTAIN;
use semac_core::link::requirements::Requirements;
use semac_core::live::dynamic::{self, DynamicCompiler, Setup};

/// The modules of a program that was just compiled.
struct Memory {
    modules: HashMap<String, Module>,
    /// The capabilities of the program, as an archive would hold them.
    granted: String,
}

impl ModuleSource for Memory {
    /// Imports of other modules of the program were resolved when it was compiled; what is left are
    /// paths that were computed at run time, which may name compiled modules on disk.
    fn module(&self, path: &str, _importer: &str) -> Result<Option<FoundModule>, LoadError> {
        if let Some(module) = self.modules.get(path) {
            return Ok(Some(FoundModule {
                key: path.to_owned(),
                image: ModuleImage::from(module.clone()),
            }));
        }
        let Some(plugin) = read_plugin(path)? else {
            return Ok(None);
        };
        launch::admit(&plugin, &NATIVES, Some(&self.granted))?;
        Ok(Some(FoundModule {
            key: plugin.path,
            image: plugin.image,
        }))
    }
}

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
        Surroundings::Sources,
        World::PROGRAM,
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
    let Compiled {
        program, sources, ..
    } = compiled;
    let mut host = Host::new(Output::stdout(), &NATIVES);
    host.arguments = arguments;
    host.heap.stress_from_environment();
    let capabilities = Requirements::of(&program.modules).capabilities();
    let granted = launch::capabilities_metadata(&capabilities);
    let granted = String::from_utf8_lossy(&granted).into_owned();
    let modules = program.modules.into_iter();
    let modules = modules
        .map(|module| (module.name.clone(), module))
        .collect();
    let mut vm = Vm::new(host, Box::new(Memory { modules, granted }));
    let main = program.paths.iter().find(|(key, _)| *key == program.entry);
    let program_directory = main.and_then(|(_, path)| Some(path.parent()?.to_owned()));
    vm.set_dynamic(Rc::new(DynamicCompiler::new(Setup {
        macros: program.macros.map(ModuleImage::from),
        program_directory,
        sources: program.paths.into_iter().collect(),
        package_root: program::package_root(),
    })));
    vm.set_limits(limits);
    let number = match vm.load_from_source(&program.entry, "") {
        Ok(Some(number)) => number,
        Ok(None) => {
            let text = format!("Error: the compiler made no module '{}'\n", program.entry);
            vm.host.output.write_error(text.as_bytes());
            return 1;
        }
        Err(error) => {
            vm.host
                .output
                .write_error(format!("Error: {error}\n").as_bytes());
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
            let report = renderer.render(&sources, &Diagnostic::uncaught(&uncaught, &sources));
            vm.host.output.write_error(report.as_bytes());
            1
        }
    };
    vm.host.output.flush();
    vm.host.end();
    status
}
