//! Gzip: whole byte vectors, and streams that are compressed or decompressed on the way.

use std::io::{self, BufRead, Read, Write};

use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder};

use crate::core::system::filter::Filter;
use crate::core::system::stream_state::State;
use crate::core::system::streams::{named_stream, state_of};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, count};
use sema_machine::host::condition::{Outcome, eval_error, wrong_kind};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The bytes of a byte vector, or the UTF-8 bytes of a text, compressed with gzip.
    /// (gzip/decompress (gzip/compress "hello")) => #u8(104 101 108 108 111)
    /// (gzip/compress 1) => error expected bytevector or string, got int
    "gzip/compress" (content: Any) -> Bytes, pure => compress;

    /// The bytes that gzip has compressed. It raises if they are no gzip data, are damaged, or become more than 1 GiB.
    /// (utf8->string (gzip/decompress (gzip/compress "hello"))) => "hello"
    /// (gzip/decompress #u8(1 2 3)) => error gzip/decompress
    "gzip/decompress" (compressed: Any) -> Bytes, pure => decompress;

    /// As `gzip/decompress`, with the most bytes that may come out: data from elsewhere may expand a thousandfold.
    /// (gzip/decompress-limited (gzip/compress "hello") 5) => #u8(104 101 108 108 111)
    /// (gzip/decompress-limited (gzip/compress "hello") 4) => error more than 4 bytes
    "gzip/decompress-limited" (compressed: Any, limit: Count) -> Bytes, pure => decompress_limited;

    /// A stream of the bytes that gzip has compressed, read from another stream part by part. The other one is
    /// at its end then. Reading raises if the data is damaged.
    /// (stream/read-line (gzip/reader (stream/from-bytes (gzip/compress "one\ntwo")))) => "one"
    "gzip/reader" (compressed: Stream) -> Stream => reader;

    /// A stream whose bytes are written to another one, compressed with gzip. Closing it completes the data and closes
    /// the other stream, unless that is standard output.
    /// (let* ((b (stream/byte-buffer)) (z (gzip/writer b))) (stream/write-string z "hi") (stream/close z) (utf8->string (gzip/decompress (stream/to-bytes b)))) => "hi"
    "gzip/writer" (to: Stream) -> Stream => writer;
}

/// Most bytes of a byte vector that is decompressed at once.
const LARGEST: usize = 1 << 30;
/// Compressed bytes that are decompressed before the limit is looked at.
const PART: usize = 16 << 10;

/// The bytes of a byte vector or text.
fn content<'h>(host: &'h Host, args: &[Value]) -> Outcome<&'h [u8]> {
    let value = argument(args, 0);
    match host.heap.as_str(value) {
        Some(text) => Ok(text.as_bytes()),
        None => host.heap.as_bytevector(value).ok_or_else(|| {
            // Of one type with all else that may be wrong with what is compressed.
            wrong_kind(host, "expected bytevector or string", value)
        }),
    }
}

fn compress(host: &Host, args: &[Value]) -> Outcome {
    let content = content(host, args)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder.write_all(content).and_then(|()| encoder.finish());
    let compressed = compressed.map_err(|error| eval_error(format!("gzip/compress: {error}")))?;
    Ok(host.heap.bytevector(&compressed))
}

fn decompressed(host: &Host, function: &str, args: &[Value], limit: usize) -> Outcome {
    let compressed = content(host, args)?;
    let failed = |error: io::Error| eval_error(format!("{function}: {}", explained(error)));
    let mut decoder = Decompress::default();
    let mut content = Vec::new();
    for part in compressed.chunks(PART) {
        decoder.push(part, &mut content).map_err(failed)?;
        // The buffer grows by its own length.
        host.ask_for_text(content.len() + content.len() / 2)?;
        if content.len() > limit {
            return Err(eval_error(format!(
                "{function}: the content is more than {limit} bytes"
            )));
        }
    }
    decoder.finish(&mut content).map_err(failed)?;
    if content.len() > limit {
        return Err(eval_error(format!(
            "{function}: the content is more than {limit} bytes"
        )));
    }
    Ok(host.heap.bytevector(&content))
}

/// The crate says too little about some errors.
fn explained(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::WriteZero => {
            "the gzip data ends too early".to_owned()
        }
        _ => error.to_string(),
    }
}

fn decompress(host: &Host, args: &[Value]) -> Outcome {
    decompressed(host, "gzip/decompress", args, LARGEST)
}

fn decompress_limited(host: &Host, args: &[Value]) -> Outcome {
    content(host, args)?;
    let limit = count(host, "gzip/decompress-limited", args, 1)?;
    decompressed(host, "gzip/decompress-limited", args, limit)
}

fn reader(host: &Host, args: &[Value]) -> Outcome {
    let compressed = state_of(host, args, 0)?;
    let state = State::filtered_input(&compressed, host, Box::new(Decompress::default()))
        .map_err(|error| eval_error(format!("gzip/reader: {error}")))?;
    Ok(named_stream(host, state, "gzip-input"))
}

fn writer(host: &Host, args: &[Value]) -> Outcome {
    let filter = Box::new(Compress(GzEncoder::new(Vec::new(), Compression::default())));
    let state = State::filtered_output(state_of(host, args, 0)?, filter)
        .map_err(|error| eval_error(format!("gzip/writer: {error}")))?;
    Ok(named_stream(host, state, "gzip-output"))
}

/// Compresses what goes through.
struct Compress(GzEncoder<Vec<u8>>);

impl Filter for Compress {
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        self.0.write_all(input)?;
        output.append(self.0.get_mut());
        Ok(())
    }

    fn flush(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        self.0.flush()?;
        output.append(self.0.get_mut());
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        self.0.try_finish()?;
        output.append(self.0.get_mut());
        Ok(())
    }
}

/// Decompresses what goes through. Several members one after the other are one content; zeros behind a member fill a block, as
/// tapes want it, and mean nothing.
#[derive(Default)]
pub(crate) struct Decompress {
    /// The member that is read.
    member: Option<GzDecoder<Vec<u8>>>,
    /// Whether one has been read to its end.
    is_complete: bool,
}

impl Decompress {
    /// Ends the member that is read: its length and checksum must be right.
    fn end_member(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        if let Some(mut member) = self.member.take() {
            member.try_finish()?;
            output.append(member.get_mut());
            self.is_complete = true;
        }
        Ok(())
    }
}

impl Filter for Decompress {
    fn push(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        loop {
            if self.member.is_none() && self.is_complete {
                let content = input.iter().position(|byte| *byte != 0);
                input = content.and_then(|at| input.get(at..)).unwrap_or_default();
            }
            if input.is_empty() {
                return Ok(());
            }
            let member = self
                .member
                .get_or_insert_with(|| GzDecoder::new(Vec::new()));
            match member.write(input)? {
                // It takes nothing behind its end.
                0 => self.end_member(output)?,
                count => input = input.get(count..).unwrap_or_default(),
            }
            if let Some(member) = &mut self.member {
                output.append(member.get_mut());
            }
        }
    }

    fn flush(&mut self, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        if self.member.is_none() && !self.is_complete {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end_member(output)
            .map_err(|error| io::Error::new(error.kind(), explained(error)))
    }
}

/// Reads what a compressed input contains.
pub(super) struct Decompressed<R> {
    input: R,
    filter: Decompress,
    /// What has come out of the filter, and how much of it has been read.
    output: Vec<u8>,
    read: usize,
    is_finished: bool,
}

impl<R: BufRead> Decompressed<R> {
    pub(super) fn new(input: R) -> Decompressed<R> {
        Decompressed {
            input,
            filter: Decompress::default(),
            output: Vec::new(),
            read: 0,
            is_finished: false,
        }
    }
}

impl<R: BufRead> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.output.get(self.read..).unwrap_or_default();
            if !ready.is_empty() || self.is_finished || buffer.is_empty() {
                let count = ready.read(buffer)?;
                self.read += count;
                return Ok(count);
            }
            self.output.clear();
            self.read = 0;
            // A small piece may become a thousand times as large.
            let part = self.input.fill_buf()?.chunks(PART).next();
            let count = part.map_or(0, <[u8]>::len);
            match part {
                Some(part) => self.filter.push(part, &mut self.output)?,
                None => {
                    self.is_finished = true;
                    self.filter.finish(&mut self.output)?;
                }
            }
            self.input.consume(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, Folder, eval_message};
    use sema_machine::memory::value::Value;

    fn octets(bench: &Bench, value: Value) -> Vec<u8> {
        bench.host.heap.as_bytevector(value).unwrap().to_vec()
    }

    #[test]
    fn damaged_data_is_an_error_wherever_it_is_damaged() {
        let bench = Bench::new();
        let compressed = bench.call("gzip/compress", &[bench.text("hello, hello, hello")]);
        let good = octets(&bench, compressed);
        for length in 0..good.len() {
            let cut = bench.host.heap.bytevector(&good[..length]);
            eval_message(bench.error("gzip/decompress", &[cut]));
            let stream = bench.call("stream/from-bytes", &[cut]);
            let reader = bench.call("gzip/reader", &[stream]);
            eval_message(bench.error("stream/read-all", &[reader]));
        }
        for at in 10..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 0x55;
            let damaged = bench.host.heap.bytevector(&damaged);
            eval_message(bench.error("gzip/decompress", &[damaged]));
        }
    }

    #[test]
    fn bombs_are_stopped() {
        let bench = Bench::new();
        let zeros = bench.host.heap.bytevector(&vec![0; 20 << 20]);
        let compressed = bench.call("gzip/compress", &[zeros]);
        assert!(octets(&bench, compressed).len() < 100_000);
        let error = bench.error(
            "gzip/decompress-limited",
            &[compressed, Value::small(1 << 20)],
        );
        assert!(eval_message(error).contains("more than 1048576 bytes"));
    }

    #[test]
    fn members_follow_each_other() {
        let bench = Bench::new();
        let parts = ["one\n", "two"]
            .map(|part| octets(&bench, bench.call("gzip/compress", &[bench.text(part)])));
        let both = bench.host.heap.bytevector(&parts.concat());
        assert_eq!(
            octets(&bench, bench.call("gzip/decompress", &[both])),
            b"one\ntwo"
        );
    }

    #[test]
    fn zeros_behind_members_are_no_data() {
        let bench = Bench::new();
        let [one, two] = ["one", "two"]
            .map(|part| octets(&bench, bench.call("gzip/compress", &[bench.text(part)])));
        let zeros = vec![0; 20_000];
        for (parts, expected) in [
            (&[&one[..], &zeros[..]][..], Some(&b"one"[..])),
            (&[&one, &zeros, &two, &zeros[..1]], Some(b"onetwo")),
            (&[&one, &zeros, b"garbage"], None),
            (&[&one, b"garbage"], None),
            (&[&one, &zeros, &two[..5]], None),
            (&[&zeros, &one], None),
            (&[&zeros], None),
        ] {
            let data = bench.host.heap.bytevector(&parts.concat());
            let reader = || bench.call("gzip/reader", &[bench.call("stream/from-bytes", &[data])]);
            match expected {
                Some(expected) => {
                    let whole = bench.call("gzip/decompress", &[data]);
                    assert_eq!(octets(&bench, whole), expected);
                    let read = bench.call("stream/read-all", &[reader()]);
                    assert_eq!(octets(&bench, read), expected);
                }
                None => {
                    eval_message(bench.error("gzip/decompress", &[data]));
                    eval_message(bench.error("stream/read-all", &[reader()]));
                }
            }
        }
    }

    #[test]
    fn files_are_compressed_and_read_by_parts() {
        let bench = Bench::new();
        let folder = Folder::new("gzip");
        let path = bench.text(&folder.path("lines.gz"));
        let file = bench.call("stream/open-output", &[path]);
        let writer = bench.call("gzip/writer", &[file]);
        for number in 0..50_000 {
            let line = bench.text(&format!("line {number}\n"));
            bench.call("stream/write-string", &[writer, line]);
        }
        bench.call("stream/close", &[writer]);
        let size = std::fs::metadata(folder.path("lines.gz")).unwrap().len();
        assert!(size < 200_000, "{size}");
        let file = bench.call("stream/open-input", &[path]);
        let reader = bench.call("gzip/reader", &[file]);
        for number in 0..50_000 {
            let line = bench.call("stream/read-line", &[reader]);
            assert_eq!(bench.string(line), format!("line {number}"));
        }
        assert_eq!(bench.call("stream/read-line", &[reader]), Value::NIL);
        assert_eq!(bench.call("stream/read-line", &[file]), Value::NIL);
    }

    #[test]
    fn a_writer_that_is_not_closed_is_complete_in_the_end() {
        let folder = Folder::new("gzip-open");
        let bench = Bench::new();
        let path = bench.text(&folder.path("a.gz"));
        let file = bench.call("stream/open-output", &[path]);
        let writer = bench.call("gzip/writer", &[file]);
        bench.call("stream/write-string", &[writer, bench.text("kept")]);
        bench.host.heap.drop_foreign();
        let content = bench.call("file/read-bytes", &[path]);
        assert_eq!(
            octets(&bench, bench.call("gzip/decompress", &[content])),
            b"kept"
        );
    }

    #[test]
    fn readers_and_writers_can_be_stacked() {
        let bench = Bench::new();
        let buffer = bench.call("stream/byte-buffer", &[]);
        let inner = bench.call("gzip/writer", &[buffer]);
        let outer = bench.call("gzip/writer", &[inner]);
        bench.call("stream/write-string", &[outer, bench.text("deep")]);
        bench.call("stream/flush", &[outer]);
        bench.call("stream/close", &[outer]);
        let bytes = bench.call("stream/to-bytes", &[buffer]);
        let source = bench.call("stream/from-bytes", &[bytes]);
        let outer = bench.call("gzip/reader", &[source]);
        let inner = bench.call("gzip/reader", &[outer]);
        assert_eq!(
            octets(&bench, bench.call("stream/read-all", &[inner])),
            b"deep"
        );
    }
}
