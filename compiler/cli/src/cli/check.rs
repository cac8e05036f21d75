//! `semac check`: everything that is wrong, nothing built.

use std::path::Path;

use serde::Serialize;

use super::arguments::{Check, Optimization};
use super::build;
use super::capabilities;
use super::clock::Clock;
use super::count_text;
use super::diagnostics::{DiagnosticPart, parts};
use semac_core::driver::{Surroundings, World};
use semac_core::front::expand::steps::{DEFAULT_SECONDS, DEFAULT_STEPS};

use super::failure::{Failure, note, print};
use super::inside::Inside;
use super::program::{self, Counts};
use super::testing;

/// Optimisation finds no mistakes; leaving it out makes checking fast.
pub(super) const NO_OPTIMIZATION: Optimization = Optimization {
    level: 0,
    macro_steps: DEFAULT_STEPS,
    macro_seconds: DEFAULT_SECONDS,
    stoppable: false,
    time_passes: false,
};

/// The JSON report.
#[derive(Serialize)]
struct Report {
    errors: usize,
    warnings: usize,
    files: Vec<FilePart>,
}

/// What was said about a program.
#[derive(Serialize)]
struct FilePart {
    file: String,
    diagnostics: Vec<DiagnosticPart>,
    /// Why it could not be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn execute(arguments: &Check) -> Result<u8, Failure> {
    if arguments.files.iter().all(|file| file.as_os_str() == ".") {
        // What is not there is no program with mistakes.
        build::entry_at(Path::new("."))?;
    }
    let clock = Clock::new(arguments.time_passes).with_progress();
    let mut total = Counts::default();
    let mut files = Vec::new();
    for file in &arguments.files {
        let mut part = FilePart {
            file: file.to_string_lossy().into_owned(),
            diagnostics: Vec::new(),
            error: None,
        };
        let mut is_program = true;
        let mut inside = Inside::default();
        let found = build::entry_at(file).and_then(|file| {
            match testing::checked(&file, &NO_OPTIMIZATION, &arguments.lints, &clock)? {
                Some(found) => {
                    is_program = false;
                    Ok(found)
                }
                None => {
                    inside = Inside::of(&file)?;
                    let purpose = program::Purpose {
                        embedded: inside.embedding.paths(),
                        ..program::Purpose::new(Surroundings::Runtime, World::PROGRAM)
                    };
                    program::found(&file, &NO_OPTIMIZATION, &arguments.lints, purpose, &clock)
                }
            }
        });
        let outcome = match found {
            Ok(found) => {
                let counts = match arguments.json {
                    true => Counts::of(&found.diagnostics),
                    false => program::show(found.sources(), &found.diagnostics),
                };
                part.diagnostics = parts(found.sources(), &found.diagnostics);
                total.errors += counts.errors;
                total.warnings += counts.warnings;
                let program = found.program.as_ref().map(|compiled| &compiled.program);
                // Tests may need more than the program.
                program.filter(|_| is_program).map_or(Ok(()), |program| {
                    let limit = inside.capabilities.as_deref();
                    capabilities::border(program, &arguments.lints, limit).map(|_| ())
                })
            }
            Err(failure) => Err(failure),
        };
        if let Err(failure) = outcome {
            part.error = Some(failure.to_string());
            total.errors += 1;
            if !arguments.json {
                failure.show();
            }
        }
        files.push(part);
    }
    clock.show();
    if arguments.json {
        print(&super::inspect::json_text(&Report {
            errors: total.errors,
            warnings: total.warnings,
            files,
        })?)?;
    } else if total != Counts::default() {
        note(&format!(
            "\n{}, {}\n",
            count_text(total.errors, "error"),
            count_text(total.warnings, "warning")
        ));
    }
    let failed = total.errors > 0 || (arguments.lints.deny_warnings && total.warnings > 0);
    Ok(u8::from(failed))
}
