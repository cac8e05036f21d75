//! `semac disasm`: listings of bytecode.

use sema_format::{AlignedBytes, FormatError, ModuleView, WriteOptions};

use super::arguments::Disasm;
use super::clock::Clock;
use crate::paths::shown;
use semac_core::driver::{Surroundings, World};

use super::failure::{Failure, print};
use super::image::{self, FileKind, Image};
use super::inspect::json_text;
use super::listing::{self, ModuleListing};
use super::program;

pub(super) fn execute(arguments: &Disasm) -> Result<u8, Failure> {
    arguments.lints.about_codes()?;
    let wanted = |name: &str| arguments.module.as_deref().is_none_or(|only| only == name);
    let mut listings = Listings::default();
    let once = image::read_once(&arguments.file)?;
    let kind = match &once {
        Some(bytes) => image::kind_of_bytes(bytes),
        None => image::kind_of(&arguments.file, &image::first_bytes(&arguments.file)?),
    };
    if kind == FileKind::Source {
        let clock = Clock::new(arguments.optimization.time_passes);
        let compiled = program::found_in(
            &arguments.file,
            once,
            &arguments.optimization,
            &arguments.lints,
            program::Purpose::new(Surroundings::Runtime, World::LIBRARY),
            &clock,
        )?
        .shown()
        .0?;
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
            listings.add(arguments, bytes.as_bytes())?;
        }
    } else {
        let image = match once {
            Some(bytes) => Image::of_bytes(&arguments.file, bytes)?,
            None => Image::open(&arguments.file)?,
        };
        match image {
            Image::Module(bytes) => listings.add(arguments, bytes.as_bytes())?,
            Image::Archive(archive) => {
                for entry in image::modules(&archive).filter(|entry| wanted(entry.path())) {
                    let bytes = image::aligned(&entry).map_err(|text| damaged(arguments, text))?;
                    listings.add(arguments, bytes.as_slice())?;
                }
            }
        }
    }
    if let (Some(name), true) = (&arguments.module, listings.is_empty()) {
        return Err(Failure::Other {
            message: format!("'{}' has no module '{name}'", shown(&arguments.file)),
            hint: "`semac inspect` lists the modules of an executable".to_owned(),
        });
    }
    let text = match arguments.json {
        true => json_text(&listings.modules)?,
        false => listings.texts.join("\n"),
    };
    print(&text)?;
    Ok(0)
}

/// What is shown: as text or for scripts.
#[derive(Default)]
struct Listings {
    texts: Vec<String>,
    modules: Vec<ModuleListing>,
}

impl Listings {
    fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.modules.is_empty()
    }

    fn add(&mut self, arguments: &Disasm, bytes: &[u8]) -> Result<(), Failure> {
        let of_format = |error: FormatError| damaged(arguments, error.to_string());
        let view = ModuleView::parse(bytes).map_err(of_format)?;
        if arguments.json {
            self.modules
                .push(listing::module(&view).map_err(of_format)?);
        } else {
            let text = sema_format::disasm::module(&view).map_err(of_format)?;
            self.texts.push(text);
        }
        Ok(())
    }
}

fn damaged(arguments: &Disasm, problem: String) -> Failure {
    Failure::Damaged {
        path: arguments.file.clone(),
        problem,
    }
}
