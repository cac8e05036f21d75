//! What a program says about its making: stamp and sources.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;

use super::super::failure::Failure;
use super::super::program::Compiled;

/// The stamp as the archive has it.
///
/// # Errors
/// A name was given twice.
pub(super) fn stamp(pairs: &[(String, String)]) -> Result<String, Failure> {
    let mut sorted = BTreeMap::new();
    for (name, value) in pairs {
        if sorted.insert(name, value).is_some() {
            return Err(Failure::Other {
                message: format!("the stamp '{name}' was given twice"),
                hint: "give each name once".to_owned(),
            });
        }
    }
    let lines = sorted.iter().map(|(name, value)| format!("{name}={value}"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The files of the program and their SHA-256, as the archive has them.
pub(super) fn sources(compiled: &Compiled) -> String {
    // Compared as text: there are as many as the program has files.
    let digests = compiled.digests.iter();
    let digests: HashMap<&OsStr, &str> = digests
        .map(|(path, digest)| (path.as_os_str(), digest.as_str()))
        .collect();
    let mut lines: Vec<(&str, &str)> = Vec::new();
    for (key, path) in &compiled.program.paths {
        if let Some(digest) = digests.get(path.as_os_str()) {
            lines.push((key, digest));
        }
    }
    lines.sort_unstable();
    let lines = lines.iter().map(|(key, digest)| format!("{digest}  {key}"));
    lines.collect::<Vec<_>>().join("\n")
}
