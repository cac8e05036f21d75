//! `semac extract`: embedded files back to disk.
//!
//! Nothing is written before everything has been checked: the archive, the names, and what is there already.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use sema_vfs::{Archive, EntryRef, WriteError};

use super::failure::{Failure, remark};
use super::image::{self, Image};
use super::{count_text, size_text};
use crate::paths::shown;

/// `semac extract`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac extract app -o files               all embedded files, into the directory files
  semac extract app data/names.csv -o .    one file, as ./data/names.csv
  semac extract app data -o files          all that lies below data

The names are those that `semac inspect` lists. Files that are there already are not replaced
without --force. Of a damaged program nothing is extracted.")]
pub struct Extract {
    /// An executable that semac built
    #[arg(value_name = "APP")]
    pub file: PathBuf,
    /// Embedded files or directories [default: all]
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// The directory to write to, made if needed
    #[arg(short, long, value_name = "DIR", value_parser = super::arguments::output_path())]
    pub output: PathBuf,
    /// Replace files that are there already
    #[arg(long)]
    pub force: bool,
}

pub(super) fn execute(arguments: &Extract) -> Result<u8, Failure> {
    let damaged = |error: sema_vfs::VfsError| Failure::Damaged {
        path: arguments.file.clone(),
        problem: error.to_string(),
    };
    let Image::Archive(archive) = Image::open(&arguments.file)? else {
        return Err(Failure::Other {
            message: format!("'{}' is a module", shown(&arguments.file)),
            hint: "modules hold code and no files; name an executable".to_owned(),
        });
    };
    archive.verify().map_err(damaged)?;
    let chosen = chosen(&archive, arguments)?;
    let outputs: Vec<PathBuf> = chosen
        .iter()
        .map(|entry| arguments.output.join(entry.path()))
        .collect();
    refuse_nested(&chosen)?;
    for output in &outputs {
        check(output, &arguments.output, arguments.force)?;
    }
    let mut bytes = 0;
    for (entry, output) in chosen.iter().zip(&outputs) {
        sema_vfs::replace_file(output, false, |file| {
            copy(entry, file).map_err(WriteError::Output)
        })
        .map_err(|error| Failure::Bundle(error.into()))?;
        bytes += entry.length();
    }
    remark(&format!(
        "Extracted {} ({}) to {}\n",
        count_text(chosen.len(), "file"),
        size_text(bytes),
        shown(&arguments.output)
    ));
    Ok(0)
}

/// The entries that the arguments name.
fn chosen<'a>(archive: &'a Archive, arguments: &Extract) -> Result<Vec<EntryRef<'a>>, Failure> {
    let all: Vec<EntryRef<'a>> = image::assets(archive).collect();
    if arguments.paths.is_empty() {
        return Ok(all);
    }
    let is_meant = |path: &str, entry: &EntryRef<'_>| {
        sema_vfs::normalize(path).is_some_and(|path| Path::new(entry.path()).starts_with(path))
    };
    for path in &arguments.paths {
        if !all.iter().any(|entry| is_meant(path, entry)) {
            return Err(Failure::Other {
                message: format!("'{}' has no file '{path}'", shown(&arguments.file)),
                hint: "`semac inspect` lists the embedded files".to_owned(),
            });
        }
    }
    let named = all.into_iter().filter(|entry| {
        let mut paths = arguments.paths.iter();
        paths.any(|path| is_meant(path, entry))
    });
    Ok(named.collect())
}

/// Refuses files below other files: semac writes no such archives, but others may.
fn refuse_nested(chosen: &[EntryRef<'_>]) -> Result<(), Failure> {
    let names: HashSet<&Path> = chosen.iter().map(|entry| Path::new(entry.path())).collect();
    for name in &names {
        if let Some(above) = name.ancestors().skip(1).find(|above| names.contains(above)) {
            return Err(Failure::Other {
                message: format!(
                    "'{}' would be a file and, for '{}', a directory",
                    above.display(),
                    name.display()
                ),
                hint: "name the files to extract".to_owned(),
            });
        }
    }
    Ok(())
}

/// Refuses an output that is there, and one that a symbolic link would lead out of the directory.
fn check(output: &Path, directory: &Path, force: bool) -> Result<(), Failure> {
    let refused = |message: String, hint: &str| {
        Err(Failure::Other {
            message,
            hint: hint.to_owned(),
        })
    };
    let above = output.ancestors().skip(1);
    for parent in above.take_while(|parent| *parent != directory) {
        let Ok(metadata) = std::fs::symlink_metadata(parent) else {
            continue;
        };
        if !metadata.is_dir() {
            return refused(
                format!(
                    "'{}' would lie below '{}', which is no directory but a file or a link",
                    shown(&output),
                    shown(&parent)
                ),
                "extract into another directory",
            );
        }
    }
    match std::fs::symlink_metadata(output) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Failure::File {
            action: "write",
            path: output.to_owned(),
            source,
        }),
        Ok(found) if !found.is_file() => refused(
            format!(
                "'{}' is there already, and is no regular file",
                shown(&output)
            ),
            "remove it, or extract into another directory",
        ),
        Ok(_) if force => Ok(()),
        Ok(_) => refused(
            format!("'{}' is there already", shown(&output)),
            "--force replaces files; or extract into another directory",
        ),
    }
}

fn copy(entry: &EntryRef<'_>, file: &mut impl Write) -> io::Result<()> {
    let mut reader = entry.reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = reader.read(&mut buffer)?;
        match buffer.get(..count) {
            Some(part) if count > 0 => file.write_all(part)?,
            _ => return Ok(()),
        }
    }
}
