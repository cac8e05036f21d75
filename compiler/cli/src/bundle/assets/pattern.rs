//! Patterns of paths: `*` and `?` stay inside of one name, `**` is any number of directories.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern '{pattern}' cannot be read: {problem}")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A pattern of whole paths.
#[derive(Clone, Debug)]
pub struct Pattern(GlobMatcher);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Brackets or braces that do not end.
    pub fn new(pattern: &str) -> Result<Pattern, PatternError> {
        let glob = GlobBuilder::new(pattern)
            .literal_separator(true)
            .backslash_escape(true)
            .build();
        let glob = glob.map_err(|error| PatternError {
            pattern: pattern.to_owned(),
            problem: error.kind().to_string(),
        })?;
        Ok(Pattern(glob.compile_matcher()))
    }

    /// Whether it means this path.
    #[must_use]
    pub fn matches(&self, path: &Path) -> bool {
        self.0.is_match(path)
    }
}

/// What is left out: the `--exclude` patterns of a program.
#[derive(Clone, Debug, Default)]
pub struct Excludes(Vec<Exclude>);

#[derive(Clone, Debug)]
struct Exclude {
    pattern: Pattern,
    /// A pattern of one name means files and directories anywhere, others whole paths.
    anywhere: bool,
}

impl Excludes {
    /// Reads the patterns.
    ///
    /// # Errors
    /// See [`PatternError`].
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Excludes, PatternError> {
        let read = patterns.into_iter().map(|pattern| {
            let trimmed = pattern.trim_end_matches('/');
            let trimmed = trimmed.strip_prefix("./").unwrap_or(trimmed);
            Ok(Exclude {
                pattern: Pattern::new(trimmed)?,
                anywhere: !trimmed.contains('/'),
            })
        });
        Ok(Excludes(read.collect::<Result<_, _>>()?))
    }

    /// Whether a path of the program, or a directory above it, is left out.
    #[must_use]
    pub fn contains(&self, path: &Path) -> bool {
        let matches = |exclude: &Exclude, path: &Path| match path.file_name() {
            Some(name) if exclude.anywhere => exclude.pattern.matches(Path::new(name)),
            _ => exclude.pattern.matches(path),
        };
        let mut places = path.ancestors().filter(|place| place.file_name().is_some());
        places.any(|place| self.0.iter().any(|exclude| matches(exclude, place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out() {
        let excludes = Excludes::new(["*.tmp", "data/old/", "**/cache/*.bin", "./x/y"]).unwrap();
        for path in [
            "a.tmp",
            "a/b.tmp",
            "d.tmp/e",
            "data/old/f",
            "p/cache/q.bin",
            "x/y",
        ] {
            assert!(excludes.contains(Path::new(path)), "{path}");
        }
        for path in [
            "a.tmpx",
            "data/older/f",
            "old/f",
            "cache/q/r.bin",
            "z/x/y",
            "tmp",
        ] {
            assert!(!excludes.contains(Path::new(path)), "{path}");
        }
        let error = Excludes::new(["[a"]).unwrap_err().to_string();
        assert!(error.contains("'[a'"), "{error}");
    }
}
