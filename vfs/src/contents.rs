//! The table of contents of an archive: records sorted by path and kind, and the text of their paths.

use std::cmp::Ordering;

use crate::error::VfsError;
use crate::layout::{
    CHUNK_LENGTH, Compression, DATA_ALIGNMENT, EntryKind, HEADER_LENGTH, Header, RECORD_LENGTH,
    Record,
};
use crate::path;

/// What messages call it.
pub(crate) const CONTENTS: &str = "table of contents";

/// The records, in their order.
pub(crate) fn records<'a>(archive: &'a [u8], header: &Header) -> &'a [[u8; RECORD_LENGTH]] {
    let (records, _) = archive
        .get(HEADER_LENGTH..)
        .unwrap_or_default()
        .as_chunks::<RECORD_LENGTH>();
    records
        .get(..header.entry_count as usize)
        .unwrap_or_default()
}

/// The text of all paths.
pub(crate) fn paths<'a>(archive: &'a [u8], header: &Header) -> &'a [u8] {
    let start = HEADER_LENGTH + header.entry_count as usize * RECORD_LENGTH;
    archive
        .get(start..)
        .and_then(|rest| rest.get(..header.paths_length as usize))
        .unwrap_or_default()
}

/// The path of a record in that text.
pub(crate) fn path_of<'a>(paths: &'a [u8], record: &Record) -> Option<&'a [u8]> {
    paths
        .get(record.path_offset as usize..)?
        .get(..usize::from(record.path_length))
}

/// Checks every record once, so that an open archive can be relied on to be
/// sorted, with paths of valid form and data inside the archive.
pub(crate) fn validate(archive: &[u8], header: &Header) -> Result<(), VfsError> {
    let paths = paths(archive, header);
    let data_start = HEADER_LENGTH as u64 + header.contents_length();
    if u64::from(header.chunk_count) * CHUNK_LENGTH as u64 > header.archive_length {
        return Err(VfsError::damaged(
            CONTENTS,
            format!("{} chunks do not fit the archive", header.chunk_count),
        ));
    }
    let mut previous: Option<(&[u8], EntryKind)> = None;
    let mut path_end = 0u64;
    let mut chunk_end = 0u64;
    for (number, bytes) in records(archive, header).iter().enumerate() {
        let fault =
            |problem: &str| VfsError::damaged(CONTENTS, format!("entry {number}: {problem}"));
        let record = Record::decode(bytes).ok_or_else(|| fault("unknown kind or compression"))?;
        let path = path_of(paths, &record)
            .filter(|_| u64::from(record.path_offset) == path_end)
            .ok_or_else(|| fault("its path lies outside the path text"))?;
        path_end += u64::from(record.path_length);
        path::check(path).map_err(|problem| fault(&problem.to_string()))?;
        if path::is_reserved_bytes(path) != (record.kind == EntryKind::Metadata) {
            return Err(fault("its path does not fit its kind"));
        }
        let order = previous.map_or(Ordering::Less, |previous| {
            previous.cmp(&(path, record.kind))
        });
        if order != Ordering::Less {
            return Err(fault("it is not in the order of paths"));
        }
        previous = Some((path, record.kind));
        if u64::from(record.first_chunk) != chunk_end {
            return Err(fault("its chunks do not follow those of the entry before"));
        }
        chunk_end += u64::from(record.chunk_count);
        validate_extent(&record, header, data_start).map_err(|problem| fault(&problem))?;
    }
    if path_end != u64::from(header.paths_length) || chunk_end != u64::from(header.chunk_count) {
        return Err(VfsError::damaged(
            CONTENTS,
            "paths or chunks do not add up to what the header announces",
        ));
    }
    Ok(())
}

/// Checks place and lengths of one entry against each other.
fn validate_extent(record: &Record, header: &Header, data_start: u64) -> Result<(), String> {
    let inside = record.data_offset >= data_start
        && record
            .data_offset
            .checked_add(record.stored_length)
            .is_some_and(|end| end <= header.archive_length);
    if !inside {
        return Err(format!(
            "{} bytes at {} are not in the data of the archive, {data_start} to {}",
            record.stored_length, record.data_offset, header.archive_length
        ));
    }
    if !record.data_offset.is_multiple_of(DATA_ALIGNMENT) {
        return Err(format!(
            "it starts at {}, not a multiple of {DATA_ALIGNMENT}",
            record.data_offset
        ));
    }
    let compressed = record.compression == Compression::Zstd;
    if record.kind.is_code() && (compressed || record.chunk_count > 0) {
        return Err("it is code, but not stored in one plain piece".to_owned());
    }
    let chunk_size = u64::from(header.chunk_size);
    let consistent = if record.chunk_count > 0 {
        let table = u64::from(record.chunk_count) * CHUNK_LENGTH as u64;
        record.original_length.div_ceil(chunk_size) == u64::from(record.chunk_count)
            && (compressed && record.stored_length >= table
                || record.original_length.checked_add(table) == Some(record.stored_length))
    } else if compressed {
        // Nothing compresses to nothing, and an empty read checks no piece.
        (1..=chunk_size).contains(&record.original_length)
    } else {
        record.original_length == record.stored_length
    };
    if !consistent {
        return Err(format!(
            "{} stored bytes in {} chunks cannot hold {} bytes",
            record.stored_length, record.chunk_count, record.original_length
        ));
    }
    Ok(())
}
