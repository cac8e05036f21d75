//! `semac verify`: is a file undamaged, and is its code well formed?

use sema_format::ModuleView;
use sema_machine::launch::signature::SIGNATURE;

use super::arguments::Verify;
use super::count_text;
use super::failure::{Failure, print};
use super::image::{self, Image};
use super::sign;
use crate::bundle::public_key;
use crate::paths::shown;

pub(super) fn execute(arguments: &Verify) -> Result<u8, Failure> {
    let damaged = |problem: String| Failure::Damaged {
        path: arguments.file.clone(),
        problem,
    };
    let key = arguments.key.as_deref().map(public_key).transpose()?;
    let summary = match Image::open(&arguments.file)? {
        Image::Module(bytes) => {
            verify(bytes.as_bytes()).map_err(damaged)?;
            match &key {
                Some(key) => {
                    sign::verify_module(&arguments.file, bytes.as_bytes(), key)?;
                    "1 module, signed with this key".to_owned()
                }
                None => "1 module".to_owned(),
            }
        }
        Image::Archive(archive) => {
            if let Some(key) = &key {
                sign::verify(&arguments.file, &archive, key)?;
            }
            archive
                .verify()
                .map_err(|error| damaged(error.to_string()))?;
            let mut count = 0;
            for entry in image::modules(&archive) {
                let name = entry.path().escape_debug();
                image::aligned(&entry)
                    .and_then(|bytes| verify(bytes.as_slice()))
                    .map_err(|problem| damaged(format!("module {name}: {problem}")))?;
                count += 1;
            }
            let entry = image::entry_module(&archive)
                .ok_or_else(|| damaged("it does not say which module it starts with".to_owned()))?;
            if !image::modules(&archive).any(|module| module.path() == entry) {
                let problem = format!("its entry module '{}' is missing", entry.escape_debug());
                return Err(damaged(problem));
            }
            let assets = image::assets(&archive).count();
            let signed = match (key, archive.metadata(SIGNATURE)) {
                (Some(_), _) => ", signed with this key",
                (None, Some(_)) => ", signed: --key KEY.pub checks by whom",
                (None, None) => "",
            };
            format!(
                "{}, {}{signed}",
                count_text(count, "module"),
                count_text(assets, "asset")
            )
        }
    };
    print(&format!("{}: ok ({summary})\n", shown(&arguments.file)))?;
    Ok(0)
}

/// Checks one module: form, checksum, code, and the arity of each call of a known builtin.
fn verify(bytes: &[u8]) -> Result<(), String> {
    let view = ModuleView::parse(bytes).map_err(|error| error.to_string())?;
    view.check_content().map_err(|error| error.to_string())?;
    let accepts = |native: u32, count: u32| {
        view.native_name(native)
            .ok()
            .and_then(|name| sema_natives::NATIVES.find(name))
            .is_none_or(|number| {
                sema_natives::NATIVES
                    .get(number)
                    .arity
                    .accepts(count as usize)
            })
    };
    sema_format::verify::verify_with(&view, accepts).map_err(|error| error.to_string())
}
