//! `sema.lock`: which revision of each package a program uses.

use super::files::Files;
use super::paths::{join, parent};

/// The lock of a program.
pub(super) struct Lock {
    /// Its path.
    pub(super) path: String,
    text: String,
}

/// Where the lock says that a package lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Locked {
    /// In this directory below the root of packages.
    Directory(String),
    /// Its entry lacks what names the directory.
    Invalid,
    /// This line belongs in no lock.
    Damaged(usize),
    /// The lock does not name it.
    Missing,
}

impl Lock {
    /// The lock in a directory or the nearest one above it.
    pub(super) fn find(directory: &str, files: &dyn Files) -> Option<Lock> {
        let mut directory = directory;
        loop {
            let path = join(directory, "sema.lock");
            if let Ok(text) = files.read(&path) {
                return Some(Lock { path, text });
            }
            let above = parent(directory);
            if above == directory {
                return None;
            }
            directory = above;
        }
    }

    /// The entry of a package: a table `[packages."SPEC"]` with `source` and `commit` or `checksum`.
    pub(super) fn package(&self, spec: &str) -> Locked {
        let mut found = false;
        let mut inside = false;
        let mut source = "";
        let mut revision = ("", "");
        for line in self.text.lines().map(str::trim) {
            if line.starts_with('[') {
                inside = table_name(line) == Some(spec);
                found |= inside;
            } else if inside && let Some((key, value)) = line.split_once('=') {
                match key.trim() {
                    "source" => source = unquoted(value),
                    "commit" => revision.0 = unquoted(value),
                    "checksum" => revision.1 = unquoted(value),
                    _ => {}
                }
            }
        }
        let (start, name) = match source {
            "git" => ("git", revision.0),
            "registry" => ("registry", revision.1),
            _ => ("", ""),
        };
        let is_name = |name: &str| {
            let mut letters = name.chars();
            !name.is_empty()
                && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        };
        match (found, is_name(name)) {
            (false, _) => match self.strange_line() {
                Some(line) => Locked::Damaged(line),
                None => Locked::Missing,
            },
            (true, true) => Locked::Directory(format!(".store/{start}-{name}/{spec}")),
            (true, false) => Locked::Invalid,
        }
    }
}

impl Lock {
    /// The number of the first line that is no table, no value, and no part of one.
    fn strange_line(&self) -> Option<usize> {
        let mut depth = 0i32;
        for (number, line) in (1..).zip(self.text.lines()) {
            let line = line.trim();
            let is_plain = line.is_empty() || line.starts_with(['#', '[']) || line.contains('=');
            if depth <= 0 && !is_plain {
                return Some(number);
            }
            let count = |letter| i32::try_from(line.matches(letter).count()).unwrap_or(0);
            depth += count('[') - count(']');
        }
        None
    }
}

/// The package whose table begins with this line.
fn table_name(line: &str) -> Option<&str> {
    let name = line.strip_prefix("[packages.")?;
    let name = name.split_once(']').map(|(name, _)| name.trim())?;
    Some(unquoted(name))
}

/// The text between quotes, or the bare word.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let quote = value.chars().next().unwrap_or(' ');
    match quote {
        '"' | '\'' => value.split(quote).nth(1).unwrap_or_default(),
        _ => value.split([' ', '#']).next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::modules::MemoryFiles;

    const TEXT: &str = "# made by a tool\nlock_version = 1\n\n\
        [packages.\"github.com/user/tool\"]\nsource = \"git\" # by URL\nref = \"main\"\n\
        commit = \"5fcbef5a\"\ndirect = true\n\n\
        [packages.json]\nsource = 'registry'\nversion = \"1.0.0\"\nchecksum = \"abc\"\n\n\
        [packages.broken]\nsource = \"git\"\n\n\
        [packages.escape]\nsource = \"git\"\ncommit = \"../../x\"\n";

    #[test]
    fn entries() {
        let mut files = MemoryFiles::new();
        files.add("/p/sema.lock", TEXT);
        let lock = Lock::find("/p/app/src", &files).unwrap();
        assert_eq!(lock.path, "/p/sema.lock");
        let directory = |text: &str| Locked::Directory(text.to_owned());
        assert_eq!(
            lock.package("github.com/user/tool"),
            directory(".store/git-5fcbef5a/github.com/user/tool")
        );
        assert_eq!(lock.package("json"), directory(".store/registry-abc/json"));
        assert_eq!(lock.package("broken"), Locked::Invalid);
        assert_eq!(lock.package("escape"), Locked::Invalid);
        assert_eq!(lock.package("other"), Locked::Missing);
        assert!(Lock::find("/q", &files).is_none());
        for (text, expected) in [
            ("garbage", Locked::Damaged(1)),
            ("lock_version = 1\n<html>\n", Locked::Damaged(2)),
            ("", Locked::Missing),
            (
                "a = [\n  \"x\",\n]\n# more\n\n[[b]]\nc = 1\n",
                Locked::Missing,
            ),
        ] {
            files.add("/r/sema.lock", text);
            let lock = Lock::find("/r", &files).unwrap();
            assert_eq!(lock.package("other"), expected, "{text}");
        }
    }
}
