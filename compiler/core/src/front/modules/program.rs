//! A whole program: the entry file and everything it reaches.

use std::rc::Rc;

use super::files::Files;
use super::loader::{Failure, Loader};
use super::os_path::shown;
use super::packages::PackageRoot;
use super::paths::normal;
use crate::front::datum::{FileId, Interner};
use crate::front::diagnostic::{Diagnostic, Severity};
use crate::front::expand::host::MacroHost;
use crate::front::expand::trace::{Trace, program_text};
use crate::front::lower::Session;
use crate::front::lower::externs::HostFunction;
use crate::front::source::SourceMap;
use crate::ir::builtins::Builtins;
use crate::ir::{MacroDefinition, Unit};
use crate::phases::Observer;

/// A module of a program.
#[derive(Debug)]
pub struct Module {
    /// Its path in the archive: relative to the directory that holds all files of the program; files of
    /// packages are below `@packages`.
    pub key: Rc<str>,
    /// The file it was read from.
    pub path: Rc<str>,
    /// The entry of the source map.
    pub file: FileId,
    /// Its code; [`Unit::name`] is the key.
    pub unit: Unit,
}

/// A lowered program.
#[derive(Debug)]
pub struct Program {
    /// The modules, each after those it imports (as far as there is no cycle); the entry is the last.
    pub modules: Vec<Module>,
    /// What may fail at run time.
    pub warnings: Vec<Diagnostic>,
    /// The files with macros expanded, if that was asked for: name in messages and text, the entry last.
    pub expanded: Vec<(String, String)>,
}

/// How to treat doubtful programs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Mistakes in an imported or loaded file are errors. Without it they are warnings, and importing the file
    /// raises them, as in the reference.
    pub strict_modules: bool,
    /// There will be a compiler when the program runs.
    pub compiler_at_run_time: bool,
    /// Codes of warnings that stay warnings although they are about what is certain to fail.
    pub allowed: &'a [String],
    /// The functions that whoever runs the program adds to the builtins.
    pub externs: &'a [HostFunction],
    /// The directory (absolute) that file names in messages are relative to; that of the entry if there is none.
    pub working_directory: Option<&'a str>,
    /// Whether to write down the files with the macros that they define expanded.
    pub expand: bool,
}

/// Lowers the program whose entry is the file `path` (absolute).
///
/// # Errors
/// All problems found, warnings included.
#[expect(clippy::too_many_arguments, reason = "the parts of a compilation")]
pub fn lower_files(
    path: &str,
    files: &dyn Files,
    sources: &mut SourceMap,
    packages: &PackageRoot,
    interner: &mut Interner,
    builtins: &Builtins,
    host: &mut dyn MacroHost,
    options: Options<'_>,
    phases: &dyn Observer,
) -> Result<Program, Vec<Diagnostic>> {
    let mut session = Session::new(interner, builtins, host);
    session.phases = phases;
    session.trace = options.expand.then(Trace::default);
    session.compiler_at_run_time = options.compiler_at_run_time;
    session.allowed = options.allowed.to_vec();
    session.externs = options.externs.to_vec();
    let path = files.canonical(path).unwrap_or_else(|| normal(path));
    let mut loader = Loader::new(files, sources, packages, options.strict_modules);
    loader.set_entry(&path, options.working_directory);
    session.loader = Some(loader);
    let entry = match session.entry_text(&path) {
        Ok(text) => text,
        Err(Failure::Missing(mut problem) | Failure::Broken(mut problem)) => {
            problem.severity = Severity::Error;
            let mut problems = std::mem::take(&mut session.diagnostics);
            // Reader errors have been recorded, as warnings if modules are not strict.
            for problem in &mut problems {
                problem.severity = Severity::Error;
            }
            if problems.is_empty() {
                problems.push(*problem);
            }
            return Err(problems);
        }
    };
    let lowered = session.lower_module(entry);
    let problems = std::mem::take(&mut session.diagnostics);
    if lowered.is_err() || problems.iter().any(Diagnostic::is_error) {
        return Err(problems);
    }
    let expanded = expanded(&mut session)?;
    let Some(loader) = &session.loader else {
        return Err(problems);
    };
    let mut modules: Vec<Module> = loader
        .order
        .iter()
        .filter_map(|key| {
            let finished = loader.finished(key)?;
            Some(Module {
                key: key.clone(),
                path: finished.path.clone(),
                file: finished.file,
                unit: (*finished.unit).clone(),
            })
        })
        .collect();
    let directory = loader.directory().to_owned();
    if let Some(prefix) = prefix_of_root(&modules, &directory) {
        rebase(&mut modules, &prefix);
        if let Some(loader) = &mut session.loader {
            loader
                .sources
                .rename_in_program(|name| match name.starts_with(['@', '<', '/']) {
                    true => name.to_owned(),
                    false => normal(&format!("{prefix}/{name}")),
                });
        }
    }
    Ok(Program {
        modules,
        warnings: problems,
        expanded,
    })
}

/// The files with macros expanded, in the order in which they were read.
fn expanded(session: &mut Session<'_>) -> Result<Vec<(String, String)>, Vec<Diagnostic>> {
    let (Some(trace), Some(loader)) = (&session.trace, &session.loader) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for (name, forms) in loader.files_read() {
        let Some(forms) = trace.expanded(forms) else {
            let message = format!("{name} is too large to be written with its macros expanded");
            return Err(vec![*Diagnostic::error("E0201", message)]);
        };
        files.push((name, program_text(&forms, session.interner)));
    }
    Ok(files)
}

/// The path of the entry's directory (absolute) in the directory that holds all files; `None` if that is the same.
fn prefix_of_root(modules: &[Module], directory: &str) -> Option<String> {
    let up = |key: &str| key.split('/').take_while(|part| *part == "..").count();
    let levels = modules
        .iter()
        .map(|module| up(&module.key))
        .max()
        .unwrap_or(0);
    if levels == 0 {
        return None;
    }
    let parts: Vec<&str> = directory
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let kept = parts
        .get(parts.len().saturating_sub(levels)..)
        .unwrap_or_default();
    Some(shown(&kept.join("/")))
}

/// Makes the keys, which are relative to the entry's directory, relative to the directory that holds all files.
fn rebase(modules: &mut [Module], prefix: &str) {
    let rename = |key: &Rc<str>| -> Rc<str> {
        if key.starts_with('@') {
            return key.clone();
        }
        Rc::from(normal(&format!("{prefix}/{key}")))
    };
    for module in modules {
        module.key = rename(&module.key);
        module.unit.name = module.key.clone();
        for import in &mut module.unit.imports {
            import.module = rename(&import.module);
        }
        for defined in &mut module.unit.macros {
            if let MacroDefinition::Imported(key) = &mut defined.definition {
                *key = rename(key);
            }
        }
        for global in &mut module.unit.globals {
            if let Some(key) = global.name.strip_prefix(" load ") {
                global.name = Rc::from(format!(" load {}", rename(&Rc::from(key))));
            }
        }
    }
}
