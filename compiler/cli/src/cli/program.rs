//! Compiling for the commands: files from disk, diagnostics to standard error.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::arguments::{Lints, Optimization};
use super::failure::{Failure, note};
use semac_core::driver::{FileSystem, Options, Program, Surroundings, World, compile_program};
use semac_core::front::diagnostic::render::{Renderer, standard_error_takes_colour};
use semac_core::front::diagnostic::{Diagnostic, Severity};
use semac_core::front::source::SourceMap;
use semac_core::phases::Observer;

/// The real file system. It remembers what was read.
#[derive(Default)]
struct Disk {
    /// An entry file that can be read only once, a pipe for example: its name and its text.
    entry: Option<(PathBuf, Vec<u8>)>,
    inputs: Mutex<Vec<PathBuf>>,
}

impl FileSystem for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if let Some((name, text)) = &self.entry
            && name == path
        {
            return Ok(text.clone());
        }
        let bytes = std::fs::read(path)?;
        if let Ok(mut inputs) = self.inputs.lock() {
            inputs.push(path.to_owned());
        }
        Ok(bytes)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        match &self.entry {
            Some((name, _)) if name == path => Ok(name.clone()),
            _ => std::fs::canonicalize(path),
        }
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

/// A compiled program with its sources.
pub struct Compiled {
    /// The program.
    pub program: Program,
    /// The texts it was made from.
    pub sources: SourceMap,
    /// The files that were read for it.
    pub inputs: Vec<PathBuf>,
}

/// How many diagnostics of each severity were shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

/// Compiles the program with this entry file and shows what there is to say about it. `surroundings`:
/// what the program will find when it runs; `world`: what its modules become.
///
/// # Errors
/// [`Failure::Reported`] after showing the errors (or warnings, if they are denied), [`Failure::File`] if the entry cannot be read.
pub fn compile(
    entry: &Path,
    optimization: &Optimization,
    lints: &Lints,
    surroundings: Surroundings,
    world: World,
    phases: &dyn Observer,
) -> Result<Compiled, Failure> {
    check(entry, optimization, lints, surroundings, world, phases).0
}

/// Like [`compile`], and says how many diagnostics were shown.
pub fn check(
    entry: &Path,
    optimization: &Optimization,
    lints: &Lints,
    surroundings: Surroundings,
    world: World,
    phases: &dyn Observer,
) -> (Result<Compiled, Failure>, Counts) {
    let (disk, entry) = match opened(entry) {
        Ok(opened) => opened,
        Err(failure) => {
            let counts = Counts {
                errors: 1,
                warnings: 0,
            };
            return (Err(failure), counts);
        }
    };
    let options = Options {
        optimize: optimization.level,
        working_directory: std::env::current_dir().ok(),
        package_root: package_root(),
        allowed: lints.allow.clone(),
        surroundings,
        macro_steps: optimization.macro_steps,
        stoppable: optimization.stoppable,
        world,
    };
    let mut sources = SourceMap::new();
    match compile_program(&disk, &entry, &options, &mut sources, phases) {
        Ok(program) => {
            let counts = show(&sources, &program.warnings);
            if lints.deny_warnings && counts.warnings > 0 {
                return (Err(Failure::Reported), counts);
            }
            let mut inputs = disk.inputs.into_inner().unwrap_or_default();
            inputs.extend_from_slice(&program.read_by_macros);
            let compiled = Compiled {
                program,
                sources,
                inputs,
            };
            (Ok(compiled), counts)
        }
        Err(diagnostics) => {
            let counts = show(&sources, &diagnostics);
            (Err(Failure::Reported), counts)
        }
    }
}

/// The files of a program and the name of its entry. What is no regular file is read here and now; the program
/// then lies in the current directory. A missing entry file is a wrong command line rather than a wrong program.
fn opened(entry: &Path) -> Result<(Disk, PathBuf), Failure> {
    let unreadable = |source| Failure::File {
        action: "read",
        path: entry.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(entry).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    // A file that was deleted while it is open, like a pipe, has no path.
    if metadata.is_file() && std::fs::canonicalize(entry).is_ok() {
        return Ok((Disk::default(), entry.to_owned()));
    }
    let text = std::fs::read(entry).map_err(unreadable)?;
    let directory = std::env::current_dir().map_err(unreadable)?;
    let name = directory.join(entry.file_name().unwrap_or(entry.as_os_str()));
    let disk = Disk {
        entry: Some((name.clone(), text)),
        ..Disk::default()
    };
    Ok((disk, name))
}

fn show(sources: &SourceMap, diagnostics: &[Diagnostic]) -> Counts {
    if !diagnostics.is_empty() {
        let renderer = Renderer::new(standard_error_takes_colour());
        note(&renderer.render_all(sources, diagnostics));
    }
    let errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .count();
    Counts {
        errors,
        warnings: diagnostics.len() - errors,
    }
}

/// The user's home directory.
pub(super) fn home() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(PathBuf::from)
}

/// Where installed packages are: `$SEMA_HOME/packages`, else `~/.sema/packages`.
pub(super) fn package_root() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = set("SEMA_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".sema")));
    home.map(|home| home.join("packages"))
}
