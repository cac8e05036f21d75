//! JSON text to values, without a tree in between (RFC 8259).
//!
//! Open arrays and objects are kept on a stack of the parser, so nesting costs no Rust stack. The texts of problems are
//! those of serde_json.

use crate::std::names::sort_places;
use sema_machine::data::collections::sorted_map;
use sema_machine::host::{Growth, Host};
use sema_machine::memory::value::Value;

use super::scalars::{Found, Text, escape, number, word};
use super::text::plain_length;

/// Arrays and objects inside of each other at most.
pub const DEEPEST: usize = 1000;

/// Names of keys that are remembered.
const KNOWN_KEYS: usize = 64;
/// Sequences of keys whose order is remembered.
const SHAPES: usize = 16;
/// Keys of a sequence that is remembered.
const SHAPE_KEYS: usize = 64;

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// The value takes more memory than the program has left.
    #[error("out of memory")]
    Memory,
    /// The text ends inside of an array.
    #[error("EOF while parsing a list")]
    EndInArray,
    /// The text ends inside of an object.
    #[error("EOF while parsing an object")]
    EndInObject,
    /// The text ends inside of a string.
    #[error("EOF while parsing a string")]
    EndInString,
    /// The text ends where a value is expected or inside of one.
    #[error("EOF while parsing a value")]
    EndInValue,
    /// A key without its colon.
    #[error("expected `:`")]
    Colon,
    /// Elements without a comma.
    #[error("expected `,` or `]`")]
    CommaOrBracket,
    /// Entries without a comma.
    #[error("expected `,` or `}}`")]
    CommaOrBrace,
    /// A word other than `true`, `false`, `null`.
    #[error("expected ident")]
    Word,
    /// Something that starts no value.
    #[error("expected value")]
    Value,
    /// An escape that does not exist.
    #[error("invalid escape")]
    Escape,
    /// A malformed number.
    #[error("invalid number")]
    Number,
    /// A number with too many digits.
    #[error("number out of range")]
    TooLong,
    /// A character that must be escaped.
    #[error("control character (\\u0000-\\u001F) found while parsing a string")]
    ControlCharacter,
    /// A key that is no string.
    #[error("key must be a string")]
    Key,
    /// Half of a surrogate pair.
    #[error("lone leading surrogate in hex escape")]
    LoneSurrogate,
    /// Half of a surrogate pair, and no further escape.
    #[error("unexpected end of hex escape")]
    EndOfHexEscape,
    /// A comma before the closing bracket.
    #[error("trailing comma")]
    TrailingComma,
    /// More text behind the value.
    #[error("trailing characters")]
    TrailingCharacters,
    /// Too many brackets.
    #[error("recursion limit exceeded")]
    TooDeep,
    /// Bytes of a stream that are not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
}

/// A problem and the byte at which it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub what: What,
    /// Offset of the byte, or the length of the text.
    pub at: usize,
}

/// What the keys of objects become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Keywords.
    Keywords,
    /// Strings: for data whose keys are not known before, because keywords are never forgotten.
    Strings,
    /// Keywords, but strings for what only peers have named when there are very many such names.
    #[cfg(feature = "net")]
    Foreign,
}

impl Keys {
    /// Whether some of the keys are texts.
    #[cfg_attr(
        not(feature = "net"),
        expect(
            unused_variables,
            reason = "keys of peers are the only ones to be looked at"
        )
    )]
    fn are_texts(self, pairs: &[[Value; 2]]) -> bool {
        match self {
            Keys::Strings => true,
            Keys::Keywords => false,
            #[cfg(feature = "net")]
            Keys::Foreign => pairs
                .iter()
                .any(|[key, _]| key.kind() == sema_machine::memory::value::Kind::String),
        }
    }
}

/// An array or object that is not closed yet: where its parts begin.
#[derive(Clone, Copy)]
enum Open {
    Array(usize),
    Object(usize),
}

/// The order of a sequence of distinct keys.
#[derive(Default)]
struct Shape {
    keys: Vec<Value>,
    order: Vec<u8>,
}

/// Reads texts. What it learns about keys serves the next text. Between texts it holds no values but keywords, which the
/// collector need not see.
pub struct Reader {
    keys: Keys,
    known: [Option<Value>; KNOWN_KEYS],
    shapes: [Shape; SHAPES],
    open: Vec<Open>,
    /// Finished parts of the open arrays and objects.
    parts: Vec<Value>,
    /// A string with escapes.
    unescaped: String,
    entries: Vec<[Value; 2]>,
}

impl Reader {
    /// A reader that makes such keys.
    pub fn new(keys: Keys) -> Reader {
        Reader {
            keys,
            known: [None; KNOWN_KEYS],
            shapes: Default::default(),
            open: Vec::new(),
            parts: Vec::new(),
            unescaped: String::new(),
            entries: Vec::new(),
        }
    }

    /// The value of a text that holds nothing else.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn document(&mut self, host: &Host, text: &str) -> Found<Value> {
        self.open.clear();
        self.parts.clear();
        let mut text = Text { text, at: 0 };
        let value = self.value(host, &mut text)?;
        match text.next_token() {
            None => Ok(value),
            Some(_) => text.problem(What::TrailingCharacters),
        }
    }

    fn value(&mut self, host: &Host, text: &mut Text<'_>) -> Found<Value> {
        let mut growth = Growth::new(host);
        loop {
            let parts = self.parts.len();
            if growth.go_on(host).is_err()
                || parts == self.parts.capacity()
                    && host.ask(parts * 3 * size_of::<Value>()).is_err()
            {
                return text.problem(What::Memory);
            }
            let Some(first) = text.next_token() else {
                return text.problem(What::EndInValue);
            };
            let mut value = match first {
                b'{' => {
                    self.enter(text, Open::Object)?;
                    match text.next_token() {
                        Some(b'}') => self.close_object(host, text),
                        None => return text.problem(What::EndInObject),
                        _ => {
                            self.key(host, text)?;
                            continue;
                        }
                    }
                }
                b'[' => {
                    self.enter(text, Open::Array)?;
                    match text.next_token() {
                        Some(b']') => self.close_array(host, text),
                        None => return text.problem(What::EndInArray),
                        _ => continue,
                    }
                }
                b'"' => {
                    let string = self.string(text)?;
                    host.heap.string(string)
                }
                b'-' | b'0'..=b'9' => number(host, text)?,
                b't' => word(text, b"true", Value::TRUE)?,
                b'f' => word(text, b"false", Value::FALSE)?,
                b'n' => word(text, b"null", Value::NIL)?,
                _ => return text.problem(What::Value),
            };
            // Puts it where it belongs, and closes what ends here.
            loop {
                match self.open.last() {
                    None => return Ok(value),
                    Some(Open::Array(_)) => {
                        self.parts.push(value);
                        match text.next_token() {
                            Some(b',') => {
                                text.at += 1;
                                if text.next_token() == Some(b']') {
                                    return text.problem(What::TrailingComma);
                                }
                                break;
                            }
                            Some(b']') => value = self.close_array(host, text),
                            Some(_) => return text.problem(What::CommaOrBracket),
                            None => return text.problem(What::EndInArray),
                        }
                    }
                    Some(Open::Object(_)) => {
                        self.parts.push(value);
                        match text.next_token() {
                            Some(b',') => {
                                text.at += 1;
                                match text.next_token() {
                                    Some(b'}') => return text.problem(What::TrailingComma),
                                    None => return text.problem(What::EndInValue),
                                    _ => self.key(host, text)?,
                                }
                                break;
                            }
                            Some(b'}') => value = self.close_object(host, text),
                            Some(_) => return text.problem(What::CommaOrBrace),
                            None => return text.problem(What::EndInObject),
                        }
                    }
                }
            }
        }
    }

    fn enter(&mut self, text: &mut Text<'_>, open: fn(usize) -> Open) -> Found<()> {
        if self.open.len() >= DEEPEST {
            return text.problem(What::TooDeep);
        }
        text.at += 1;
        self.open.push(open(self.parts.len()));
        Ok(())
    }

    fn close_array(&mut self, host: &Host, text: &mut Text<'_>) -> Value {
        text.at += 1;
        let Some(Open::Array(start) | Open::Object(start)) = self.open.pop() else {
            return Value::NIL;
        };
        let elements = self.parts.get(start..).unwrap_or_default();
        let list = host.heap.list(elements);
        self.parts.truncate(start);
        list
    }

    fn close_object(&mut self, host: &Host, text: &mut Text<'_>) -> Value {
        text.at += 1;
        let Some(Open::Array(start) | Open::Object(start)) = self.open.pop() else {
            return Value::NIL;
        };
        let map = self.map(host, start);
        self.parts.truncate(start);
        map
    }

    /// The map of keys and values that begin at `start`. Of equal keys the last one counts.
    fn map(&mut self, host: &Host, start: usize) -> Value {
        let heap = &host.heap;
        let (pairs, _) = self.parts.get(start..).unwrap_or_default().as_chunks::<2>();
        let (Some(first), count) = (pairs.first(), pairs.len()) else {
            return sorted_map::empty(heap);
        };
        if count == 1 {
            return sorted_map::from_few_sorted(heap, pairs);
        }
        if self.keys.are_texts(pairs) || count > SHAPE_KEYS {
            let entries: Vec<(Value, Value)> =
                pairs.iter().map(|[key, value]| (*key, *value)).collect();
            return sorted_map::from_entries(host, &entries);
        }
        let place = (first[0].bits() as usize ^ count) % SHAPES;
        let Some(shape) = self.shapes.get_mut(place) else {
            return Value::NIL;
        };
        let same = shape.keys.len() == count
            && (shape.keys.iter().zip(pairs)).all(|(key, pair)| *key == pair[0]);
        if !same {
            let name = |index: usize| {
                let pair = pairs.get(index);
                pair.and_then(|pair| host.name_of(pair[0]))
                    .unwrap_or_default()
            };
            let mut order: Vec<usize> = (0..count).collect();
            sort_places(&mut order, &name);
            let distinct = (order.windows(2)).all(|two| match two {
                [a, b] => name(*a) != name(*b),
                _ => true,
            });
            if !distinct {
                let entries: Vec<(Value, Value)> =
                    pairs.iter().map(|[key, value]| (*key, *value)).collect();
                return sorted_map::from_entries(host, &entries);
            }
            shape.keys = pairs.iter().map(|pair| pair[0]).collect();
            shape.order = order.into_iter().map(|place| place as u8).collect();
        }
        self.entries.clear();
        let sorted = (shape.order.iter()).filter_map(|index| pairs.get(usize::from(*index)));
        self.entries.extend(sorted);
        sorted_map::from_few_sorted(heap, &self.entries)
    }

    /// Reads a key with its colon.
    fn key(&mut self, host: &Host, text: &mut Text<'_>) -> Found<()> {
        if text.peek() != Some(b'"') {
            return text.problem(What::Key);
        }
        let keys = self.keys;
        let place = known_place(text.rest());
        let known = self.known.get(place).copied().flatten();
        let known = known.and_then(|key| Some((host.name_of(key)?, key)));
        let key = match known {
            Some((name, key)) if is_key(text.rest(), name) => {
                text.at += name.len() + 2;
                key
            }
            _ => {
                let name = self.string(text)?;
                match keys {
                    Keys::Strings => host.heap.string(name),
                    #[cfg(feature = "net")]
                    Keys::Foreign => host.keyword_of_peer(name),
                    Keys::Keywords => {
                        let key = host.keyword(name);
                        let name = host.name_of(key).unwrap_or_default();
                        if let Some(slot) = self.known.get_mut(place)
                            && plain_length(name.as_bytes()) == name.len()
                        {
                            *slot = Some(key);
                        }
                        key
                    }
                }
            }
        };
        self.parts.push(key);
        match text.next_token() {
            Some(b':') => text.at += 1,
            Some(_) => return text.problem(What::Colon),
            None => return text.problem(What::EndInObject),
        }
        Ok(())
    }

    /// Reads a string whose opening quote comes next.
    fn string<'r, 't: 'r>(&'r mut self, text: &mut Text<'t>) -> Found<&'r str> {
        text.at += 1;
        let mut start = text.at;
        text.at += plain_length(text.rest());
        if text.peek() == Some(b'"') {
            text.at += 1;
            return Ok(text.slice(start, text.at - 1));
        }
        self.unescaped.clear();
        loop {
            self.unescaped.push_str(text.slice(start, text.at));
            match text.peek() {
                None => return text.problem(What::EndInString),
                Some(b'"') => {
                    text.at += 1;
                    return Ok(&self.unescaped);
                }
                Some(b'\\') => {
                    text.at += 1;
                    let character = escape(text)?;
                    self.unescaped.push(character);
                }
                Some(_) => return text.problem(What::ControlCharacter),
            }
            start = text.at;
            text.at += plain_length(text.rest());
        }
    }
}

/// Where a key is remembered: a number of its first bytes.
fn known_place(quoted: &[u8]) -> usize {
    match quoted {
        [_, a, b, c, ..] => {
            (usize::from(*a) ^ usize::from(*b) << 2 ^ usize::from(*c) << 1) % KNOWN_KEYS
        }
        _ => 0,
    }
}

/// Whether the text goes on with `"name"`.
fn is_key(quoted: &[u8], name: &str) -> bool {
    quoted.get(1..=name.len()) == Some(name.as_bytes()) && quoted.get(name.len() + 1) == Some(&b'"')
}
