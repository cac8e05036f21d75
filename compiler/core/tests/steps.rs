//! The limit of steps that a host may set.

use std::io;
use std::path::{Path, PathBuf};

use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::vm::{Ending, FoundModule, LoadError, ModuleSource, Vm};
use semac_core::driver::{FileSystem, Options, Surroundings, World, compile_program};
use semac_core::front::source::SourceMap;
use semac_core::phases::Unobserved;

struct One(&'static str);

impl FileSystem for One {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Ok(self.0.as_bytes().to_vec())
    }
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }
    fn is_directory(&self, _: &Path) -> bool {
        false
    }
}

struct Modules(Vec<sema_format::Module>);

impl ModuleSource for Modules {
    fn module(&self, path: &str, _: &str) -> Result<Option<FoundModule>, LoadError> {
        let found = self.0.iter().find(|module| module.name == path);
        Ok(found.map(|module| FoundModule {
            key: path.to_owned(),
            image: module.clone().into(),
        }))
    }
}

/// How a program ends that may take so many steps, what it has printed, and how many steps are left.
fn run(source: &'static str, limit: u64) -> (Option<String>, String, Option<u64>) {
    let options = Options {
        working_directory: None,
        allowed: Vec::new(),
        externs: Vec::new(),
        optimize: 2,
        package_root: None,
        surroundings: Surroundings::Runtime,
        stoppable: true,
        macro_steps: 1000,
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
        &One(source),
        Path::new("/main.sema"),
        &options,
        &mut SourceMap::new(),
        &Unobserved,
    )
    .expect("compiles");
    let host = Host::new(Output::memory(), &sema_natives::NATIVES);
    let mut vm = Vm::new(host, Box::new(Modules(program.modules)));
    let main = vm.load_from_source(&program.entry, "");
    let main = main.expect("loads").expect("is there");
    vm.set_step_limit(Some(limit));
    let error = match vm.run_main(main) {
        Ending::Uncaught(uncaught) => Some(uncaught.text()),
        Ending::Value(_) | Ending::Exit(_) => None,
    };
    let printed = String::from_utf8(vm.host.output.take()).expect("text");
    (error, printed, vm.steps_left())
}

#[test]
fn steps_are_counted_and_limited() {
    let loop_of_1000 =
        "(define (f n) (let loop ((i 0)) (if (< i n) (loop (+ i 1)) i))) (println (f 1000))";
    let (error, printed, left) = run(loop_of_1000, 5000);
    assert_eq!((error, printed.as_str()), (None, "1000\n"));
    let taken = 5000 - left.expect("there is a limit");
    assert!((1000..1010).contains(&taken), "{taken}");
    // The same again: steps are the same everywhere.
    assert_eq!(run(loop_of_1000, 5000).2, left);
    assert_eq!(run(loop_of_1000, taken).0, None);
    let (error, printed, left) = run(loop_of_1000, taken - 1);
    assert!(error.is_some_and(|error| error.contains("all the steps")));
    assert_eq!((printed.as_str(), left), ("", Some(0)));
}

#[test]
fn no_handler_goes_on_beyond_the_limit() {
    let (error, printed, _) = run(
        "(define (spin) (let loop () (loop)))
(define (again) (try (spin) (catch e (println (:type e)) (again))))
(again)",
        100_000,
    );
    assert!(error.is_some_and(|error| error.contains("all the steps")));
    assert_eq!(printed, ":eval\n");
}
