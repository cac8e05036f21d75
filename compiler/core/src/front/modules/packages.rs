//! Package references.

use super::files::Files;
use super::lock::{Lock, Locked};
use super::paths::join;
use crate::front::datum::Span;
use crate::front::diagnostic::{Diagnostic, Fallible};

/// Where packages are installed.
#[derive(Clone, Debug, Default)]
pub struct PackageRoot {
    /// The directory of installed packages, absolute.
    pub directory: Option<String>,
    /// The directory of the program's main file, absolute: where the search for `sema.lock` begins.
    pub program: Option<String>,
}

/// A package's file.
pub(crate) struct Located {
    /// Its absolute path.
    pub(crate) path: String,
    /// The package's own directory or file, as part of a module key.
    pub(crate) key: String,
}

impl PackageRoot {
    /// Whether a path refers to a package.
    pub(crate) fn is_package(&self, path: &str, files: &dyn Files) -> bool {
        let is_file = ["./", "../", "/"]
            .iter()
            .any(|start| path.starts_with(start))
            || path.ends_with(".sema")
            || path.ends_with(".semac")
            || path.contains([':', '\\']);
        if is_file {
            return false;
        }
        path.contains('/')
            || self
                .directory
                .as_ref()
                .is_some_and(|root| files.is_directory(&join(root, path)))
    }

    /// The file of a package.
    pub(crate) fn locate(&self, spec: &str, files: &dyn Files, span: Span) -> Fallible<Located> {
        if spec.split('/').any(|part| matches!(part, "" | "." | "..")) {
            let message = format!("invalid package spec: path traversal not allowed: {spec}");
            return Err(Diagnostic::module(span, message));
        }
        let not_found = || {
            Diagnostic::module(span, format!("package not found: {spec}"))
                .with_hint(format!("Run: sema pkg add {spec}"))
        };
        let root = self.directory.as_ref().ok_or_else(not_found)?;
        let program = self.program.as_deref();
        let inside = match program.and_then(|directory| Lock::find(directory, files)) {
            None => spec.to_owned(),
            Some(lock) => match lock.package(spec) {
                Locked::Directory(directory) => directory,
                Locked::Invalid => {
                    let message = format!("invalid lock entry for package '{spec}'");
                    return Err(Diagnostic::module(span, message)
                        .with_hint(format!("{} is damaged: run `sema pkg install`", lock.path)));
                }
                Locked::Damaged(line) => {
                    let message = format!("{} is damaged: line {line} is no TOML", lock.path);
                    return Err(Diagnostic::module(span, message)
                        .with_hint("Run `sema pkg install` to write it anew.".to_owned()));
                }
                Locked::Missing => {
                    let message = format!("package '{spec}' is not recorded in {}", lock.path);
                    return Err(Diagnostic::module(span, message).with_hint(
                        "Run `sema pkg install` to update the project lock.".to_owned(),
                    ));
                }
            },
        };
        let directory = join(root, &inside);
        let located = |path: String, key: String| Located { path, key };
        if let Some(path) = files.canonical(&format!("{directory}.sema")) {
            return Ok(located(path, format!("{spec}.sema")));
        }
        let manifest = join(&directory, "sema.toml");
        let text = files.read(&manifest).ok();
        let entry = text.as_deref().and_then(entry_point);
        if let Some(Ok(entry)) = &entry
            && let Some(path) = files.canonical(&join(&directory, entry))
        {
            return Ok(located(path, format!("{spec}/{entry}")));
        }
        match files.canonical(&join(&directory, "package.sema")) {
            Some(path) => Ok(located(path, format!("{spec}/package.sema"))),
            None => Err(match entry {
                Some(Err(entry)) => Diagnostic::module(
                    span,
                    format!("the entrypoint '{entry}' of package '{spec}' lies outside of it"),
                )
                .with_hint(format!("{manifest} says so")),
                Some(Ok(entry)) => Diagnostic::module(
                    span,
                    format!("the entrypoint '{entry}' of package '{spec}' is not there"),
                )
                .with_hint(format!("{manifest} says so")),
                None => not_found(),
            }),
        }
    }
}

/// `entrypoint` of a package's manifest: in `[package]`, else at top level. An error is one that lies outside of the package.
fn entry_point(manifest: &str) -> Option<Result<String, String>> {
    let mut section = String::new();
    let mut top = None;
    let mut package = None;
    for line in manifest.lines() {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name.trim().to_string();
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        if key.trim() != "entrypoint" {
            continue;
        }
        let value = value.trim();
        let quote = value
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''));
        let text = quote.and_then(|quote| value.split(quote).nth(1));
        match section.as_str() {
            "" => top = text,
            "package" => package = text,
            _ => {}
        }
    }
    let entry = package.or(top)?;
    let inside = !entry.starts_with('/') && entry.split('/').all(|part| part != "..");
    Some(match inside {
        true => Ok(entry.to_string()),
        false => Err(entry.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::modules::MemoryFiles;

    #[test]
    fn entry_points() {
        assert_eq!(
            entry_point("[package]\nname = \"x\"\nentrypoint = \"src/a.sema\" # main\n"),
            Some(Ok("src/a.sema".to_owned()))
        );
        assert_eq!(
            entry_point("entrypoint = 'b.sema'\n[other]\nentrypoint = \"c\""),
            Some(Ok("b.sema".to_owned()))
        );
        assert_eq!(
            entry_point("entrypoint = \"../b.sema\""),
            Some(Err("../b.sema".to_owned()))
        );
    }

    #[test]
    fn references() {
        let mut files = MemoryFiles::new();
        files.add("/k/json/package.sema", "");
        files.add("/k/user/tool/sema.toml", "entrypoint = \"main.sema\"");
        files.add("/k/user/tool/main.sema", "");
        files.add("/k/one.sema", "");
        let root = PackageRoot {
            directory: Some("/k".to_string()),
            program: None,
        };
        assert!(root.is_package("json", &files));
        assert!(root.is_package("user/tool", &files));
        assert!(!root.is_package("./json", &files));
        assert!(!root.is_package("lib/x.sema", &files));
        assert!(!root.is_package("other", &files));
        let path = |spec: &str| {
            root.locate(spec, &files, Span::default())
                .map(|located| located.path)
        };
        assert_eq!(path("json").unwrap(), "/k/json/package.sema");
        assert_eq!(path("user/tool").unwrap(), "/k/user/tool/main.sema");
        assert_eq!(path("one").unwrap(), "/k/one.sema");
        assert_eq!(
            path("user/none").unwrap_err().message,
            "package not found: user/none"
        );
        files.add(
            "/w/sema.lock",
            "[packages.json]\nsource = 'git'\ncommit = 'c1'\n",
        );
        files.add("/k/.store/git-c1/json/package.sema", "");
        let root = PackageRoot {
            program: Some("/w/app".to_string()),
            ..root
        };
        let path = |spec: &str| {
            root.locate(spec, &files, Span::default())
                .map(|located| located.path)
        };
        assert_eq!(path("json").unwrap(), "/k/.store/git-c1/json/package.sema");
        assert_eq!(
            path("one").unwrap_err().message,
            "package 'one' is not recorded in /w/sema.lock"
        );
        assert!(
            path("a/../b")
                .unwrap_err()
                .message
                .starts_with("invalid package spec")
        );
    }
}
