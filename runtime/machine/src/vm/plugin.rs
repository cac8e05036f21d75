//! Modules from outside of a program, which it takes in while it runs.

use std::io;
use std::path::Path;

use sema_vfs::Overlay;

use super::image::ModuleImage;
use super::load_error::LoadError;
use crate::platform::files;

/// What [`read_plugin`] found.
pub struct Plugin {
    /// The canonical path, which identifies the file.
    pub path: String,
    /// The module.
    pub image: ModuleImage,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// Whether it is among the files that were embedded: a part of the program.
    pub embedded: bool,
}

/// The compiled module that a path means: among the files that were embedded, or on disk.
///
/// # Errors
/// Those of [`read_plugin`].
pub fn find_plugin(
    files: &Overlay,
    path: &str,
    importer: &str,
) -> Result<Option<Plugin>, LoadError> {
    match embedded_plugin(files, path, importer)? {
        None => read_plugin(path),
        embedded => Ok(embedded),
    }
}

/// The compiled module that a path means among the files that were embedded; `None`: no such file is embedded. It is the
/// program's own, but nobody has looked at its code.
///
/// # Errors
/// The file is damaged, is not a module, or is source text.
#[cold]
fn embedded_plugin(
    files: &Overlay,
    path: &str,
    importer: &str,
) -> Result<Option<Plugin>, LoadError> {
    let importer = Some(importer).filter(|importer| !importer.is_empty());
    let Some(entry) = files.embedded(path, importer) else {
        return Ok(None);
    };
    if !is_compiled(path) {
        return Err(LoadError::NeedsCompiler(path.to_owned()));
    }
    let bytes = entry.bytes().map_err(|source| LoadError::Archive {
        module: path.to_owned(),
        source,
    })?;
    Ok(Some(Plugin {
        path: entry.path().to_owned(),
        image: ModuleImage::from_bytes(path, &bytes)?,
        bytes: bytes.into_owned(),
        embedded: true,
    }))
}

/// Whether a path names a compiled module.
fn is_compiled(path: &str) -> bool {
    let extension = Path::new(path).extension();
    extension.is_some_and(|extension| extension == "semac")
}

/// Reads a `.semac` file from disk, the way for a program to take in code that was not there when it
/// was built. `None`: there is no such file.
///
/// # Errors
/// The file cannot be read, is not a module, or is source text.
pub fn read_plugin(path: &str) -> Result<Option<Plugin>, LoadError> {
    let refused = |source: io::Error| LoadError::File {
        module: path.to_owned(),
        source,
    };
    let canonical = match files::resolve(Path::new(path)) {
        Ok(canonical) => canonical,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    if canonical.is_dir() {
        return Err(refused(io::Error::from_raw_os_error(
            rustix::io::Errno::ISDIR.raw_os_error(),
        )));
    }
    if !is_compiled(path) {
        return Err(LoadError::NeedsCompiler(path.to_owned()));
    }
    let bytes = std::fs::read(&canonical).map_err(refused)?;
    Ok(Some(Plugin {
        path: canonical.to_string_lossy().into_owned(),
        image: ModuleImage::from_bytes(path, &bytes)?,
        bytes,
        embedded: false,
    }))
}
