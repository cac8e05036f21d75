//! What `semac build` says about what it has built: for people, and as JSON for scripts.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sema_machine::platform::tier::Tier;
use sema_vfs::{Archive, ArchiveSummary};
use semac_core::link::requirements::{Requirement, Requirements};
use semac_core::link::shown::shown;
use serde::Serialize;

use super::super::diagnostics::DiagnosticPart;
use super::super::failure::Failure;
use super::super::size_text;
use crate::bundle::{Origin, RuntimeImage};
use crate::oci::archive::digest;

/// The JSON report.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    /// The entry file, of several programs the first.
    pub source: String,
    /// The entry files of all programs.
    pub sources: Vec<String>,
    pub bundled_files: usize,
    pub archive_bytes: u64,
    pub duration_ms: u64,
    pub targets: Vec<TargetReport<'a>>,
    /// The container image, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageReport>,
    /// What there is to say about the program.
    pub diagnostics: Vec<DiagnosticPart>,
    /// Why nothing was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The container image that was written.
#[derive(Serialize)]
pub(super) struct ImageReport {
    pub path: String,
    pub name: String,
    /// The platforms in it.
    pub targets: Vec<&'static str>,
    pub bytes: u64,
    pub sha256: String,
}

/// What was built for one platform. `error` is null exactly when `ok` is true.
#[derive(Serialize)]
pub(super) struct TargetReport<'a> {
    target: &'a str,
    os: &'a str,
    arch: &'a str,
    path: String,
    bytes: u64,
    sha256: Option<String>,
    ok: bool,
    error: Option<String>,
    runtime: String,
}

/// What became of an executable.
pub(super) fn target_report<'a>(
    runtime: &'a RuntimeImage,
    output: &Path,
    written: &Result<ArchiveSummary, Failure>,
) -> Result<TargetReport<'a>, Failure> {
    let sha256 = match written {
        Ok(_) => Some(sha256(output)?),
        Err(_) => None,
    };
    Ok(TargetReport {
        target: runtime.target.triple,
        os: runtime.target.system,
        arch: runtime.target.processor,
        path: absolute(output),
        bytes: written.as_ref().map_or(0, |summary| summary.file_bytes),
        sha256,
        ok: written.is_ok(),
        error: written.as_ref().err().map(ToString::to_string),
        runtime: match &runtime.origin {
            Origin::Embedded => "embedded".to_owned(),
            Origin::Given(path) | Origin::Beside(path) => absolute(path),
            Origin::Installed(program) => program.clone(),
        },
    })
}

/// One line for each builtin: name, tier, where it is used.
pub(super) fn uses(builtins: &[&Requirement]) -> String {
    let lines = builtins.iter().map(|builtin| {
        let place = match &builtin.position {
            Some((file, line, column)) => format!(" at {file}:{line}:{column}"),
            None => " through the library".to_owned(),
        };
        format!(
            "  {} (tier {}){place}",
            shown(builtin.builtin),
            builtin.tier.name()
        )
    });
    let mut lines: Vec<String> = lines.collect();
    // Inner builtins of one form or family are one line.
    let mut known = HashSet::new();
    lines.retain(|line| known.insert(line.clone()));
    lines.join("\n")
}

/// A path for scripts.
pub(super) fn absolute(path: &Path) -> String {
    let absolute = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    let absolute = absolute.unwrap_or_else(|_| path.to_owned());
    absolute.to_string_lossy().into_owned()
}

/// SHA-256 of a file in hexadecimal digits.
pub(super) fn sha256(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|source| Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    Ok(digest(&bytes))
}

/// What was put in: read back from the file, so it is what is really there.
pub(super) fn details(
    runtime: &RuntimeImage,
    requirements: &Requirements,
    sources: &[(String, PathBuf)],
    output: &Path,
    summary: &ArchiveSummary,
) -> Result<String, Failure> {
    let archive = Archive::open_executable(output).map_err(|error| Failure::Damaged {
        path: output.to_owned(),
        problem: error.to_string(),
    })?;
    let origin = match &runtime.origin {
        Origin::Embedded => "embedded in semac".to_owned(),
        Origin::Given(path) | Origin::Beside(path) => path.display().to_string(),
        Origin::Installed(program) => format!("installed: {program}"),
    };
    let tier = runtime.tier.map_or("unknown", Tier::name);
    let mut text = format!(
        "{:>10}  runtime (tier {tier}, {}, {origin})\n",
        size_text(runtime.bytes.len() as u64),
        runtime.target.triple
    );
    let asking = requirements.beyond(Tier::Core);
    if !asking.is_empty() {
        text.push_str(&format!(
            "Tier {} because of:\n{}\n",
            requirements.tier().name(),
            uses(&asking)
        ));
    }
    for (name, _) in sources {
        text.push_str(&format!("{:>10}  source {}\n", "", name.escape_debug()));
    }
    for entry in archive.entries() {
        let original = match entry.length() {
            length if length == entry.stored_length() => String::new(),
            length => format!(", {} before compression", size_text(length)),
        };
        text.push_str(&format!(
            "{:>10}  {} {}{original}\n",
            size_text(entry.stored_length()),
            entry.kind().name(),
            entry.path().escape_debug()
        ));
    }
    text.push_str(&format!(
        "{:>10}  archive\n",
        size_text(summary.archive_bytes)
    ));
    Ok(text)
}
