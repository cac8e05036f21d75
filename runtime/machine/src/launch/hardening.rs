//! The border around a program that was built with `--hardened`: read from its archive, set before it runs.
//!
//! The metadata entry [`BORDER`] has one line for each fact: `limit read`, `limit write`, `execute`, and `read PATH`
//! or `write PATH` for what stays allowed. `variable NAME` stays allowed to be read, too: the paths that this variable of the
//! environment has when the program starts, with colons between them. The filter for system calls is an entry of its own for each processor.

use sema_vfs::Archive;

use super::StartError;

/// Name of the metadata entry with the border.
pub const BORDER: &str = "hardening";

/// Processors and what the kernel calls them (linux/audit.h). The metadata entry of a filter is [`filter_name`].
pub const FILTERS: &[(&str, u32)] = &[
    ("x86_64", 0xc000_003e),
    ("aarch64", 0xc000_00b7),
    ("riscv64", 0xc000_00f3),
];

/// Name of the metadata entry with the filter for a processor.
pub fn filter_name(processor: &str) -> String {
    format!("filter-{processor}")
}

/// Sets the border that an archive asks for.
///
/// # Errors
/// The archive is damaged, the kernel cannot do it, or nobody knows how on this processor.
#[cfg(target_os = "linux")]
pub(super) fn set(archive: &Archive) -> Result<(), StartError> {
    use std::path::PathBuf;

    use crate::host::policy::{Last, resolve};
    use crate::platform::hardening::{Access, Border};

    let Some(border) = archive.metadata(BORDER) else {
        return Ok(());
    };
    let text = border.bytes()?;
    let text = String::from_utf8_lossy(&text);
    let filter = archive.metadata(&filter_name(std::env::consts::ARCH));
    let filter = filter
        .ok_or(StartError::NoFilter(std::env::consts::ARCH))?
        .bytes()?;
    let base = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let mut paths: Vec<(Access, PathBuf)> = Vec::new();
    let mut border = Border {
        filter: &filter,
        ..Border::default()
    };
    for line in text.lines() {
        match line.split_once(' ') {
            None if line == "execute" => border.executes = true,
            Some(("limit", "read")) => border.limits_reading = true,
            Some(("limit", "write")) => border.limits_writing = true,
            Some(("read", path)) => paths.push((Access::Read, path.into())),
            Some(("write", path)) => paths.push((Access::Write, path.into())),
            Some(("variable", name)) => {
                let value = std::env::var_os(name).unwrap_or_default();
                let named =
                    std::env::split_paths(&value).filter(|path| !path.as_os_str().is_empty());
                paths.extend(named.map(|path| (Access::Read, path)));
            }
            _ => return Err(StartError::Border(line.to_owned())),
        }
    }
    let resolved = paths.iter().filter_map(|(access, path)| {
        let mut path = resolve(&base, path, Last::Followed)?;
        // What is still to be made is made in its directory.
        if *access == Access::Write && !path.exists() {
            path.pop();
        }
        Some((*access, path))
    });
    let resolved: Vec<(Access, PathBuf)> = resolved.collect();
    border.below = resolved
        .iter()
        .map(|(access, path)| (*access, path.as_path()))
        .collect();
    border.set()?;
    Ok(())
}

/// There is no such border here.
///
/// # Errors
/// The archive asks for one.
#[cfg(not(target_os = "linux"))]
pub(super) fn set(archive: &Archive) -> Result<(), StartError> {
    match archive.metadata(BORDER) {
        Some(_) => Err(StartError::NoFilter(std::env::consts::OS)),
        None => Ok(()),
    }
}
