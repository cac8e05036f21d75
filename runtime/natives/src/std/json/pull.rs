//! The values of a stream of JSON, one after the other, in bounded memory.
//!
//! Bytes come in as they are read. A value is decoded when all of it is there, so only one of them is in memory.

use sema_machine::host::Host;
use sema_machine::memory::value::Value;

use super::read::{Keys, Problem, Reader, What};
use super::text::plain_length;

/// Bytes of one value at most.
const LONGEST: usize = 256 << 20;
/// Consumed bytes that are kept before the buffer is moved up.
const KEPT: usize = 64 << 10;

/// What a stream consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One value on each line; empty lines are skipped.
    Lines,
    /// One array, or values one after the other.
    Values,
}

/// Where in the stream the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// Before an element of the array; whether it is the first.
    Element(bool),
    /// Behind an element of the array.
    Separator,
    /// Behind the array.
    After,
    /// Before one of the values.
    Sequence,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// A value.
    Value(Value),
    /// More bytes are needed, or the stream has ended.
    Nothing,
}

/// Why the stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The text is wrong.
    #[error("parse error at line {line} column {column}: {what}")]
    Malformed {
        /// Line, from 1.
        line: u64,
        /// Character of the line, from 1.
        column: u64,
        /// What is wrong.
        what: What,
    },
    /// A value is too long.
    #[error("a value exceeds the limit of {LONGEST} bytes")]
    TooLong,
}

/// How far the search for the end of a value has come.
#[derive(Clone, Copy, Default)]
struct Scan {
    /// Bytes of the value that have been looked at.
    length: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// Reads the values of a stream.
pub struct Pull {
    layout: Layout,
    reader: Reader,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    state: State,
    scan: Scan,
    /// Position of the byte at `start`: complete lines and characters before it.
    lines: u64,
    characters: u64,
}

/// Where a text ends: the lines that end in it, and the characters behind the last of them.
fn extent(bytes: &[u8]) -> (u64, Option<u64>) {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let last = match lines {
        0 => bytes,
        _ => {
            let line = bytes.iter().rposition(|byte| *byte == b'\n');
            bytes
                .get(line.map_or(0, |line| line + 1)..)
                .unwrap_or_default()
        }
    };
    let characters = last.iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u64;
    (lines, Some(characters))
}

impl Pull {
    /// A reader without bytes yet.
    pub fn new(layout: Layout, keys: Keys) -> Pull {
        Pull {
            layout,
            reader: Reader::new(keys),
            buffer: Vec::new(),
            start: 0,
            ended: false,
            state: State::Start,
            scan: Scan::default(),
            lines: 0,
            characters: 0,
        }
    }

    /// Takes the next bytes of the stream; none of them: its end.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start > KEPT || self.start == self.buffer.len() {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.ended |= bytes.is_empty();
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the stream has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        let consumed = self
            .buffer
            .get(self.start..self.start + count)
            .unwrap_or_default();
        let (lines, characters) = extent(consumed);
        if lines > 0 {
            self.lines += lines;
            self.characters = 0;
        }
        self.characters += characters.unwrap_or_default();
        self.start += count;
    }

    /// A problem at a byte of what is not consumed.
    fn trouble(&self, at: usize, what: What) -> Trouble {
        let rest = self.rest();
        let end = match rest.get(at) {
            // The end of a line is where its last character is.
            Some(b'\n') if self.layout == Layout::Lines => at,
            _ => (at + 1).min(rest.len()),
        };
        let (lines, characters) = extent(rest.get(..end).unwrap_or(rest));
        let before = if lines > 0 { 0 } else { self.characters };
        Trouble::Malformed {
            line: self.lines + lines + 1,
            column: before + characters.unwrap_or_default(),
            what,
        }
    }

    /// The next value, if all of it is there.
    ///
    /// # Errors
    /// What is wrong.
    pub fn next(&mut self, host: &Host) -> Result<Next, Trouble> {
        let next = match self.layout {
            Layout::Lines => self.next_line(host),
            Layout::Values => self.next_value(host),
        };
        match next {
            Ok(Next::Nothing) if self.rest().len() > LONGEST => Err(Trouble::TooLong),
            other => other,
        }
    }

    fn next_line(&mut self, host: &Host) -> Result<Next, Trouble> {
        loop {
            let rest = self.rest();
            let unseen = rest.get(self.scan.length..).unwrap_or_default();
            let length = match unseen.iter().position(|byte| *byte == b'\n') {
                Some(end) => self.scan.length + end + 1,
                None if self.ended && !rest.is_empty() => rest.len(),
                None => {
                    self.scan.length = rest.len();
                    return Ok(Next::Nothing);
                }
            };
            let is_blank = (rest.get(..length).unwrap_or_default())
                .trim_ascii()
                .is_empty();
            self.scan.length = 0;
            if is_blank {
                self.consume(length);
                continue;
            }
            return self.decode(host, length);
        }
    }

    fn next_value(&mut self, host: &Host) -> Result<Next, Trouble> {
        loop {
            let rest = self.rest();
            let blank = (rest.iter())
                .take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
                .count();
            let next = rest.get(blank).copied();
            if self.scan.length == 0 {
                self.consume(blank);
            }
            let Some(next) = next else {
                return match (self.ended, self.state) {
                    (true, State::Element(true) | State::Separator) => {
                        Err(self.trouble(0, What::EndInArray))
                    }
                    (true, State::Element(false)) => Err(self.trouble(0, What::EndInValue)),
                    _ => Ok(Next::Nothing),
                };
            };
            self.state = match (self.state, next) {
                (State::Start, b'[') => {
                    self.consume(1);
                    State::Element(true)
                }
                (State::Start, _) => State::Sequence,
                (State::Element(true), b']') => {
                    self.consume(1);
                    State::After
                }
                (State::Element(false), b']') => {
                    return Err(self.trouble(0, What::TrailingComma));
                }
                (State::Separator, b',') => {
                    self.consume(1);
                    State::Element(false)
                }
                (State::Separator, b']') => {
                    self.consume(1);
                    State::After
                }
                (State::Separator, _) => return Err(self.trouble(0, What::CommaOrBracket)),
                (State::After, _) => return Err(self.trouble(0, What::TrailingCharacters)),
                (State::Element(_) | State::Sequence, _) => {
                    let Some(length) = self.length_of_value() else {
                        return Ok(Next::Nothing);
                    };
                    self.scan = Scan::default();
                    if self.state != State::Sequence {
                        self.state = State::Separator;
                    }
                    return self.decode(host, length);
                }
            };
        }
    }

    /// The bytes of the value that comes next, if its end is there.
    fn length_of_value(&mut self) -> Option<usize> {
        let mut scan = self.scan;
        let rest = self.rest();
        let nested = matches!(rest.first(), Some(b'[' | b'{'));
        let quoted = rest.first() == Some(&b'"');
        let mut found = None;
        while let Some(&byte) = rest.get(scan.length) {
            if scan.in_string {
                if std::mem::take(&mut scan.escaped) {
                    scan.length += 1;
                    continue;
                }
                scan.length += plain_length(rest.get(scan.length..).unwrap_or_default());
                match rest.get(scan.length) {
                    None => break,
                    Some(b'"') => scan.in_string = false,
                    Some(b'\\') => scan.escaped = true,
                    Some(_) => {}
                }
                scan.length += 1;
                if quoted && !scan.in_string {
                    found = Some(scan.length);
                    break;
                }
                continue;
            }
            match byte {
                b'"' if nested || scan.length == 0 => scan.in_string = true,
                b'[' | b'{' if nested => scan.depth += 1,
                b']' | b'}' if nested => {
                    scan.depth -= 1;
                    if scan.depth == 0 {
                        found = Some(scan.length + 1);
                        break;
                    }
                }
                b']' | b'}' | b',' | b'"' | b'[' | b'{' | b' ' | b'\n' | b'\r' | b'\t'
                    if !nested =>
                {
                    // What starts no value is left to the decoder.
                    found = Some(scan.length.max(1));
                    break;
                }
                _ => {}
            }
            scan.length += 1;
        }
        let all = rest.len();
        self.scan = scan;
        found.or((self.ended && all > 0).then_some(all))
    }

    /// Decodes the next bytes as one value and consumes them.
    fn decode(&mut self, host: &Host, length: usize) -> Result<Next, Trouble> {
        let bytes = self
            .buffer
            .get(self.start..self.start + length)
            .unwrap_or_default();
        let bytes = match self.layout {
            Layout::Lines => bytes.strip_suffix(b"\n").unwrap_or(bytes),
            Layout::Values => bytes,
        };
        let decoded = match std::str::from_utf8(bytes) {
            Ok(text) => self.reader.document(host, text),
            Err(error) => Err(Problem {
                what: What::Utf8,
                at: error.valid_up_to(),
            }),
        };
        match decoded {
            Ok(value) => {
                self.consume(length);
                Ok(Next::Value(value))
            }
            Err(Problem { what, at }) => Err(self.trouble(at, what)),
        }
    }
}
