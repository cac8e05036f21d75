//! Path patterns: `*` and `?` within a component, `[a-z]` and `[!a-z]` for one character, and `**`
//! as a component for any number of directories.

use std::fs;
use std::path::{Path, PathBuf};

use sema_vfs::Overlay;

/// One element of a pattern component.
#[derive(Debug, PartialEq)]
enum Token {
    Char(char),
    /// `?`
    AnyChar,
    /// `*`
    AnyRun,
    /// `[…]`: ranges, and whether they are excluded.
    OneOf(Vec<(char, char)>, bool),
}

/// One component of a pattern.
#[derive(Debug, PartialEq)]
enum Component {
    /// A name without special characters.
    Name(String),
    /// A name with special characters.
    Matching(Vec<Token>),
    /// `**`
    Directories,
}

/// A parsed pattern.
#[derive(Debug)]
pub struct Pattern {
    absolute: bool,
    components: Vec<Component>,
    /// A slash at the end: only directories match.
    directories_only: bool,
}

/// Why a pattern is malformed.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("Pattern syntax error near position {position}: {problem}")]
pub struct PatternError {
    position: usize,
    problem: &'static str,
}

fn tokens(component: &[char], start: usize) -> Result<Vec<Token>, PatternError> {
    let error = |offset: usize, problem| PatternError {
        position: start + offset,
        problem,
    };
    let mut tokens = Vec::new();
    let mut offset = 0;
    while let Some(&current) = component.get(offset) {
        match current {
            '?' => tokens.push(Token::AnyChar),
            '*' => {
                let rest = component.get(offset..).unwrap_or_default();
                match rest.iter().take_while(|&&star| star == '*').count() {
                    1 => tokens.push(Token::AnyRun),
                    2 => {
                        let problem = "recursive wildcards must form a single path component";
                        // Behind the stars or in front of them, where the wrong neighbour is.
                        let position = offset.checked_sub(1).unwrap_or(offset + 2);
                        return Err(error(position, problem));
                    }
                    _ => {
                        let problem = "wildcards are either regular `*` or recursive `**`";
                        return Err(error(offset + 2, problem));
                    }
                }
            }
            '[' => {
                let inside = component.get(offset + 1..).unwrap_or_default();
                let negated = inside.first() == Some(&'!');
                let set = inside.get(usize::from(negated)..).unwrap_or_default();
                // A bracket in first place belongs to the set.
                let length = set
                    .iter()
                    .skip(1)
                    .position(|&end| end == ']')
                    .ok_or_else(|| error(offset, "invalid range pattern"))?
                    + 1;
                tokens.push(Token::OneOf(
                    ranges(set.get(..length).unwrap_or_default()),
                    negated,
                ));
                offset += 1 + usize::from(negated) + length;
            }
            other => tokens.push(Token::Char(other)),
        }
        offset += 1;
    }
    Ok(tokens)
}

fn ranges(mut set: &[char]) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    loop {
        match set {
            [low, '-', high, rest @ ..] => {
                ranges.push((*low, *high));
                set = rest;
            }
            [single, rest @ ..] => {
                ranges.push((*single, *single));
                set = rest;
            }
            [] => return ranges,
        }
    }
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`PatternError`] for an unfinished set or a misplaced `**`.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        let mut components = Vec::new();
        let mut position = 0;
        for component in text.split('/') {
            let chars: Vec<char> = component.chars().collect();
            let special = chars
                .iter()
                .any(|&special| matches!(special, '*' | '?' | '['));
            match component {
                "" => {}
                "**" if components.last() == Some(&Component::Directories) => {}
                "**" => components.push(Component::Directories),
                _ if special => components.push(Component::Matching(tokens(&chars, position)?)),
                // A leading `./` does not show in the results.
                "." if components.is_empty() && text.len() > position + 1 => {}
                _ => components.push(Component::Name(component.to_owned())),
            }
            position += chars.len() + 1;
        }
        Ok(Pattern {
            absolute: text.starts_with('/'),
            components,
            directories_only: text.ends_with('/'),
        })
    }
}

/// Whether a name matches the tokens. After a failure only the last `*` is tried again: what
/// earlier ones matched need not change, so this takes at most length times length steps.
fn matches(tokens: &[Token], name: &str) -> bool {
    let (mut tokens, mut name) = (tokens, name);
    let mut retry: Option<(&[Token], &str)> = None;
    loop {
        let step = match (tokens.split_first(), name.chars().next()) {
            (None, None) => return true,
            (Some((Token::AnyRun, rest)), _) => {
                retry = Some((rest, name));
                tokens = rest;
                continue;
            }
            (Some((token, rest)), Some(current)) if accepts(token, current) => {
                Some((rest, current))
            }
            _ => None,
        };
        match (step, retry) {
            (Some((rest, current)), _) => {
                tokens = rest;
                name = name.get(current.len_utf8()..).unwrap_or("");
            }
            (None, Some((rest, from))) => {
                let Some(skipped) = from.chars().next() else {
                    return false;
                };
                let shorter = from.get(skipped.len_utf8()..).unwrap_or("");
                retry = Some((rest, shorter));
                (tokens, name) = (rest, shorter);
            }
            (None, None) => return false,
        }
    }
}

fn accepts(token: &Token, current: char) -> bool {
    match token {
        Token::Char(wanted) => *wanted == current,
        Token::AnyChar | Token::AnyRun => true,
        Token::OneOf(ranges, negated) => {
            ranges
                .iter()
                .any(|&(low, high)| (low..=high).contains(&current))
                != *negated
        }
    }
}

/// The names in a directory, embedded or on disk, sorted; none when it cannot be read.
fn names(files: &Overlay, directory: &Path) -> Vec<String> {
    let mut names = match directory.to_str() {
        Some(directory) => files.embedded_names(directory),
        None => Vec::new(),
    };
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let on_disk = fs::read_dir(directory).into_iter().flatten().flatten();
    names.extend(on_disk.filter_map(|entry| entry.file_name().into_string().ok()));
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a path names a directory, and not a link to one.
fn is_own_directory(files: &Overlay, path: &Path) -> bool {
    is_embedded_directory(files, path) || path.is_dir() && !path.is_symlink()
}

fn is_embedded_directory(files: &Overlay, path: &Path) -> bool {
    path.to_str()
        .is_some_and(|path| files.is_embedded_directory(path))
}

/// Whether a path names something, be it a link that leads nowhere.
fn exists(files: &Overlay, path: &Path) -> bool {
    path.symlink_metadata().is_ok() || path.to_str().is_some_and(|path| files.exists(path, None))
}

/// The paths that match, sorted by components. Relative patterns give relative paths; links are
/// not followed by `**`.
pub fn glob(files: &Overlay, pattern: &Pattern) -> Vec<String> {
    let start = PathBuf::from(if pattern.absolute { "/" } else { "" });
    let mut found = Vec::new();
    let mut pending: Vec<(PathBuf, &[Component])> = Vec::new();
    if !pattern.components.is_empty() || pattern.absolute {
        pending.push((start, &pattern.components));
    }
    while let Some((path, components)) = pending.pop() {
        match components.split_first() {
            None => {
                if !pattern.directories_only || path.is_dir() || is_embedded_directory(files, &path)
                {
                    found.push(path);
                }
            }
            Some((Component::Name(name), rest)) => {
                let next = path.join(name);
                if exists(files, &next) {
                    pending.push((next, rest));
                }
            }
            Some((Component::Matching(tokens), rest)) => {
                let matching = names(files, &path)
                    .into_iter()
                    .filter(|name| matches(tokens, name));
                pending.extend(matching.map(|name| (path.join(name), rest)));
            }
            Some((Component::Directories, rest)) => {
                for name in names(files, &path) {
                    let next = path.join(name);
                    if is_own_directory(files, &next) {
                        if rest.is_empty() {
                            found.push(next.clone());
                        }
                        pending.push((next, components));
                    }
                }
                if !rest.is_empty() {
                    pending.push((path, rest));
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .filter_map(|path| path.into_os_string().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn names_against_tokens() {
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a.text", false),
            ("a*b*c", "aXbYbZc", true),
            ("a?c", "aéc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]a]x", "]x", true),
            ("[a-]x", "-x", true),
            ("*", "", true),
            ("**a", "", false),
        ] {
            let chars: Vec<char> = pattern.chars().collect();
            let Ok(tokens) = tokens(&chars, 0) else {
                assert_eq!(pattern, "**a");
                continue;
            };
            assert_eq!(matches(&tokens, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn malformed_patterns() {
        for (pattern, expected) in [
            (
                "[",
                "Pattern syntax error near position 0: invalid range pattern",
            ),
            (
                "g/a[",
                "Pattern syntax error near position 3: invalid range pattern",
            ),
            (
                "d/***",
                "Pattern syntax error near position 4: wildcards are either regular `*` or recursive `**`",
            ),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn walks_directories() {
        let folder = Folder::new("glob");
        for name in ["a/b/y.txt", "a/x.txt", "a.txt", "z.txt", "a-b", ".hid"] {
            folder.file(name, "");
        }
        let root = folder.path("");
        let found = |pattern: &str| -> Vec<String> {
            let paths = glob(
                &Overlay::default(),
                &Pattern::parse(&folder.path(pattern)).unwrap(),
            );
            paths
                .iter()
                .map(|path| path.strip_prefix(&root).unwrap_or(path).to_owned())
                .collect()
        };
        assert_eq!(found("*"), [".hid", "a", "a-b", "a.txt", "z.txt"]);
        assert_eq!(
            found("**/*.txt"),
            ["a/b/y.txt", "a/x.txt", "a.txt", "z.txt"]
        );
        assert_eq!(found("**"), ["a", "a/b"]);
        assert_eq!(found("**/b/**"), Vec::<String>::new());
        assert_eq!(found("*/"), ["a"]);
        assert_eq!(found("[az].txt"), ["a.txt", "z.txt"]);
        assert_eq!(found("nope/*"), Vec::<String>::new());
        assert_eq!(
            glob(&Overlay::default(), &Pattern::parse("").unwrap()),
            Vec::<String>::new()
        );
        assert_eq!(
            glob(&Overlay::default(), &Pattern::parse("/").unwrap()),
            ["/"]
        );
    }
}
