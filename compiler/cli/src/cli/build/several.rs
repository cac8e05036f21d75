//! Several programs in one executable.
//!
//! They become one program: a module that is never on disk starts the one that is asked for. So modules that several of
//! them import are there once, as are the builtins. Which one is asked for is the runtime's decision
//! (`sema_machine::launch`); the module only looks at the name that the program gets.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::super::failure::Failure;
use crate::paths::shown;

/// Several programs as one.
#[derive(Debug)]
pub(super) struct Several {
    /// The names of the programs, in the order of the command line.
    pub names: Vec<String>,
    /// The module with which it begins.
    pub entry: PathBuf,
    /// The texts of modules that are not on disk.
    pub texts: HashMap<PathBuf, Vec<u8>>,
}

impl Several {
    /// The programs with these entry files.
    ///
    /// # Errors
    /// Files that cannot be read, names that are no names or are not different.
    pub(super) fn new(files: &[PathBuf]) -> Result<Several, Failure> {
        let mut programs: Vec<(String, PathBuf)> = Vec::new();
        for file in files {
            let path = std::fs::canonicalize(file).map_err(|source| Failure::File {
                action: "read",
                path: file.clone(),
                source,
            })?;
            if !path.is_file() {
                return Err(Failure::Other {
                    message: format!("'{}' is no file", shown(&file)),
                    hint: "of several programs each is named by its entry file".to_owned(),
                });
            }
            let name = name_of(file)?;
            if let Some((_, other)) = programs.iter().find(|(other, _)| *other == name) {
                return Err(Failure::Other {
                    message: format!(
                        "'{}' and '{}' would both be the program '{name}'",
                        shown(&other),
                        shown(&path)
                    ),
                    hint: "programs in one executable are told apart by the names of their files"
                        .to_owned(),
                });
            }
            programs.push((name, path));
        }
        let directory = match programs.first() {
            Some((_, first)) => first.parent().unwrap_or(first).to_owned(),
            None => PathBuf::new(),
        };
        let mut texts = HashMap::new();
        let mut clauses = String::new();
        for (number, (name, path)) in programs.iter().enumerate() {
            // A module between that exports nothing keeps the names of the programs apart.
            let between = format!(".semac-program-{}.sema", number + 1);
            let import = literal(&relative(&directory, path));
            let text = format!("(module program (export) (import {import}))\n");
            texts.insert(directory.join(&between), text.into_bytes());
            let name = literal(name);
            clauses.push_str(&format!(
                "    ((equal? name {name}) (import {}))\n",
                literal(&between)
            ));
        }
        let text = format!(
            "(let ((name (last (string/split (first (sys/args)) \"/\"))))\n  (cond\n{clauses}    \
             (else (error \"there is no such program:\" name))))\n"
        );
        let entry = directory.join(".semac-programs.sema");
        texts.insert(entry.clone(), text.into_bytes());
        Ok(Several {
            names: programs.into_iter().map(|(name, _)| name).collect(),
            entry,
            texts,
        })
    }
}

impl Several {
    /// Refuses an executable that is called like one of the programs: whoever starts it asks for that one, and cannot ask
    /// for the others.
    pub(super) fn check_output(&self, output: &Path) -> Result<(), Failure> {
        let called = output.file_name().and_then(|name| name.to_str());
        match self.names.iter().find(|name| called == Some(name)) {
            None => Ok(()),
            Some(name) => Err(Failure::Other {
                message: format!(
                    "the executable would be called '{name}' like one of the programs in it, which its name would always choose"
                ),
                hint: "give the executable another name with -o".to_owned(),
            }),
        }
    }
}

/// What a program is called: as its file, without extension.
fn name_of(file: &Path) -> Result<String, Failure> {
    let name = file.file_stem().and_then(|name| name.to_str());
    let name = name.filter(|name| !name.starts_with('-') && !name.contains(char::is_control));
    name.map(str::to_owned).ok_or_else(|| Failure::Other {
        message: format!("'{}' is no name for a program", shown(&file)),
        hint: "programs in one executable are told apart by the names of their files: they have to be plain text"
            .to_owned(),
    })
}

/// A text as the language writes it.
fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A path as seen from a directory; both are absolute, without `.` and `..`.
fn relative(directory: &Path, path: &Path) -> String {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) = (
        directory.components().collect(),
        path.components().collect(),
    );
    let common = from
        .iter()
        .zip(&to)
        .take_while(|(left, right)| left == right);
    let common = common.count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
    let down = to.iter().skip(common);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_texts() {
        let relative = |path: &str| relative(Path::new("/p/a"), Path::new(path));
        assert_eq!(relative("/p/a/x.sema"), "x.sema");
        assert_eq!(relative("/p/b/x.sema"), "../b/x.sema");
        assert_eq!(relative("/x.sema"), "../../x.sema");
        assert_eq!(literal("a\"\\b"), "\"a\\\"\\\\b\"");
        assert!(name_of(Path::new("-x.sema")).is_err());
        assert_eq!(name_of(Path::new("p/x.y.sema")).unwrap(), "x.y");
    }
}
