//! The note by which semac knows a runtime: any executable would take an archive at its end, but only
//! a runtime of this release's format would run it.
//!
//! Source: System V ABI, chapter 5, "Note Section".

#![allow(
    clippy::indexing_slicing,
    reason = "evaluated when the crate is compiled"
)]

use sema_format::FORMAT_VERSION;

use super::tier::Tier;

/// Who wrote the note; others use the same numbers for kinds.
const OWNER: [u8; 8] = *b"semac\0\0\0";
/// The section of the note.
const SECTION: &str = ".note.semac";
/// The kind of the note.
const RUNTIME: u32 = 1;
/// Bytes for the text of the release.
const RELEASE_SIZE: usize = 28;
/// Bytes of a public key (Ed25519).
pub const KEY_SIZE: usize = 32;

/// The note as it lies in the executable.
#[repr(C)]
pub struct Note {
    owner_size: u32,
    content_size: u32,
    kind: u32,
    owner: [u8; OWNER.len()],
    format: u32,
    tier: u32,
    release: [u8; RELEASE_SIZE],
    /// The public key whose programs alone the runtime runs; zero: it runs all. `semac build --trust` sets it in the file.
    trusted: [u8; KEY_SIZE],
}

impl Note {
    /// The key whose programs alone this runtime runs.
    #[must_use]
    pub fn trusted(&'static self) -> Option<[u8; KEY_SIZE]> {
        // What was compiled is zero; what is in memory comes from the file.
        let note = std::hint::black_box(self);
        (note.trusted != [0; KEY_SIZE]).then_some(note.trusted)
    }

    /// The tier of the runtime.
    #[must_use]
    pub fn tier(&self) -> Option<Tier> {
        Tier::numbered(self.tier)
    }

    /// The note of a runtime of this release with the natives of a tier.
    #[must_use]
    pub const fn of_this_release(tier: Tier) -> Note {
        let text = env!("CARGO_PKG_VERSION").as_bytes();
        let mut release = [0; RELEASE_SIZE];
        let mut index = 0;
        while index < text.len() && index < RELEASE_SIZE {
            release[index] = text[index];
            index += 1;
        }
        Note {
            owner_size: 6,
            content_size: 8 + RELEASE_SIZE as u32 + KEY_SIZE as u32,
            kind: RUNTIME,
            owner: OWNER,
            format: FORMAT_VERSION as u32,
            tier: tier as u32,
            release,
            trusted: [0; KEY_SIZE],
        }
    }
}

/// Puts the key whose programs alone it shall run into a runtime. `false`: the file is no runtime with room for one.
pub fn trust(file: &mut [u8], key: &[u8; KEY_SIZE]) -> bool {
    let release = env!("CARGO_PKG_VERSION").as_bytes();
    let mut start = [0; 20];
    let words = [6, 8 + RELEASE_SIZE as u32 + KEY_SIZE as u32, RUNTIME];
    for (place, word) in start.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    if let Some(owner) = start.last_chunk_mut::<8>() {
        *owner = OWNER;
    }
    let Some(found) = file.windows(start.len()).position(|window| window == start) else {
        return false;
    };
    // Format and tier, the release, the key.
    let release_start = found + start.len() + 8;
    let is_ours = file
        .get(release_start..)
        .is_some_and(|rest| rest.starts_with(release));
    match file
        .get_mut(release_start + RELEASE_SIZE..)
        .and_then(|rest| rest.first_chunk_mut())
    {
        Some(place) if is_ours => {
            *place = *key;
            true
        }
        _ => false,
    }
}

/// Puts the note into an executable: for the binaries that run an archive at their end.
#[macro_export]
macro_rules! runtime_note {
    ($tier:expr) => {
        // SAFETY: the section is new, and its content is a note as the format of executables asks.
        #[used]
        #[unsafe(link_section = ".note.semac")]
        static NOTE: $crate::platform::elf_note::Note =
            $crate::platform::elf_note::Note::of_this_release($tier);
    };
}

/// What the note of a runtime says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The version of the module format it runs.
    pub format: u32,
    /// The tier of its natives, as a number (see [`Tier`]).
    pub tier: u32,
    /// The release.
    pub release: String,
}

/// The note in an executable: a file of the format ELF with 64 bits, little-endian, or a module of WebAssembly, where a custom
/// section has the same name and bytes.
#[must_use]
pub fn find(file: &[u8]) -> Option<Found> {
    if sema_vfs::wasm::is_module(file) {
        return in_segment(sema_vfs::wasm::custom_section(file, SECTION)?);
    }
    const PROGRAM_HEADER: usize = 56;
    const NOTE_SEGMENT: u32 = 4;
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let table = usize::try_from(u64_at(file, 32)?).ok()?;
    let count = usize::from(u16_at(file, 56)?);
    (0..count)
        .filter_map(|index| {
            let header = file.get(table.checked_add(index * PROGRAM_HEADER)?..)?;
            if u32_at(header, 0)? != NOTE_SEGMENT {
                return None;
            }
            let start = usize::try_from(u64_at(header, 8)?).ok()?;
            let size = usize::try_from(u64_at(header, 32)?).ok()?;
            file.get(start..start.checked_add(size)?)
        })
        .find_map(in_segment)
}

fn in_segment(mut notes: &[u8]) -> Option<Found> {
    const HEADER: usize = 12;
    loop {
        let owner_size = usize::try_from(u32_at(notes, 0)?).ok()?;
        let content_size = usize::try_from(u32_at(notes, 4)?).ok()?;
        let kind = u32_at(notes, 8)?;
        let padded = |size: usize| size.checked_next_multiple_of(4);
        let content = HEADER.checked_add(padded(owner_size)?)?;
        let next = content.checked_add(padded(content_size)?)?;
        let owner = notes.get(HEADER..content)?;
        if kind == RUNTIME && owner == OWNER {
            let content = notes.get(content..next)?;
            let release = content.get(8..)?.split(|&byte| byte == 0).next()?;
            return Some(Found {
                format: u32_at(content, 0)?,
                tier: u32_at(content, 4)?,
                release: String::from_utf8_lossy(release).into_owned(),
            });
        }
        notes = notes.get(next..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An executable of headers and one segment of notes.
    fn executable(notes: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64;
        file[56] = 1;
        file[64] = 4;
        file[64 + 8] = 120;
        file[64 + 32..64 + 36].copy_from_slice(&(notes.len() as u32).to_le_bytes());
        file.extend(notes);
        file
    }

    fn note(kind: u32, owner: &[u8; 8], content: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        for word in [6, content.len() as u32, kind] {
            note.extend(word.to_le_bytes());
        }
        note.extend(owner);
        note.extend(content);
        note
    }

    #[test]
    fn notes_are_found_behind_others() {
        let mut notes = note(3, b"GNU\0\0\0\0\0", &[1, 2, 3, 4]);
        notes.extend(note(1, &OWNER, b"\x07\0\0\0\x02\0\0\x000.9.1\0\0\0"));
        let found = find(&executable(&notes)).unwrap();
        assert_eq!((found.format, found.tier), (7, 2));
        assert_eq!(found.release, "0.9.1");
    }

    #[test]
    fn damaged_and_other_executables_have_none() {
        let whole = executable(&note(1, &OWNER, b"\x01\0\0\0\0\0\0\0one\0"));
        assert!(find(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(find(&whole[..length]), None, "{length}");
        }
        assert_eq!(
            find(&executable(&note(2, &OWNER, b"\x01\0\0\0\0\0\0\0one\0"))),
            None
        );
        assert_eq!(find(&executable(&[255; 64])), None);
    }

    #[test]
    fn the_note_is_laid_out_as_it_is_read() {
        let note = Note::of_this_release(Tier::Core);
        assert_eq!(size_of_val(&note), 12 + 8 + 8 + RELEASE_SIZE + KEY_SIZE);
        assert_eq!(note.release[..5], *b"0.1.0");
    }
}
