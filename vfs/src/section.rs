//! The archive as a section of its executable.
//!
//! Tools that rewrite executables (`strip`, `objcopy`) keep what sections describe and drop the rest. So the writer gives the
//! runtime a table of sections with one more entry, behind its end, which describes the segment of the archive
//! ([`crate::segment`]). Programs do not look at it.
//!
//! Source: System V ABI, chapter 4, "Sections".

use crate::layout::{ARCHIVE_ALIGNMENT, array};
use crate::segment::{CLASS_64_LITTLE_ENDIAN, Segment};

/// The name of the section.
const NAME: &[u8] = b".sema\0";
/// Bytes of an entry of the table.
const ENTRY: usize = 64;
/// Bytes of the file header.
const FILE_HEADER: usize = 64;

/// Where fields of the file header and of entries lie.
mod at {
    /// The table of sections in the file.
    pub(super) const TABLE: usize = 40;
    /// Bytes of an entry.
    pub(super) const ENTRY_SIZE: usize = 58;
    /// Number of entries.
    pub(super) const COUNT: usize = 60;
    /// Which of them holds the names.
    pub(super) const NAMES: usize = 62;
    /// Of an entry: where it lies in the file, and how long it is.
    pub(super) const OFFSET: usize = 24;
    pub(super) const SIZE: usize = 32;
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    array(bytes, at).map(|half| u16::from_le_bytes(half).into())
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(array(bytes, at)?)).ok()
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) -> Option<()> {
    bytes
        .get_mut(at..at.checked_add(value.len())?)?
        .copy_from_slice(value);
    Some(())
}

/// The runtime with an empty entry for one more section at the end of its table, which is moved behind its end; as it is where
/// that cannot be done.
pub(crate) fn with_room(runtime: &[u8]) -> Vec<u8> {
    extended(runtime).unwrap_or_else(|| runtime.to_vec())
}

fn extended(runtime: &[u8]) -> Option<Vec<u8>> {
    let is_readable = array::<6>(runtime, 0)? == CLASS_64_LITTLE_ENDIAN
        && half(runtime, at::ENTRY_SIZE)? == ENTRY
        && runtime.len() >= FILE_HEADER;
    let count = half(runtime, at::COUNT)?;
    let names = half(runtime, at::NAMES)?;
    if !is_readable || names == 0 || names >= count || count >= 0xff00 {
        return None;
    }
    let table = runtime
        .get(word(runtime, at::TABLE)?..)?
        .get(..count * ENTRY)?;
    let entry = table.get(names * ENTRY..)?;
    let old_names = runtime
        .get(word(entry, at::OFFSET)?..)?
        .get(..word(entry, at::SIZE)?)?;
    let mut new_names = old_names.to_vec();
    let name = u32::try_from(new_names.len()).ok()?;
    new_names.extend(NAME);

    // A runtime is large: it is copied once, with room for the names, the table, and padding behind both.
    let room = new_names.len() + table.len() + ENTRY + 8 + ARCHIVE_ALIGNMENT as usize;
    let mut extended = Vec::with_capacity(runtime.len() + room);
    extended.extend(runtime);
    let names_offset = extended.len();
    extended.extend(&new_names);
    extended.resize(extended.len().next_multiple_of(8), 0);
    let table_offset = extended.len();
    let mut table = table.to_vec();
    let entry = table.get_mut(names * ENTRY..)?;
    put(entry, at::OFFSET, &(names_offset as u64).to_le_bytes())?;
    put(entry, at::SIZE, &(new_names.len() as u64).to_le_bytes())?;
    extended.extend(&table);
    let mut empty = [0; ENTRY];
    put(&mut empty, 0, &name.to_le_bytes())?;
    extended.extend(empty);
    put(
        &mut extended,
        at::TABLE,
        &(table_offset as u64).to_le_bytes(),
    )?;
    put(&mut extended, at::COUNT, &(count as u16 + 1).to_le_bytes())?;
    Some(extended)
}

/// Makes the entry that describes the segment say that it has another length. Without such an entry nothing is changed.
pub(crate) fn resize(runtime: &mut [u8], old: Segment, length: u64) {
    let Some(start) = word(runtime, at::TABLE) else {
        return;
    };
    let count = half(runtime, at::COUNT).unwrap_or(0);
    let table = runtime.get_mut(start..).unwrap_or_default();
    for entry in table.as_chunks_mut::<ENTRY>().0.iter_mut().take(count) {
        let is_it = word(entry, at::OFFSET) == usize::try_from(old.offset).ok()
            && word(entry, at::SIZE) == usize::try_from(old.length).ok();
        if is_it {
            // The place is inside of the entry.
            let _ = put(entry, at::SIZE, &length.to_le_bytes());
        }
    }
}

/// Makes the empty entry that [`with_room`] has added describe the segment.
pub(crate) fn describe(runtime: &mut [u8], segment: Segment) -> Option<()> {
    const CONTENT: u32 = 1;
    const IN_MEMORY: u64 = 2;
    let last = half(runtime, at::COUNT)?.checked_sub(1)?;
    let start = word(runtime, at::TABLE)?.checked_add(last * ENTRY)?;
    let entry = runtime.get_mut(start..)?.get_mut(..ENTRY)?;
    if entry.get(4..)?.iter().any(|byte| *byte != 0) {
        return None;
    }
    put(entry, 4, &CONTENT.to_le_bytes())?;
    let fields = [IN_MEMORY, segment.address, segment.offset, segment.length];
    for (number, field) in fields.iter().enumerate() {
        put(entry, 8 + 8 * number, &field.to_le_bytes())?;
    }
    put(entry, 48, &16u64.to_le_bytes())
}
