//! Compiled programs.

use std::sync::Arc;

use sema_format::{AlignedBytes, ModuleView};
use sema_machine::host::natives::Natives;
use sema_machine::launch::{Bundle, Trust, archive_in, entry_path};
use sema_machine::vm::{FoundModule, LoadError, ModuleImage, ModuleSource, read_plugin};
use sema_vfs::Archive;

use crate::{Capability, Error};

/// How a module file begins.
const MODULE: &[u8] = b"\0SEMAC";

/// A compiled program. It can be cloned cheaply, sent to other threads, and run by any number of runtimes.
#[derive(Clone)]
pub struct Program(Content);

#[derive(Clone)]
enum Content {
    /// Several modules and assets.
    Archive { archive: Archive, entry: String },
    /// A single module.
    Module {
        name: String,
        bytes: Arc<AlignedBytes>,
    },
}

const _: () = {
    const fn goes_between_threads<T: Send + Sync>() {}
    goes_between_threads::<Program>();
    goes_between_threads::<crate::Data>();
};

impl Program {
    /// Reads a program: a module (`semac compile`), an executable (`semac build`), or the archive of one. The
    /// bytes may come from anywhere: code is verified before it runs.
    ///
    /// # Errors
    /// They are none of these, of another version, or damaged.
    pub fn load(bytes: &[u8]) -> Result<Program, Error> {
        if bytes.starts_with(MODULE) {
            let bytes = Arc::new(AlignedBytes::copy_of(bytes));
            let refused = |source| {
                Error::Module(LoadError::Format {
                    module: "program".to_owned(),
                    source,
                })
            };
            let view = ModuleView::parse(bytes.as_bytes()).map_err(refused)?;
            view.check_content().map_err(refused)?;
            let name = view.name().map_err(refused)?.to_owned();
            return Ok(Program(Content::Module { name, bytes }));
        }
        let archive = archive_in(bytes.to_vec()).map_err(Error::Archive)?;
        let entry = entry_path(&archive).map_err(Error::Start)?;
        Ok(Program(Content::Archive { archive, entry }))
    }

    /// The embedded files.
    pub(crate) fn archive(&self) -> Option<&Archive> {
        match &self.0 {
            Content::Archive { archive, .. } => Some(archive),
            Content::Module { .. } => None,
        }
    }

    /// The path of the module that runs first.
    pub(crate) fn entry(&self) -> &str {
        match &self.0 {
            Content::Archive { entry, .. } => entry,
            Content::Module { name, .. } => name,
        }
    }

    /// Where the modules of the program come from. `disk`: compiled modules on disk may be imported.
    pub(crate) fn source(&self, natives: &'static Natives, disk: bool) -> Box<dyn ModuleSource> {
        let bundle = self.archive().cloned();
        Box::new(Source {
            program: self.clone(),
            bundle: bundle.map(|archive| Bundle::new(archive, Trust::Foreign, natives)),
            disk,
        })
    }
}

/// The modules that a program may import.
struct Source {
    program: Program,
    bundle: Option<Bundle>,
    disk: bool,
}

impl ModuleSource for Source {
    fn module(&self, path: &str, importer: &str) -> Result<Option<FoundModule>, LoadError> {
        let embedded = match (&self.program.0, &self.bundle) {
            (Content::Module { name, bytes }, _) if path == name => Some(FoundModule {
                key: name.clone(),
                image: ModuleImage::from_shared(name, bytes.clone())?,
            }),
            (_, Some(bundle)) => bundle.embedded(path, importer)?,
            _ => None,
        };
        if embedded.is_some() {
            return Ok(embedded);
        }
        if !self.disk {
            return Err(LoadError::NotGranted {
                module: path.to_owned(),
                needed: vec![Capability::FsRead.name().to_owned()],
                granted: Vec::new(),
            });
        }
        match &self.bundle {
            Some(bundle) => bundle.module(path, importer),
            None => Ok(read_plugin(path)?.map(|plugin| FoundModule {
                key: plugin.path,
                image: plugin.image,
            })),
        }
    }
}
