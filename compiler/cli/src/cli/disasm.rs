//! `semac disasm`: listings of bytecode.

use sema_format::{AlignedBytes, ModuleView, WriteOptions};

use super::arguments::Disasm;
use super::clock::Clock;
use semac_core::driver::{Surroundings, World};

use super::failure::{Failure, print};
use super::image::{self, FileKind, Image};
use super::program;

pub(super) fn execute(arguments: &Disasm) -> Result<u8, Failure> {
    let wanted = |name: &str| arguments.module.as_deref().is_none_or(|only| only == name);
    let mut listings = Vec::new();
    let start = image::first_bytes(&arguments.file)?;
    if image::kind_of(&arguments.file, &start) == FileKind::Source {
        let clock = Clock::new(arguments.optimization.time_passes);
        let compiled = program::compile(
            &arguments.file,
            &arguments.optimization,
            &arguments.lints,
            Surroundings::Runtime,
            World::LIBRARY,
            &clock,
        )?;
        clock.show();
        let modules = compiled.program.modules.iter();
        for module in modules.filter(|module| wanted(&module.name)) {
            let bytes = sema_format::write(module, &WriteOptions::default()).map_err(|source| {
                Failure::Bundle(crate::bundle::BundleError::Encode {
                    module: module.name.clone(),
                    source,
                })
            })?;
            let bytes = AlignedBytes::copy_of(&bytes);
            listings.push(list(arguments, bytes.as_bytes())?);
        }
    } else {
        match Image::open(&arguments.file)? {
            Image::Module(bytes) => listings.push(list(arguments, bytes.as_bytes())?),
            Image::Archive(archive) => {
                for entry in image::modules(&archive).filter(|entry| wanted(entry.path())) {
                    let bytes = image::aligned(&entry).map_err(|text| damaged(arguments, text))?;
                    listings.push(list(arguments, bytes.as_slice())?);
                }
            }
        }
    }
    if let (Some(name), true) = (&arguments.module, listings.is_empty()) {
        return Err(Failure::Other {
            message: format!("'{}' has no module '{name}'", arguments.file.display()),
            hint: "`semac inspect` lists the modules of an executable".to_owned(),
        });
    }
    print(&listings.join("\n"))?;
    Ok(0)
}

fn list(arguments: &Disasm, bytes: &[u8]) -> Result<String, Failure> {
    ModuleView::parse(bytes)
        .and_then(|view| sema_format::disasm::module(&view))
        .map_err(|error| damaged(arguments, error.to_string()))
}

fn damaged(arguments: &Disasm, problem: String) -> Failure {
    Failure::Damaged {
        path: arguments.file.clone(),
        problem,
    }
}
