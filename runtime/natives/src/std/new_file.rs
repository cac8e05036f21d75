//! Files that appear as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use sema_machine::platform::files;

/// The file that a path names. What a link points to is replaced, not the link, and made if it is not there.
fn target(path: &Path) -> PathBuf {
    if let Ok(found) = files::resolve(path) {
        return found;
    }
    match (fs::read_link(path), path.parent()) {
        (Ok(target), Some(folder)) => folder.join(target),
        _ => path.to_owned(),
    }
}

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
        let path = target(Path::new(path));
        let before = fs::metadata(&path).ok();
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            // A device: there is nothing to replace.
            let file = File::options().write(true).open(&path)?;
            let direct = NewFile {
                path,
                temporary: None,
            };
            return Ok((direct, BufWriter::new(file)));
        }
        if before.is_some() {
            // What may not be written may not be replaced, though the directory would let us.
            File::options().write(true).open(&path)?;
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
        if let Some(before) = before {
            // Who could not read the file before cannot do so now.
            file.set_permissions(before.permissions())?;
        }
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
