//! The files that go into an output, by identity: whatever they are called, the output must not be one of them.

use std::io;
use std::path::{Path, PathBuf};

/// What makes two paths the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(Parts);

#[cfg(unix)]
type Parts = (u64, u64);
#[cfg(not(unix))]
type Parts = PathBuf;

impl Identity {
    /// The identity of an existing file, links followed.
    ///
    /// # Errors
    /// As the system says, in particular if there is no such file.
    #[cfg(unix)]
    pub fn of(path: &Path) -> io::Result<Identity> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path)?;
        Ok(Identity((metadata.dev(), metadata.ino())))
    }

    /// The identity of an existing file, links followed.
    ///
    /// # Errors
    /// As the system says, in particular if there is no such file.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> io::Result<Identity> {
        std::fs::canonicalize(path).map(Identity)
    }

    /// Whether a path is another name of this file.
    #[must_use]
    pub fn is(&self, path: &Path) -> bool {
        Identity::of(path).is_ok_and(|other| other == *self)
    }
}

/// Whether two paths are the same existing file: by any way of links, hard or symbolic.
#[must_use]
pub fn same_file(left: &Path, right: &Path) -> bool {
    Identity::of(left).is_ok_and(|identity| identity.is(right))
}

/// The input that an output would overwrite.
#[must_use]
pub fn overwritten<'p>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Option<&'p Path> {
    let output = Identity::of(output).ok()?;
    inputs.into_iter().find(|input| output.is(input))
}

/// Where to write: `given`, or `default` in it if it is a directory or ends like one. A leading `~` is the home
/// directory.
#[must_use]
pub fn output_path(given: &Path, default: &Path, home: Option<&Path>) -> PathBuf {
    let expanded = at_home(given, home);
    let is_directory_name = given.as_os_str().as_encoded_bytes().ends_with(b"/");
    match default.file_name() {
        Some(name) if is_directory_name || expanded.is_dir() => expanded.join(name),
        _ => expanded,
    }
}

/// A path in which a leading `~` has become the home directory.
#[must_use]
pub fn at_home(given: &Path, home: Option<&Path>) -> PathBuf {
    match (given.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) if rest.as_os_str().is_empty() => home.to_owned(),
        (Ok(rest), Some(home)) => home.join(rest),
        _ => given.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs() {
        let directory = std::env::temp_dir();
        let path = |given: &str| {
            output_path(
                Path::new(given),
                Path::new("src/app"),
                Some(Path::new("/home/u")),
            )
        };
        assert_eq!(path("dist/report"), Path::new("dist/report"));
        assert_eq!(
            path("no/such/directory/"),
            Path::new("no/such/directory/app")
        );
        assert_eq!(path(directory.to_str().unwrap()), directory.join("app"));
        assert_eq!(path("~/bin/x"), Path::new("/home/u/bin/x"));
        assert_eq!(path("~x"), Path::new("~x"));
        assert_eq!(path("a/~/b"), Path::new("a/~/b"));
        assert_eq!(path("~/"), Path::new("/home/u/app"));
        let homeless = output_path(Path::new("~/x"), Path::new("app"), None);
        assert_eq!(homeless, Path::new("~/x"));
    }

    #[cfg(unix)]
    #[test]
    fn files_are_known_by_identity() {
        let directory = std::env::temp_dir().join(format!("semac-inputs-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("a");
        std::fs::write(&file, "a").unwrap();
        std::fs::hard_link(&file, directory.join("hard")).unwrap();
        std::os::unix::fs::symlink("a", directory.join("soft")).unwrap();
        std::fs::write(directory.join("b"), "a").unwrap();
        for (name, same) in [
            ("hard", true),
            ("soft", true),
            ("../", false),
            ("b", false),
            ("none", false),
        ] {
            assert_eq!(same_file(&directory.join(name), &file), same, "{name}");
        }
        let odd = directory
            .join("../")
            .join(directory.file_name().unwrap())
            .join("./hard");
        assert_eq!(
            overwritten(&odd, [Path::new("none"), &file]),
            Some(file.as_path())
        );
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
