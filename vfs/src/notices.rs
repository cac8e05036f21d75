//! Notices of licences: a block of its own in a runtime, and a metadata entry of the programs that are made of it.
//!
//! The block: [`MAGIC`], length of the text and of its zstd frame (4 bytes each), the frame. In a runtime it is a section of its own,
//! which nothing maps. A program has it in its archive ([`NAME`]), so it stays wherever the program stays.

use crate::archive::Archive;
use crate::decompress::Decompressor;
use crate::error::VfsError;
use crate::layout::array;
#[cfg(feature = "write")]
use crate::{executable, section, wasm};

/// How the block begins.
const MAGIC: [u8; 8] = *b"SEMALIC\n";
/// Bytes in front of the frame.
const HEADER: usize = 16;
/// A longer text is not believed.
const LONGEST: usize = 16 << 20;
/// The metadata entry of programs.
pub(crate) const NAME: &str = "licenses";
/// The section of runtimes.
#[cfg(feature = "write")]
const SECTION: &[u8] = b".sema.licenses\0";

/// Level of compression. Each runtime is done once, when it is built.
#[cfg(feature = "write")]
const LEVEL: i32 = 19;

impl Archive {
    /// The notices of the program; `None` if it has none.
    ///
    /// # Errors
    /// They are damaged.
    pub fn notices(&self) -> Result<Option<String>, VfsError> {
        let Some(entry) = self.metadata(NAME) else {
            return Ok(None);
        };
        let text = decode(&entry.bytes()?);
        text.map(Some).ok_or_else(|| VfsError::EntryDamaged {
            path: entry.path().to_owned(),
            problem: "it holds no notices of licences".to_owned(),
        })
    }
}

/// The notices in an executable without a program: they are searched, from the end.
#[must_use]
pub fn notices_in(runtime: &[u8]) -> Option<String> {
    let mut end = runtime.len();
    loop {
        let found = runtime
            .get(..end)?
            .windows(MAGIC.len())
            .rposition(|window| window == MAGIC)?;
        if let Some(text) = runtime.get(found..).and_then(decode) {
            return Some(text);
        }
        // The runtime contains these letters, too.
        end = found + MAGIC.len() - 1;
    }
}

/// Whether a file has nothing but notices behind this place.
pub(crate) fn are_all(file: &[u8], start: u64) -> bool {
    let block = usize::try_from(start)
        .ok()
        .and_then(|start| file.get(start..));
    block.is_some_and(|block| {
        let stored = array::<4>(block, 12).map(u32::from_le_bytes);
        let stored = stored.and_then(|stored| usize::try_from(stored).ok());
        block.starts_with(&MAGIC) && stored.is_some_and(|stored| block.len() - HEADER == stored)
    })
}

/// The block of notices of a runtime, and the runtime without it.
#[cfg(feature = "write")]
pub(crate) fn taken_out(runtime: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    if wasm::is_module(runtime) {
        return wasm::without_custom_section(runtime, NAME);
    }
    if let Some((block, rest)) = section::taken_out(runtime, SECTION) {
        return Some((block.to_vec(), rest));
    }
    let end = executable::image_end(runtime).filter(|&end| are_all(runtime, end))?;
    let (rest, block) = runtime.split_at_checked(usize::try_from(end).ok()?)?;
    Some((block.to_vec(), rest.to_vec()))
}

fn decode(block: &[u8]) -> Option<String> {
    let word = |at: usize| {
        let bytes = block.get(at..at + 4)?;
        usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
    };
    let (length, stored) = (word(8)?, word(12)?);
    if length > LONGEST {
        return None;
    }
    let frame = block.get(HEADER..HEADER.checked_add(stored)?)?;
    let mut text = vec![0; length];
    let found = Decompressor::new()?.decompress(&mut text, frame)?;
    (found == length).then_some(())?;
    String::from_utf8(text).ok()
}

/// The runtime with notices behind it.
///
/// # Errors
/// They cannot be compressed.
#[cfg(feature = "write")]
pub fn with_notices(runtime: &[u8], notices: &str) -> std::io::Result<Vec<u8>> {
    let frame = zstd::bulk::compress(notices.as_bytes(), LEVEL)?;
    let mut block = MAGIC.to_vec();
    for length in [notices.len(), frame.len()] {
        block.extend((length as u32).to_le_bytes());
    }
    block.extend(frame);
    if let Some(bytes) = section::with_content(runtime, SECTION, &block) {
        return Ok(bytes);
    }
    // A runtime is large: it is copied once.
    let mut bytes = Vec::with_capacity(runtime.len() + block.len());
    bytes.extend(runtime);
    if wasm::is_module(runtime) {
        wasm::add_custom_section(&mut bytes, NAME, &block);
    } else {
        bytes.extend(block);
    }
    Ok(bytes)
}

#[cfg(all(test, feature = "write"))]
mod tests {
    use super::*;

    #[test]
    fn notices_are_found_where_they_are() {
        let text = "MIT\n".repeat(1000);
        let file = with_notices(b"runtime SEMALIC\n with these letters", &text).unwrap();
        assert!(file.len() < 200, "{}", file.len());
        let longer = [&file[..], &[0; 99], b"names\0"].concat();
        assert_eq!(notices_in(&longer).as_deref(), Some(&*text));
        assert_eq!(notices_in(b"runtime SEMALIC\n with these letters"), None);
        assert_eq!(notices_in(b""), None);
        for length in 0..file.len() {
            assert_eq!(notices_in(&file[..length]), None);
        }
    }
}
