//! The files that go into archives.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::Path;

use super::{Done, Failure, in_background};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, list_or_vector, text};
use sema_machine::host::condition::{Outcome, eval_error, wrong_kind};
use sema_machine::memory::value::Value;
use sema_machine::platform::files;
use sema_machine::task::Cancelled;
use sema_vfs::Overlay;

/// What can be read at any place.
pub(super) trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// A file that is read: embedded in the program, or on disk.
pub(super) struct Opened {
    pub(super) content: Box<dyn ReadSeek>,
    pub(super) bytes: u64,
    /// Permissions, and the time of the last change in seconds since 1970.
    pub(super) mode: u32,
    pub(super) modified: i64,
}

/// Opens a file of the program's bundle, or on disk.
pub(super) fn open(overlay: &Overlay, path: &str) -> Done<Opened> {
    if let Some(file) = overlay.open_embedded(path) {
        return Ok(Opened {
            bytes: file.length(),
            content: Box::new(file),
            mode: 0o644,
            modified: 0,
        });
    }
    let system = |error: io::Error| Failure::System {
        path: path.to_owned(),
        error,
    };
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(system)?.is_file() {
        return Err(Failure::content(path, "not a regular file"));
    }
    let file = File::open(path).map_err(system)?;
    let metadata = file.metadata().map_err(system)?;
    Ok(Opened {
        bytes: metadata.len(),
        content: Box::new(file),
        mode: files::permissions(&metadata) & 0o777,
        modified: files::modified(&metadata),
    })
}

/// Makes an archive, the first argument, of files, the second, by `write`. The result is how many files there are.
pub(super) fn creation(
    host: &Host,
    function: &'static str,
    args: &[Value],
    write: fn(&str, Vec<OpenMember>, &Cancelled) -> Done<()>,
) -> Outcome {
    let archive = text(host, function, args, 0)?.to_owned();
    let members = members(host, function, args)?;
    let files = host.files.clone();
    in_background(
        host,
        function,
        move |cancelled| {
            // A member that is missing is noticed before anything is written.
            let opened: Vec<OpenMember> = members
                .into_iter()
                .map(|member| {
                    let opened = open(&files, &member.path)?;
                    Ok((member, opened))
                })
                .collect::<Done<_>>()?;
            let count = opened.len();
            write(&archive, opened, cancelled).map(|()| count)
        },
        |_, count| Ok(Value::index(count)),
    )
}

/// A file that goes into an archive, and what is read of it.
pub(super) type OpenMember = (Member, Opened);

/// A file that goes into an archive.
pub(super) struct Member {
    /// Where it is.
    pub(super) path: String,
    /// How it is called in the archive.
    pub(super) name: String,
}

impl Member {
    /// It could not be put into the archive: the system refuses to write that, or something is wrong with the file.
    pub(super) fn failure(&self, archive: &str, error: io::Error) -> Failure {
        match error.raw_os_error() {
            Some(_) => Failure::of(archive, error),
            None => Failure::content(&self.path, error),
        }
    }
}

/// The files that `args[1]` names, by the names that they have in the archive: the last parts of their paths.
fn members(host: &Host, function: &str, args: &[Value]) -> Outcome<Vec<Member>> {
    let mut names = std::collections::HashSet::new();
    let mut members = Vec::new();
    for &value in list_or_vector(host, argument(args, 1))?.iter() {
        let Some(path) = host.heap.as_str(value) else {
            let what = format!("{function}: expected string");
            return Err(wrong_kind(host, what, value));
        };
        let Some(name) = Path::new(path).file_name().and_then(|name| name.to_str()) else {
            return Err(eval_error(format!("{function}: {path:?} names no file")));
        };
        if !names.insert(name) {
            return Err(eval_error(format!(
                "{function}: two files would be called {name:?} in the archive"
            )));
        }
        members.push(Member {
            path: path.to_owned(),
            name: name.to_owned(),
        });
    }
    Ok(members)
}
