//! `semac init`: a project that builds, tests and runs.

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Failure, remark};
use crate::paths::shown;

/// `semac init`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac init hello && cd hello && semac build && ./hello
  semac init                     in the current directory

Makes sema.toml, a program, a module, a test and a .gitignore. Nothing that is there already is
replaced: then nothing at all is written. To a .gitignore lines are added.")]
pub struct Init {
    /// The directory, made if needed [default: the current one]
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Init) -> Result<u8, Failure> {
    let directory = arguments.directory.clone().unwrap_or_default();
    let name = project_name(&directory)?;
    let files = files(&name);
    let ignored = directory.join(IGNORED);
    let ignored_before = match std::fs::read_to_string(&ignored) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => {
            return Err(Failure::File {
                action: "read",
                path: ignored,
                source,
            });
        }
    };
    for (file, _) in &files {
        let path = directory.join(file);
        // A file where a directory is to be.
        let mut above = Path::new(file).ancestors().skip(1);
        if let Some(taken) = above.find(|part| directory.join(part).is_file()) {
            return Err(Failure::Other {
                message: format!("'{}' is a file", shown(&directory.join(taken))),
                hint: "name another directory; nothing has been written".to_owned(),
            });
        }
        let is_known = *file == IGNORED && ignored_before.is_some();
        if !is_known && std::fs::symlink_metadata(&path).is_ok() {
            return Err(Failure::Other {
                message: format!("'{}' is there already", shown(&path)),
                hint: "name another directory; nothing has been written".to_owned(),
            });
        }
    }
    for (file, text) in &files {
        let text = match &ignored_before {
            Some(before) if *file == IGNORED => added(before, text),
            _ => text.clone(),
        };
        crate::bundle::write_module(&directory.join(file), text.as_bytes())?;
    }
    let list: String = files
        .iter()
        .map(|(file, _)| format!("  {file}\n"))
        .collect();
    let enter = match arguments.directory.as_deref() {
        None => String::new(),
        Some(directory) if directory == Path::new(".") => String::new(),
        Some(directory) => {
            let name = directory.to_string_lossy();
            // `cd` would take it for an option.
            let here = if name.starts_with('-') { "./" } else { "" };
            format!("cd {} && ", quoted(&format!("{here}{name}")))
        }
    };
    remark(&format!(
        "Made the project '{name}':\n{list}Next: {enter}semac test && semac build && ./{name}\n"
    ));
    Ok(0)
}

/// The name of the directory, as far as it can be the name of a program.
fn project_name(directory: &Path) -> Result<String, Failure> {
    let unreadable = |source| Failure::File {
        action: "find",
        path: directory.to_owned(),
        source,
    };
    let current = std::env::current_dir().map_err(unreadable)?;
    // A `..` at the end can only be told by going there.
    let whole = current.join(directory);
    let whole = std::fs::canonicalize(&whole).unwrap_or(whole);
    let name = whole.file_name().map_or_else(String::new, |name| {
        let name = name.to_string_lossy();
        let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
        name.chars()
            .map(|letter| if plain(letter) { letter } else { '-' })
            .collect()
    });
    let name = name.trim_matches(['-', '.']);
    // The program must not be called like a file or a directory of the project.
    let is_taken = |name: &str| {
        let mut taken = files(name).into_iter().map(|(file, _)| file);
        name == "dist" || taken.any(|file| file.split('/').next() == Some(name))
    };
    let name = match name {
        "" => "app",
        name if is_taken(name) => "app",
        name => name,
    };
    Ok(name.to_owned())
}

/// The lines that are missing in a text, behind it.
fn added(before: &str, lines: &str) -> String {
    let mut text = before.to_owned();
    for line in lines.lines() {
        if before.lines().any(|other| other.trim() == line) {
            continue;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The file that says what git is to leave alone.
const IGNORED: &str = ".gitignore";

fn files(name: &str) -> Vec<(&'static str, String)> {
    vec![
        (
            "sema.toml",
            format!(
                "[build]\nentry = \"main.sema\"\noutput = \"{name}\"\n# include = [\"data\"]    # files that the program carries\n"
            ),
        ),
        (
            "main.sema",
            "(import \"lib/greeting.sema\" greeting)\n\n\
             ;; (sys/args) begins with the program's name.\n\
             (define names (rest (sys/args)))\n\n\
             (for-each (fn (name) (println (greeting name)))\n          \
             (if (null? names) '(\"world\") names))\n"
                .to_owned(),
        ),
        (
            "lib/greeting.sema",
            "(module greeting\n  (export greeting)\n\n  \
             (define (greeting name)\n    f\"Hello, ${name}!\"))\n"
                .to_owned(),
        ),
        (
            "test/greeting_test.sema",
            "(import \"../lib/greeting.sema\" greeting)\n\n\
             (test \"greets by name\"\n  (assert= \"Hello, Ada!\" (greeting \"Ada\")))\n"
                .to_owned(),
        ),
        (IGNORED, format!("/{name}\n/dist/\n/*.tar\n")),
    ]
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+".contains(letter);
    match path.chars().all(is_plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}
