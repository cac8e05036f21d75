//! Compiling for the commands: files from disk, diagnostics to standard error.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::arguments::{Lints, Optimization};
use super::failure::{Failure, note};
use super::image::{self, FileKind};
use semac_core::driver::{
    FileSystem, Options, Program, Service, Surroundings, World, compile_program,
};
use semac_core::front::diagnostic::render::{Renderer, standard_error_takes_colour};
use semac_core::front::diagnostic::{Diagnostic, Severity};
use semac_core::front::source::SourceMap;
use semac_core::link::reads::Embedded;
use semac_core::live::machine::Printed;
use semac_core::phases::Observer;

use crate::oci::archive::digest;

use crate::paths::shown;

/// The real file system. It remembers what was read.
#[derive(Default)]
struct Disk {
    /// Texts of files that are not on disk: an entry file that can be read only once, a pipe for example, or modules that
    /// a command makes.
    texts: HashMap<PathBuf, Vec<u8>>,
    /// Each file with its SHA-256.
    inputs: Mutex<Vec<(PathBuf, String)>>,
}

impl Disk {
    fn note(&self, path: &Path, bytes: &[u8]) {
        if let Ok(mut inputs) = self.inputs.lock() {
            inputs.push((path.to_owned(), digest(bytes)));
        }
    }
}

impl FileSystem for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if let Some(text) = self.texts.get(path) {
            self.note(path, text);
            return Ok(text.clone());
        }
        let bytes = std::fs::read(path)?;
        self.note(path, &bytes);
        Ok(bytes)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        match self.texts.get_key_value(path) {
            Some((name, _)) => Ok(name.clone()),
            None => std::fs::canonicalize(path),
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
    /// The SHA-256 of the sources among them, in hexadecimal digits.
    pub digests: Vec<(PathBuf, String)>,
}

/// How many diagnostics of each severity were shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

/// What a program is compiled for.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// What it will find when it runs.
    pub surroundings: Surroundings,
    /// What its modules become.
    pub world: World,
    /// The server that it becomes.
    pub service: Option<Service>,
    /// Whether to write down its sources with the macros that they define expanded.
    pub expand: bool,
    /// The path of the embedded tape that answers its calls of models.
    pub cassette: Option<String>,
    /// The files that it finds in itself.
    pub embedded: Embedded,
    /// Where goes what its macros print.
    pub printed: Printed,
}

impl Purpose {
    /// A program or a library that does what its file says.
    #[must_use]
    pub fn new(surroundings: Surroundings, world: World) -> Purpose {
        Purpose {
            surroundings,
            world,
            service: None,
            expand: false,
            cassette: None,
            embedded: Embedded::default(),
            printed: Printed::default(),
        }
    }
}

/// Compiles the program with this entry file and shows what there is to say about it.
///
/// # Errors
/// [`Failure::Reported`] after showing the errors (or warnings, if they are denied), [`Failure::File`] if the entry cannot be read.
pub fn compile(
    entry: &Path,
    optimization: &Optimization,
    lints: &Lints,
    purpose: Purpose,
    phases: &dyn Observer,
) -> Result<Compiled, Failure> {
    found(entry, optimization, lints, purpose, phases)?
        .shown()
        .0
}

/// Compiles a program whose entry file is among `texts`, modules that are not on disk, by their paths. They do not count as
/// sources of the program.
pub fn found_with(
    entry: &Path,
    texts: HashMap<PathBuf, Vec<u8>>,
    optimization: &Optimization,
    lints: &Lints,
    purpose: Purpose,
    phases: &dyn Observer,
) -> Found {
    let made: Vec<PathBuf> = texts.keys().cloned().collect();
    let disk = Disk {
        texts,
        ..Disk::default()
    };
    let mut found = diagnose(disk, entry, optimization, lints, purpose, phases);
    if let Some(compiled) = &mut found.program {
        let paths = &mut compiled.program.paths;
        paths.retain(|(_, path)| !made.contains(path));
        compiled.digests.retain(|(path, _)| !made.contains(path));
    }
    found
}

/// What compiling has found, not shown yet.
pub struct Found {
    /// The program, unless it has errors.
    pub program: Option<Compiled>,
    /// What there is to say about it.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the diagnostics are about, if there is no program that holds them.
    sources: SourceMap,
    /// Whether warnings fail.
    deny_warnings: bool,
}

impl Found {
    /// The texts that the diagnostics are about.
    pub fn sources(&self) -> &SourceMap {
        match &self.program {
            Some(program) => &program.sources,
            None => &self.sources,
        }
    }

    /// Shows the diagnostics. Gives the program, unless it has errors or warnings that are denied, and how many there are.
    ///
    /// # Errors
    /// [`Failure::Reported`]
    pub fn shown(&mut self) -> (Result<Compiled, Failure>, Counts) {
        let counts = show(self.sources(), &self.diagnostics);
        let denied = self.deny_warnings && counts.warnings > 0;
        let program = self.program.take().filter(|_| !denied);
        (program.ok_or(Failure::Reported), counts)
    }
}

/// Compiles a program and shows nothing. The parameters are those of [`compile`].
///
/// # Errors
/// The entry cannot be read.
pub fn found(
    entry: &Path,
    optimization: &Optimization,
    lints: &Lints,
    purpose: Purpose,
    phases: &dyn Observer,
) -> Result<Found, Failure> {
    found_in(entry, None, optimization, lints, purpose, phases)
}

/// The same of a file that can be read only once, and has been: its text.
///
/// # Errors
/// The entry cannot be read.
pub fn found_in(
    entry: &Path,
    text: Option<Vec<u8>>,
    optimization: &Optimization,
    lints: &Lints,
    purpose: Purpose,
    phases: &dyn Observer,
) -> Result<Found, Failure> {
    let (disk, entry) = opened(entry, text)?;
    Ok(diagnose(disk, &entry, optimization, lints, purpose, phases))
}

/// The sources of a program with the macros that they define expanded: name and text, in the order in which they were read.
///
/// # Errors
/// [`Failure::Reported`] after showing the errors, [`Failure::File`] if the entry cannot be read.
pub fn expanded(
    entry: &Path,
    optimization: &Optimization,
    phases: &dyn Observer,
) -> Result<Vec<(String, String)>, Failure> {
    let (disk, entry) = opened(entry, None)?;
    let lints = Lints::default();
    let purpose = Purpose {
        expand: true,
        ..Purpose::new(Surroundings::Runtime, World::LIBRARY)
    };
    let mut found = diagnose(disk, &entry, optimization, &lints, purpose, phases);
    Ok(found.shown().0?.program.expanded)
}

fn diagnose(
    disk: Disk,
    entry: &Path,
    optimization: &Optimization,
    lints: &Lints,
    purpose: Purpose,
    phases: &dyn Observer,
) -> Found {
    let options = Options {
        optimize: optimization.level,
        working_directory: std::env::current_dir().ok(),
        package_root: package_root(),
        allowed: lints.codes(),
        externs: lints.externs.clone(),
        surroundings: purpose.surroundings,
        macro_steps: optimization.macro_steps,
        macro_time: Duration::from_secs(optimization.macro_seconds),
        printed: purpose.printed,
        // Who runs a program asks for what its macros do.
        macro_effects: lints.macro_effects || purpose.surroundings == Surroundings::Sources,
        stoppable: optimization.stoppable,
        world: purpose.world,
        service: purpose.service,
        expand: purpose.expand,
        cassette: purpose.cassette,
        embedded: purpose.embedded,
    };
    let mut sources = SourceMap::new();
    let deny_warnings = lints.deny_warnings;
    match compile_program(&disk, entry, &options, &mut sources, phases) {
        Ok(mut program) => {
            let diagnostics = std::mem::take(&mut program.warnings);
            let digests = disk.inputs.into_inner().unwrap_or_default();
            // What is no file must not be protected as one.
            let on_disk = digests.iter().map(|(path, _)| path);
            let on_disk = on_disk.filter(|path| !disk.texts.contains_key(*path));
            let mut inputs: Vec<PathBuf> = on_disk.cloned().collect();
            inputs.extend_from_slice(&program.read_by_macros);
            Found {
                program: Some(Compiled {
                    program,
                    sources,
                    inputs,
                    digests,
                }),
                diagnostics,
                sources: SourceMap::new(),
                deny_warnings,
            }
        }
        Err(diagnostics) => Found {
            program: None,
            diagnostics,
            sources,
            deny_warnings,
        },
    }
}

/// The files of a program and the name of its entry. What is no regular file is read here and now; the program
/// then lies in the current directory. A missing entry file is a wrong command line rather than a wrong program.
fn opened(entry: &Path, text: Option<Vec<u8>>) -> Result<(Disk, PathBuf), Failure> {
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
        check_source(entry)?;
        return Ok((Disk::default(), entry.to_owned()));
    }
    let text = match text {
        Some(text) => text,
        None => std::fs::read(entry).map_err(unreadable)?,
    };
    let directory = std::env::current_dir().map_err(unreadable)?;
    let name = directory.join(entry.file_name().unwrap_or(entry.as_os_str()));
    let disk = Disk {
        texts: HashMap::from([(name.clone(), text)]),
        ..Disk::default()
    };
    Ok((disk, name))
}

/// Refuses what semac has made where a source is asked for. `file` is a regular file.
///
/// # Errors
/// [`Failure`]
pub(super) fn check_source(file: &Path) -> Result<(), Failure> {
    let start = image::first_bytes(file)?;
    let is_made = match image::kind_of(file, &start) {
        FileKind::Source => false,
        FileKind::Archive => true,
        // The name alone says nothing.
        FileKind::Module => image::kind_of(Path::new(""), &start) == FileKind::Module,
    };
    if !is_made {
        return Ok(());
    }
    let source = file.with_extension("sema");
    Err(Failure::Other {
        message: format!(
            "cannot compile '{}': it is {}, not the source of a program",
            shown(&file),
            if start.starts_with(b"\0") {
                "a module"
            } else {
                "an executable"
            },
        ),
        hint: match source.is_file() {
            true => format!("name the source: {}", shown(&source)),
            false => "name the program's entry file".to_owned(),
        },
    })
}

/// Shows diagnostics on standard error.
pub(super) fn show(sources: &SourceMap, diagnostics: &[Diagnostic]) -> Counts {
    if !diagnostics.is_empty() {
        let renderer = Renderer::new(standard_error_takes_colour());
        note(&renderer.render_all(sources, diagnostics));
    }
    Counts::of(diagnostics)
}

impl Counts {
    /// How many these are.
    pub fn of(diagnostics: &[Diagnostic]) -> Counts {
        let errors = diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .count();
        Counts {
            errors,
            warnings: diagnostics.len() - errors,
        }
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
