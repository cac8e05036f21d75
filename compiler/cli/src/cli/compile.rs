//! `semac compile`: one file, one module.

use std::path::{Path, PathBuf};

use sema_format::WriteOptions;

use super::arguments::Compile;
use super::clock::Clock;
use crate::paths::shown;
use semac_core::driver::{Surroundings, World};
use semac_core::phases::{self, Observer};

use super::failure::{Failure, remark};
use super::{program, size_text};

pub(super) fn execute(arguments: &Compile) -> Result<u8, Failure> {
    arguments.lints.about_codes()?;
    // Pipes and terminals have no name to call the module by.
    if arguments.output.is_none()
        && arguments.file.exists()
        && !arguments.file.is_file()
        && !arguments.file.is_dir()
    {
        return Err(Failure::Usage(format!(
            "'{}' is no file beside which the module could be written: give -o OUT",
            shown(&arguments.file)
        )));
    }
    let clock = Clock::new(arguments.optimization.time_passes);
    let compiled = program::compile(
        &arguments.file,
        &arguments.optimization,
        &arguments.lints,
        program::Purpose::new(Surroundings::Runtime, World::LIBRARY),
        &clock,
    )?;
    let inputs = compiled.inputs;
    let compiled = compiled.program;
    clock.begin(phases::ENCODE);
    let entry = compiled
        .modules
        .iter()
        .find(|module| module.name == compiled.entry);
    let Some(module) = entry else {
        return Err(Failure::Other {
            message: format!("the compiler made no module '{}'", compiled.entry),
            hint: "this is a mistake in semac; please report it with the program".to_owned(),
        });
    };
    let options = WriteOptions {
        debug: !arguments.strip_debug,
        ..WriteOptions::default()
    };
    let bytes = sema_format::write(module, &options).map_err(|source| {
        Failure::Bundle(crate::bundle::BundleError::Encode {
            module: module.name.clone(),
            source,
        })
    })?;
    let output = output_path(&arguments.file, arguments.output.as_deref());
    super::build::protect(&output, inputs.iter().map(PathBuf::as_path))?;
    clock.begin(phases::WRITE);
    crate::bundle::write_module(&output, &bytes)?;
    clock.show();
    remark(&format!(
        "Wrote {} ({})\n",
        shown(&output),
        size_text(bytes.len() as u64)
    ));
    Ok(0)
}

fn output_path(source: &Path, given: Option<&Path>) -> PathBuf {
    let default = source.with_extension("semac");
    match given {
        Some(given) => crate::bundle::output_path(given, &default, program::home().as_deref()),
        None => default,
    }
}
