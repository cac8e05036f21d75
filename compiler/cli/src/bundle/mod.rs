//! From a compiled program to a file: modules and assets in an archive, the archive behind a runtime.
//!
//! The bytes are a function of program, assets and runtime alone. Nothing that only a build needs
//! travels along: exported macros and documentation stay behind, debug information on request.

mod assets;
mod components;
mod debug_file;
mod grants;
mod hardening;
mod inputs;
mod keys;
mod runtime_image;
mod secrets;
mod target;

use std::path::{Path, PathBuf};

use sema_format::{Module, WriteOptions};
use sema_machine::launch;
use sema_machine::platform::tier::Tier;
use sema_vfs::{
    ArchiveBuilder, ArchiveSummary, EntryKind, Outputs, PathError, VfsPath, WriteError,
};

pub use assets::{
    Asset, Embedding, Excludes, IMAGE_MAKER, Include, IncludeError, PatternError, ServeError,
    is_image_of_semac,
};
pub use components::{Component, Components};
pub use debug_file::{build_name, debug_file};
pub use grants::{Allowance, Grant, Granted, Grants};
pub use hardening::Hardening;
pub use inputs::{at_home, output_path, overwritten, same_file};
pub use keys::{KeyError, generate as new_keys, private_key, public_key};
pub use runtime_image::{Origin, RuntimeError, RuntimeImage};
pub use secrets::{SecretError, refuse as refuse_secrets};
pub use target::{TARGETS, Target};

use semac_core::driver::Program;
use semac_core::driver::Surroundings;

/// Why a program cannot be bundled.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A module the format cannot hold.
    #[error("cannot encode the module '{module}': {source}")]
    Encode {
        /// The module.
        module: String,
        /// Why.
        source: sema_format::WriteError,
    },
    /// A module or asset with a path that archives do not take.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The archive or the file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What comes with the modules of a program.
#[derive(Debug, Default)]
pub struct Contents<'c> {
    /// The embedded files.
    pub assets: &'c [Asset],
    /// Their other names, as metadata.
    pub names: Option<Vec<u8>>,
    /// What the program may do.
    pub granted: Granted,
    /// What names the file with the line tables, if that is apart.
    pub build: Option<String>,
    /// What the build is stamped with: names and values, as lines `NAME=VALUE`.
    pub stamp: String,
    /// The files that the modules were made from, as lines: SHA-256 in hexadecimal digits, two spaces, path.
    pub sources: String,
    /// The tier that it needs, if an installed runtime is to run it.
    pub tier: Option<Tier>,
    /// The border of the kernel, if it is asked for.
    pub hardening: Option<Hardening>,
}

/// A program and its assets, ready to be written.
#[derive(Debug)]
pub struct Bundle {
    archive: ArchiveBuilder,
    source_count: usize,
    asset_count: usize,
}

impl Bundle {
    /// Packs the modules of `program` and what comes with them.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn new(
        program: &Program,
        contents: &Contents<'_>,
        debug: bool,
    ) -> Result<Bundle, BundleError> {
        let mut archive = ArchiveBuilder::new();
        for module in &program.modules {
            let bytes = encode(module, debug)?;
            let path = VfsPath::new(&module.name)?;
            archive.add_bytes(EntryKind::Module, path, bytes)?;
        }
        for asset in contents.assets {
            archive.add_file(EntryKind::Asset, asset.path.clone(), &asset.file)?;
        }
        if let Some(names) = &contents.names {
            let path = VfsPath::metadata(sema_vfs::NAMES)?;
            archive.add_bytes(EntryKind::Metadata, path, names.clone())?;
        }
        archive.add_bytes(
            EntryKind::Metadata,
            VfsPath::metadata(launch::CAPABILITIES)?,
            launch::capabilities_metadata(&contents.granted.capabilities),
        )?;
        let is_open = program.surroundings == Surroundings::Compiler;
        if is_open || !contents.granted.rules.is_empty() || contents.hardening.is_some() {
            let path = VfsPath::metadata(launch::POLICY)?;
            let rules = contents.granted.rules.clone().into_bytes();
            archive.add_bytes(EntryKind::Metadata, path, rules)?;
        }
        for (name, text) in [
            (launch::STAMP, &contents.stamp),
            (launch::SOURCES, &contents.sources),
        ] {
            if !text.is_empty() {
                let path = VfsPath::metadata(name)?;
                archive.add_bytes(EntryKind::Metadata, path, text.clone().into_bytes())?;
            }
        }
        if let Some(build) = &contents.build {
            let path = VfsPath::metadata(launch::BUILD)?;
            archive.add_bytes(EntryKind::Metadata, path, build.as_bytes())?;
        }
        if let Some(tier) = contents.tier {
            let path = VfsPath::metadata(launch::TIER)?;
            archive.add_bytes(EntryKind::Metadata, path, tier.name().as_bytes())?;
        }
        if let Some(hardening) = &contents.hardening {
            let path = VfsPath::metadata(launch::hardening::BORDER)?;
            let border = hardening.border.clone().into_bytes();
            archive.add_bytes(EntryKind::Metadata, path, border)?;
            for (processor, filter) in &hardening.filters {
                let path = VfsPath::metadata(&launch::hardening::filter_name(processor))?;
                archive.add_bytes(EntryKind::Metadata, path, filter.clone())?;
            }
        }
        if is_open {
            let path = VfsPath::metadata(launch::COMPILER)?;
            archive.add_bytes(EntryKind::Metadata, path, Vec::new())?;
        }
        let entry = launch::entry_metadata(&program.entry);
        archive.add_bytes(
            EntryKind::Metadata,
            VfsPath::metadata(launch::ENTRY)?,
            entry,
        )?;
        if let Some(macros) = &program.macros {
            archive.add_bytes(
                EntryKind::Metadata,
                VfsPath::metadata(semac_core::live::dynamic::MACROS)?,
                encode(macros, false)?,
            )?;
        }
        Ok(Bundle {
            archive,
            source_count: program.paths.len(),
            asset_count: contents.assets.len(),
        })
    }

    /// Says that the program is several, of which the runtime chooses by these names.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn with_programs(mut self, names: &[String]) -> Result<Bundle, BundleError> {
        let path = VfsPath::metadata(launch::PROGRAMS)?;
        let content = launch::programs_metadata(names);
        self.archive.add_bytes(EntryKind::Metadata, path, content)?;
        Ok(self)
    }

    /// How many source files went into its modules.
    #[must_use]
    pub fn source_count(&self) -> usize {
        self.source_count
    }

    /// How many assets it holds.
    #[must_use]
    pub fn asset_count(&self) -> usize {
        self.asset_count
    }

    /// Writes the executable `output` as one of several files.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn write(
        &self,
        runtime: &RuntimeImage,
        output: &Path,
        outputs: &mut Outputs,
    ) -> Result<ArchiveSummary, BundleError> {
        let write = |file: &mut std::io::BufWriter<_>| self.archive.append_to(&runtime.bytes, file);
        // A module of WebAssembly is run by its host.
        let is_executable = runtime.target.suffix().is_empty();
        Ok(outputs.write(output, is_executable, write)?)
    }

    /// The executable as bytes.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn to_bytes(&self, runtime: &RuntimeImage) -> Result<Vec<u8>, BundleError> {
        Ok(self.archive.to_executable_bytes(&runtime.bytes)?)
    }
}

/// The file of a module as a program carries it: without what only importing compilers read.
fn encode(module: &Module, debug: bool) -> Result<Vec<u8>, BundleError> {
    let options = WriteOptions {
        debug,
        docs: false,
        ..WriteOptions::default()
    };
    let written = if module.macros.is_empty() {
        sema_format::write(module, &options)
    } else {
        let mut slim = module.clone();
        slim.macros.clear();
        sema_format::write(&slim, &options)
    };
    written.map_err(|source| BundleError::Encode {
        module: module.name.clone(),
        source,
    })
}

/// Writes a module file, which appears complete or not at all.
///
/// # Errors
/// [`BundleError::Write`]
pub fn write_module(output: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    let write = |file: &mut std::io::BufWriter<_>| {
        std::io::Write::write_all(file, bytes).map_err(WriteError::Output)
    };
    Ok(sema_vfs::replace_file(output, false, write)?)
}

/// Where a program goes that was not told: the source's name without extension, in the current
/// directory.
#[must_use]
pub fn default_output(source: &Path) -> Option<PathBuf> {
    source.file_stem().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(name: &str) -> Module {
        Module {
            name: name.to_owned(),
            macros: vec![1, 2, 3],
            ..Module::default()
        }
    }

    fn program(names: &[&str]) -> Program {
        Program {
            entry: names[0].to_owned(),
            paths: Vec::new(),
            macros: None,
            modules: names.iter().map(|name| module(name)).collect(),
            surroundings: Surroundings::Runtime,
            imports: Vec::new(),
            read_by_macros: Vec::new(),
            reads: Vec::new(),
            expanded: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn runtime() -> RuntimeImage {
        RuntimeImage {
            bytes: b"#!runtime".as_slice().into(),
            origin: Origin::Embedded,
            target: Target::of(&target::tests::elf(62)).unwrap(),
            tier: None,
        }
    }

    #[test]
    fn the_archive_holds_modules_assets_and_the_entry() {
        let directory = std::env::temp_dir().join(format!("semac-bundle-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("a.txt");
        std::fs::write(&file, "text").unwrap();
        let asset = Asset {
            path: VfsPath::new("data/a.txt").unwrap(),
            file,
        };
        let bundle = Bundle::new(
            &program(&["main.sema", "lib/b.sema"]),
            &Contents {
                assets: &[asset],
                ..Contents::default()
            },
            true,
        )
        .unwrap();
        let output = directory.join("new/directory/program");
        let mut outputs = Outputs::default();
        let summary = bundle.write(&runtime(), &output, &mut outputs).unwrap();
        assert!(!output.exists());
        outputs.put_in_place().unwrap();
        assert_eq!(summary.entry_count, 5);
        let archive = sema_vfs::Archive::open_executable(&output).unwrap();
        assert_eq!(
            &*archive.metadata("entry").unwrap().bytes().unwrap(),
            b"main.sema"
        );
        let entry = archive.find(EntryKind::Module, "lib/b.sema").unwrap();
        let bytes = entry.mapped().unwrap();
        let view = sema_format::ModuleView::parse(bytes).unwrap();
        assert!(view.macros().is_empty(), "macros are of no use at run time");
        let text = archive.find(EntryKind::Asset, "data/a.txt").unwrap();
        assert_eq!(&*text.bytes().unwrap(), b"text");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn modules_outside_of_the_root_are_refused() {
        let error =
            Bundle::new(&program(&["../main.sema"]), &Contents::default(), true).unwrap_err();
        assert!(error.to_string().contains("'..'"), "{error}");
    }

    #[test]
    fn default_outputs() {
        assert_eq!(
            default_output(Path::new("src/app.sema")),
            Some("app".into())
        );
        assert_eq!(default_output(Path::new("a.b.sema")), Some("a.b".into()));
        assert_eq!(default_output(Path::new("..")), None);
    }
}
