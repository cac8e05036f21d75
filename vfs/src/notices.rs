//! Notices of licences in an executable: behind the runtime and in front of the archive, where nothing maps them.
//!
//! They are a block of their own: [`MAGIC`], length of the text and of its zstd frame (4 bytes each), the frame. Programs
//! never look for it unless they are asked; then it is searched, from the end.

use crate::decompress::Decompressor;
use crate::layout::array;
#[cfg(feature = "write")]
use crate::wasm;

/// How the block begins.
const MAGIC: [u8; 8] = *b"SEMALIC\n";
/// Bytes in front of the frame.
const HEADER: usize = 16;
/// A longer text is not believed.
const LONGEST: usize = 16 << 20;

/// Level of compression. Each runtime is done once, when it is built.
#[cfg(feature = "write")]
const LEVEL: i32 = 19;

/// The notices in the part of an executable that lies in front of its archive.
#[must_use]
pub fn notices_in(front: &[u8]) -> Option<String> {
    let mut end = front.len();
    loop {
        let found = front
            .get(..end)?
            .windows(MAGIC.len())
            .rposition(|window| window == MAGIC)?;
        if let Some(text) = front.get(found..).and_then(decode) {
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
    // A runtime is large: it is copied once.
    let mut bytes = Vec::with_capacity(runtime.len() + block.len());
    bytes.extend(runtime);
    if wasm::is_module(runtime) {
        wasm::add_custom_section(&mut bytes, "licenses", &block);
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
