//! Unpacking under a directory, and nowhere else.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::{Bounded, Done, Failure, in_background};
use sema_machine::data::collections;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::platform::files;
use sema_machine::task::Cancelled;
use sema_vfs::Overlay;

/// Unpacks an archive, the first argument, under a directory, the second, by `unpack`; the third may set limits. The
/// result is how many files there were.
pub(super) fn extraction(
    host: &Host,
    function: &'static str,
    args: &[Value],
    unpack: fn(&Overlay, &str, &str, Limits, &Cancelled) -> Done<usize>,
) -> Outcome {
    let archive = text(host, function, args, 0)?.to_owned();
    let directory = text(host, function, args, 1)?.to_owned();
    let limits = Limits::of(host, function, args, 2)?;
    let files = host.files.clone();
    in_background(
        host,
        function,
        move |cancelled| unpack(&files, &archive, &directory, limits, cancelled),
        |_, count| Ok(Value::index(count)),
    )
}

/// Bytes that an archive may unpack to, unless an option says otherwise.
const DEFAULT_BYTES: u64 = 4 << 30;
/// The same for entries.
const DEFAULT_ENTRIES: u64 = 1_000_000;

/// How much an archive may unpack to: small archives can hold more than any disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) bytes: u64,
    pub(super) entries: u64,
}

impl Limits {
    /// The limits that a map of options (`args[index]`) gives.
    pub(super) fn of(host: &Host, function: &str, args: &[Value], index: usize) -> Outcome<Limits> {
        let mut limits = Limits {
            bytes: DEFAULT_BYTES,
            entries: DEFAULT_ENTRIES,
        };
        if args.len() <= index {
            return Ok(limits);
        }
        let options = argument(args, index);
        if !collections::is_map(options) {
            return Err(type_error(host, "map", options));
        }
        for (key, value) in collections::iter(&host.heap, options) {
            let name = host.name_of(key).unwrap_or_default();
            let limit = match name {
                "max-bytes" => &mut limits.bytes,
                "max-entries" => &mut limits.entries,
                _ => {
                    return Err(eval_error(format!(
                        "{function}: unknown option; there are :max-bytes and :max-entries"
                    )));
                }
            };
            let number = host.heap.as_i64(value);
            let number = number.ok_or_else(|| type_error(host, "int", value))?;
            *limit = u64::try_from(number).map_err(|_| {
                eval_error(format!(
                    "{function}: :{name} must not be negative, got {number}"
                ))
            })?;
        }
        Ok(limits)
    }
}

/// A directory that entries are unpacked into.
pub(super) struct Target<'c> {
    archive: &'c str,
    root: PathBuf,
    bytes_left: u64,
    entries_left: u64,
    cancelled: &'c Cancelled,
    /// How many entries have been unpacked.
    pub(super) count: usize,
}

impl<'c> Target<'c> {
    /// Makes the directory if it is missing.
    pub(super) fn new(
        archive: &'c str,
        root: &str,
        limits: Limits,
        cancelled: &'c Cancelled,
    ) -> Done<Target<'c>> {
        let system = |error| Failure::of(root, error);
        fs::create_dir_all(root).map_err(system)?;
        Ok(Target {
            archive,
            root: files::resolve(Path::new(root)).map_err(system)?,
            bytes_left: limits.bytes,
            entries_left: limits.entries,
            cancelled,
            count: 0,
        })
    }

    /// Where the entry of this name goes. `None`: outside of the directory, so nowhere.
    pub(super) fn place(&mut self, name: &[u8]) -> Done<Option<PathBuf>> {
        if self.cancelled.is_set() {
            return Err(Failure::content(self.archive, "cancelled"));
        }
        self.entries_left = self.entries_left.checked_sub(1).ok_or_else(|| {
            Failure::content(self.archive, "there are more entries than the limit allows")
        })?;
        let Some(relative) = files::path(name).and_then(inside) else {
            return Ok(None);
        };
        // Links that were there before, or came with the archive, may lead out.
        let mut place = self.root.clone();
        let mut parts = relative.components();
        for part in parts.by_ref() {
            place.push(part);
            match fs::symlink_metadata(&place) {
                Ok(found) if found.is_symlink() && !self.is_within(&place) => return Ok(None),
                Ok(_) => {}
                // What is not there has nothing below it.
                Err(_) => break,
            }
        }
        place.extend(parts);
        Ok(Some(place))
    }

    /// Whether what a link at `place` leads to is in the directory.
    fn is_within(&self, place: &Path) -> bool {
        files::resolve(place).is_ok_and(|found| found.starts_with(&self.root))
    }

    /// Makes a directory.
    pub(super) fn directory(&mut self, place: &Path) -> Done<()> {
        fs::create_dir_all(place).map_err(|error| Failure::of(place.to_string_lossy(), error))?;
        self.count += 1;
        Ok(())
    }

    /// Writes a file. What cannot be written as a whole is removed again.
    pub(super) fn file(&mut self, place: &Path, mode: u32, content: impl Read) -> Done<()> {
        let system = |error| Failure::of(place.to_string_lossy(), error);
        self.make_room(place)?;
        let mode = if mode & 0o777 == 0 {
            0o644
        } else {
            mode & 0o777
        };
        let mut options = File::options();
        options.write(true).create_new(true);
        // The owner must be able to replace it.
        let mut file = files::set_permissions(&mut options, mode | 0o200)
            .open(place)
            .map_err(system)?;
        let mut content = Bounded {
            inner: content,
            left: &mut self.bytes_left,
            cancelled: self.cancelled,
        };
        match io::copy(&mut content, &mut file) {
            Ok(_) => self.count += 1,
            Err(error) => {
                let _ = fs::remove_file(place);
                return Err(match error.raw_os_error() {
                    Some(_) => system(error),
                    None => Failure::content(self.archive, error),
                });
            }
        }
        Ok(())
    }

    /// Makes the directories above `place`, and removes a file or link that is there.
    pub(super) fn make_room(&self, place: &Path) -> Done<()> {
        let system = |error| Failure::of(place.to_string_lossy(), error);
        if let Some(above) = place.parent() {
            fs::create_dir_all(above).map_err(system)?;
        }
        match fs::symlink_metadata(place) {
            Ok(found) if !found.is_dir() => fs::remove_file(place).map_err(system),
            _ => Ok(()),
        }
    }

    /// The file in the directory that a hard link means, if it is one.
    pub(super) fn existing(&self, to: &Path) -> Option<PathBuf> {
        let found = files::resolve(&self.root.join(inside(to)?)).ok()?;
        (found.starts_with(&self.root) && found.is_file()).then_some(found)
    }

    /// The path under the directory, for the targets of links.
    pub(super) fn relative<'p>(&self, place: &'p Path) -> Option<&'p Path> {
        place.strip_prefix(&self.root).ok()
    }
}

/// The path without `.` and `..`, if it stays below where it starts.
pub(super) fn inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !inside.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    // The directory itself is no place for a file.
    (!inside.as_os_str().is_empty()).then_some(inside)
}
