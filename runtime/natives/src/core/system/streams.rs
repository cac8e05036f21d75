//! Byte streams: in memory, files, and the three standard ones.
//!
//! A stream is an object of two fields: the text naming its type, and the Rust data behind it.

use std::io;
use std::sync::{Arc, Mutex};

use crate::core::sequence::bytes::{bytes, decoded};
use crate::core::system::device::{self, Shared, Sink, Wanted, lock};
use crate::core::system::files::check_readable;
use crate::core::system::input::line_value;
use crate::core::system::stream_copy::Copy;
use crate::core::system::stream_state::{State, StreamError};
use sema_machine::giving_way;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, integer, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error, type_error};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;
use sema_machine::task::after_others;

/// A function on streams: other tasks go first if a stream is not in memory.
macro_rules! through_system {
    ($function:path) => {{
        fn give_way(host: &Host, args: &[Value]) -> Outcome {
            if uses_system(host, args) {
                after_others(host, $function(host, args))
            } else {
                $function(host, args)
            }
        }
        give_way
    }};
}

natives! {
    /// A stream that reads the UTF-8 bytes of a text.
    /// (stream/read-line (stream/from-string "one\ntwo")) => "one"
    "stream/from-string" (text: String) -> Stream => from_string;

    /// A byte buffer that holds a copy of the bytes: they can be read, and further ones written.
    /// (stream/read-byte (stream/from-bytes #u8(7 8))) => 7
    "stream/from-bytes" (bytes: Bytes) -> Stream => from_bytes;

    /// An empty byte buffer: what is written to it can be read, and is kept for `stream/to-bytes`.
    /// (let ((b (stream/byte-buffer))) (stream/write-string b "hi") (stream/to-string b)) => "hi"
    "stream/byte-buffer" () -> Stream => byte_buffer;

    /// A stream that reads a file. Raises if there is none or if it is not a regular file.
    /// (begin (file/write "in.txt" "a\nb") (with-stream (s (stream/open-input "in.txt")) (stream/read-line s))) => "a"
    "stream/open-input" (path: String) -> Stream, needs(Capability::FsRead) => giving_way!(open_input);

    /// A stream that writes a file, which is made or emptied first. Raises if it cannot be opened.
    /// (begin (with-stream (s (stream/open-output "out.txt")) (stream/write-string s "hey")) (file/read "out.txt")) => "hey"
    "stream/open-output" (path: String) -> Stream, needs(Capability::FsWrite) => giving_way!(open_output);

    /// The next bytes, at most `count` of them; none at the end of the stream. Raises if the stream
    /// cannot be read or `count` is more than 8 MiB.
    /// (stream/read (stream/from-string "abc") 2) => #u8(97 98)
    /// (stream/read (stream/from-string "abc") -1) => error count must be non-negative, got -1
    "stream/read" (stream: Stream, count: Count) -> Bytes => through_system!(read);

    /// The next byte, a number from 0 to 255, or nil at the end of the stream.
    /// (stream/read-byte (stream/from-string "A")) => 65
    /// (stream/read-byte (stream/from-string "")) => nil
    "stream/read-byte" (stream: Stream) -> Any => through_system!(read_byte);

    /// The next line without its end (LF or CRLF), or nil at the end of the stream. Raises if the line
    /// is not UTF-8.
    /// (stream/read-line (stream/from-string "x\r\ny")) => "x"
    "stream/read-line" (stream: Stream) -> OptionalString => read_line;

    /// All bytes that are left. Raises if they are more than the limit, 256 MiB unless it is given.
    /// (stream/read-all (stream/from-string "hi")) => #u8(104 105)
    /// (stream/read-all (stream/from-string "abc") 2) => error input exceeds the configured 2-byte cap
    "stream/read-all" (stream: Stream, limit?: Count) -> Bytes => through_system!(read_all);

    /// Writes the bytes and gives their number. Raises if the stream cannot be written.
    /// (stream/write (stream/byte-buffer) #u8(1 2 3)) => 3
    "stream/write" (stream: Stream, bytes: Bytes) -> Count => through_system!(write);

    /// Writes one byte, a number from 0 to 255. Raises if the number is another one.
    /// (stream/write-byte (stream/byte-buffer) 255) => nil
    /// (stream/write-byte (stream/byte-buffer) 256) => error value 256 out of range 0..255
    "stream/write-byte" (stream: Stream, byte: Count) -> Nil => through_system!(write_byte);

    /// Writes a text in UTF-8 and gives the number of its bytes. Raises if the stream cannot be written.
    /// (stream/write-string (stream/byte-buffer) "hé") => 3
    /// (stream/write-string (stream/from-string "") "x") => error stream is read-only
    "stream/write-string" (stream: Stream, text: String) -> Count => through_system!(write_string);

    /// Writes what is left of one stream to another and gives the number of bytes. Raises if they are
    /// more than the limit, 256 MiB unless it is given.
    /// (stream/copy (stream/from-string "abc") (stream/byte-buffer)) => 3
    "stream/copy" (from: Stream, to: Stream, limit?: Count) -> Count => through_system!(copy);

    /// Hands what was written to the system.
    /// (stream/flush (stream/byte-buffer)) => nil
    "stream/flush" (stream: Stream) -> Nil => through_system!(flush);

    /// Closes a stream: it can be neither read nor written from then on. Closing twice is no error.
    /// (let ((s (stream/from-string "a"))) (stream/close s) (stream/read s 1)) => error stream is closed
    "stream/close" (stream: Stream) -> Nil => through_system!(close);

    /// All bytes that a byte buffer holds, those read already included. Raises for another stream.
    /// (stream/to-bytes (stream/from-bytes #u8(1 2))) => #u8(1 2)
    "stream/to-bytes" (buffer: Stream) -> Bytes, reads => to_bytes;

    /// All bytes that a byte buffer holds as a text. Raises for another stream, and if they are not
    /// UTF-8.
    /// (stream/to-string (stream/from-bytes #u8(104 105))) => "hi"
    "stream/to-string" (buffer: Stream) -> String, reads => to_string;

    /// A text that names the kind of a stream.
    /// (stream/type (stream/byte-buffer)) => "byte-buffer"
    /// (stream/type (stream/from-string "")) => "string"
    "stream/type" (stream: Stream) -> String, pure => type_text;

    /// Whether bytes can be read without waiting.
    /// (stream/available? (stream/from-string "a")) => #t
    /// (stream/available? (stream/byte-buffer)) => #f
    "stream/available?" (stream: Stream) -> Bool => is_available;

    /// Whether a stream is open for reading.
    /// (stream/readable? (stream/from-string "")) => #t
    "stream/readable?" (stream: Stream) -> Bool, reads => is_readable;

    /// Whether a stream is open for writing.
    /// (stream/writable? (stream/from-string "")) => #f
    "stream/writable?" (stream: Stream) -> Bool, reads => is_writable;

    /// Whether a value is a stream.
    /// (stream? (stream/byte-buffer)) => #t
    /// (stream? "text") => #f
    "stream?" (value: Any) -> Bool, total => is_stream;

    /// The stream of standard input (0), output (1) or error (2).
    "%standard-stream" (descriptor: Count) -> Stream => standard;
}

/// Whether an operation on these arguments uses a stream that is not in memory.
fn uses_system(host: &Host, args: &[Value]) -> bool {
    args.iter()
        .any(|&value| with_state(host, value, |state| state.uses_system()) == Some(true))
}

/// Most bytes that `stream/read` reads at once.
const LARGEST_READ: usize = 8 << 20;
/// Most bytes that are read or copied without an explicit limit.
const LARGEST_TOTAL: usize = 256 << 20;

/// A stream over `state`.
fn stream(host: &Host, state: State) -> Value {
    let name = state.type_name();
    named_stream(host, state, name)
}

/// A stream over `state` whose type has a name of its own.
pub(crate) fn named_stream(host: &Host, state: State, name: &str) -> Value {
    let name = host.heap.string(name);
    let data = host.heap.foreign(Box::new(Arc::new(Mutex::new(state))));
    host.heap.object(Kind::Stream, 0, &[name, data])
}

/// Standard input (0), output (1) or error (2) as a stream: what `*stdin*` and so on are bound to.
pub fn standard_stream(host: &Host, descriptor: i64) -> Option<Value> {
    State::standard(descriptor).map(|state| stream(host, state))
}

fn standard(host: &Host, args: &[Value]) -> Outcome {
    let descriptor = integer(host, "%standard-stream", args, 0)?;
    standard_stream(host, descriptor)
        .ok_or_else(|| eval_error(format!("%standard-stream: no stream {descriptor}")))
}

/// The state behind a stream; `None` for any other value.
pub(crate) fn shared_state(host: &Host, value: Value) -> Option<Shared<State>> {
    on_shared(host, value, Shared::clone)
}

fn on_shared<T>(
    host: &Host,
    value: Value,
    operation: impl FnOnce(&Shared<State>) -> T,
) -> Option<T> {
    if value.kind() != Kind::Stream {
        return None;
    }
    let data = host.heap.field(value, 1);
    host.heap
        .with_foreign(data, |state: &mut Shared<State>| operation(state))
}

/// Runs `operation`, which uses no other stream, on the state behind a stream; `None` for any other value.
fn with_state<T>(host: &Host, value: Value, operation: impl FnOnce(&mut State) -> T) -> Option<T> {
    on_shared(host, value, |state| operation(&mut lock(state)))
}

/// The state behind the stream `args[index]`.
pub(crate) fn state_of(host: &Host, args: &[Value], index: usize) -> Outcome<Shared<State>> {
    let value = argument(args, index);
    shared_state(host, value).ok_or_else(|| type_error(host, "stream", value))
}

/// Runs `operation` on the state of the stream `args[index]`; failures are reported for `function`.
fn on_stream<T>(
    host: &Host,
    function: &str,
    args: &[Value],
    index: usize,
    operation: impl FnOnce(&mut State) -> Result<T, StreamError>,
) -> Outcome<T> {
    let state = state_of(host, args, index)?;
    operation(&mut lock(&state)).map_err(|error| failed(function, &error))
}

/// The condition for an operation of `function` that has failed. What a peer has broken off is one of the network, as it is where
/// all is read at once.
#[cold]
pub(super) fn failed(function: &str, error: &StreamError) -> Box<Signal> {
    let message = format!("{function}: {error}");
    match error {
        StreamError::System(error) if error.kind() == io::ErrorKind::ConnectionAborted => {
            io_error(message)
        }
        _ => eval_error(message),
    }
}

/// Reads from the stream `args[0]`; `finish` makes a value of the bytes.
pub(crate) fn read_from<F>(host: &Host, args: &[Value], wanted: Wanted, finish: F) -> Outcome
where
    F: FnOnce(&Host, Vec<u8>) -> Outcome + Send + 'static,
{
    match on_stream(host, "stream/read", args, 0, |state| state.reader(host))? {
        None => {
            let bytes = on_stream(host, "stream/read", args, 0, |state| Ok(state.take(wanted)))?;
            finish(host, bytes)
        }
        Some(source) => device::read(host, &source, wanted, |host, bytes| {
            finish(
                host,
                bytes.map_err(|error| failed("stream/read", &error.into()))?,
            )
        }),
    }
}

fn from_string(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "stream/from-string", args, 0)?;
    Ok(stream(host, State::string(content)))
}

fn from_bytes(host: &Host, args: &[Value]) -> Outcome {
    let content = bytes(host, "stream/from-bytes", args, 0)?;
    Ok(stream(host, State::byte_buffer(content)))
}

fn byte_buffer(host: &Host, _: &[Value]) -> Outcome {
    Ok(stream(host, State::byte_buffer(&[])))
}

fn open_input(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "stream/open-input", args, 0)?;
    if let Some(file) = host.files.open_embedded(path) {
        return Ok(stream(host, State::embedded(file)));
    }
    check_readable("stream/open-input", path)?;
    match State::open_input(host, path) {
        Ok(state) => Ok(stream(host, state)),
        Err(error) => Err(eval_error(format!("stream/open-input: {path}: {error}"))),
    }
}

fn open_output(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "stream/open-output", args, 0)?;
    check_readable("stream/open-output", path)?;
    let opened = |host: &Host, path: &str, state: io::Result<State>| match state {
        Ok(state) => Ok(stream(host, state)),
        Err(error) => Err(eval_error(format!("stream/open-output: {path}: {error}"))),
    };
    if !device::may_wait(path) {
        return opened(host, path, State::open_output(host, path));
    }
    let named = path.to_owned();
    device::open_sink(host, path, move |host, sink| {
        opened(host, &named, sink.map(|sink| State::device(host, sink)))
    })
}

fn read(host: &Host, args: &[Value]) -> Outcome {
    on_stream(host, "stream/read", args, 0, |_| Ok(()))?;
    let wanted = integer(host, "stream/read", args, 1)?;
    let Ok(count) = usize::try_from(wanted) else {
        return Err(eval_error(format!(
            "stream/read: count must be non-negative, got {wanted}"
        )));
    };
    if count > LARGEST_READ {
        return Err(eval_error(format!(
            "stream/read: count exceeds the configured {LARGEST_READ}-byte cap"
        )));
    }
    let wanted = on_stream(
        host,
        "stream/read",
        args,
        0,
        |state| Ok(state.wanted(count)),
    )?;
    read_from(host, args, wanted, |host, bytes| {
        Ok(host.heap.bytevector(&bytes))
    })
}

fn read_byte(host: &Host, args: &[Value]) -> Outcome {
    read_from(host, args, Wanted::Some(1), |_, bytes| {
        Ok(bytes
            .first()
            .map_or(Value::NIL, |&byte| Value::small(byte.into())))
    })
}

fn read_line(host: &Host, args: &[Value]) -> Outcome {
    let next = with_state(host, argument(args, 0), |state| {
        state.next_line(host, |line| line_value(host, "stream/read-line", line))
    });
    match next.flatten() {
        Some(line) => after_others(host, line),
        None => through_system!(read_other_line)(host, args),
    }
}

/// The next line of a stream in memory, or one that has to be read first.
fn read_other_line(host: &Host, args: &[Value]) -> Outcome {
    read_from(host, args, Wanted::Line, |host, line| {
        line_value(host, "stream/read-line", &line)
    })
}

/// The optional limit of `function`, or the general one.
fn limit(host: &Host, function: &str, args: &[Value], index: usize) -> Outcome<usize> {
    if args.len() <= index {
        return Ok(LARGEST_TOTAL);
    }
    let wanted = integer(host, function, args, index)?;
    usize::try_from(wanted).map_err(|_| {
        eval_error(format!(
            "{function}: max-bytes must be a non-negative integer representable on this platform, got {wanted}"
        ))
    })
}

/// There is more to read than `limit`.
pub(super) fn too_much(function: &str, is_file: bool, limit: usize) -> Box<Signal> {
    let message = format!("{function}: input exceeds the configured {limit}-byte cap");
    if is_file {
        io_error(message)
    } else {
        eval_error(message)
    }
}

fn read_all(host: &Host, args: &[Value]) -> Outcome {
    let is_file = on_stream(host, "stream/read", args, 0, |state| Ok(state.is_file()))?;
    let limit = limit(host, "stream/read-all", args, 1)?;
    let wanted = Wanted::Rest(limit.saturating_add(1));
    read_from(host, args, wanted, move |host, bytes| {
        if bytes.len() > limit {
            return Err(too_much("stream/read-all", is_file, limit));
        }
        Ok(host.heap.bytevector(&bytes))
    })
}

/// Writes to the stream `args[0]`; `finish` makes the value of what was written.
fn write_all(host: &Host, args: &[Value], content: &[u8], finish: fn(usize) -> Value) -> Outcome {
    let count = content.len();
    let (sink, content) = on_stream(host, "stream/write", args, 0, |state| {
        state.check_writable()?;
        Ok((state.sink(), state.encode(content)?))
    })?;
    if let Some(sink) = sink {
        return device::write(
            host,
            &sink,
            content.into_owned(),
            false,
            move |_, written| match written {
                Ok(()) => Ok(finish(count)),
                Err(error) => Err(eval_error(format!("stream/write: {error}"))),
            },
        );
    }
    on_stream(host, "stream/write", args, 0, |state| {
        state.write(host, &content)
    })?;
    Ok(finish(count))
}

fn write(host: &Host, args: &[Value]) -> Outcome {
    on_stream(host, "stream/write", args, 0, |_| Ok(()))?;
    let content = bytes(host, "stream/write", args, 1)?;
    write_all(host, args, content, Value::index)
}

fn write_string(host: &Host, args: &[Value]) -> Outcome {
    on_stream(host, "stream/write", args, 0, |_| Ok(()))?;
    let content = text(host, "stream/write-string", args, 1)?;
    write_all(host, args, content.as_bytes(), Value::index)
}

fn write_byte(host: &Host, args: &[Value]) -> Outcome {
    on_stream(host, "stream/write", args, 0, |_| Ok(()))?;
    let value = argument(args, 1);
    let Some(number) = host.heap.as_i64(value) else {
        return Err(argument_error(
            host,
            "stream/write-byte",
            1,
            "integer",
            value,
        ));
    };
    let Ok(byte) = u8::try_from(number) else {
        return Err(eval_error(format!(
            "stream/write-byte: value {number} out of range 0..255"
        )));
    };
    write_all(host, args, &[byte], |_| Value::NIL)
}

fn copy(host: &Host, args: &[Value]) -> Outcome {
    let (from, to) = (state_of(host, args, 0)?, state_of(host, args, 1)?);
    let source = on_stream(host, "stream/read", args, 0, |state| state.reader(host))?;
    let sink = on_stream(host, "stream/write", args, 1, |state| {
        // Whether it can be written is asked when there is something to write.
        Ok(state.sink())
    })?;
    let limit = limit(host, "stream/copy", args, 2)?;
    if let Some(source) = &source
        && on_stream(host, "stream/write", args, 1, |state| {
            Ok(state.keeps_what_is_read(&lock(source)))
        })?
    {
        return Ok(Value::small(0));
    }
    let copy = Copy::new(from, to, source, sink, limit);
    if uses_system(host, args) {
        host.wait_for(copy)
    } else {
        copy.at_once(host)
    }
}

/// Hands what a sink has to the system, for `function`.
fn write_out(host: &Host, sink: &Shared<Sink>, function: &'static str) -> Outcome {
    device::write(
        host,
        sink,
        Vec::new(),
        true,
        move |_, written| match written {
            Ok(()) => Ok(Value::NIL),
            Err(error) => Err(eval_error(format!("{function}: {error}"))),
        },
    )
}

fn flush(host: &Host, args: &[Value]) -> Outcome {
    let sink = on_stream(host, "stream/flush", args, 0, |state| {
        state.flush(host)?;
        Ok(state.sink())
    })?;
    match sink {
        Some(sink) => write_out(host, &sink, "stream/flush"),
        None => Ok(Value::NIL),
    }
}

fn close(host: &Host, args: &[Value]) -> Outcome {
    // It is closed for everybody from now on, also if what is left takes a while to be written.
    let sink = on_stream(host, "stream/close", args, 0, |state| {
        let sink = state.sink();
        state.close(host)?;
        Ok(sink)
    })?;
    match sink {
        Some(sink) => write_out(host, &sink, "stream/close"),
        None => Ok(Value::NIL),
    }
}

/// The content of a byte buffer.
fn buffer_content(host: &Host, function: &str, args: &[Value]) -> Outcome<Vec<u8>> {
    on_stream(host, function, args, 0, |state| state.buffer_content())
}

fn to_bytes(host: &Host, args: &[Value]) -> Outcome {
    Ok(host
        .heap
        .bytevector(&buffer_content(host, "stream/to-bytes", args)?))
}

fn to_string(host: &Host, args: &[Value]) -> Outcome {
    let content = buffer_content(host, "stream/to-string", args)?;
    decoded(host, "stream/to-string", &content)
}

fn type_text(host: &Host, args: &[Value]) -> Outcome {
    on_stream(host, "stream/type", args, 0, |_| Ok(()))?;
    Ok(host.heap.field(argument(args, 0), 0))
}

fn is_available(host: &Host, args: &[Value]) -> Outcome {
    on_stream(host, "stream/available?", args, 0, |state| {
        Ok(Value::bool(state.is_available()))
    })
}

fn is_readable(host: &Host, args: &[Value]) -> Outcome {
    on_stream(host, "stream/readable?", args, 0, |state| {
        Ok(Value::bool(state.check_readable().is_ok()))
    })
}

fn is_writable(host: &Host, args: &[Value]) -> Outcome {
    on_stream(host, "stream/writable?", args, 0, |state| {
        Ok(Value::bool(state.check_writable().is_ok()))
    })
}

fn is_stream(_: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(argument(args, 0).kind() == Kind::Stream))
}

#[cfg(test)]
mod tests;
