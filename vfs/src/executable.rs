//! Finding the archive at the end of an executable.

use std::ops::Range;

use crate::error::VfsError;
use crate::layout::{
    ARCHIVE_ALIGNMENT, ARCHIVE_MAGIC, END_MAGIC, HEADER_LENGTH, TRAILER_LENGTH, TRAILER_MAGIC,
    Trailer, array, u64_at,
};
use crate::notices;
use crate::segment::{self, CLASS_64_LITTLE_ENDIAN};
use crate::wasm;

/// The range of the archive inside the bytes of an executable.
///
/// Touches the last bytes of the file and the archive header; only the way to a
/// refusal looks at the start of the file, to tell an executable without a
/// program from one that lost a part of it.
///
/// Tools that rewrite executables may have put something behind the trailer; then the segment of the archive tells where it
/// is.
pub(crate) fn locate(file: &[u8]) -> Result<Range<usize>, VfsError> {
    if !ends_in_trailer(file)
        && let Some(segment) = segment::find(file)
        && let Some(bytes) = segment::bytes_of(file, segment)
        && let Ok(range) = locate_in_segment(bytes)
        // It is inside of the file.
        && let Ok(start) = usize::try_from(segment.offset)
    {
        return Ok(start + range.start..start + range.end);
    }
    if !ends_in_trailer(file)
        && let Some(range) = wasm::archive_segment(file)
        && let Ok(inner) = locate_in_segment(file.get(range.clone()).unwrap_or_default())
    {
        return Ok(range.start + inner.start..range.start + inner.end);
    }
    locate_from(file, Some(0))
}

/// Like [`locate`], in the bytes of the archive's segment. Where they lie in the file may have changed.
pub(crate) fn locate_in_segment(bytes: &[u8]) -> Result<Range<usize>, VfsError> {
    locate_from(bytes, None)
}

/// The checksum that the runtime of an executable ought to have, and the bytes that it is of, if there is one and nothing but
/// the archive has been put behind the runtime.
pub(crate) fn runtime_checksum(file: &[u8], archive_start: usize) -> Option<(u64, &[u8])> {
    let trailer = Trailer::decode(file.last_chunk::<TRAILER_LENGTH>()?).ok()?;
    let is_here = usize::try_from(trailer.archive_offset) == Ok(archive_start);
    let runtime = file.get(..archive_start)?;
    (is_here && trailer.runtime_checksum != 0).then_some((trailer.runtime_checksum, runtime))
}

fn ends_in_trailer(file: &[u8]) -> bool {
    file.last_chunk::<TRAILER_LENGTH>().is_some_and(|bytes| {
        array::<8>(bytes, 0) == Some(TRAILER_MAGIC)
            || array::<8>(bytes, TRAILER_LENGTH - 8) == Some(END_MAGIC)
    })
}

/// The archive in `file`, which begins at byte `start` of the executable, if that is known: else with the archive.
fn locate_from(file: &[u8], start: Option<u64>) -> Result<Range<usize>, VfsError> {
    const PART: &str = "trailer of the executable";
    let Some(bytes) = file.last_chunk::<TRAILER_LENGTH>() else {
        return Err(absent(file));
    };
    if !ends_in_trailer(file) {
        return Err(absent(file));
    }
    let trailer = Trailer::decode(bytes)?;
    let archive_end = file.len() - TRAILER_LENGTH;
    let range = start
        .map_or(Some(0), |start| trailer.archive_offset.checked_sub(start))
        .and_then(|offset| usize::try_from(offset).ok())
        .zip(usize::try_from(trailer.archive_length).ok())
        .and_then(|(offset, length)| Some(offset..offset.checked_add(length)?))
        .filter(|range| range.end == archive_end && range.len() >= HEADER_LENGTH)
        .ok_or_else(|| {
            VfsError::damaged(
                PART,
                format!(
                    "it places the archive at byte {} with {} bytes, but the trailer starts at \
                     byte {archive_end}",
                    trailer.archive_offset, trailer.archive_length
                ),
            )
        })?;
    let header = file.get(range.clone()).unwrap_or_default();
    let found = u64_at(header, HEADER_LENGTH - 8);
    if found != trailer.header_checksum {
        return Err(VfsError::checksum(
            "archive header",
            found,
            trailer.header_checksum,
        ));
    }
    Ok(range)
}

/// Whether `file` carries a program, whole or damaged.
#[cfg(feature = "write")]
pub(crate) fn has_trailer(file: &[u8]) -> bool {
    ends_in_trailer(file) || segment::find(file).is_some() || wasm::archive_segment(file).is_some()
}

fn absent(file: &[u8]) -> VfsError {
    let length = file.len() as u64;
    if wasm::is_module(file) && wasm::sections(file).is_none() {
        return VfsError::damaged(
            "executable",
            format!(
                "it is a WebAssembly module of which {length} bytes are here, and it ends inside of a section"
            ),
        );
    }
    if let Some(whole) = bundle_end(file) {
        let problem = if length < whole {
            "its end is missing"
        } else {
            "something has been written to it since"
        };
        return VfsError::damaged(
            "bundle",
            format!("{length} bytes of it are here, and it had {whole}: {problem}"),
        );
    }
    match image_end(file) {
        Some(end) if length >= end && segment::find(file).is_some() => VfsError::damaged(
            "trailer of the executable",
            "the executable was built with a program, but the end of it has been removed or overwritten since; build it \
             again, and do not change the executable afterwards",
        ),
        // The runtime alone, with its licences.
        Some(end) if length > end && notices::are_all(file, end) => VfsError::NoArchive,
        Some(end) if length > end => VfsError::damaged(
            "trailer of the executable",
            format!(
                "{} bytes follow the executable, but they do not end in a trailer, so the file was \
                 cut short or written to after the build",
                length - end
            ),
        ),
        Some(end) if length < end => VfsError::damaged(
            "executable",
            format!("it has {length} bytes, its own tables reach to byte {end}"),
        ),
        _ => VfsError::NoArchive,
    }
}

/// Where a bundle ends that begins with a line that names its runtime. `None` for other files.
fn bundle_end(file: &[u8]) -> Option<u64> {
    let line = file
        .strip_prefix(b"#!")?
        .iter()
        .position(|&byte| byte == b'\n')?;
    // Behind the line, which `#!` begins.
    let start = (line + 3).next_multiple_of(ARCHIVE_ALIGNMENT as usize);
    let archive = file.get(start..)?;
    let length = archive
        .starts_with(&ARCHIVE_MAGIC)
        .then_some(())
        .and_then(|()| array(archive, 24).map(u64::from_le_bytes))?;
    (start as u64)
        .checked_add(length)?
        .checked_add(TRAILER_LENGTH as u64)
}

/// Where the image of a 64-bit little-endian ELF file ends: the end of its
/// section table or of its last segment. `None` for other files.
///
/// Source: System V ABI, chapter 4, "ELF Header", and chapter 5, "Program
/// Header".
pub(crate) fn image_end(file: &[u8]) -> Option<u64> {
    if array::<6>(file, 0)? != CLASS_64_LITTLE_ENDIAN {
        return None;
    }
    let half = |at: usize| array(file, at).map(u16::from_le_bytes);
    let word = |at: usize| array(file, at).map(u64::from_le_bytes);
    let mut end = word(40)?.checked_add(u64::from(half(58)?) * u64::from(half(60)?))?;
    let table = usize::try_from(word(32)?).ok()?;
    let size = usize::from(half(54)?);
    for number in 0..usize::from(half(56)?) {
        let header = table.checked_add(number * size)?;
        let start = word(header.checked_add(8)?)?;
        let length = word(header.checked_add(32)?)?;
        end = end.max(start.checked_add(length)?);
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with one segment that ends the file at byte 120 + `body`.
    fn elf(body: usize) -> Vec<u8> {
        let mut file = vec![0u8; 120 + body];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[54..56].copy_from_slice(&56u16.to_le_bytes());
        file[56..58].copy_from_slice(&1u16.to_le_bytes());
        file[96..104].copy_from_slice(&(120 + body as u64).to_le_bytes());
        file
    }

    #[test]
    fn a_plain_executable_has_no_archive() {
        assert!(matches!(locate(&elf(100)), Err(VfsError::NoArchive)));
        assert!(matches!(locate(b""), Err(VfsError::NoArchive)));
        assert!(matches!(locate(&[7; 500]), Err(VfsError::NoArchive)));
    }

    #[test]
    fn a_runtime_with_its_licences_has_no_archive() {
        let mut file = elf(100);
        file.extend(b"SEMALIC\n\x05\0\0\0\x03\0\0\0abc");
        assert!(matches!(locate(&file), Err(VfsError::NoArchive)));
        for other in [&file[..file.len() - 1], &[&file[..], b"x"].concat()] {
            let message = locate(other).unwrap_err().to_string();
            assert!(message.contains("follow the executable"), "{message}");
        }
    }

    #[test]
    fn a_cut_executable_is_damaged() {
        let mut longer = elf(100);
        longer.extend([1; 90]);
        let message = locate(&longer).unwrap_err().to_string();
        assert!(
            message.contains("90 bytes follow the executable"),
            "{message}"
        );
        let shorter = &elf(100)[..200];
        let message = locate(shorter).unwrap_err().to_string();
        assert!(message.contains("reach to byte 220"), "{message}");
    }

    #[test]
    fn wild_elf_headers_are_survived() {
        let mut file = elf(100);
        file[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(locate(&file).is_err());
        file[40..48].copy_from_slice(&u64::MAX.to_le_bytes());
        file[58..62].copy_from_slice(&[0xff; 4]);
        assert!(locate(&file).is_err());
    }
}
