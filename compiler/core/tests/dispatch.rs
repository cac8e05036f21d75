//! Threaded dispatch must not grow the machine stack: a program that runs every kind of instruction
//! many times, on a thread with a small stack. (Only optimised builds thread; see
//! `runtime/machine/build.rs`; `make tail-calls` runs the program in some.)

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::vm::{Ending, FoundModule, LoadError, ModuleSource, Vm};
use semac_core::driver::{FileSystem, Options, Surroundings, World, compile_program};
use semac_core::front::source::SourceMap;
use semac_core::phases::Unobserved;

const PROGRAM: &str = include_str!("dispatch.sema");

struct One;

impl FileSystem for One {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Ok(PROGRAM.as_bytes().to_vec())
    }
    fn canonical(&self, path: &Path) -> std::io::Result<PathBuf> {
        Ok(path.to_owned())
    }
    fn is_directory(&self, _: &Path) -> bool {
        false
    }
}

struct Modules(HashMap<String, sema_format::Module>);

impl ModuleSource for Modules {
    fn module(&self, path: &str, _: &str) -> Result<Option<FoundModule>, LoadError> {
        Ok(self.0.get(path).map(|module| FoundModule {
            key: path.to_owned(),
            image: module.clone().into(),
        }))
    }
}

#[test]
fn the_machine_stack_does_not_grow() {
    run(false);
}

#[test]
fn nor_when_steps_are_counted() {
    run(true);
}

fn run(stoppable: bool) {
    let options = Options {
        working_directory: None,
        allowed: Vec::new(),
        externs: Vec::new(),
        optimize: 2,
        package_root: None,
        surroundings: Surroundings::Runtime,
        stoppable,
        macro_steps: 1_000_000,
        macro_time: std::time::Duration::from_secs(60),
        printed: Default::default(),
        macro_effects: true,
        world: World::PROGRAM,
        expand: false,
        service: None,
        cassette: None,
        embedded: Default::default(),
    };
    let program = compile_program(
        &One,
        Path::new("/main.sema"),
        &options,
        &mut SourceMap::new(),
        &Unobserved,
    )
    .expect("compiles");
    let run = move || {
        let modules = program
            .modules
            .into_iter()
            .map(|module| (module.name.clone(), module))
            .collect();
        let mut vm = Vm::new(
            Host::new(Output::memory(), &sema_natives::NATIVES),
            Box::new(Modules(modules)),
        );
        let main = vm
            .load_from_source(&program.entry, "")
            .expect("loads")
            .expect("is there");
        match vm.run_main(main) {
            Ending::Value(_) => String::from_utf8(vm.host.output.take()).expect("text"),
            Ending::Exit(status) => format!("exit {status}"),
            Ending::Uncaught(uncaught) => uncaught.text(),
        }
    };
    let thread = std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(run)
        .expect("starts");
    assert_eq!(thread.join().expect("ends"), "3000\n");
}
