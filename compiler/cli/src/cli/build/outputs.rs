//! Where a build writes, and what it must not replace.

use std::path::{Path, PathBuf};

use super::super::failure::Failure;
use super::super::program;
use crate::bundle::{self, Origin, RuntimeImage, Target};
use crate::paths::shown;

/// The executables to write, one for each platform.
///
/// For one platform the output is a file, or a directory for the default name. For several platforms, and for all there are
/// (`is_all`) however many that is, it is a directory, and the names of the files tell the platforms apart.
pub(super) fn outputs(
    source: &Path,
    default: &Path,
    given: Option<&Path>,
    targets: &[Option<&'static Target>],
    is_all: bool,
) -> Result<Vec<PathBuf>, Failure> {
    let default = default.to_owned();
    let home = program::home();
    let outputs = match (targets, given) {
        ([target], Some(given)) if !is_all => {
            let default = with_suffix(default, *target);
            vec![bundle::output_path(given, &default, home.as_deref())]
        }
        ([target], None) if !is_all => vec![with_suffix(default, *target)],
        (targets, given) => {
            let directory = match given {
                Some(given) => {
                    let below = bundle::output_path(&given.join(""), &default, home.as_deref());
                    below.parent().map(Path::to_owned).unwrap_or_default()
                }
                None => PathBuf::new(),
            };
            if directory.is_file() {
                return Err(Failure::Other {
                    message: format!(
                        "cannot write the executables of several platforms to '{}': it is a file, from an earlier build perhaps, \
                         and has to be a directory",
                        shown(&directory)
                    ),
                    hint: "remove it, or name another directory with -o".to_owned(),
                });
            }
            let named = targets.iter().map(|target| {
                let mut name = default.clone().into_os_string();
                if let Some(target) = target {
                    let (processor, system) = (target.processor, target.system);
                    name.push(format!("-{processor}-{system}{}", target.suffix()));
                }
                directory.join(name)
            });
            named.collect()
        }
    };
    for output in &outputs {
        protect(output, [source])?;
    }
    Ok(outputs)
}

/// The name of a program for a platform.
fn with_suffix(name: PathBuf, target: Option<&'static Target>) -> PathBuf {
    let mut name = name.into_os_string();
    name.push(target.map_or("", Target::suffix));
    name.into()
}

/// The output of a program that was not told where to go.
pub(super) fn default_output(source: &Path) -> Result<PathBuf, Failure> {
    bundle::default_output(source).ok_or_else(|| Failure::File {
        action: "read",
        path: source.to_owned(),
        source: std::io::ErrorKind::IsADirectory.into(),
    })
}

/// The files that the runtime comes from.
pub(super) fn runtime_files(runtime: &RuntimeImage) -> Vec<PathBuf> {
    match &runtime.origin {
        Origin::Embedded => std::env::current_exe().into_iter().collect(),
        other => other.file().map(Path::to_owned).into_iter().collect(),
    }
}

fn is_project_file(output: &Path) -> bool {
    let name = output.file_name();
    name.is_some_and(|name| name == crate::project::NAME)
}

/// Refuses an output that is one of the files that go into it, whatever it is called.
pub(in crate::cli) fn protect<'p>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Result<(), Failure> {
    match bundle::overwritten(output, inputs) {
        None if is_project_file(output) => Err(Failure::Other {
            message: format!(
                "the output '{}' would overwrite a project file, or be called like one",
                shown(&output)
            ),
            hint: "name another output with -o, or as `output` in the project file".to_owned(),
        }),
        None => Ok(()),
        Some(input) => Err(Failure::Other {
            message: format!(
                "the output '{}' would overwrite '{}', which goes into it",
                shown(&output),
                shown(&input)
            ),
            hint: "name another output with -o".to_owned(),
        }),
    }
}

/// Refuses an output (`what`) that is to lie where another one is to lie. Neither needs to exist.
pub(super) fn keep_apart(
    what: &str,
    output: &Path,
    executables: &[PathBuf],
) -> Result<(), Failure> {
    let place = place_of(output);
    match executables.iter().find(|other| place_of(other) == place) {
        None => Ok(()),
        Some(other) => Err(Failure::Other {
            message: format!(
                "the {what} '{}' would overwrite '{}', which is written, too",
                shown(&output),
                shown(&other)
            ),
            hint: "give them different names".to_owned(),
        }),
    }
}

/// A path that is the same for all ways to name a file in a directory that exists, links included.
fn place_of(path: &Path) -> PathBuf {
    let path = sema_vfs::followed(path.to_owned());
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let directory = std::fs::canonicalize(directory)
        .or_else(|_| std::path::absolute(directory))
        .unwrap_or_else(|_| directory.to_owned());
    directory.join(path.file_name().unwrap_or_default())
}
