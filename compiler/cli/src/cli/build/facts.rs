//! What a program says about its making: stamp and sources.

use std::collections::BTreeMap;

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
    let mut lines: Vec<(&str, &str)> = Vec::new();
    for (key, path) in &compiled.program.paths {
        let found = compiled.digests.iter().find(|(read, _)| read == path);
        if let Some((_, digest)) = found {
            lines.push((key, digest));
        }
    }
    lines.sort_unstable();
    let lines = lines.iter().map(|(key, digest)| format!("{digest}  {key}"));
    lines.collect::<Vec<_>>().join("\n")
}
