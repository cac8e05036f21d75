//! Files: reading, writing, directories.
//!
//! What reads or looks sees the embedded files first, what writes the file system alone (`docs/vfs.md`).

mod reading;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use crate::core::sequence::bytes::bytes;
use crate::core::system::device;
use crate::core::system::glob::{Pattern, glob};
use reading::{PART, is_worth_a_thread, read, read_bytes, read_lines};
use sema_machine::data::collections::sorted_map;
use sema_machine::data::print;
use sema_machine::giving_way;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, bytes_of, list_or_vector, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::platform::files::{self, Special};
use sema_machine::task::Cancelled;

natives! {
    /// The text of a file, embedded or on disk. Raises if there is none, if it is not a regular file, or
    /// if it is not UTF-8.
    /// (begin (file/write "read.txt" "hi") (file/read "read.txt")) => "hi"
    /// (file/read "no-such-file.txt") => error file/read no-such-file.txt: No such file or directory
    "file/read" (path: String) -> String, needs(Capability::FsRead), embedded => giving_way!(read);

    /// The bytes of a file, embedded or on disk. Raises if there is none or if it is not a regular file.
    /// (begin (file/write "raw.txt" "AZ") (file/read-bytes "raw.txt")) => #u8(65 90)
    "file/read-bytes" (path: String) -> Bytes, needs(Capability::FsRead), embedded => giving_way!(read_bytes);

    /// The lines of a file, embedded or on disk, without their ends (LF or CRLF). Raises as `file/read`
    /// does.
    /// (begin (file/write "lines.txt" "one\ntwo\n") (file/read-lines "lines.txt")) => ("one" "two")
    "file/read-lines" (path: String) -> List, needs(Capability::FsRead), embedded => giving_way!(read_lines);

    /// Whether there is something at the path: a file, a directory or an embedded file.
    /// (file/exists? ".") => #t
    /// (file/exists? "no-such-file.txt") => #f
    "file/exists?" (path: String) -> Bool, needs(Capability::FsRead), touches(Touches::Look), embedded => giving_way!(exists);

    /// Whether there is a regular file at the path, or a link to one.
    /// (begin (file/write "plain.txt" "") (file/is-file? "plain.txt")) => #t
    /// (file/is-file? ".") => #f
    "file/is-file?" (path: String) -> Bool, needs(Capability::FsRead), touches(Touches::Look), embedded => is_file;

    /// Whether there is a directory at the path, or a link to one.
    /// (file/is-directory? ".") => #t
    "file/is-directory?" (path: String) -> Bool, needs(Capability::FsRead), touches(Touches::Look), embedded => is_directory;

    /// Whether there is a symbolic link at the path.
    /// (file/is-symlink? ".") => #f
    "file/is-symlink?" (path: String) -> Bool, needs(Capability::FsRead), touches(Touches::Entry) => is_symlink;

    /// A map about what a path leads to: `:size` in bytes, `:modified` in milliseconds since 1970,
    /// `:is-file` and `:is-dir`. Raises if there is nothing.
    /// (begin (file/write "info.txt" "abc") (:size (file/info "info.txt"))) => 3
    /// (:is-dir (file/info ".")) => #t
    "file/info" (path: String) -> Map, needs(Capability::FsRead), touches(Touches::Look), embedded => giving_way!(info);

    /// The names of what a directory holds, in no particular order. Raises if it cannot be read.
    /// (begin (file/mkdir "box") (file/write "box/a.txt" "") (file/list "box")) => ("a.txt")
    "file/list" (path: String) -> List, needs(Capability::FsRead), touches(Touches::Look), embedded => giving_way!(list);

    /// The paths that match a pattern, sorted: `?` is any character, `*` any name or part of one, `[a-c]`
    /// one of these characters, `**` any directories. Raises if the pattern is malformed.
    /// (begin (file/mkdir "kit") (file/write "kit/b.md" "") (file/glob "kit/*.md")) => ("kit/b.md")
    /// (file/glob "kit/***") => error invalid pattern
    "file/glob" (pattern: String) -> List, needs(Capability::FsRead), touches(Touches::Inside) => glob_paths;

    /// Makes a file that holds the text; what was there is replaced. Raises if it cannot be written.
    /// (begin (file/write "new.txt" "a") (file/write "new.txt" "b") (file/read "new.txt")) => "b"
    "file/write" (path: String, content: String) -> Nil, needs(Capability::FsWrite) => giving_way!(write);

    /// Adds the text to the end of a file, which is made if there is none. Raises if it cannot be
    /// written.
    /// (begin (file/write "log.txt" "a") (file/append "log.txt" "b") (file/read "log.txt")) => "ab"
    /// (begin (file/write-bytes "part.bin" #u8(104)) (file/append "part.bin" #u8(105)) (file/read "part.bin")) => "hi"
    "file/append" (path: String, content: Any) -> Nil, needs(Capability::FsWrite) => giving_way!(append);

    /// Makes a file that holds the bytes; what was there is replaced. Raises if it cannot be written.
    /// (begin (file/write-bytes "raw.bin" #u8(104 105)) (file/read "raw.bin")) => "hi"
    "file/write-bytes" (path: String, bytes: Bytes) -> Nil, needs(Capability::FsWrite) => giving_way!(write_bytes);

    /// Makes a file of the display forms of the elements, one a line, without a line feed behind the
    /// last one. Raises if it cannot be written.
    /// (begin (file/write-lines "list.txt" '("a" 2)) (file/read "list.txt")) => "a\n2"
    "file/write-lines" (path: String, lines: Sequence) -> Nil, needs(Capability::FsWrite) => giving_way!(write_lines);

    /// Makes a directory and those above it that are missing; one that exists already is no error.
    /// (begin (file/mkdir "deep/down") (file/is-directory? "deep/down")) => #t
    "file/mkdir" (path: String) -> Nil, needs(Capability::FsWrite) => make_directory;

    /// Deletes a file or a symbolic link, not a directory. Raises if there is none.
    /// (begin (file/write "old.txt" "") (file/delete "old.txt") (file/exists? "old.txt")) => #f
    /// (file/delete ".") => error is a directory, not a regular file
    "file/delete" (path: String) -> Nil, needs(Capability::FsWrite), touches(Touches::Entry) => giving_way!(delete);

    /// Gives a file or a directory another path; a file at that path is replaced. Raises if it cannot be
    /// done.
    /// (begin (file/write "from.txt" "x") (file/rename "from.txt" "to.txt") (file/read "to.txt")) => "x"
    "file/rename" (from: String, to: String) -> Nil, needs(Capability::FsWrite), touches(Touches::Both) => rename;

    /// Copies the content of a file to another path; a file at that path is replaced. Raises if either
    /// is not a regular file.
    /// (begin (file/write "one.txt" "x") (file/copy "one.txt" "two.txt") (file/read "two.txt")) => "x"
    "file/copy" (from: String, to: String) -> Nil, needs(Capability::FsRead), needs(Capability::FsWrite), touches(Touches::FromTo) => giving_way!(copy);
}

/// The condition for an operation that failed: `NAME PATH: OS-TEXT (os error N)`.
#[cold]
pub(crate) fn failed(function: &str, path: &str, error: &dyn std::fmt::Display) -> Box<Signal> {
    io_error(format!("{function} {path}: {error}"))
}

/// What is under a path, as far as reading or writing it matters.
enum Found {
    /// Nothing, or nobody knows: opening it will tell.
    Nothing,
    /// A regular file of so many bytes.
    File(u64),
    /// A pipe, terminal or other device, which may make its reader or writer wait.
    Device,
    /// What cannot be read or written, and how it is called.
    Other(&'static str),
}

fn find(path: &str) -> Found {
    let Ok(metadata) = fs::metadata(path) else {
        return Found::Nothing;
    };
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => Found::File(metadata.len()),
        () if kind.is_dir() => Found::Other("directory"),
        () if files::special(Path::new(path)) == Some(Special::Socket) => Found::Other("socket"),
        () => Found::Device,
    }
}

fn not_regular(function: &str, path: &str, what: &str) -> Box<Signal> {
    eval_error(format!(
        "{function}: {path} is a {what}, not a regular file"
    ))
}

/// Refuses what exists but can never be read or written: a directory, a socket.
pub(super) fn check_readable(function: &str, path: &str) -> Outcome<()> {
    match find(path) {
        Found::Other(what) => Err(not_regular(function, path, what)),
        _ => Ok(()),
    }
}

/// Refuses what exists but is no regular file.
pub(super) fn check_regular(function: &str, path: &str) -> Outcome<()> {
    match find(path) {
        Found::Nothing | Found::File(_) => Ok(()),
        Found::Other(what) => Err(not_regular(function, path, what)),
        Found::Device => {
            let what = match files::special(Path::new(path)) {
                Some(Special::Pipe) => "named pipe (FIFO)",
                Some(Special::CharacterDevice) => "character device",
                _ => "block device",
            };
            Err(not_regular(function, path, what))
        }
    }
}

fn exists(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/exists?", args, 0)?;
    Ok(Value::bool(host.files.exists(path, None)))
}

fn is_file(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/is-file?", args, 0)?;
    let embedded = host.files.embedded(path, None).is_some();
    Ok(Value::bool(
        embedded || host.sees_disk(path) && Path::new(path).is_file(),
    ))
}

fn is_directory(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/is-directory?", args, 0)?;
    let embedded = host.files.is_embedded_directory(path);
    Ok(Value::bool(embedded || Path::new(path).is_dir()))
}

fn is_symlink(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(
        Path::new(text(host, "file/is-symlink?", args, 0)?).is_symlink(),
    ))
}

/// What is known of a file or directory.
struct Info {
    size: u64,
    /// Milliseconds since 1970.
    modified: i64,
    is_directory: bool,
    is_file: bool,
}

/// What is known of something embedded. It has no time: what a build makes depends on its inputs only.
fn embedded_info(host: &Host, path: &str) -> Option<Info> {
    let file = host.files.embedded(path, None);
    let is_on_disk = || host.sees_disk(path) && Path::new(path).exists();
    if file.is_none() && (!host.files.is_embedded_directory(path) || is_on_disk()) {
        return None;
    }
    Some(Info {
        size: file.as_ref().map_or(0, |file| file.length()),
        modified: 0,
        is_directory: file.is_none(),
        is_file: file.is_some(),
    })
}

fn info_on_disk(path: &str) -> io::Result<Info> {
    let metadata = fs::metadata(path)?;
    Ok(Info {
        size: metadata.len(),
        modified: match metadata.modified()?.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_millis() as i64,
            Err(before) => -(before.duration().as_millis() as i64),
        },
        is_directory: metadata.is_dir(),
        is_file: metadata.is_file(),
    })
}

fn info(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/info", args, 0)?;
    let info = match embedded_info(host, path) {
        Some(info) => info,
        None => info_on_disk(path).map_err(|error| failed("file/info", path, &error))?,
    };
    Ok(sorted_map::from_entries(
        host,
        &[
            (host.keyword("size"), host.heap.int(info.size as i64)),
            (host.keyword("modified"), host.heap.int(info.modified)),
            (host.keyword("is-dir"), Value::bool(info.is_directory)),
            (host.keyword("is-file"), Value::bool(info.is_file)),
        ],
    ))
}

fn list(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/list", args, 0)?;
    let mut names = host.files.embedded_names(path);
    let embedded = names.len();
    let failed = |error: io::Error| failed("file/list", path, &error);
    let on_disk = match embedded == 0 || host.sees_disk(path) {
        true => fs::read_dir(path).map(Some),
        false => Ok(None),
    };
    match on_disk {
        Ok(entries) => {
            for entry in entries.into_iter().flatten() {
                let name = entry.map_err(failed)?.file_name();
                let name = name.to_string_lossy().into_owned();
                let first = names.get(..embedded).unwrap_or_default();
                if first.binary_search(&name).is_err() {
                    names.push(name);
                }
            }
        }
        // The directory is embedded only.
        Err(_) if embedded > 0 => {}
        Err(error) => return Err(failed(error)),
    }
    let names: Vec<Value> = names.iter().map(|name| host.heap.string(name)).collect();
    Ok(host.heap.list(&names))
}

fn glob_paths(host: &Host, args: &[Value]) -> Outcome {
    let pattern = text(host, "file/glob", args, 0)?;
    let pattern = Pattern::parse(pattern)
        .map_err(|error| eval_error(format!("file/glob: invalid pattern: {error}")))?;
    let paths: Vec<Value> = glob(&host.files, &pattern)
        .iter()
        .filter(|path| {
            host.permits(Capability::FsRead, path) || host.files.embedded(path, None).is_some()
        })
        .map(|path| host.heap.string(path))
        .collect();
    Ok(host.heap.list(&paths))
}

/// How a file is opened to be written.
#[derive(Clone, Copy)]
enum Opened {
    /// What it held is lost.
    Anew,
    /// At its end.
    AtEnd,
}

/// Writes bytes to the file under `path`.
fn write_file(
    host: &Host,
    function: &'static str,
    path: &str,
    content: &[u8],
    opened: Opened,
) -> Outcome {
    let named = path.to_owned();
    let deliver = move |_: &Host, written: io::Result<()>| match written {
        Ok(()) => Ok(Value::NIL),
        Err(error) => Err(failed(function, &named, &error)),
    };
    match find(path) {
        Found::Other(what) => Err(not_regular(function, path, what)),
        Found::Device => {
            let content = content.to_vec();
            device::open_sink(host, path, move |host, sink| match sink {
                Ok(sink) => {
                    device::write(host, &Arc::new(Mutex::new(sink)), content, true, deliver)
                }
                Err(error) => deliver(host, Err(error)),
            })
        }
        _ if is_worth_a_thread(host, content.len() as u64) => {
            let (path, content) = (path.to_owned(), content.to_vec());
            let write =
                move |cancelled: &Cancelled| write_parts(&path, &content, opened, cancelled);
            host.blocking(write, deliver)
        }
        _ => {
            let written = write_parts(path, content, opened, &Cancelled::default());
            deliver(host, written)
        }
    }
}

fn write_parts(
    path: &str,
    content: &[u8],
    opened: Opened,
    cancelled: &Cancelled,
) -> io::Result<()> {
    let mut file = match opened {
        Opened::Anew => File::create(path)?,
        Opened::AtEnd => OpenOptions::new().append(true).create(true).open(path)?,
    };
    for part in content.chunks(PART) {
        if cancelled.is_set() {
            break;
        }
        file.write_all(part)?;
    }
    Ok(())
}

fn write(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/write", args, 0)?;
    let content = text(host, "file/write", args, 1)?.as_bytes();
    write_file(host, "file/write", path, content, Opened::Anew)
}

fn write_bytes(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/write-bytes", args, 0)?;
    let content = bytes(host, "file/write-bytes", args, 1)?;
    write_file(host, "file/write-bytes", path, content, Opened::Anew)
}

fn write_lines(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/write-lines", args, 0)?;
    let mut content = String::new();
    for (index, &line) in list_or_vector(host, argument(args, 1))?.iter().enumerate() {
        if index > 0 {
            content.push('\n');
        }
        print::write_display(host, line, &mut content);
    }
    let content = content.as_bytes();
    write_file(host, "file/write-lines", path, content, Opened::Anew)
}

fn append(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/append", args, 0)?;
    let addition = bytes_of(host, "file/append", args, 1)?;
    write_file(host, "file/append", path, addition, Opened::AtEnd)
}

fn make_directory(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/mkdir", args, 0)?;
    fs::create_dir_all(path).map_err(|error| failed("file/mkdir", path, &error))?;
    Ok(Value::NIL)
}

fn delete(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "file/delete", args, 0)?;
    // A link to a directory is a file of its own.
    if !Path::new(path).is_symlink() {
        check_regular("file/delete", path)?;
    }
    fs::remove_file(path).map_err(|error| failed("file/delete", path, &error))?;
    Ok(Value::NIL)
}

fn rename(host: &Host, args: &[Value]) -> Outcome {
    let from = text(host, "file/rename", args, 0)?;
    let to = text(host, "file/rename", args, 1)?;
    let is_link = |path: &str| fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let file = device::identity_of(from);
    if file.is_some() && file == device::identity_of(to) && is_link(from) && !is_link(to) {
        // The link would take the place of the file that it leads to. As with two names of one file, nothing is done.
        return Ok(Value::NIL);
    }
    fs::rename(from, to)
        .map_err(|error| failed("file/rename", &format!("{from} -> {to}"), &error))?;
    Ok(Value::NIL)
}

fn copy(host: &Host, args: &[Value]) -> Outcome {
    let from = text(host, "file/copy", args, 0)?.to_owned();
    let to = text(host, "file/copy", args, 1)?.to_owned();
    let embedded = host.files.open_embedded(&from);
    if embedded.is_none() {
        check_regular("file/copy", &from)?;
    }
    check_regular("file/copy", &to)?;
    let original = device::identity_of(&from);
    if original.is_some() && original == device::identity_of(&to) {
        // Opening the copy would empty the original.
        return Ok(Value::NIL);
    }
    let names = format!("{from} -> {to}");
    let deliver = move |_: &Host, copied: io::Result<u64>| match copied {
        Ok(_) => Ok(Value::NIL),
        Err(error) => Err(failed("file/copy", &names, &error)),
    };
    if let Some(mut file) = embedded {
        let bytes = file.length();
        let mut write = move |to: &str| io::copy(&mut file, &mut File::create(to)?);
        return match is_worth_a_thread(host, bytes) {
            true => host.blocking(move |_| write(&to), deliver),
            false => deliver(host, write(&to)),
        };
    }
    match find(&from) {
        Found::File(bytes) if is_worth_a_thread(host, bytes) => {
            host.blocking(move |_| fs::copy(&from, &to), deliver)
        }
        _ => deliver(host, fs::copy(&from, &to)),
    }
}

#[cfg(test)]
mod tests;
