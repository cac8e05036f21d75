//! Sections of an executable: one for the archive, one for the licences of a runtime.
//!
//! Tools that rewrite executables (`strip`, `objcopy`) keep what sections describe and drop the rest. So the writer gives the
//! runtime a table of sections with one more entry, at its end, which describes the segment of the archive
//! ([`crate::segment`]). Programs do not look at it.
//!
//! Source: System V ABI, chapter 4, "Sections".

use std::borrow::Cow;
use std::ops::Range;

use crate::layout::{ARCHIVE_ALIGNMENT, array};
use crate::segment::{CLASS_64_LITTLE_ENDIAN, Segment};

/// The section of the archive.
const ARCHIVE: &[u8] = b".sema\0";
/// Bytes of an entry of the table.
const ENTRY: usize = 64;
/// Bytes of the file header.
const FILE_HEADER: usize = 64;
/// The kind of a section whose content is the program's own affair.
const CONTENT: u32 = 1;

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

/// An executable with its table of sections, and the names of these, apart from the rest.
struct Sections {
    /// The rest; all of the file if table and names do not end it.
    body: Vec<u8>,
    names: Vec<u8>,
    table: Vec<[u8; ENTRY]>,
    /// The entry that describes the names.
    named_by: usize,
}

impl Sections {
    /// Takes an executable apart; `None` where that cannot be done.
    fn of(file: &[u8]) -> Option<Sections> {
        let is_readable = array::<6>(file, 0)? == CLASS_64_LITTLE_ENDIAN
            && half(file, at::ENTRY_SIZE)? == ENTRY
            && file.len() >= FILE_HEADER;
        let count = half(file, at::COUNT)?;
        let named_by = half(file, at::NAMES)?;
        if !is_readable || named_by == 0 || named_by >= count || count >= 0xff00 {
            return None;
        }
        let table_start = word(file, at::TABLE)?;
        let table = file.get(table_start..)?.get(..count * ENTRY)?;
        let table = table.as_chunks::<ENTRY>().0.to_vec();
        let names = place(table.get(named_by)?)?;
        let ends_file = table_start + count * ENTRY == file.len()
            && names.end <= table_start
            && table_start - names.end < 8;
        let body_end = if ends_file { names.start } else { file.len() };
        // A runtime is large: it is copied once, with room for what comes back behind it, one more entry, and padding.
        let room = names.len() + (count + 1) * ENTRY + 64 + ARCHIVE_ALIGNMENT as usize;
        let mut body = Vec::with_capacity(body_end + room);
        body.extend(file.get(..body_end)?);
        Some(Sections {
            body,
            names: file.get(names)?.to_vec(),
            table,
            named_by,
        })
    }

    /// Adds an entry, with this name in place of its own.
    fn push(&mut self, name: &[u8], mut entry: [u8; ENTRY]) -> Option<()> {
        let offset = u32::try_from(self.names.len()).ok()?;
        self.names.extend(name);
        put(&mut entry, 0, &offset.to_le_bytes())?;
        self.table.push(entry);
        Some(())
    }

    /// The entry of this name.
    fn find(&self, name: &[u8]) -> Option<usize> {
        self.table.iter().position(|entry| {
            let offset = array(entry, 0).map(u32::from_le_bytes);
            offset
                .and_then(|offset| self.names.get(usize::try_from(offset).ok()?..))
                .is_some_and(|rest| rest.starts_with(name))
        })
    }

    /// The executable with table and names at its end.
    fn joined(self) -> Option<Vec<u8>> {
        let mut file = self.body;
        let mut table = self.table;
        let names = table.get_mut(self.named_by)?;
        put(names, at::OFFSET, &(file.len() as u64).to_le_bytes())?;
        put(names, at::SIZE, &(self.names.len() as u64).to_le_bytes())?;
        file.extend(&self.names);
        file.resize(file.len().next_multiple_of(8), 0);
        let start = file.len() as u64;
        let count = u16::try_from(table.len()).ok()?;
        file.extend(table.as_flattened());
        put(&mut file, at::TABLE, &start.to_le_bytes())?;
        put(&mut file, at::COUNT, &count.to_le_bytes())?;
        Some(file)
    }
}

/// What an entry describes, in the file.
fn place(entry: &[u8; ENTRY]) -> Option<Range<usize>> {
    let start = word(entry, at::OFFSET)?;
    Some(start..start.checked_add(word(entry, at::SIZE)?)?)
}

/// The runtime with an empty entry for one more section at the end of its table; as it is where that cannot be done.
pub(crate) fn with_room(runtime: Cow<'_, [u8]>) -> Vec<u8> {
    let extended = || {
        let mut sections = Sections::of(&runtime)?;
        sections.push(ARCHIVE, [0; ENTRY])?;
        sections.joined()
    };
    if last_is_empty(&runtime).is_some() {
        return runtime.into_owned();
    }
    extended().unwrap_or_else(|| runtime.into_owned())
}

/// Where the last entry lies, if it is empty but for its name.
fn last_is_empty(runtime: &[u8]) -> Option<usize> {
    let last = half(runtime, at::COUNT)?.checked_sub(1)?;
    let start = word(runtime, at::TABLE)?.checked_add(last.checked_mul(ENTRY)?)?;
    let entry = runtime.get(start..)?.get(..ENTRY)?;
    let is_empty = entry.get(4..)?.iter().all(|byte| *byte == 0);
    (last > 0 && is_empty).then_some(start)
}

/// The executable with a section that is no part of the running program; `None` where that cannot be done.
pub(crate) fn with_content(file: &[u8], name: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    let mut sections = Sections::of(file)?;
    let mut entry = [0; ENTRY];
    put(&mut entry, 4, &CONTENT.to_le_bytes())?;
    let numbers = [(at::OFFSET, sections.body.len()), (at::SIZE, content.len())];
    for (at, number) in numbers {
        put(&mut entry, at, &(number as u64).to_le_bytes())?;
    }
    put(&mut entry, 48, &1u64.to_le_bytes())?;
    sections.push(name, entry)?;
    sections.body.extend(content);
    sections.joined()
}

/// The content of a section, and the executable without it: without its bytes if [`with_content`] has added it last. Then it has room as
/// [`with_room`] makes it: a runtime is large, and so it is copied once.
pub(crate) fn taken_out<'f>(file: &'f [u8], name: &[u8]) -> Option<(&'f [u8], Vec<u8>)> {
    let mut sections = Sections::of(file)?;
    let found = sections.find(name)?;
    let place = place(sections.table.get(found)?)?;
    let content = file.get(place.clone())?;
    if found + 1 == sections.table.len() && place.end == sections.body.len() {
        sections.body.truncate(place.start);
        sections.table.pop();
        if sections.names.ends_with(name) {
            sections.names.truncate(sections.names.len() - name.len());
        }
        sections.push(ARCHIVE, [0; ENTRY])?;
        return Some((content, sections.joined()?));
    }
    Some((content, file.to_vec()))
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
    const IN_MEMORY: u64 = 2;
    let start = last_is_empty(runtime)?;
    let entry = runtime.get_mut(start..)?.get_mut(..ENTRY)?;
    put(entry, 4, &CONTENT.to_le_bytes())?;
    let fields = [IN_MEMORY, segment.address, segment.offset, segment.length];
    for (number, field) in fields.iter().enumerate() {
        put(entry, 8 + 8 * number, &field.to_le_bytes())?;
    }
    put(entry, 48, &16u64.to_le_bytes())
}
