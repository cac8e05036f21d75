//! Which files are tests, and which tests they hold.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::failure::Failure;
use semac_core::front::datum::{Datum, DatumKind, Interner, Span, new_interner};
use semac_core::front::diagnostic::Diagnostic;
use semac_core::front::reader::read_all;
use semac_core::front::source::SourceMap;

/// Directories are searched this deep.
const DEPTH_LIMIT: usize = 64;

/// A form `(test "name" body...)`.
pub(super) struct TestForm {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// The test files that the arguments name: files, and what is in directories. All below the current directory if there are
/// no arguments.
pub(super) fn files(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    if arguments.is_empty() {
        search(Path::new(""), false, 0, &mut found)?;
    }
    for argument in arguments {
        if argument.is_dir() {
            let is_test_directory = is_test_directory(argument);
            search(argument, is_test_directory, 0, &mut found)?;
        } else {
            found.push(argument.clone());
        }
    }
    Ok(found)
}

fn is_test_directory(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name == "test" || name == "tests")
}

/// Whether a file of this name holds tests: `*_test.sema` anywhere, `*.sema` in directories `test` and `tests`.
fn is_test_file(name: &str, in_test_directory: bool) -> bool {
    match name.strip_suffix(".sema") {
        Some(stem) => in_test_directory || stem.ends_with("_test") || stem.ends_with("-test"),
        None => false,
    }
}

/// Whether `semac test` takes a file, if it looks at the directory.
pub(super) fn is_test(file: &Path) -> bool {
    let above = file.ancestors().skip(1);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    is_test_file(&name, above.into_iter().any(is_test_directory))
}

fn search(
    directory: &Path,
    in_test_directory: bool,
    depth: usize,
    found: &mut Vec<PathBuf>,
) -> Result<(), Failure> {
    if depth == DEPTH_LIMIT {
        return Ok(());
    }
    let unreadable = |source: io::Error| Failure::File {
        action: "read",
        path: directory.to_owned(),
        source,
    };
    let searched = match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(searched).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // Links are not followed: they may lead back.
        names.push((entry.file_name(), entry.file_type().map_err(unreadable)?));
    }
    names.sort_by(|(left, _), (right, _)| left.cmp(right));
    for (name, kind) in names {
        let text = name.to_string_lossy();
        let path = directory.join(&name);
        if text.starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            let in_test_directory = in_test_directory || is_test_directory(&path);
            search(&path, in_test_directory, depth + 1, found)?;
        } else if is_test_file(&text, in_test_directory) {
            found.push(path);
        }
    }
    Ok(())
}

/// The test forms of a file, in their order, and its text. What cannot be read is found when the file is compiled.
///
/// # Errors
/// [`Failure::Wrong`] after showing a malformed form, [`Failure::File`].
pub(super) fn forms(path: &Path) -> Result<(Vec<TestForm>, SourceMap), Failure> {
    let text = fs::read_to_string(path).map_err(|source| Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let mut sources = SourceMap::new();
    let file = sources.add(path.display().to_string(), text.clone());
    let mut interner = new_interner();
    let data = read_all(&mut interner, file, &text).unwrap_or_default();
    let mut reading = Reading {
        interner: &interner,
        tests: Vec::new(),
        nested: Vec::new(),
        problems: Vec::new(),
    };
    data.iter().for_each(|datum| reading.top_level(datum));
    let Reading {
        tests,
        nested,
        mut problems,
        ..
    } = reading;
    // Without tests the file is one as a whole, and `test` is a name like others.
    if !tests.is_empty() {
        problems.extend(nested);
    }
    if problems.is_empty() {
        return Ok((tests, sources));
    }
    Err(Failure::wrong(
        &path.display().to_string(),
        &sources,
        &problems,
    ))
}

/// What is found in the forms of a file.
struct Reading<'i> {
    interner: &'i Interner,
    tests: Vec<TestForm>,
    /// Tests where nobody would run them.
    nested: Vec<Diagnostic>,
    problems: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn head<'d>(&self, datum: &'d Datum) -> Option<(&str, &'d [Datum])> {
        let DatumKind::List(items) = &datum.kind else {
            return None;
        };
        match &items.first()?.kind {
            DatumKind::Symbol(symbol) => Some((self.interner.resolve(symbol), items)),
            _ => None,
        }
    }

    fn top_level(&mut self, datum: &Datum) {
        match self.head(datum) {
            Some(("test", items)) => {
                self.test(datum, items.get(1));
                items.iter().skip(2).for_each(|part| self.within(part));
            }
            // Its forms are at top level, too.
            Some(("begin", items)) => items.iter().skip(1).for_each(|part| self.top_level(part)),
            _ => self.within(datum),
        }
    }

    fn test(&mut self, datum: &Datum, name: Option<&Datum>) {
        let Some(DatumKind::Str(name)) = name.map(|name| &name.kind) else {
            let problem = Diagnostic::error("E0201", "test: the name of the test is missing");
            let hint = "a test is written (test \"name\" body...)";
            self.problems.push(*problem.at(datum.span).with_hint(hint));
            return;
        };
        if let Some(first) = self.tests.iter().find(|test| test.name == **name) {
            let message = format!("test: there are two tests \"{name}\"");
            let problem = Diagnostic::error("E0201", message).at(datum.span);
            let problem = problem.with_secondary(first.span, "the first one");
            self.problems.push(*problem);
            return;
        }
        self.tests.push(TestForm {
            name: name.to_string(),
            span: datum.span,
        });
    }

    /// Looks for tests inside of another form. What is quoted, or a macro's, is no test.
    fn within(&mut self, datum: &Datum) {
        let DatumKind::List(items) = &datum.kind else {
            return;
        };
        match self.head(datum) {
            Some(("quote" | "quasiquote" | "defmacro", _)) => return,
            Some(("test", [_, name, ..])) => {
                if let DatumKind::Str(name) = &name.kind {
                    let message = format!("test: the test \"{name}\" would never run");
                    let problem = Diagnostic::error("E0201", message).at(datum.span);
                    let hint = "a test is a form at top level, or in a `begin` at top level";
                    self.nested.push(*problem.with_hint(hint));
                    return;
                }
            }
            _ => {}
        }
        items.iter().for_each(|part| self.within(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_test_files() {
        for (name, in_directory, expected) in [
            ("a_test.sema", false, true),
            ("a-test.sema", false, true),
            ("a.sema", false, false),
            ("a.sema", true, true),
            ("test.sema", false, false),
            ("a_test.txt", true, false),
        ] {
            assert_eq!(is_test_file(name, in_directory), expected, "{name}");
        }
    }
}
