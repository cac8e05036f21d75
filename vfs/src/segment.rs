//! The archive as a segment of its executable.
//!
//! The kernel maps the segments of a program before it starts. Where the runtime is an ELF file at a
//! fixed address, the writer therefore turns a note of it (the build id, which nobody asks for) into
//! one more loadable segment that covers archive and trailer: the program finds its archive in
//! memory and opens no file. What reads executables as files does not depend on it.
//!
//! Source: System V ABI, chapter 5, "Program Header".

use std::ops::Range;

use crate::layout::array;
#[cfg(feature = "write")]
use crate::section;

/// Segments of archives start here, plus what makes the address congruent to the offset in the file.
/// Above whatever linkers place, below where kernels put stacks and mappings.
pub(crate) const BASE: u64 = 0x20_0000_0000;
/// Above any archive's end.
const LIMIT: u64 = BASE + (1 << 44);
/// The largest page size of the platforms; offset and address must agree modulo the page size.
const ALIGNMENT: u64 = 0x1_0000;

pub(crate) const HEADER_SIZE: usize = 56;
/// How the files begin that are understood.
pub(crate) const CLASS_64_LITTLE_ENDIAN: [u8; 6] = *b"\x7fELF\x02\x01";
const LOADABLE: u32 = 1;
#[cfg(feature = "write")]
const NOTE: u32 = 4;
const READABLE: u32 = 4;

/// Where a segment of an archive lies in the file and in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) length: u64,
}

impl Segment {
    /// The segment for the bytes `range` of a file.
    fn for_file_range(range: Range<u64>) -> Option<Segment> {
        let length = range.end.checked_sub(range.start)?;
        let address = BASE + range.start % ALIGNMENT;
        (length > 0 && address.checked_add(length)? <= LIMIT).then_some(Segment {
            offset: range.start,
            address,
            length,
        })
    }

    /// The segment that a program header describes, if it is one of an archive.
    pub(crate) fn decode(header: &[u8; HEADER_SIZE]) -> Option<Segment> {
        let word = |at: usize| array(header, at).map(u64::from_le_bytes);
        let half = |at: usize| array(header, at).map(u32::from_le_bytes);
        let segment = Self::for_file_range(word(8)?..word(8)?.checked_add(word(32)?)?)?;
        let is_ours = half(0)? == LOADABLE
            && half(4)? == READABLE
            && word(16)? == segment.address
            && word(40)? == segment.length;
        is_ours.then_some(segment)
    }

    #[cfg(feature = "write")]
    fn encode(self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        let fields = [
            u64::from(LOADABLE) | u64::from(READABLE) << 32,
            self.offset,
            self.address,
            self.address,
            self.length,
            self.length,
            ALIGNMENT,
        ];
        for (place, field) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(fields) {
            *place = field.to_le_bytes();
        }
        bytes
    }
}

/// Describes the bytes `range` of the file, which begin where `runtime` ends, as a segment, and as a section if there is room
/// for one ([`section::with_room`]). Where that cannot be done nothing is changed.
#[cfg(feature = "write")]
pub(crate) fn add(runtime: &mut [u8], range: Range<u64>) {
    let Some((start, headers)) = add_segment(runtime, range.clone()) else {
        return;
    };
    let place = usize::try_from(start)
        .ok()
        .and_then(|start| runtime.get_mut(start..)?.get_mut(..headers.len()));
    if let (Some(place), Some(segment)) = (place, Segment::for_file_range(range)) {
        place.copy_from_slice(&headers);
        section::describe(runtime, segment);
    }
}

/// Makes the program header that describes `old` describe other bytes of the file.
#[cfg(feature = "write")]
pub(crate) fn resize(runtime: &mut [u8], old: Segment, range: Range<u64>) {
    let half = |bytes: &[u8], at: usize| array(bytes, at).map_or(0, u16::from_le_bytes);
    let start = array(runtime, 32).map_or(0, u64::from_le_bytes);
    let count = usize::from(half(runtime, 56));
    let table = usize::try_from(start)
        .ok()
        .and_then(|start| runtime.get_mut(start..));
    let headers = table.unwrap_or_default().as_chunks_mut::<HEADER_SIZE>().0;
    let found = headers
        .iter_mut()
        .take(count)
        .find(|header| Segment::decode(header) == Some(old));
    if let (Some(header), Some(segment)) = (found, Segment::for_file_range(range)) {
        *header = segment.encode();
    }
}

/// The segment of an archive in an executable that is given as a file.
pub(crate) fn find(file: &[u8]) -> Option<Segment> {
    if array::<6>(file, 0)? != CLASS_64_LITTLE_ENDIAN {
        return None;
    }
    let half = |at: usize| array(file, at).map(u16::from_le_bytes);
    if usize::from(half(54)?) != HEADER_SIZE {
        return None;
    }
    let start = usize::try_from(u64::from_le_bytes(array(file, 32)?)).ok()?;
    let table = file.get(start..)?;
    let headers = table.as_chunks::<HEADER_SIZE>().0;
    headers
        .iter()
        .take(half(56)?.into())
        .find_map(Segment::decode)
}

/// The bytes of a segment in a file, as far as they are there.
pub(crate) fn bytes_of(file: &[u8], segment: Segment) -> Option<&[u8]> {
    let start = usize::try_from(segment.offset).ok()?;
    let length = usize::try_from(segment.length).ok()?;
    file.get(start..)?.get(..length)
}

/// The program headers of the executable `runtime` with a segment for the bytes `range` of the file
/// in place of a note, and where in the file they are. `None` where that cannot be done: no 64-bit
/// little-endian ELF file, no fixed address, no note.
#[cfg(feature = "write")]
pub(crate) fn add_segment(runtime: &[u8], range: Range<u64>) -> Option<(u64, Vec<u8>)> {
    const FIXED_ADDRESS: u16 = 2;
    if array::<6>(runtime, 0)? != CLASS_64_LITTLE_ENDIAN {
        return None;
    }
    let half = |at: usize| array(runtime, at).map(u16::from_le_bytes);
    if half(16)? != FIXED_ADDRESS || usize::from(half(54)?) != HEADER_SIZE {
        return None;
    }
    let start = u64::from_le_bytes(array(runtime, 32)?);
    let length = usize::from(half(56)?) * HEADER_SIZE;
    let table = runtime.get(usize::try_from(start).ok()?..)?.get(..length)?;
    let mut headers: Vec<[u8; HEADER_SIZE]> = table.as_chunks::<HEADER_SIZE>().0.to_vec();
    let kind = |header: &[u8; HEADER_SIZE]| array(header, 0).map(u32::from_le_bytes);
    let note = headers
        .iter()
        .position(|header| kind(header) == Some(NOTE))?;
    headers.remove(note);
    // Loadable segments must be in the order of their addresses.
    let last = headers
        .iter()
        .rposition(|header| kind(header) == Some(LOADABLE))?;
    headers.insert(last + 1, Segment::for_file_range(range)?.encode());
    Some((start, headers.concat()))
}

#[cfg(all(test, feature = "write"))]
mod tests {
    use super::*;

    fn header(kind: u32, address: u64) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        bytes[..4].copy_from_slice(&kind.to_le_bytes());
        bytes[16..24].copy_from_slice(&address.to_le_bytes());
        bytes
    }

    fn elf(kind: u16, headers: &[[u8; HEADER_SIZE]]) -> Vec<u8> {
        let mut file = vec![0u8; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[16..18].copy_from_slice(&kind.to_le_bytes());
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[54..56].copy_from_slice(&56u16.to_le_bytes());
        file[56..58].copy_from_slice(&(headers.len() as u16).to_le_bytes());
        file.extend(headers.concat());
        file
    }

    #[test]
    fn a_note_becomes_the_last_loadable_segment() {
        let file = elf(
            2,
            &[
                header(NOTE, 9),
                header(LOADABLE, 0x40_0000),
                header(LOADABLE, 0x50_0000),
                header(7, 0),
            ],
        );
        let (start, table) = add_segment(&file, 0x12_3450..0x12_3450 + 500).unwrap();
        assert_eq!(start, 64);
        let (headers, rest) = table.as_chunks::<HEADER_SIZE>();
        assert!(rest.is_empty());
        let segments: Vec<_> = headers.iter().map(Segment::decode).collect();
        let expected = Segment {
            offset: 0x12_3450,
            address: BASE + 0x3450,
            length: 500,
        };
        assert_eq!(segments, [None, None, Some(expected), None]);
        assert_eq!(headers[0], header(LOADABLE, 0x40_0000));
    }

    #[test]
    fn other_executables_stay_as_they_are() {
        let with_note = [header(LOADABLE, 0x40_0000), header(NOTE, 9)];
        let range = 1000..2000;
        assert!(add_segment(&elf(2, &with_note), range.clone()).is_some());
        // Position-independent, without a note, with wild headers, not ELF.
        assert_eq!(add_segment(&elf(3, &with_note), range.clone()), None);
        assert_eq!(add_segment(&elf(2, &with_note[..1]), range.clone()), None);
        let mut wild = elf(2, &with_note);
        wild[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(add_segment(&wild, range.clone()), None);
        assert_eq!(add_segment(b"#!/bin/sh\n", range), None);
        assert_eq!(add_segment(&elf(2, &with_note), 5..5), None);
    }
}
