//! Other names of embedded files: `--include a/b/x.txt` is `x.txt` as well, `--include a/b` is `b`.
//!
//! They are pairs of a name and a path in the metadata, looked at only when no file has the path that is asked for.

use crate::archive::Archive;
use crate::entry::EntryRef;
use crate::layout::EntryKind;
use crate::path::normalize;

/// The metadata entry with the names.
pub const NAMES: &str = "names";

/// What ends a name and a path: no path contains it.
const END: char = '\0';

/// The content of the entry [`NAMES`]: names, each with the path of the file or directory that it stands for.
#[cfg(feature = "write")]
#[must_use]
pub fn names_metadata<'n>(names: impl IntoIterator<Item = (&'n str, &'n str)>) -> Vec<u8> {
    let mut text = String::new();
    for (name, path) in names {
        text.extend([name, "\0", path, "\0"]);
    }
    text.into_bytes()
}

/// The names of an archive. Damaged ones are none: files are found under their paths all the same, and `verify` reports it. Who
/// checks signatures has to read them before.
pub(crate) fn of(archive: &Archive) -> Box<str> {
    let bytes = archive.metadata(NAMES).and_then(|entry| {
        let bytes = entry.bytes().ok()?;
        String::from_utf8(bytes.into_owned()).ok()
    });
    bytes.unwrap_or_default().into_boxed_str()
}

/// The paths that a normalised path means under these names, whether there is something or not.
fn meant<'n>(names: &'n str, path: &'n str) -> impl Iterator<Item = String> + 'n {
    let mut texts = names.split_terminator(END);
    let pairs = std::iter::from_fn(move || texts.next().zip(texts.next()));
    pairs.filter_map(move |(name, target)| match path.strip_prefix(name)? {
        "" => Some(target.to_owned()),
        below if below.starts_with('/') => Some([target, below].concat()),
        _ => None,
    })
}

/// The embedded file that a path means under these names: none if they are several.
pub(crate) fn file<'a>(archive: &'a Archive, names: &str, requested: &str) -> Option<EntryRef<'a>> {
    let path = normalize(requested)?;
    let mut found: Option<EntryRef<'a>> = None;
    for meant in meant(names, &path) {
        let entry = archive.find(EntryKind::Asset, &meant);
        let Some(entry) = entry else { continue };
        if found
            .as_ref()
            .is_some_and(|one| one.number() != entry.number())
        {
            return None;
        }
        found = Some(entry);
    }
    found
}

/// The embedded directory that a normalised path means under these names: none if they are several.
pub(crate) fn directory(archive: &Archive, names: &str, path: &str) -> Option<String> {
    let mut found: Option<String> = None;
    for meant in meant(names, path) {
        let prefix = format!("{meant}/");
        let is_there = archive
            .entries_with_prefix(&prefix)
            .any(|entry| entry.kind() == EntryKind::Asset);
        if !is_there {
            continue;
        }
        if found.as_ref().is_some_and(|one| *one != meant) {
            return None;
        }
        found = Some(meant);
    }
    found
}
