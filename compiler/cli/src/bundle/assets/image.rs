//! Images of containers among the files of a program.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What the description of an image says of who made it.
pub const MAKER: &str = "semac build";

/// Whether a file is an image that semac wrote: the description of its first executable says so.
pub fn is_image_of_semac(file: &Path) -> bool {
    let description = || -> io::Result<bool> {
        let mut archive = tar::Archive::new(File::open(file)?);
        for entry in archive.entries_with_seek()?.take(ENTRIES_OF_ONE) {
            let mut entry = entry?;
            if !entry.path()?.starts_with("blobs") {
                return Ok(false);
            }
            let mut text = Vec::new();
            if entry.size() <= LARGEST_DESCRIPTION {
                entry.read_to_end(&mut text)?;
            }
            let described = text.windows(MAKER.len());
            if described.into_iter().any(|part| part == MAKER.as_bytes()) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    description().unwrap_or(false)
}

/// Two directories, the layer and the description of an executable.
const ENTRIES_OF_ONE: usize = 4;

/// Descriptions of executables are smaller than this, in bytes.
const LARGEST_DESCRIPTION: u64 = 1 << 20;
