//! From an entry file to compiled modules: reader, expander, lowering, optimiser, code generator.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::back::bytecode::Failure;
use crate::back::{self, Known};
use crate::front::datum::new_interner;
use crate::front::diagnostic::{COMPUTED_PATH, Diagnostic, NEEDS_COMPILER};
use crate::front::lower::externs::HostFunction;
use crate::front::modules::os_path::{path_of, text_of};
use crate::front::modules::{FileError, Files, Options as ModuleOptions, PackageRoot, lower_files};
use crate::front::positions::SourcePositions;
use crate::front::source::SourceMap;
use crate::ir::Unit;
use crate::link::data_reader;
use crate::link::library::Library;
use crate::link::reads::{self, Embedded, LiteralRead};
use crate::link::service;
pub use crate::link::service::{Service, Transport};
use crate::link::{self, Output};
use crate::live::dynamic;
use crate::live::machine::{Limits, Machine, Printed};
use crate::middle::frames;
use crate::middle::stop;
use crate::phases::{self, Observer};

/// Where source files come from. The compiler never opens a file itself.
pub trait FileSystem: Sync {
    /// The contents of a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>>;
    /// The path with links followed, `.` and `..` resolved.
    ///
    /// # Errors
    /// As the operating system says, in particular if there is no such file.
    fn canonical(&self, path: &Path) -> std::io::Result<PathBuf>;
    /// Whether a directory exists.
    fn is_directory(&self, path: &Path) -> bool;
}

/// What to compile and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Optimisation level, 0 to 2.
    pub optimize: u8,
    /// The directory that file names in messages are relative to; that of the entry file if there is none.
    pub working_directory: Option<PathBuf>,
    /// Root of installed packages, if there is one.
    pub package_root: Option<PathBuf>,
    /// What the program will find when it runs.
    pub surroundings: Surroundings,
    /// Whether tasks can be stopped while they compute, also if the program itself cannot stop any: its host can.
    pub stoppable: bool,
    /// Codes of warnings that stay warnings although they are about what is certain to fail.
    pub allowed: Vec<String>,
    /// The functions that whoever runs the program adds to the builtins.
    pub externs: Vec<HostFunction>,
    /// How many steps each macro transformer may take.
    pub macro_steps: u64,
    /// How long each macro transformer may take.
    pub macro_time: Duration,
    /// Where goes what they print.
    pub printed: Printed,
    /// Whether macro transformers may reach outside of the build: write files, start programs, use the network, exit.
    pub macro_effects: bool,
    /// What the modules become.
    pub world: World,
    /// Whether to write down the sources with the macros that they define expanded.
    pub expand: bool,
    /// The server of tools that the program becomes, if it does.
    pub service: Option<Service>,
    /// The path of an embedded tape, from which all calls of models are answered.
    pub cassette: Option<String>,
    /// The files that are embedded.
    pub embedded: Embedded,
}

/// What the modules of a program become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// One module, if code of run time cannot see them.
    Closed(Output),
    /// They stay apart. Behaves the same, for comparison.
    Open,
}

impl World {
    /// What runs.
    pub const PROGRAM: World = World::Closed(Output::Program);
    /// What others import.
    pub const LIBRARY: World = World::Closed(Output::Library);
}

/// What a program will find when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// A runtime without compiler.
    Runtime,
    /// A runtime with the compiler.
    Compiler,
    /// The compiler and the program's source files: it runs here and now.
    Sources,
}

/// A compiled program: the entry module and everything it can reach.
#[derive(Debug)]
pub struct Program {
    /// Key of the entry module.
    pub entry: String,
    /// Absolute paths of the files that the modules were made from, by key.
    pub paths: Vec<(String, PathBuf)>,
    /// The macros of the modules, for a compiler that is there when the program runs; `None` if the
    /// program has no use for one.
    pub macros: Option<sema_format::Module>,
    /// What the modules became: the entry, into which the others were merged, or all, each after those it
    /// imports; the entry is the last.
    pub modules: Vec<sema_format::Module>,
    /// Which files import which, in the order of the modules.
    pub imports: Vec<ImportedFile>,
    /// What it was compiled for.
    pub surroundings: Surroundings,
    /// Paths of the files that macros were asked to read, as they named them.
    pub read_by_macros: Vec<PathBuf>,
    /// Files that it reads when it runs, under names that stand in its text.
    pub reads: Vec<LiteralRead>,
    /// The sources with macros expanded, if that was asked for: name and text, in the order in which they were read.
    pub expanded: Vec<(String, String)>,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
}

/// That one file of a program imports another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// Key of the module that imports.
    pub from: String,
    /// Key of the module that is imported.
    pub to: String,
    /// Line of the import, from 1; 0 if it is not known.
    pub line: u32,
    /// Its column, from 1; 0 if it is not known.
    pub column: u32,
}

/// The imports of the modules of a program.
fn imports_of(modules: &[crate::front::modules::Module], sources: &SourceMap) -> Vec<ImportedFile> {
    let all = modules.iter().flat_map(|module| {
        let imports = module.unit.imports.iter();
        imports.map(|import| {
            let place = sources.location(import.span);
            ImportedFile {
                from: module.key.to_string(),
                to: import.module.to_string(),
                line: place.map_or(0, |place| place.line),
                column: place.map_or(0, |place| place.column),
            }
        })
    });
    all.collect()
}

/// Compiles the program whose entry file is `entry`. The texts of its files are added to `sources`,
/// which the diagnostics refer to. `phases` is told what goes on.
///
/// # Errors
/// Everything that is wrong with it, at least one diagnostic.
pub fn compile_program(
    files: &dyn FileSystem,
    entry: &Path,
    options: &Options,
    sources: &mut SourceMap,
    phases: &dyn Observer,
) -> Result<Program, Vec<Diagnostic>> {
    let run = || compile_here(files, entry, options, phases);
    let (result, collected) = dynamic::on_large_stack(run).unwrap_or_else(|error| {
        let message = format!("cannot start the compiler's thread: {error}");
        let diagnostic = Diagnostic::error("E0001", message);
        (Err(vec![*diagnostic]), SourceMap::new())
    });
    *sources = collected;
    result
}

fn compile_here(
    files: &dyn FileSystem,
    entry: &Path,
    options: &Options,
    phases: &dyn Observer,
) -> (Result<Program, Vec<Diagnostic>>, SourceMap) {
    let mut sources = SourceMap::new();
    let result = compile_with(files, entry, options, &mut sources, phases);
    (result, sources)
}

/// The directory of the main file.
fn main_directory(entry: &Path) -> String {
    let entry = std::path::absolute(entry).unwrap_or_else(|_| entry.to_owned());
    let directory = entry.parent().unwrap_or(&entry);
    text_of(directory)
}

fn compile_with(
    files: &dyn FileSystem,
    entry: &Path,
    options: &Options,
    sources: &mut SourceMap,
    phases: &dyn Observer,
) -> Result<Program, Vec<Diagnostic>> {
    phases.begin(phases::START);
    let mut interner = new_interner();
    let library = Library::new(sources);
    let builtins = library.builtins();
    let mut machine = Machine::new(
        &library,
        Limits {
            steps: options.macro_steps,
            time: options.macro_time,
            effects: options.macro_effects,
        },
        options.printed,
    );
    let packages = PackageRoot {
        directory: options.package_root.as_ref().map(|root| text_of(root)),
        program: Some(main_directory(entry)),
    };
    let compiler_at_run_time = options.surroundings != Surroundings::Runtime;
    let working_directory = options.working_directory.as_deref().map(text_of);
    let lowered = lower_files(
        &text_of(entry),
        &Adapter(files),
        sources,
        &packages,
        &mut interner,
        builtins,
        &mut machine,
        ModuleOptions {
            compiler_at_run_time,
            strict_modules: true,
            allowed: &options.allowed,
            externs: &options.externs,
            working_directory: working_directory.as_deref(),
            expand: options.expand,
        },
        phases,
    );
    machine.flush();
    let mut program = lowered?;
    let mut macros = None;
    if options.surroundings == Surroundings::Sources {
        program
            .warnings
            .retain(|problem| problem.code != COMPUTED_PATH);
    }
    if compiler_at_run_time {
        program
            .warnings
            .retain(|problem| problem.code != NEEDS_COMPILER);
        let has_macros = program
            .modules
            .iter()
            .any(|module| !module.unit.macros.is_empty());
        if has_macros && program.modules.iter().any(|module| module.unit.dynamic) {
            let units = program.modules.iter().map(|module| &module.unit);
            let definitions = dynamic::definitions(units, &interner);
            macros = Some(definitions.map_err(|failure| vec![limit(&failure)])?);
            // What transformers call is looked up by name.
            for module in &mut program.modules {
                module.unit.dynamic |= !module.unit.macros.is_empty();
            }
        }
    }
    let paths = program.modules.iter();
    let paths = paths.map(|module| (module.key.to_string(), path_of(&module.path)));
    let paths = paths.collect();
    let imports = imports_of(&program.modules, sources);
    phases.begin(phases::LINK);
    let units = program.modules.into_iter().map(|module| module.unit);
    let mut units: Vec<Unit> = units.collect();
    link::prices::add(&mut units, &interner);
    if let Some(entry) = units.last_mut() {
        if let Some(path) = &options.cassette {
            service::replay(entry, path);
        }
        if let Some(service) = &options.service {
            service::add(entry, service).map_err(|problem| vec![*problem])?;
        }
    }
    units.iter_mut().for_each(frames::mark);
    if let World::Closed(output) = options.world {
        units = link::close(units, output, &mut interner);
    }
    reads::resolve(&mut units, &options.embedded, sources, &interner);
    let reads = reads::literal(&units, &interner);
    let linked: Vec<_> = units
        .iter_mut()
        .map(|unit| library.link(unit, &mut interner, &|_| false))
        .collect::<Result<_, _>>()
        .map_err(|error| vec![*Diagnostic::error("E0002", error.to_string())])?;
    let stoppable = options.stoppable
        || units.iter().any(|unit| {
            // Code that is only known at run time may stop tasks, too.
            unit.dynamic || stop::can_stop_tasks(unit)
        });
    let mut modules = Vec::with_capacity(units.len());
    for (mut unit, linked) in units.into_iter().zip(linked) {
        unit.stoppable = stoppable;
        let positions = SourcePositions(sources);
        let compiled = back::compile_unit(
            &mut unit,
            &linked,
            Known::Proven,
            &positions,
            &interner,
            options.optimize,
            phases,
        );
        modules.push(compiled.map_err(|failure| vec![limit(&failure)])?);
    }
    if !compiler_at_run_time {
        data_reader::without_compiler(&mut modules);
    }
    let entry = modules
        .last()
        .map(|module| module.name.clone())
        .unwrap_or_default();
    Ok(Program {
        entry,
        paths,
        macros,
        modules,
        imports,
        surroundings: options.surroundings,
        read_by_macros: machine
            .paths_read()
            .iter()
            .map(|path| path_of(path))
            .collect(),
        reads,
        expanded: program.expanded,
        warnings: program.warnings,
    })
}

fn limit(failure: &Failure) -> Diagnostic {
    *Diagnostic::error("E0501", failure.error.to_string()).at(failure.span)
}

/// Why bytes are no source: they are no UTF-8 from a place on.
fn not_text(bytes: &[u8], valid: usize) -> String {
    if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"\0asm") {
        return "it is an executable, not the source of a program".to_owned();
    }
    let lines = bytes.iter().take(valid).filter(|byte| **byte == b'\n');
    format!(
        "stream did not contain valid UTF-8, in line {}",
        lines.count() + 1
    )
}

/// The file system as the module graph asks for it.
struct Adapter<'f>(&'f dyn FileSystem);

impl Files for Adapter<'_> {
    fn read(&self, path: &str) -> Result<String, FileError> {
        let bytes = self.0.read(&path_of(path)).map_err(|error| FileError {
            message: error.to_string(),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| FileError {
            message: not_text(error.as_bytes(), error.utf8_error().valid_up_to()),
        })?;
        Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        })
    }

    fn canonical(&self, path: &str) -> Option<String> {
        let path = self.0.canonical(&path_of(path)).ok()?;
        Some(text_of(&path))
    }

    fn is_directory(&self, path: &str) -> bool {
        self.0.is_directory(&path_of(path))
    }

    fn why_missing(&self, path: &str) -> String {
        match self.0.canonical(&path_of(path)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => error.to_string(),
            // Of all systems and libraries the same text.
            _ => "No such file or directory (os error 2)".to_owned(),
        }
    }
}
