//! Running a built program: from the process's start to its exit status.
//!
//! The program is an archive, normally the one that is appended to the running executable. The
//! runtime alone runs the bundle that its first argument names. Nothing but the archive, the
//! arguments and the documented `SEMAC_*` variables has any influence: no configuration file is read,
//! and no argument is taken from the program.
//!
//! | variable | meaning |
//! |----------|---------|
//! | `SEMAC_STACK_MB` | limit of the stacks of all tasks together, in megabytes |
//! | `SEMAC_HEAP_MB` | limit of all data, the stacks too, in megabytes |
//! | `SEMAC_INFO` | `licenses`: print the licences of what the program contains, and end |
//! | `SEMA_GC_STRESS` | `1`: collect garbage at every safepoint (builds with the feature `gc-stress` only) |

#[cfg(feature = "many-threads")]
mod again;
pub mod hardening;
mod programs;
pub mod signature;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use sema_vfs::{ARCHIVE_MAGIC, Archive, EntryKind, Overlay, VfsError};

use crate::host::Host;
use crate::host::native::{Capabilities, Capability};
use crate::host::natives::Natives;
use crate::host::output::Output;
use crate::host::policy::{Policy, PolicyError};
use crate::platform::elf_note::Note;
use crate::platform::tier::Tier;
use crate::vm::{
    Ending, FoundModule, LimitError, Limits, LoadError, ModuleImage, ModuleSource, Plugin,
    Uncaught, Vm, find_plugin,
};

/// Name of the metadata entry that says which module is the program: its full path in an archive is
/// `.semac/entry`. See [`entry_metadata`].
pub const ENTRY: &str = "entry";

/// Name of the metadata entry with the capabilities of a program: see [`capabilities_metadata`].
pub const CAPABILITIES: &str = "capabilities";

/// Name of the metadata entry with the rules about the capabilities of a program, as [`Policy::parse`] reads them. A
/// program without it is made of nothing but code that the compiler has seen, and has no rules.
pub const POLICY: &str = "policy";

/// Name of the metadata entry with what a build was stamped with: lines `NAME=VALUE`, in the order of names.
pub const STAMP: &str = "stamp";

/// Name of the metadata entry with the files that a program was made from: lines of a SHA-256 and a path.
pub const SOURCES: &str = "sources";

/// Name of the metadata entry of a program whose line tables lie in a file of their own: what names that file.
pub const BUILD: &str = "build";

/// Name of the metadata entry of a bundle for an installed runtime: the name of the tier that it needs.
pub const TIER: &str = "tier";

pub use programs::{PROGRAMS, programs_metadata};

/// Name of the metadata entry of a program that was built for a runtime with the compiler.
pub const COMPILER: &str = "compiler";

/// The content of the metadata entry [`CAPABILITIES`]: the names of what the program's own builtins
/// need, one a line. Modules that a program takes in while it runs get no others.
pub fn capabilities_metadata(capabilities: &[Capability]) -> Vec<u8> {
    let names: Vec<&str> = capabilities.iter().map(|c| c.name()).collect();
    names.join("\n").into_bytes()
}

/// The capabilities that such a text names.
pub fn capabilities_of(metadata: &str) -> Capabilities {
    let all: Vec<Capability> = metadata.lines().filter_map(Capability::named).collect();
    Capabilities::of(&all)
}

/// Statuses of a process, besides those that a program gives itself.
mod status {
    pub(super) const SUCCESS: u8 = 0;
    /// An uncaught condition, or a program that cannot be started.
    pub(super) const FAILURE: u8 = 1;
    /// The runtime alone was called in a wrong way.
    pub(super) const USAGE: u8 = 2;
}

/// The content of the metadata entry [`ENTRY`] of a program that begins with the module at
/// `module_path` of the archive: that path, in UTF-8.
pub fn entry_metadata(module_path: &str) -> Vec<u8> {
    module_path.as_bytes().to_vec()
}

/// Runs the program of this process and gives its exit status. `arguments` are all of the process,
/// the program's name first.
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    natives: &'static Natives,
    note: &'static Note,
) -> u8 {
    run_with(arguments, natives, note, &|_, _| {})
}

/// Adds to the machine of a program, whose archive is given, before the program starts.
pub type Prepare = &'static (dyn Fn(&mut Vm, &Archive) + Sync);

/// Like [`run`], with something more in the machine: the compiler.
pub fn run_with(
    arguments: impl Iterator<Item = OsString>,
    natives: &'static Natives,
    note: &'static Note,
    prepare: Prepare,
) -> u8 {
    let mut arguments: Vec<OsString> = arguments.collect();
    let problem = match Archive::open_current_executable() {
        Ok(archive) => {
            let file = executable(&arguments);
            if let Some(error) = distrusted(&archive, note) {
                return refuse(&file, &error);
            }
            if let Some(wanted) = std::env::var_os(INFO).filter(|wanted| !wanted.is_empty()) {
                return inform(&wanted, Some(&archive));
            }
            return start(archive, Trust::Own, &file, &arguments, natives, prepare);
        }
        Err(VfsError::NoArchive) => None,
        Err(error) => Some(error),
    };
    if let Some(error) = problem {
        return refuse(&executable(&arguments), &error);
    }
    if let Some(wanted) = std::env::var_os(INFO).filter(|wanted| !wanted.is_empty()) {
        return inform(&wanted, None);
    }
    // Not a program but the runtime alone: the first argument is the bundle.
    match arguments.get(1) {
        Some(first) if !first.as_encoded_bytes().starts_with(b"-") => {}
        _ => return usage(arguments.first()),
    }
    arguments.remove(0);
    let bundle = PathBuf::from(arguments.first().cloned().unwrap_or_default());
    match read_bundle(&bundle) {
        Ok(archive) => match distrusted(&archive, note).or_else(|| beyond(&archive, note)) {
            Some(error) => refuse(&bundle, &error),
            None => start(
                archive,
                Trust::Foreign,
                &bundle,
                &arguments,
                natives,
                prepare,
            ),
        },
        Err(error) => refuse(&bundle, &error),
    }
}

/// The variable that asks a program about itself instead of running it: `licenses`.
const INFO: &str = "SEMAC_INFO";

/// The licences of the program, or of the runtime alone, if they are in it.
fn notices(archive: Option<&Archive>) -> Result<Option<String>, VfsError> {
    match archive {
        Some(archive) => archive.notices(),
        None => {
            let file = std::env::current_exe().and_then(std::fs::read);
            Ok(file.ok().and_then(|file| sema_vfs::notices_in(&file)))
        }
    }
}

/// Says what the program is asked about itself.
#[cold]
fn inform(wanted: &OsStr, archive: Option<&Archive>) -> u8 {
    if wanted != "licenses" {
        complain(&format!(
            "Error: {INFO} can be licenses, not {}\n",
            Path::new(wanted).display()
        ));
        return status::USAGE;
    }
    let notices = match notices(archive) {
        Ok(Some(notices)) => notices,
        Ok(None) => {
            complain("Error: this program has no licences in it: its runtime came without them\n");
            return status::FAILURE;
        }
        Err(error) => {
            complain(&format!("Error: the licences cannot be shown: {error}\n"));
            return status::FAILURE;
        }
    };
    let output = Output::stdout();
    output.write(notices.as_bytes());
    output.flush();
    status::SUCCESS
}

/// Why the runtime does not trust an archive; `None` if it does, or trusts all.
fn distrusted(archive: &Archive, note: &'static Note) -> Option<StartError> {
    let key = note.trusted()?;
    signature::check(archive, &key)
        .err()
        .map(StartError::Distrusted)
}

/// Why the runtime has too few builtins for a bundle, if that says what it needs.
fn beyond(archive: &Archive, note: &'static Note) -> Option<StartError> {
    let needed = archive.metadata(TIER)?;
    let needed = String::from_utf8_lossy(&needed.bytes().ok()?).into_owned();
    let has = note.tier()?;
    let is_enough = Tier::named(&needed).is_some_and(|needed| needed <= has);
    (!is_enough).then(|| StartError::LowerTier {
        needed,
        has: has.name(),
    })
}

/// Whether the modules of an archive are known to come from our compiler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// The archive is a part of this executable.
    Own,
    /// It came from elsewhere: every module is verified before it runs.
    Foreign,
}

/// A machine with the first module of a program, whose number comes with it.
#[inline(always)]
fn machine(
    archive: Archive,
    trust: Trust,
    arguments: Vec<String>,
    natives: &'static Natives,
    prepare: Prepare,
) -> Result<(Vm, usize), StartError> {
    let entry = entry_path(&archive)?;
    let mut host = Host::new(Output::stdout(), natives);
    host.arguments = arguments;
    host.files = Overlay::new(Some(archive.clone()));
    host.heap.stress_from_environment();
    let rules = archive.metadata(POLICY);
    if let Some(rules) = rules {
        restrict(&mut host, &archive, &rules.bytes()?)?;
    }
    let bundle = Bundle::new(archive.clone(), trust, natives);
    let mut vm = Vm::new(host, Box::new(bundle));
    prepare(&mut vm, &archive);
    vm.set_limits(Limits::from_environment()?);
    match vm.load_from_source(&entry, "")? {
        Some(module) => Ok((vm, module)),
        None => Err(StartError::NoModule(entry)),
    }
}

/// The machine comes back with the status of the program that has ended.
fn run_prepared(
    archive: Archive,
    trust: Trust,
    arguments: Vec<String>,
    natives: &'static Natives,
    prepare: Prepare,
) -> Result<(Vm, u8), StartError> {
    #[cfg(feature = "many-threads")]
    let again = std::sync::Arc::new(again::Again {
        archive: archive.clone(),
        trust,
        arguments: arguments.clone(),
        natives,
        prepare,
        common: Default::default(),
    });
    let (mut vm, module) = machine(archive.clone(), trust, arguments, natives, prepare)?;
    if vm.host.policy().is_some() {
        hardening::set(&archive)?;
    }
    #[cfg(feature = "many-threads")]
    {
        vm.host.program = Some(again);
    }
    vm.obey_signals();
    let ending = vm.run_main(module);
    vm.host.output.leave_terminal();
    let status = match (ending, vm.status_of_signal()) {
        (Ending::Exit(status), _) => status,
        (_, Some(status)) => status,
        (Ending::Value(_), _) => status::SUCCESS,
        (Ending::Uncaught(condition), _) => {
            report(&vm, &archive, &condition);
            status::FAILURE
        }
    };
    vm.host.output.flush();
    Ok((vm, status))
}

/// Shows what ended a program.
#[cold]
fn report(vm: &Vm, archive: &Archive, condition: &Uncaught) {
    let build = archive.metadata(BUILD).and_then(|entry| entry.bytes().ok());
    let build = build.as_deref().map(String::from_utf8_lossy);
    let report = condition.render_of_build(build.as_deref());
    vm.host.output.write_error(report.as_bytes());
}

/// Leaves the machine the capabilities of the program, within rules.
#[cold]
fn restrict(host: &mut Host, archive: &Archive, rules: &[u8]) -> Result<(), StartError> {
    let granted = match archive.metadata(CAPABILITIES) {
        Some(entry) => entry.bytes()?.into_owned(),
        None => Vec::new(),
    };
    let base = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let policy = Policy::parse(&String::from_utf8_lossy(rules), &base)?;
    host.restrict(capabilities_of(&String::from_utf8_lossy(&granted)), policy);
    Ok(())
}

/// Why a program does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The archive has no entry [`ENTRY`].
    #[error(
        "the archive does not say which module to run (it has no '.semac/entry'); build it again \
         with `semac build`"
    )]
    NoEntry,
    /// The module that the archive names does not exist.
    #[error("the archive has no module '{0}', with which the program begins; build it again")]
    NoModule(String),
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] VfsError),
    /// The rules about capabilities cannot be read.
    #[error("{0}; the program was built by another release of semac")]
    Policy(#[from] PolicyError),
    /// The runtime has a key, and the archive no signature of it.
    #[error("this runtime runs programs of one key only: {0}")]
    Distrusted(signature::SignatureError),
    /// The runtime lacks builtins of a bundle.
    #[error(
        "it needs a runtime of tier {needed}, and this one is of tier {has}; install one that `make all-runtimes` has built"
    )]
    LowerTier {
        /// The tier that the bundle needs.
        needed: String,
        /// The tier of the runtime.
        has: &'static str,
    },
    /// The border of a hardened program cannot be set.
    #[cfg(target_os = "linux")]
    #[error("the program was built with --hardened: {0}")]
    NoBorder(#[from] crate::platform::hardening::BorderError),
    /// There is no filter for the processor.
    #[error("the program was built with --hardened, and has no filter for {0}")]
    NoFilter(&'static str),
    /// A line of the border that nobody knows.
    #[error("the program was built with --hardened by another release of semac: {0}")]
    Border(String),
    /// The first module cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A variable of the environment has no valid value.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// The modules of an archive, then `.semac` files among its assets, then those on disk.
pub struct Bundle {
    archive: Archive,
    trust: Trust,
    natives: &'static Natives,
}

impl Bundle {
    /// The modules of this archive. Files on disk may name these natives only, and need no capability that the
    /// program does not have.
    pub fn new(archive: Archive, trust: Trust, natives: &'static Natives) -> Bundle {
        Bundle {
            archive,
            trust,
            natives,
        }
    }

    /// The module of the archive that an import means; `None` if it has none.
    ///
    /// # Errors
    /// It is damaged.
    pub fn embedded(&self, path: &str, importer: &str) -> Result<Option<FoundModule>, LoadError> {
        let importer = Some(importer).filter(|importer| !importer.is_empty());
        let found = self
            .archive
            .resolve(EntryKind::Module, path, importer)
            .or_else(|| self.archive.find(EntryKind::PackageModule, path));
        let Some(entry) = found else {
            return Ok(None);
        };
        let key = entry.path().to_owned();
        let bytes = entry.shared().map_err(|source| LoadError::Archive {
            module: key.clone(),
            source,
        })?;
        let image = match self.trust {
            Trust::Own => ModuleImage::embedded(&key, bytes)?,
            Trust::Foreign => ModuleImage::foreign(&key, bytes)?,
        };
        Ok(Some(FoundModule { key, image }))
    }

    /// Refuses a module that was not built into the program: see [`admit`]. If the archive had to be signed, one from outside
    /// of it has to be, too.
    fn admit(&self, plugin: &Plugin) -> Result<(), LoadError> {
        if !plugin.embedded && self.archive.is_vouched() {
            let path = Path::new(&plugin.path);
            let checked = signature::Signed::of(&self.archive)
                .and_then(|signed| signature::check_plugin(path, &plugin.bytes, &signed.key));
            checked.map_err(|error| LoadError::Distrusted {
                module: plugin.path.clone(),
                problem: error.to_string(),
            })?;
        }
        // Archives of other releases do not say what their programs may do.
        let Some(entry) = self.archive.metadata(CAPABILITIES) else {
            return admit(plugin, self.natives, None);
        };
        let bytes = entry.bytes().map_err(|source| LoadError::Archive {
            module: CAPABILITIES.to_owned(),
            source,
        })?;
        admit(plugin, self.natives, Some(&String::from_utf8_lossy(&bytes)))
    }
}

/// Refuses a module from outside of a program whose natives the runtime lacks, or that needs a capability that is not
/// `granted`: the content of [`CAPABILITIES`] of the program, if it is known.
///
/// # Errors
/// [`LoadError::MissingNatives`], [`LoadError::NotGranted`], or that the module is damaged.
pub fn admit(plugin: &Plugin, natives: &Natives, granted: Option<&str>) -> Result<(), LoadError> {
    let names = plugin.image.native_names()?;
    let mut missing = Vec::new();
    let mut uses = Vec::new();
    for name in &names {
        match natives.find(name) {
            Some(number) => uses.extend(natives.get(number).capabilities),
            None => missing.push((*name).to_owned()),
        }
    }
    if !missing.is_empty() {
        return Err(LoadError::MissingNatives {
            module: plugin.path.clone(),
            natives: missing,
        });
    }
    let Some(granted) = granted else {
        return Ok(());
    };
    let is_granted = |capability: Capability| granted.lines().any(|name| name == capability.name());
    let needed: Vec<String> = (Capability::ALL.into_iter())
        .filter(|capability| uses.contains(capability) && !is_granted(*capability))
        .map(|capability| capability.name().to_owned())
        .collect();
    if needed.is_empty() {
        return Ok(());
    }
    Err(LoadError::NotGranted {
        module: plugin.path.clone(),
        needed,
        granted: granted.lines().map(str::to_owned).collect(),
    })
}

impl ModuleSource for Bundle {
    fn module(&self, path: &str, importer: &str) -> Result<Option<FoundModule>, LoadError> {
        if let Some(found) = self.embedded(path, importer)? {
            return Ok(Some(found));
        }
        let files = Overlay::new(Some(self.archive.clone()));
        let Some(plugin) = find_plugin(&files, path, importer)? else {
            return Ok(None);
        };
        self.admit(&plugin)?;
        Ok(Some(FoundModule {
            key: plugin.path,
            image: plugin.image,
        }))
    }
}

fn start(
    archive: Archive,
    trust: Trust,
    file: &Path,
    arguments: &[OsString],
    natives: &'static Natives,
    prepare: Prepare,
) -> u8 {
    let mut arguments: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    if let Some(entry) = archive.metadata(PROGRAMS) {
        let names = match entry.bytes() {
            Ok(names) => String::from_utf8_lossy(&names).into_owned(),
            Err(error) => return refuse(file, &error),
        };
        arguments = match programs::choose(&names, arguments) {
            Ok(arguments) => arguments,
            Err(usage) => {
                complain(&usage);
                return status::USAGE;
            }
        };
    }
    match run_prepared(archive, trust, arguments, natives, prepare) {
        Ok((machine, status)) => {
            // The process ends: memory goes with it, all at once.
            machine.host.end();
            std::mem::forget(machine);
            status
        }
        Err(error) => refuse(file, &error),
    }
}

/// The path of the module with which the program of an archive begins.
///
/// # Errors
/// The archive does not say, or cannot be read.
pub fn entry_path(archive: &Archive) -> Result<String, StartError> {
    let entry = archive.metadata(ENTRY).ok_or(StartError::NoEntry)?;
    Ok(String::from_utf8_lossy(&entry.bytes()?).into_owned())
}

/// Reads a bundle, a bare archive or an executable with one, into memory. It is not mapped: the file
/// is somebody's, may change while the program runs, and what has been verified must not.
fn read_bundle(path: &Path) -> Result<Archive, VfsError> {
    let bytes = std::fs::read(path).map_err(|source| VfsError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    archive_in(bytes)
}

/// The archive that these bytes are or that is at the end of them.
///
/// # Errors
/// There is none, or it is damaged.
pub fn archive_in(bytes: Vec<u8>) -> Result<Archive, VfsError> {
    if bytes.starts_with(&ARCHIVE_MAGIC) {
        return Archive::from_bytes(bytes);
    }
    let found = bytes.get(..8).unwrap_or(&bytes).to_vec();
    match Archive::from_executable_bytes(bytes) {
        // The advice of that error is for executables.
        Err(VfsError::NoArchive) if !found.starts_with(b"\x7fELF") => Err(VfsError::NotAnArchive {
            found,
            expected: ARCHIVE_MAGIC,
        }),
        result => result,
    }
}

/// The path of the running executable, for messages.
fn executable(arguments: &[OsString]) -> PathBuf {
    PathBuf::from(
        arguments
            .first()
            .map_or(OsStr::new("program"), OsString::as_os_str),
    )
}

fn refuse(file: &Path, error: &dyn std::fmt::Display) -> u8 {
    complain(&format!(
        "Error: cannot run '{}': {error}\n",
        file.display()
    ));
    status::FAILURE
}

fn usage(program: Option<&OsString>) -> u8 {
    let name = program
        .map(Path::new)
        .and_then(Path::file_name)
        .unwrap_or(OsStr::new("sema-rt"));
    complain(&format!(
        "usage: {0} BUNDLE [ARGUMENT...]\n\
         {0} is the Sema runtime without a program. BUNDLE is what `semac` built.\n\
         If this was a built program, something has removed what follows the runtime: build it again.\n",
        Path::new(name).display()
    ));
    status::USAGE
}

fn complain(text: &str) {
    Output::stdout().write_error(text.as_bytes());
}
