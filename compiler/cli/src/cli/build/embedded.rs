//! Files that a program reads and that were not put into it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use semac_core::driver::Program;
use semac_core::front::diagnostic::Diagnostic;

use super::job::Job;
use crate::bundle::Asset;

/// A warning for each file that the program reads under a literal path, that is there now and that is not among the assets.
/// Absolute paths mean files of the machine that runs the program.
pub(super) fn missing(program: &Program, assets: &[Asset], job: &Job) -> Vec<Diagnostic> {
    let roots = job.roots();
    let mut said = HashSet::new();
    let reads = program.reads.iter().filter(|read| {
        let Some(place) = sema_vfs::normalize(&read.path) else {
            return false;
        };
        let place = Path::new(&place);
        let is_embedded = |asset: &Asset| Path::new(asset.path.as_str()).starts_with(place);
        roots.iter().any(|root| root.join(&read.path).exists())
            && !assets.iter().any(is_embedded)
            && !job.excludes.contains(place)
            && said.insert(place.to_owned())
    });
    reads
        .map(|read| read.not_embedded(&include(&read.path, &roots)))
        .collect()
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
