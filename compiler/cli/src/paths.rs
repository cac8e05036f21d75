//! How paths are shown to people: relative to the directory that semac was started in, if they lie there.

use std::fmt;
use std::path::Path;

/// A path in a message.
pub(crate) struct Shown<'p>(&'p Path);

/// A path as messages show it.
pub(crate) fn shown<P: AsRef<Path> + ?Sized>(path: &P) -> Shown<'_> {
    Shown(path.as_ref())
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = std::env::current_dir().ok();
        let inside = directory.and_then(|directory| self.0.strip_prefix(directory).ok());
        match inside {
            Some(inside) if inside.as_os_str().is_empty() => f.write_str("."),
            Some(inside) => inside.display().fmt(f),
            None => self.0.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_lies_in_the_directory_is_relative() {
        let directory = std::env::current_dir().unwrap();
        assert_eq!(shown(&directory.join("a/b")).to_string(), "a/b");
        assert_eq!(shown(&directory).to_string(), ".");
        assert_eq!(shown("a/b").to_string(), "a/b");
        assert_eq!(shown("/").to_string(), "/");
    }
}
