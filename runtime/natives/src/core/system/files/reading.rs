//! Whole files: their text, their bytes, their lines.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use super::{Found, failed, find, not_regular};
use crate::core::system::device::{self, Source, Wanted};
use crate::core::text::strings::LONGEST_TEXT;
use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::{Outcome, Signal};
use sema_machine::memory::heap::Filling;
use sema_machine::memory::value::Value;
use sema_machine::task::Cancelled;

/// Files up to this size are read and written at once, which takes less than handing them to a thread when
/// they are in the system's memory.
const LARGE: u64 = 1 << 20;
/// Files from this size on are read where their value will lie.
const IN_PLACE: u64 = 64 << 10;
const MOST_IN_PLACE: u64 = LONGEST_TEXT as u64;
/// Bytes that a thread reads or writes before it looks whether anybody still wants it.
pub(super) const PART: usize = 1 << 20;

/// Whether a file of this size is left to a thread: it is large, and there are tasks that can run meanwhile.
pub(super) fn is_worth_a_thread(host: &Host, bytes: u64) -> bool {
    bytes > LARGE && host.scheduler.others_could_run()
}

fn as_size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Makes a value of the content of a file.
type OfContent = fn(&Host, &str, Cow<'_, [u8]>) -> Outcome;

/// Makes a value of what was read where the value is to lie.
type OfFilling = fn(&str, Filling<'_>) -> Outcome;

/// Reads a large file on disk where its value will lie; `None` if it has become longer meanwhile.
fn read_in_place<'h>(host: &'h Host, path: &str, bytes: u64) -> io::Result<Option<Filling<'h>>> {
    let file = File::open(path)?;
    // With room for one byte more, a file that is not longer than was said ends before the room does.
    let mut filling = host.heap.filling(as_size(bytes) + 1);
    while !filling.is_full() {
        match filling.read(&file) {
            Ok(0) => return Ok(Some(filling)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Reads the embedded file or the file on disk that `args[0]` names.
/// Large files are read in place if `in_place` makes the value.
fn read_whole(
    host: &Host,
    function: &'static str,
    args: &[Value],
    in_place: Option<OfFilling>,
    value: OfContent,
) -> Outcome {
    let path = text(host, function, args, 0)?;
    let named = path.to_owned();
    let deliver = move |host: &Host, bytes: io::Result<Vec<u8>>| {
        let bytes = bytes.map_err(|error| failed(function, &named, &error))?;
        value(host, &named, Cow::Owned(bytes))
    };
    if host.files.embedded(path, None).is_none() {
        match find(path) {
            Found::Other(what) => return Err(not_regular(function, path, what)),
            Found::Device => {
                let source = match Source::open(path) {
                    Ok(source) => Arc::new(Mutex::new(source)),
                    Err(error) => return Err(failed(function, path, &error)),
                };
                let wanted = Wanted::Rest(LONGEST_TEXT + 1);
                return device::read(host, &source, wanted, deliver);
            }
            Found::File(bytes @ IN_PLACE..=MOST_IN_PLACE)
                if let Some(of_filling) = in_place
                    && !is_worth_a_thread(host, bytes) =>
            {
                host.ask(as_size(bytes))?;
                let read = read_in_place(host, path, bytes);
                if let Some(filling) = read.map_err(|error| failed(function, path, &error))? {
                    return of_filling(path, filling);
                }
            }
            // The content, and the value that is made of it.
            Found::File(bytes) if host.ask(as_size(bytes).saturating_mul(2)).is_err() => {
                return Err(host.out_of_memory().signal());
            }
            Found::File(bytes) if is_worth_a_thread(host, bytes) => {
                let path = path.to_owned();
                let read = move |cancelled: &Cancelled| read_parts(&path, cancelled);
                return host.blocking(read, deliver);
            }
            Found::Nothing | Found::File(_) => {}
        }
    }
    let content = host
        .files
        .read(path, None)
        .map_err(|error| failed(function, path, &error));
    value(host, path, content?)
}

/// Reads a large file, on a thread.
fn read_parts(path: &str, cancelled: &Cancelled) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size.min(LONGEST_TEXT));
    while !cancelled.is_set() && bytes.len() <= LONGEST_TEXT {
        let read = (&mut file).take(PART as u64).read_to_end(&mut bytes)?;
        if read == 0 {
            break;
        }
    }
    Ok(bytes)
}

#[cold]
fn not_text(function: &str, path: &str) -> Box<Signal> {
    failed(function, path, &"stream did not contain valid UTF-8")
}

pub(super) fn read(host: &Host, args: &[Value]) -> Outcome {
    const FUNCTION: &str = "file/read";
    let of_filling =
        |path: &str, read: Filling<'_>| read.into_string().map_err(|_| not_text(FUNCTION, path));
    read_whole(
        host,
        FUNCTION,
        args,
        Some(of_filling),
        |host, path, content| {
            crate::core::text::strings::check_text(host, FUNCTION, content.len())?;
            let text = host.heap.utf8_string(&content);
            text.map_err(|_| not_text(FUNCTION, path))
        },
    )
}

pub(super) fn read_bytes(host: &Host, args: &[Value]) -> Outcome {
    const FUNCTION: &str = "file/read-bytes";
    let of_filling = |_: &str, read: Filling<'_>| Ok(read.into_bytevector());
    read_whole(
        host,
        FUNCTION,
        args,
        Some(of_filling),
        |host, _, content| {
            crate::core::text::strings::check_text(host, FUNCTION, content.len())?;
            Ok(host.heap.bytevector(&content))
        },
    )
}

pub(super) fn read_lines(host: &Host, args: &[Value]) -> Outcome {
    read_whole(
        host,
        "file/read-lines",
        args,
        None,
        |host, path, content| {
            let content = std::str::from_utf8(&content);
            let content = content.map_err(|_| not_text("file/read-lines", path))?;
            let lines: Vec<Value> = content.lines().map(|line| host.heap.string(line)).collect();
            Ok(host.heap.list(&lines))
        },
    )
}
