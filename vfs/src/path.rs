//! Paths inside an archive: what may be stored, and how a request finds it.

use std::fmt;
use std::path::{Component, Path};

/// First segment of the paths of metadata entries; other entries may not use it.
pub const METADATA_DIRECTORY: &str = ".semac";

/// Longest path in bytes: what Linux accepts (`PATH_MAX` without its NUL).
pub(crate) const PATH_LIMIT: usize = 4095;
/// Longest segment in bytes (`NAME_MAX`).
const SEGMENT_LIMIT: usize = 255;

/// A checked path of an entry: relative, segments separated by `/`.
///
/// Refused are: the empty path, absolute paths (also with a drive letter),
/// empty segments, `.` and `..`, NUL, backslashes, segments over 255 and paths
/// over 4095 bytes, and the reserved first segment `.semac`. Device names of
/// Windows (`aux`, `con`) are accepted: entries are never extracted, so such a
/// name never reaches a file system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VfsPath(Box<str>);

impl VfsPath {
    /// Checks `path`.
    ///
    /// # Errors
    /// [`PathError`], naming the rule that is broken.
    pub fn new(path: &str) -> Result<Self, PathError> {
        check(path.as_bytes()).map_err(|problem| problem.about(path))?;
        if is_reserved(path) {
            return Err(PathProblem::Reserved.about(path));
        }
        Ok(Self(path.into()))
    }

    /// The path of the metadata entry `name`: `.semac/name`.
    ///
    /// # Errors
    /// [`PathError`] when `name` breaks a rule.
    pub fn metadata(name: &str) -> Result<Self, PathError> {
        let path = format!("{METADATA_DIRECTORY}/{name}");
        check(path.as_bytes()).map_err(|problem| problem.about(&path))?;
        Ok(Self(path.into()))
    }

    /// Converts a relative path of the operating system. `.` segments are
    /// dropped; `..` and everything else that [`VfsPath::new`] refuses is not
    /// repaired but refused.
    ///
    /// # Errors
    /// [`PathError`], also for a path that is not UTF-8.
    pub fn from_relative(path: &Path) -> Result<Self, PathError> {
        let mut text = String::new();
        for component in path.components() {
            let segment = match component {
                Component::CurDir => continue,
                Component::Normal(segment) => segment.to_str().ok_or(PathProblem::NotUnicode),
                Component::ParentDir => Err(PathProblem::Dots),
                Component::RootDir | Component::Prefix(_) => Err(PathProblem::Absolute),
            }
            .map_err(|problem| problem.about(&path.to_string_lossy()))?;
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(segment);
        }
        Self::new(&text)
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the path of a metadata entry.
    #[must_use]
    pub fn is_metadata(&self) -> bool {
        is_reserved(&self.0)
    }
}

impl fmt::Display for VfsPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for VfsPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A path that cannot be stored in an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{path}' cannot be the path of an embedded file: {problem}")]
pub struct PathError {
    /// The refused path.
    pub path: String,
    problem: PathProblem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathProblem {
    #[error("it is empty")]
    Empty,
    #[error("it is absolute; give it relative to the project root")]
    Absolute,
    #[error("it has an empty segment; write one '/' between names and none at the end")]
    EmptySegment,
    #[error("it has a '.' or '..' segment; give the path that results from them")]
    Dots,
    #[error("it contains a NUL character")]
    Nul,
    #[error("it contains a backslash; separate segments with '/'")]
    Backslash,
    #[error("it is longer than {PATH_LIMIT} bytes, or one of its segments than {SEGMENT_LIMIT}")]
    TooLong,
    #[error("the directory '{METADATA_DIRECTORY}' is reserved for build information; rename it")]
    Reserved,
    #[error("it is not valid UTF-8; rename the file")]
    NotUnicode,
}

impl PathProblem {
    fn about(self, path: &str) -> PathError {
        PathError {
            path: path.to_owned(),
            problem: self,
        }
    }
}

/// The rules on form, which hold for entries of every kind. Takes bytes, so
/// that the reader can apply it to a table of contents from anywhere.
pub(crate) fn check(path: &[u8]) -> Result<(), PathProblem> {
    if path.is_empty() {
        return Err(PathProblem::Empty);
    }
    if path.len() > PATH_LIMIT {
        return Err(PathProblem::TooLong);
    }
    if let [b'/', ..] = path {
        return Err(PathProblem::Absolute);
    }
    if let [letter, b':', ..] = path
        && letter.is_ascii_alphabetic()
    {
        return Err(PathProblem::Absolute);
    }
    // One pass: opening an archive runs this over every path in it.
    let mut ascii = true;
    let mut segment_start = 0;
    for (at, byte) in path.iter().enumerate() {
        match byte {
            b'/' => {
                check_segment(path.get(segment_start..at).unwrap_or_default())?;
                segment_start = at + 1;
            }
            0 => return Err(PathProblem::Nul),
            b'\\' => return Err(PathProblem::Backslash),
            128.. => ascii = false,
            _ => {}
        }
    }
    check_segment(path.get(segment_start..).unwrap_or_default())?;
    if !ascii && std::str::from_utf8(path).is_err() {
        return Err(PathProblem::NotUnicode);
    }
    Ok(())
}

fn check_segment(segment: &[u8]) -> Result<(), PathProblem> {
    match segment {
        b"" => Err(PathProblem::EmptySegment),
        b"." | b".." => Err(PathProblem::Dots),
        _ if segment.len() > SEGMENT_LIMIT => Err(PathProblem::TooLong),
        _ => Ok(()),
    }
}

/// Whether a path of valid form lies in the directory of the metadata.
pub(crate) fn is_reserved(path: &str) -> bool {
    is_reserved_bytes(path.as_bytes())
}

pub(crate) fn is_reserved_bytes(path: &[u8]) -> bool {
    path.strip_prefix(METADATA_DIRECTORY.as_bytes())
        .is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
}

/// The lexically normalised form of a requested path: `.` and empty segments
/// dropped, `..` resolved against what precedes it, without looking at any
/// file system.
///
/// `None` for absolute paths, for paths that leave the root on the way (even if
/// they come back), and for those that name the root itself: none of them can
/// name an embedded file.
#[must_use]
pub fn normalize(requested: &str) -> Option<String> {
    let mut normalized = String::with_capacity(requested.len());
    push_normalized(&mut normalized, requested)?;
    (!normalized.is_empty()).then_some(normalized)
}

/// Like [`normalize`], for a directory: the root is the empty path.
#[must_use]
pub fn normalize_directory(requested: &str) -> Option<String> {
    let mut normalized = String::with_capacity(requested.len());
    push_normalized(&mut normalized, requested)?;
    Some(normalized)
}

/// Like [`normalize`], for a path that is relative to the directory of the
/// embedded file `importer`.
#[must_use]
pub fn normalize_relative(importer: &str, requested: &str) -> Option<String> {
    let directory = importer
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    let mut normalized = String::with_capacity(directory.len() + 1 + requested.len());
    push_normalized(&mut normalized, directory)?;
    push_normalized(&mut normalized, requested)?;
    (!normalized.is_empty()).then_some(normalized)
}

fn push_normalized(normalized: &mut String, path: &str) -> Option<()> {
    if path.starts_with('/') {
        return None;
    }
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." if normalized.is_empty() => return None,
            ".." => normalized.truncate(normalized.rfind('/').unwrap_or(0)),
            name => {
                if !normalized.is_empty() {
                    normalized.push('/');
                }
                normalized.push_str(name);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(path: &str) -> PathProblem {
        VfsPath::new(path).unwrap_err().problem
    }

    #[test]
    fn accepts_ordinary_paths() {
        for path in [
            "main.sema",
            "lib/data/größe.json",
            "..hidden",
            "a/...",
            "aux",
            ".semacs/x",
            "github.com/user/pkg",
            "with space",
            "x/.semac",
        ] {
            assert_eq!(VfsPath::new(path).unwrap().as_str(), path);
        }
    }

    #[test]
    fn refuses_each_broken_rule() {
        assert_eq!(problem(""), PathProblem::Empty);
        assert_eq!(problem("/etc/passwd"), PathProblem::Absolute);
        assert_eq!(problem("C:/x"), PathProblem::Absolute);
        assert_eq!(problem("a//b"), PathProblem::EmptySegment);
        assert_eq!(problem("a/"), PathProblem::EmptySegment);
        assert_eq!(problem("./a"), PathProblem::Dots);
        assert_eq!(problem("a/../b"), PathProblem::Dots);
        assert_eq!(problem("a\0b"), PathProblem::Nul);
        assert_eq!(problem("a\\b"), PathProblem::Backslash);
        assert_eq!(problem(&"x".repeat(256)), PathProblem::TooLong);
        assert_eq!(problem(&"x/".repeat(3000)), PathProblem::TooLong);
        assert_eq!(problem(".semac"), PathProblem::Reserved);
        assert_eq!(problem(".semac/manifest"), PathProblem::Reserved);
        assert!(VfsPath::metadata("../x").is_err());
        assert!(VfsPath::metadata("").is_err());
    }

    #[test]
    fn messages_say_what_to_do() {
        let message = VfsPath::new("a/../b").unwrap_err().to_string();
        assert!(
            message.contains("'a/../b'") && message.contains("'..'"),
            "{message}"
        );
    }

    #[test]
    fn converts_paths_of_the_system() {
        let converted = VfsPath::from_relative(Path::new("./a/./b")).unwrap();
        assert_eq!(converted.as_str(), "a/b");
        for refused in ["/a", "../a", "a/../b", ".", ""] {
            assert!(
                VfsPath::from_relative(Path::new(refused)).is_err(),
                "{refused}"
            );
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let name = std::ffi::OsStr::from_bytes(b"a\xff");
            assert_eq!(
                VfsPath::from_relative(Path::new(name)).unwrap_err().problem,
                PathProblem::NotUnicode
            );
        }
    }

    #[test]
    fn normalizes_lexically() {
        assert_eq!(normalize("a/./b//c").as_deref(), Some("a/b/c"));
        assert_eq!(normalize("a/../b").as_deref(), Some("b"));
        assert_eq!(normalize("./x/y/../../z").as_deref(), Some("z"));
        for outside in ["", ".", "a/..", "../a", "a/../../a", "/a", ".."] {
            assert_eq!(normalize(outside), None, "{outside}");
        }
    }

    #[test]
    fn resolves_beside_the_importer() {
        assert_eq!(
            normalize_relative("lib/a.sema", "b.sema").as_deref(),
            Some("lib/b.sema")
        );
        assert_eq!(
            normalize_relative("lib/a.sema", "../data/x").as_deref(),
            Some("data/x")
        );
        assert_eq!(normalize_relative("a.sema", "b").as_deref(), Some("b"));
        assert_eq!(normalize_relative("lib/a.sema", "../../x"), None);
        assert_eq!(normalize_relative("lib/a.sema", "/x"), None);
        assert_eq!(normalize_relative("/lib/a.sema", "x"), None);
    }
}
