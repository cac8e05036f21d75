//! One operation, one body: a builtin that the compiler turns into instructions does the same as the native of
//! that name. Each is called with many argument lists, as an instruction and as a value; results, their types and
//! the errors must be equal.
//!
//! Which builtins these are is asked of the compiler: those that a call does not name as a native.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::vm::{Ending, FoundModule, LoadError, ModuleSource, Vm};
use semac_core::driver::{FileSystem, Options, Program, Surroundings, World, compile_program};
use semac_core::front::source::SourceMap;
use semac_core::phases::Unobserved;

/// Most arguments of a call.
const MOST: usize = 3;

/// Values of all kinds, and those at which operations change their ways.
const VALUES: &[&str] = &[
    "nil",
    "#t",
    "#f",
    "0",
    "1",
    "-1",
    "7",
    "140737488355327",
    "-140737488355328",
    "9223372036854775807",
    "100000000000000000000",
    "1/2",
    "0.0",
    "-0.0",
    "2.5",
    "1e300",
    "(/ 0.0 0.0)",
    "\"\"",
    "\"abc\"",
    "\"äöü\"",
    "#\\a",
    ":a",
    "'a",
    "'()",
    "'(1 2 3)",
    "[]",
    "[1 [2] \"x\"]",
    "{}",
    "{:a 1 1 :b}",
    "(hash-map :a 1 2 3)",
    "(mutable-array/new 3 :x)",
    "(mutable-cell/new 5)",
    "(bytevector 1 2 3)",
    "car",
    "(fn (x) x)",
];

/// Literals that have their own forms as second operands.
const LITERALS: &[&str] = &["0", "1", "-1", "200", "2.5", "\"x\"", ":a", "nil", "'()"];

struct One(String);

impl FileSystem for One {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Ok(self.0.clone().into_bytes())
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

fn compile(text: String, optimize: u8) -> Program {
    let options = Options {
        working_directory: None,
        allowed: Vec::new(),
        externs: Vec::new(),
        optimize,
        package_root: None,
        surroundings: Surroundings::Runtime,
        macro_steps: 1_000_000,
        macro_time: std::time::Duration::from_secs(60),
        printed: Default::default(),
        macro_effects: true,
        world: World::PROGRAM,
        expand: false,
        service: None,
        cassette: None,
        embedded: Default::default(),
        stoppable: false,
    };
    let mut sources = SourceMap::new();
    compile_program(
        &One(text),
        Path::new("/main.sema"),
        &options,
        &mut sources,
        &Unobserved,
    )
    .expect("compiles")
}

/// What a program prints.
fn run(program: Program) -> String {
    let modules = program.modules.into_iter();
    let modules = modules
        .map(|module| (module.name.clone(), module))
        .collect();
    let host = Host::new(Output::memory(), &sema_natives::NATIVES);
    let mut vm = Vm::new(host, Box::new(Modules(modules)));
    let main = vm
        .load_from_source(&program.entry, "")
        .expect("loads")
        .expect("is there");
    match vm.run_main(main) {
        Ending::Value(_) => String::from_utf8(vm.host.output.take()).expect("text"),
        Ending::Exit(status) => panic!("exit {status}"),
        Ending::Uncaught(uncaught) => panic!("{}", uncaught.text()),
    }
}

fn parameters(count: usize) -> &'static str {
    ["", "a", "a b", "a b c"][count]
}

/// The builtins that are instructions when they are called with so many arguments.
fn instructions(count: usize, optimize: u8) -> Vec<&'static str> {
    let natives = sema_natives::NATIVES.all().iter();
    let candidates: Vec<_> = natives
        .filter(|native| !native.name.starts_with('%') && native.arity.accepts(count))
        .map(|native| (native.name, native.alias_of.unwrap_or(native.name)))
        .collect();
    let mut text = String::new();
    for (number, (name, _)) in candidates.iter().enumerate() {
        let parameters = parameters(count);
        writeln!(
            text,
            "(define (f{number} {parameters}) ({name} {parameters}))"
        )
        .unwrap();
    }
    // Functions that nobody asks for are left out.
    let functions: Vec<_> = (0..candidates.len())
        .map(|number| format!("f{number}"))
        .collect();
    writeln!(
        text,
        "(define all (vector {}))(println (length all))",
        functions.join(" ")
    )
    .unwrap();
    let program = compile(text, optimize);
    let named = |name: &str| {
        let mut modules = program.modules.iter();
        modules.any(|module| module.natives.iter().any(|native| native == name))
    };
    let found = candidates
        .into_iter()
        .filter(|(_, canonical)| !named(canonical));
    found.map(|(name, _)| name).collect()
}

/// Argument lists as numbers of values: all for one and two arguments; for three, the second and third run
/// through the values at different speeds.
fn lists(count: usize) -> String {
    let values = VALUES.len();
    let lists: Vec<String> = match count {
        1 => (0..values).map(|a| format!("({a})")).collect(),
        2 => (0..values * values)
            .map(|number| format!("({} {})", number / values, number % values))
            .collect(),
        _ => (0..values * 5)
            .map(|number| {
                format!(
                    "({} {} {})",
                    number % values,
                    number / 5 % values,
                    number * 11 % values
                )
            })
            .collect(),
    };
    lists.join(" ")
}

fn differences(count: usize, optimize: u8) -> (usize, Vec<String>) {
    let names = instructions(count, optimize);
    let parameters = parameters(count);
    let mut text = format!("(define (values-anew) (vector {}))\n", VALUES.join(" "));
    text.push_str(
        "(define (outcome f)
           (try (let ((value (f))) (list :value (type value) value))
             (catch e (list :error (:type e) (:message e) (:expected e) (:got e) (:hint e)))))
         (define (pick numbers) (let ((all (values-anew))) (map (fn (n) (nth all n)) numbers)))
         (define hidden nil)
         (define (compare name shown one other)
           (let ((left (str (outcome one))) (right (str (outcome other))))
             (unless (equal? left right)
               (println name shown \"\\n  instruction\" left \"\\n  native     \" right))))\n",
    );
    writeln!(text, "(define lists '({}))", lists(count)).unwrap();
    for name in &names {
        writeln!(text, "(set! hidden {name})").unwrap();
        writeln!(
            text,
            "(for-each (fn (numbers)
               (compare \"{name}\" (pick numbers)
                 (fn () (apply (fn ({parameters}) ({name} {parameters})) (pick numbers)))
                 (fn () (apply hidden (pick numbers))))) lists)"
        )
        .unwrap();
        if count != 2 {
            continue;
        }
        for literal in LITERALS {
            writeln!(
                text,
                "(for-each (fn (number)
                   (compare \"{name}\" (list (first (pick (list number))) {literal})
                     (fn () (let ((a (first (pick (list number))))) ({name} a {literal})))
                     (fn () (apply hidden (list (first (pick (list number))) {literal}))))) (range {}))",
                VALUES.len()
            )
            .unwrap();
        }
    }
    text.push_str("(println \"done\")");
    let printed = run(compile(text, optimize));
    let printed = printed.strip_suffix("done\n").expect("runs to its end");
    (names.len(), printed.lines().map(str::to_owned).collect())
}

#[test]
fn instructions_do_what_the_natives_do() {
    for optimize in [0, 2] {
        let mut tested = 0;
        for count in 1..=MOST {
            let (names, wrong) = differences(count, optimize);
            assert!(
                wrong.is_empty(),
                "-O{optimize}, {count} arguments:\n{}",
                wrong
                    .iter()
                    .take(60)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("\n")
            );
            tested += names;
        }
        assert!(tested > 50, "only {tested} builtins are instructions");
    }
}
