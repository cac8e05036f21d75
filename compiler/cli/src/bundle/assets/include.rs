//! What one `--include` says: `PATH`, or `PATH=PLACE` to put what is there at another place of the program.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// One `--include`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// Where a project file says it.
    pub said: Option<String>,
    /// As it was written, for messages.
    pub argument: OsString,
    /// What a relative path is relative to: empty for the current directory.
    pub base: PathBuf,
    /// The file, the directory or the pattern.
    pub path: PathBuf,
    /// Where it goes in the program. A place that ends in `/` is a directory.
    pub place: Option<String>,
}

impl Include {
    /// Reads an argument. A file whose own name contains a `=` is that file.
    #[must_use]
    pub fn parse(argument: &OsStr, base: &Path) -> Include {
        let whole = PathBuf::from(argument);
        let mut include = Include {
            said: None,
            argument: argument.to_owned(),
            base: base.to_owned(),
            path: whole.clone(),
            place: None,
        };
        if std::fs::symlink_metadata(base.join(&whole)).is_ok() {
            return include;
        }
        if let Some((path, place)) = argument.to_str().and_then(|text| text.rsplit_once('=')) {
            include.path = PathBuf::from(path);
            include.place = Some(place.to_owned());
        }
        include
    }

    /// The file, the directory or the pattern, from the current directory.
    #[must_use]
    pub fn on_disk(&self) -> PathBuf {
        self.base.join(&self.path)
    }

    /// The parts of the path in front of the first one with a wildcard, if there is one.
    #[must_use]
    pub fn directory_of_pattern(&self) -> Option<PathBuf> {
        let mut before = PathBuf::new();
        for component in self.path.components() {
            if has_wildcard(component.as_os_str()) {
                return Some(before);
            }
            before.push(component);
        }
        None
    }
}

fn has_wildcard(name: &OsStr) -> bool {
    let special = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'{');
    name.as_encoded_bytes().iter().any(special)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let parse = |text: &str| Include::parse(OsStr::new(text), Path::new("/no/such/directory"));
        let plain = parse("data/a.txt");
        assert_eq!((plain.path, plain.place), ("data/a.txt".into(), None));
        let placed = parse("a=b/c=d/");
        assert_eq!(
            (placed.path, placed.place.as_deref()),
            ("a=b/c".into(), Some("d/"))
        );
        assert_eq!(
            parse("a/b/*.txt").directory_of_pattern(),
            Some("a/b".into())
        );
        assert_eq!(parse("**/x").directory_of_pattern(), Some("".into()));
        assert_eq!(parse("a/b").directory_of_pattern(), None);
    }
}
