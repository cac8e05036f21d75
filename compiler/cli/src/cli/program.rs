//! Compiling for the commands: files from disk, diagnostics to standard error.

use std::io;
use std::path::{Path, PathBuf};

use super::arguments::Optimization;
use super::failure::{Failure, note};
use semac_core::driver::{FileSystem, Options, Program, Surroundings, World, compile_program};
use semac_core::front::diagnostic::render::{Renderer, standard_error_takes_colour};
use semac_core::front::diagnostic::{Diagnostic, Severity};
use semac_core::front::source::SourceMap;
use semac_core::phases::Observer;

/// The real file system.
struct Disk;

impl FileSystem for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
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
/// [`Failure::Reported`] after showing the errors, [`Failure::File`] if the entry cannot be read.
pub fn compile(
    entry: &Path,
    optimization: &Optimization,
    surroundings: Surroundings,
    world: World,
    phases: &dyn Observer,
) -> Result<Compiled, Failure> {
    check(entry, optimization, surroundings, world, phases).0
}

/// Like [`compile`], and says how many diagnostics were shown.
pub fn check(
    entry: &Path,
    optimization: &Optimization,
    surroundings: Surroundings,
    world: World,
    phases: &dyn Observer,
) -> (Result<Compiled, Failure>, Counts) {
    if let Err(failure) = readable(entry) {
        let counts = Counts {
            errors: 1,
            warnings: 0,
        };
        return (Err(failure), counts);
    }
    let options = Options {
        optimize: optimization.level,
        package_root: package_root(),
        surroundings,
        macro_steps: optimization.macro_steps,
        stoppable: optimization.stoppable,
        world,
    };
    let mut sources = SourceMap::new();
    match compile_program(&Disk, entry, &options, &mut sources, phases) {
        Ok(program) => {
            let counts = show(&sources, &program.warnings);
            (Ok(Compiled { program, sources }), counts)
        }
        Err(diagnostics) => {
            let counts = show(&sources, &diagnostics);
            (Err(Failure::Reported), counts)
        }
    }
}

/// A missing entry file is a wrong command line rather than a wrong program.
fn readable(entry: &Path) -> Result<(), Failure> {
    let problem = match std::fs::metadata(entry) {
        Ok(metadata) if metadata.is_dir() => io::Error::from(io::ErrorKind::IsADirectory),
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    Err(Failure::File {
        action: "read",
        path: entry.to_owned(),
        source: problem,
    })
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

/// Where installed packages are: `$SEMA_HOME/packages`, else `~/.sema/packages`.
pub(super) fn package_root() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = set("SEMA_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".sema")));
    home.map(|home| home.join("packages"))
}
