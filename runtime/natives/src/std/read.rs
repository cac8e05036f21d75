//! Data from text in programs without a compiler: literals, lists, vectors, maps. It evaluates nothing.
//!
//! The compiler has a reader of its own, which knows the places of data and recovers from errors. This one knows the same
//! syntax, but not what only code has: short lambdas and interpolated strings. Executables without a compiler get it in place
//! of `read` and its relatives, if they use them (`semac_core::link`).

use sema_machine::data::collections::sorted_map;
use sema_machine::data::number::literal::{float_word, parse_literal};
use sema_machine::data::number::text::from_literal;
use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::{Condition, ConditionKind, Outcome, Signal};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// `read` in a program without a compiler.
    "%read-datum" (text: String) -> Any => read;

    /// `read/string` in a program without a compiler.
    "%read-string-datum" (text: String) -> Any => read_string;

    /// `read-many` in a program without a compiler.
    "%read-data" (text: String) -> List => read_many;

    /// `read/all` in a program without a compiler.
    "%read-all-data" (text: String) -> List => read_all;
}

/// Data inside of each other at most, as in source text.
const DEEPEST: usize = 256;

fn read(host: &Host, args: &[Value]) -> Outcome {
    first(host, "read", args)
}

fn read_string(host: &Host, args: &[Value]) -> Outcome {
    first(host, "read/string", args)
}

fn first(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let mut reader = Reader::new(host, text(host, function, args, 0)?);
    Ok(reader.data(1)?.first().copied().unwrap_or(Value::NIL))
}

fn read_many(host: &Host, args: &[Value]) -> Outcome {
    all(host, "read-many", args)
}

fn read_all(host: &Host, args: &[Value]) -> Outcome {
    all(host, "read/all", args)
}

fn all(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let mut reader = Reader::new(host, text(host, function, args, 0)?);
    let data = reader.data(usize::MAX)?;
    Ok(host.heap.list(&data))
}

/// Reads a text from its start to its end.
struct Reader<'t> {
    host: &'t Host,
    text: &'t str,
    at: usize,
}

/// Whether a byte ends a number or word.
fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'\r'
            | b'\n'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'"'
            | b';'
            | b'\''
            | b'`'
            | b','
    )
}

/// Whether a character can begin a name.
fn begins_name(character: char) -> bool {
    character.is_alphabetic() || "+-*/!?<>=_&%^~.".contains(character)
}

/// Whether a character can be part of a name.
fn is_in_name(character: char) -> bool {
    begins_name(character) || character.is_ascii_digit() || character == '#'
}

impl<'t> Reader<'t> {
    fn new(host: &'t Host, text: &'t str) -> Reader<'t> {
        // As in files.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader { host, text, at: 0 };
        if text.starts_with("#!") {
            reader.skip_line();
        }
        reader
    }

    /// The first data of the text, at most so many.
    fn data(&mut self, most: usize) -> Outcome<Vec<Value>> {
        let mut data = Vec::new();
        while data.len() < most && self.next_byte().is_some() {
            data.push(self.datum(1)?);
        }
        Ok(data)
    }

    /// A condition about what is at an offset, told by line and column.
    fn error<T>(&self, at: usize, problem: impl std::fmt::Display) -> Outcome<T> {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        let message = format!("{problem} at {line}:{column}");
        Err(Box::new(Signal::Raise(Condition::new(
            ConditionKind::Reader,
            message,
        ))))
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    /// The byte at which the next datum begins.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            match self.rest().as_bytes().first()? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b';' => self.skip_line(),
                byte => return Some(*byte),
            }
        }
    }

    /// The datum that begins here.
    fn datum(&mut self, depth: usize) -> Outcome {
        let Some(first) = self.next_byte() else {
            return self.error(self.at, "unexpected end of input");
        };
        if depth > DEEPEST {
            let problem = format!("input nested too deeply (limit {DEEPEST})");
            return self.error(self.at, problem);
        }
        let start = self.at;
        let rest = self.rest();
        for (opener, close, name) in [("(", b')', "list"), ("[", b']', "vector")] {
            if rest.starts_with(opener) {
                self.at += 1;
                let elements = self.elements(start, close, name, depth)?;
                return Ok(match close {
                    b')' => self.host.heap.list(&elements),
                    _ => self.host.heap.vector(&elements),
                });
            }
        }
        for (prefix, name) in [
            ("'", "quote"),
            ("`", "quasiquote"),
            (",@", "unquote-splicing"),
            (",", "unquote"),
            ("@", "deref"),
        ] {
            if rest.starts_with(prefix) {
                self.at += prefix.len();
                if self.next_byte().is_none() {
                    let problem = format!("{name} ({prefix}) requires an expression after it");
                    return self.error(start, problem);
                }
                let operand = self.datum(depth + 1)?;
                return Ok(self.host.heap.list(&[self.host.symbol(name), operand]));
            }
        }
        match first {
            b'{' => self.map(depth),
            b'"' => {
                self.at += 1;
                self.string(start)
            }
            b':' => self.keyword(),
            b'#' => self.hash(depth),
            b')' | b']' | b'}' => {
                let problem = format!("unexpected closing `{}`", char::from(first));
                self.error(start, problem)
            }
            b'f' if rest.starts_with("f\"") => {
                self.error(start, "an interpolated string is code, not data")
            }
            _ => self.word(),
        }
    }

    /// The data up to a closing bracket.
    fn elements(
        &mut self,
        start: usize,
        close: u8,
        name: &str,
        depth: usize,
    ) -> Outcome<Vec<Value>> {
        let mut elements = Vec::new();
        loop {
            match self.next_byte() {
                None => return self.error(start, format_args!("unterminated {name}")),
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(elements);
                }
                Some(found @ (b')' | b']' | b'}')) => {
                    let open = self.text.as_bytes().get(start).copied().unwrap_or(b'(');
                    let problem = format!(
                        "mismatched bracket: expected `{}` to close `{}`, found `{}`",
                        char::from(close),
                        char::from(open),
                        char::from(found)
                    );
                    return self.error(self.at, problem);
                }
                Some(b'.') if name == "list" && self.is_dot() => {
                    elements.push(self.host.symbol("."));
                    self.at += 1;
                    elements.push(self.datum(depth + 1)?);
                    self.expect_end_of_list(depth)?;
                }
                Some(_) => elements.push(self.datum(depth + 1)?),
            }
        }
    }

    /// Whether the word that begins here is a dot alone.
    fn is_dot(&self) -> bool {
        self.slice(self.at, self.name_end(self.at)) == "."
    }

    /// Exactly one datum stands behind the dot of a list. Tells what else there is as the compiler does.
    fn expect_end_of_list(&mut self, depth: usize) -> Outcome<()> {
        let next = self.next_byte();
        let start = self.at;
        let found = match next {
            Some(b')') => return Ok(()),
            None => return self.error(start, "expected `)`, got end of input"),
            Some(b'.') if self.is_dot() => ".",
            Some(b'(' | b'[' | b'{' | b'}' | b']' | b'\'' | b'`' | b',' | b'@') => {
                self.slice(start, start + 1)
            }
            Some(_) => match self.datum(depth + 1)?.kind().type_name() {
                "bool" => "boolean",
                "char" => "character",
                "int" => "integer",
                "nil" => "symbol",
                name => name,
            },
        };
        self.error(start, format_args!("expected `)`, got `{found}`"))
    }

    fn map(&mut self, depth: usize) -> Outcome {
        let start = self.at;
        self.at += 1;
        let elements = self.elements(start, b'}', "map", depth)?;
        let (entries, rest) = elements.as_chunks::<2>();
        if !rest.is_empty() {
            let end = self.at.saturating_sub(1);
            return self.error(end, "map literal must have even number of forms");
        }
        let entries: Vec<(Value, Value)> =
            entries.iter().map(|[key, value]| (*key, *value)).collect();
        Ok(sorted_map::from_entries(self.host, &entries))
    }

    /// The end of a word that begins here with any character.
    fn name_end(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        from + rest.find(|c| !is_in_name(c)).unwrap_or(rest.len())
    }

    fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn keyword(&mut self) -> Outcome {
        let start = self.at;
        self.at = self.name_end(start + 1);
        match self.slice(start + 1, self.at) {
            "" => self.error(start, "expected keyword name after ':'"),
            name => Ok(self.host.keyword(name)),
        }
    }

    /// A number or a symbol.
    fn word(&mut self) -> Outcome {
        let start = self.at;
        let bytes = self.rest().as_bytes();
        let is_end =
            |byte: Option<&u8>| byte.is_none_or(|byte| is_delimiter(*byte) || *byte == b'#');
        let is_number = match bytes {
            [b'0'..=b'9', ..] | [b'+' | b'-', b'0'..=b'9', ..] => true,
            [b'+' | b'-', b'i', ..] => is_end(bytes.get(2)),
            _ => false,
        };
        if is_number {
            let length = bytes.iter().position(|byte| is_end(Some(byte)));
            return self.number(start + length.unwrap_or(bytes.len()));
        }
        let first = self.rest().chars().next().unwrap_or(' ');
        if !begins_name(first) {
            return self.error(start, format_args!("unexpected character: '{first}'"));
        }
        self.at = self.name_end(start);
        Ok(match self.slice(start, self.at) {
            "." => return self.error(start, "unexpected `.`"),
            "true" => Value::TRUE,
            "false" => Value::FALSE,
            "nil" => Value::NIL,
            name => match float_word(name) {
                Some(float) => Value::float(float),
                None => self.host.symbol(name),
            },
        })
    }

    fn number(&mut self, end: usize) -> Outcome {
        let start = std::mem::replace(&mut self.at, end);
        match parse_literal(self.slice(start, end)) {
            Ok(literal) => Ok(from_literal(&self.host.heap, &literal)),
            Err(error) => self.error(start, error),
        }
    }

    fn hash(&mut self, depth: usize) -> Outcome {
        let start = self.at;
        let rest = self.rest();
        let mut characters = rest.chars().skip(1);
        match characters.next() {
            None => self.error(start, "unexpected end of input after `#`"),
            Some('\\') => self.character(),
            Some('"') => {
                self.at += 2;
                self.pattern(start)
            }
            Some('(') => self.error(start, "a short lambda is code, not data"),
            Some('t' | 'f') if !rest.starts_with("#f64(") => {
                self.at = self.name_end(start + 1);
                match self.slice(start, self.at) {
                    "#t" | "#true" => Ok(Value::TRUE),
                    "#f" | "#false" => Ok(Value::FALSE),
                    word => self.error(start, format_args!("invalid literal: {word}")),
                }
            }
            Some('u') if rest.starts_with("#u8(") => {
                let bytes = self.array(4, depth, "bytevector", |host, value| {
                    host.heap
                        .as_i64(value)
                        .and_then(|byte| u8::try_from(byte).ok())
                })?;
                Ok(self.host.heap.bytevector(&bytes))
            }
            Some('f') => {
                let floats = self.array(5, depth, "f64 array", |host, value| {
                    sema_machine::host::arguments::real(host, value)
                })?;
                Ok(self.host.heap.f64_array(&floats))
            }
            Some('i') if rest.starts_with("#i64(") => {
                let integers =
                    self.array(5, depth, "i64 array", |host, value| host.heap.as_i64(value))?;
                Ok(self.host.heap.i64_array(&integers))
            }
            Some(letter) if "xXoObBdDeEiI".contains(letter) => {
                let digits = rest.trim_start_matches(|c: char| c == '#' || c.is_ascii_alphabetic());
                let from = start + (rest.len() - digits.len());
                let tail = digits
                    .bytes()
                    .position(|byte| is_delimiter(byte) || byte == b'#');
                self.number(from + tail.unwrap_or(digits.len()))
            }
            Some(other) => self.error(
                start,
                format_args!("unexpected character after #: '{other}'"),
            ),
        }
    }

    /// The elements of a typed array, whose opener is so long.
    fn array<T>(
        &mut self,
        opener: usize,
        depth: usize,
        name: &str,
        convert: impl Fn(&Host, Value) -> Option<T>,
    ) -> Outcome<Vec<T>> {
        let start = self.at;
        self.at += opener;
        let elements = self.elements(start, b')', name, depth)?;
        let converted = elements.iter().map(|element| convert(self.host, *element));
        match converted.collect() {
            Some(values) => Ok(values),
            None => self.error(start, format_args!("{name}: an element of the wrong kind")),
        }
    }

    fn character(&mut self) -> Outcome {
        let start = self.at;
        let Some(first) = self.slice(start + 2, self.text.len()).chars().next() else {
            return self.error(start, "unexpected end of input after #\\");
        };
        let after = start + 2 + first.len_utf8();
        self.at = match first.is_alphabetic() {
            true => self.name_end(after),
            false => after,
        };
        if self.at == after {
            return Ok(Value::char(first));
        }
        Ok(Value::char(match self.slice(start + 2, self.at) {
            "space" => ' ',
            "newline" => '\n',
            "tab" => '\t',
            "return" => '\r',
            "nul" => '\0',
            name => return self.error(start, format_args!("unknown character name: {name}")),
        }))
    }

    /// The text of a regular expression: a string without escapes but that of a quote.
    fn pattern(&mut self, start: usize) -> Outcome {
        let mut content = String::new();
        let mut characters = self.rest().char_indices();
        while let Some((offset, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += offset + 1;
                    return Ok(self.host.heap.string(&content));
                }
                '\\' => match characters.next() {
                    Some((_, '"')) => content.push('"'),
                    Some((_, other)) => content.extend(['\\', other]),
                    None => break,
                },
                _ => content.push(character),
            }
        }
        self.error(start, "unterminated regex literal")
    }

    /// A string, behind its opening quote.
    fn string(&mut self, start: usize) -> Outcome {
        let mut content = String::new();
        loop {
            let rest = self.rest();
            let Some(special) = rest.find(['"', '\\']) else {
                return self.error(start, "unterminated string");
            };
            content.push_str(rest.get(..special).unwrap_or_default());
            self.at += special + 1;
            if rest.as_bytes().get(special) == Some(&b'"') {
                return Ok(self.host.heap.string(&content));
            }
            self.escape(&mut content)?;
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self, content: &mut String) -> Outcome<()> {
        let start = self.at.saturating_sub(1);
        let Some(letter) = self.rest().chars().next() else {
            return Ok(());
        };
        self.at += letter.len_utf8();
        let digits = |count: usize| {
            let rest = self.rest();
            let length = rest
                .bytes()
                .take(count)
                .take_while(u8::is_ascii_hexdigit)
                .count();
            rest.get(..length).unwrap_or_default()
        };
        let single = match letter {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            '0' => Some('\0'),
            '\\' | '"' | '$' => Some(letter),
            _ => None,
        };
        if let Some(single) = single {
            content.push(single);
            return Ok(());
        }
        let (digits, end) = match letter {
            'x' => {
                let digits = digits(usize::MAX);
                if digits.is_empty() {
                    return self.error(start, "empty hex escape \\x;");
                }
                if self.rest().as_bytes().get(digits.len()) != Some(&b';') {
                    return self.error(start, "hex escape \\x missing terminating semicolon");
                }
                (digits, digits.len() + 1)
            }
            'u' | 'U' => {
                let count = if letter == 'u' { 4 } else { 8 };
                let digits = digits(count);
                if digits.len() < count {
                    let problem = format!("\\{letter} escape requires exactly {count} hex digits");
                    return self.error(start, problem);
                }
                (digits, count)
            }
            _ => {
                content.extend(['\\', letter]);
                return Ok(());
            }
        };
        let code = u32::from_str_radix(digits, 16).ok();
        match code.and_then(char::from_u32) {
            Some(character) => {
                content.push(character);
                self.at += end;
                Ok(())
            }
            None => self.error(
                start,
                format_args!("invalid unicode scalar value \\{letter}{digits}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
