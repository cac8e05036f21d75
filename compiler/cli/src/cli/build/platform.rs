//! What a platform has not: said before anything is written.

use sema_format::Module;
use semac_core::link::reach;
use semac_core::link::requirements::{Requirement, Requirements};

use super::super::arguments::Build;
use super::super::failure::Failure;
use crate::bundle::Target;

/// Whether `--target all` leaves a platform out, because the build asks for what is not done for it.
pub(super) fn is_left_out(target: &Target, arguments: &Build) -> bool {
    target.is_wasm() && (arguments.dynamic || arguments.image.image.is_some())
}

/// Refuses builds that a platform is not for.
pub(super) fn check(targets: &[Option<&'static Target>], arguments: &Build) -> Result<(), Failure> {
    let Some(target) = targets.iter().flatten().find(|target| target.is_wasm()) else {
        return Ok(());
    };
    if arguments.image.image.is_some() {
        return Err(Failure::Other {
            message: format!(
                "container images hold executables for Linux, and programs for {} are WebAssembly modules",
                target.triple
            ),
            hint: "leave --image out: hosts of WebAssembly (wasmtime, Spin, Node and others) take the .wasm file itself"
                .to_owned(),
        });
    }
    if arguments.dynamic {
        return Err(Failure::Other {
            message: format!(
                "programs for {} cannot contain the compiler",
                target.triple
            ),
            hint: "leave --dynamic out; what `eval` and `load` take at run time has to be known when the program is built"
                .to_owned(),
        });
    }
    Ok(())
}

/// Refuses a program that can reach what a platform has not, with the ways that lead there.
pub(super) fn check_program(
    target: &Target,
    modules: &[Module],
    requirements: &Requirements,
) -> Result<(), Failure> {
    if !target.is_wasm() {
        return Ok(());
    }
    let lacking: Vec<&Requirement> = requirements
        .builtins
        .iter()
        .filter(|builtin| builtin.posix || builtin.tier > target.highest_tier())
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    // Natives that the library calls for one builtin are one problem.
    let mut problems: Vec<String> = Vec::new();
    for builtin in lacking {
        let mut way = reach::way(modules, builtin.native);
        let own = way.iter().rposition(|step| step.position.is_some());
        way.truncate(own.map_or(way.len(), |last| last + 1));
        let name = way.last().map_or(builtin.builtin, |step| &step.callee);
        let why = if builtin.tier > target.highest_tier() {
            "the network and what belongs to it"
        } else {
            "processes, signals, raw terminals, names of machines"
        };
        let problem = format!("  {name} ({why})\n{}", way_text(&way, builtin));
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    Err(Failure::Other {
        message: format!(
            "the program can reach what {} has not:\n{}",
            target.triple,
            problems.join("\n")
        ),
        hint: "leave these calls out of what is built for this platform, or build for another one"
            .to_owned(),
    })
}

/// One step a line, from the program's own code to the builtin.
fn way_text(way: &[reach::Step], builtin: &Requirement) -> String {
    if way.is_empty() {
        return match &builtin.position {
            Some((file, line, column)) => format!("    at {file}:{line}:{column}"),
            None => "    through the library".to_owned(),
        };
    }
    let lines = way.iter().map(|step| {
        let place = match &step.position {
            Some((file, line, column)) => format!(" at {file}:{line}:{column}"),
            None => String::new(),
        };
        format!("    {} calls {}{place}", step.caller, step.callee)
    });
    lines.collect::<Vec<_>>().join("\n")
}
