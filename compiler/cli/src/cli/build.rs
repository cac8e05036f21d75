//! `semac build`: one executable out of a program, its files and the runtime.

use std::path::{Path, PathBuf};
use std::time::Instant;

use sema_vfs::{Archive, ArchiveSummary};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::arguments::Build;
use super::clock::Clock;
use super::failure::{Failure, note, print};
use super::{count_text, program, size_text};
use crate::bundle::{self, Bundle, Origin, RuntimeError, RuntimeImage, SUPPORTED_TARGETS, Target};
use sema_machine::platform::tier::Tier;
use semac_core::driver::{Surroundings, World};
use semac_core::link::requirements::{Requirement, Requirements};
use semac_core::phases::{self, Observer};

/// The JSON report.
#[derive(Serialize)]
struct Report<'a> {
    source: String,
    bundled_files: usize,
    archive_bytes: u64,
    duration_ms: u64,
    targets: [TargetReport<'a>; 1],
}

/// What was built for one platform. `error` is null exactly when `ok` is true.
#[derive(Serialize)]
struct TargetReport<'a> {
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

pub(super) fn execute(arguments: &Build) -> Result<u8, Failure> {
    if arguments.list_targets {
        print(&targets())?;
        return Ok(0);
    }
    let Some(source) = arguments.file.as_deref() else {
        return Ok(0);
    };
    if let Some(name) = &arguments.target {
        Target::named(name)?;
    }
    let started = Instant::now();
    let output = output_path(source, arguments.output.as_deref())?;
    let assets = bundle::collect(&arguments.include, source)?;
    protect(&output, assets.iter().map(|asset| asset.file.as_path()))?;
    let surroundings = match arguments.dynamic {
        true => Surroundings::Compiler,
        false => Surroundings::Runtime,
    };
    let clock = Clock::new(arguments.optimization.time_passes);
    let compiled = program::compile(
        source,
        &arguments.optimization,
        &arguments.lints,
        surroundings,
        World::PROGRAM,
        &clock,
    )?;
    let requirements = Requirements::of(&compiled.program.modules);
    let tier = chosen_tier(&requirements, arguments.tier)?;
    let runtime = RuntimeImage::find(arguments.runtime.as_deref(), arguments.dynamic, tier)
        .map_err(|error| lacking(error, &requirements))?;
    protect(&output, compiled.inputs.iter().map(PathBuf::as_path))?;
    protect(
        &output,
        runtime_files(&runtime).iter().map(PathBuf::as_path),
    )?;
    clock.begin(phases::ENCODE);
    let bundle = Bundle::new(
        &compiled.program,
        &requirements,
        &assets,
        !arguments.strip_debug,
    )?;
    clock.begin(phases::WRITE);
    let written = bundle.write(&runtime, &output);
    clock.show();
    let elapsed = started.elapsed();

    if arguments.json {
        let report = Report {
            source: absolute(source),
            bundled_files: bundle.source_count() + bundle.asset_count(),
            archive_bytes: written.as_ref().map_or(0, |summary| summary.archive_bytes),
            duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            targets: [target_report(&runtime, &output, &written)?],
        };
        print(&super::inspect::json_text(&report)?)?;
    }
    let summary = written?;
    if arguments.verbose {
        let sources = &compiled.program.paths;
        note(&details(
            &runtime,
            &requirements,
            sources,
            &output,
            &summary,
        )?);
    }
    note(&format!(
        "Built {} ({}, {}, {}) in {:.2} s\n",
        output.display(),
        size_text(summary.file_bytes),
        count_text(bundle.source_count(), "source file"),
        count_text(bundle.asset_count(), "asset"),
        elapsed.as_secs_f64(),
    ));
    Ok(0)
}

fn target_report<'a>(
    runtime: &'a RuntimeImage,
    output: &Path,
    written: &Result<ArchiveSummary, bundle::BundleError>,
) -> Result<TargetReport<'a>, Failure> {
    let sha256 = match written {
        Ok(_) => Some(sha256(output)?),
        Err(_) => None,
    };
    Ok(TargetReport {
        target: &runtime.platform.target,
        os: runtime.platform.system,
        arch: runtime.platform.processor,
        path: absolute(output),
        bytes: written.as_ref().map_or(0, |summary| summary.file_bytes),
        sha256,
        ok: written.is_ok(),
        error: written.as_ref().err().map(ToString::to_string),
        runtime: match &runtime.origin {
            Origin::Embedded => "embedded".to_owned(),
            Origin::Given(path) | Origin::Beside(path) => absolute(path),
        },
    })
}

/// The tier of the runtime: the asked one, or the smallest that has everything.
fn chosen_tier(requirements: &Requirements, asked: Option<Tier>) -> Result<Tier, Failure> {
    let needed = requirements.tier();
    match asked {
        Some(asked) if asked < needed => Err(Failure::Other {
            message: format!(
                "the program needs a runtime of tier {}, not {}:\n{}",
                needed.name(),
                asked.name(),
                uses(&requirements.beyond(asked))
            ),
            hint: format!("leave --tier out, or give --tier {}", needed.name()),
        }),
        Some(asked) => Ok(asked),
        None => Ok(needed),
    }
}

/// The error that no runtime has what the program needs, with the builtins that ask for it.
fn lacking(error: RuntimeError, requirements: &Requirements) -> Failure {
    let has = match error {
        RuntimeError::LowerTier { has, .. } => has,
        RuntimeError::NoTier(_) => Tier::Core,
        other => return other.into(),
    };
    Failure::Other {
        hint: error.hint().to_owned(),
        message: format!("{error}:\n{}", uses(&requirements.beyond(has))),
    }
}

/// One line for each builtin: name, tier, where it is used.
fn uses(builtins: &[&Requirement]) -> String {
    let lines = builtins.iter().map(|builtin| {
        let place = match &builtin.position {
            Some((file, line, column)) => format!(" at {file}:{line}:{column}"),
            None => " through the library".to_owned(),
        };
        format!(
            "  {} (tier {}){place}",
            builtin.builtin,
            builtin.tier.name()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Where to write, made sure that it does not replace the source.
fn output_path(source: &Path, given: Option<&Path>) -> Result<PathBuf, Failure> {
    let default = bundle::default_output(source).ok_or_else(|| Failure::File {
        action: "read",
        path: source.to_owned(),
        source: std::io::ErrorKind::IsADirectory.into(),
    })?;
    let output = match given {
        Some(given) => bundle::output_path(given, &default, program::home().as_deref()),
        None => default,
    };
    protect(&output, [source])?;
    Ok(output)
}

/// Refuses an output that is one of the files that go into it, whatever it is called.
pub(super) fn protect<'p>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Result<(), Failure> {
    match bundle::overwritten(output, inputs) {
        None => Ok(()),
        Some(input) => Err(Failure::Other {
            message: format!(
                "the output '{}' would overwrite '{}', which goes into it",
                output.display(),
                input.display()
            ),
            hint: "name another output with -o".to_owned(),
        }),
    }
}

/// The files that the runtime comes from.
fn runtime_files(runtime: &RuntimeImage) -> Vec<PathBuf> {
    match &runtime.origin {
        Origin::Embedded => std::env::current_exe().into_iter().collect(),
        Origin::Given(path) | Origin::Beside(path) => vec![path.clone()],
    }
}

fn absolute(path: &Path) -> String {
    let absolute = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    let absolute = absolute.unwrap_or_else(|_| path.to_owned());
    absolute.to_string_lossy().into_owned()
}

fn sha256(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|source| Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let digest = Sha256::digest(&bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What was put in: read back from the file, so it is what is really there.
fn details(
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
    };
    let tier = runtime.tier.map_or("unknown", Tier::name);
    let mut text = format!(
        "{:>10}  runtime (tier {tier}, {}, {origin})\n",
        size_text(runtime.bytes.len() as u64),
        runtime.platform.target
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

fn targets() -> String {
    let mut text = String::from("Targets:\n");
    for target in SUPPORTED_TARGETS {
        let aliases = target.aliases.join(", ");
        text.push_str(&format!("  {}  (also: {aliases})\n", target.triple));
    }
    text.push_str("\nFor other platforms give their runtime with --runtime PATH.\n");
    text
}
