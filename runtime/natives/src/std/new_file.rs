//! Files that appear as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use sema_machine::platform::files;

/// A file that comes into being as a whole: until it is finished it has another name, and it vanishes if it never
/// is.
pub(crate) struct NewFile {
    path: PathBuf,
    temporary: Option<PathBuf>,
}

impl NewFile {
    /// A file for `path`, and where to write its content.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn create(path: &str) -> io::Result<(NewFile, BufWriter<File>)> {
        // What a link points to is replaced, not the link.
        let path = files::resolve(Path::new(path)).unwrap_or_else(|_| PathBuf::from(path));
        if path.exists() && !path.is_file() {
            // A device: there is nothing to replace.
            let file = File::options().write(true).open(&path)?;
            let direct = NewFile {
                path,
                temporary: None,
            };
            return Ok((direct, BufWriter::new(file)));
        }
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{:016x}.part", u64::from_ne_bytes(random)));
        let temporary = path.with_file_name(name);
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(&temporary)?;
        let new = NewFile {
            path,
            temporary: Some(temporary),
        };
        Ok((new, BufWriter::new(file)))
    }

    /// The content is complete.
    ///
    /// # Errors
    /// It cannot get its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.path)?;
            self.temporary = None;
        }
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nobody is left to tell, and an earlier error is on its way.
            let _ = fs::remove_file(temporary);
        }
    }
}
