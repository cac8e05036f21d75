//! Whether an executable has been cut off.

use crate::layout::array;
use crate::wasm;

/// Whether an executable has all that its tables name: segments and sections of ELF (System V ABI, chapters 4 and 5),
/// sections of WebAssembly.
#[must_use]
pub fn is_whole(file: &[u8]) -> bool {
    if wasm::is_module(file) {
        return wasm::sections(file).is_some();
    }
    has_tables(file).is_some()
}

fn has_tables(file: &[u8]) -> Option<()> {
    let half = |at: usize| array(file, at).map(u16::from_le_bytes).map(u64::from);
    let word = |at: usize| array(file, at).map(u64::from_le_bytes);
    let is_there = |start: u64, length: u64| {
        let end = start.checked_add(length)?;
        (end <= file.len() as u64).then_some(())
    };
    let (segments, sections) = (word(32)?, word(40)?);
    let (segment_size, segment_count) = (half(54)?, half(56)?);
    is_there(segments, segment_size * segment_count)?;
    if sections != 0 {
        is_there(sections, half(58)? * half(60)?)?;
    }
    for index in 0..segment_count {
        let at = usize::try_from(segments + index * segment_size).ok()?;
        is_there(word(at + 8)?, word(at + 32)?)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_noticed() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(is_whole(&this));
        for length in [this.len() - 1, this.len() / 2, 100, 64, 20, 0] {
            assert!(!is_whole(&this[..length]), "{length}");
        }
        let module = b"\0asm\x01\0\0\0\x00\x03\x01ab\x01\x81\x00x";
        assert!(is_whole(module));
        assert!(!is_whole(&module[..module.len() - 1]) && !is_whole(&module[..11]));
    }
}
