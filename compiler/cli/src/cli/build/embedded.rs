//! Files that a program reads and that were not put into it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use semac_core::driver::Program;
use semac_core::front::diagnostic::Diagnostic;
use semac_core::link::reads::LiteralRead;

use super::job::Job;
use crate::bundle::{Asset, Embedding, Include};

/// A warning for each file that the program reads under a literal path, that is there now and that is not among the assets.
/// Absolute paths mean files of the machine that runs the program.
pub(super) fn missing(program: &Program, embedding: &Embedding, job: &Job) -> Vec<Diagnostic> {
    let roots = job.roots();
    let mut said = HashSet::new();
    let reads = program.reads.iter().filter(|read| {
        let Some(place) = sema_vfs::normalize(&read.path) else {
            return false;
        };
        let is_here = |root: &PathBuf| match is_pattern(read) {
            true => !files_of(&read.path, root, job).is_empty(),
            false => root.join(&read.path).exists(),
        };
        let is_inside = match is_pattern(read) {
            true => embedding.matches(&place),
            false => embedding.has(&place),
        };
        roots.iter().any(is_here)
            && !is_inside
            && !job.excludes.contains(Path::new(&place))
            && said.insert(place)
    });
    reads
        .map(|read| match is_pattern(read) {
            // A shell would look first.
            true => read.not_embedded(&format!("'{}'", read.path)),
            false => read.not_embedded(&include(&read.path, &roots)),
        })
        .collect()
}

/// Whether what is read is a pattern of paths.
fn is_pattern(read: &LiteralRead) -> bool {
    read.builtin == "file/glob"
}

/// The files that a pattern means, seen from a directory. A pattern that cannot be read means none.
fn files_of(pattern: &str, root: &Path, job: &Job) -> Vec<Asset> {
    let include = Include::parse(OsStr::new(pattern), root);
    let found = Embedding::new(&[include], &[], &job.excludes, &job.source);
    found.map_or(Vec::new(), |found| found.assets)
}

/// What `--include` has to be given for a file that the program reads: where it is, seen from the current directory, and
/// under which path it is to be in the program.
fn include(path: &str, roots: &[PathBuf]) -> String {
    let found = roots.iter().map(|root| root.join(path));
    let found = found.into_iter().find(|found| found.exists());
    match found {
        Some(found) if found != Path::new(path) => format!("{}={path}", found.display()),
        _ => path.to_owned(),
    }
}
