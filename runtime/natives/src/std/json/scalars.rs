//! The text that is read, and what is no array or object in it: numbers, words, escapes of strings.

use sema_machine::data::number::integer::parse_decimal;
use sema_machine::host::Host;
use sema_machine::memory::value::Value;

use super::read::{Problem, What};
use super::text::LONGEST_NUMBER;

/// The text that is read, and how far.
pub(super) struct Text<'t> {
    pub text: &'t str,
    pub at: usize,
}

pub(super) type Found<T> = Result<T, Problem>;

impl<'t> Text<'t> {
    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    pub fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The next byte that is no white space.
    #[inline]
    pub fn next_token(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    pub fn problem<T>(&self, what: What) -> Found<T> {
        Err(Problem { what, at: self.at })
    }

    /// The problem at the byte before.
    pub fn problem_before<T>(&self, what: What) -> Found<T> {
        let at = self.at.saturating_sub(1);
        Err(Problem { what, at })
    }
}

pub(super) fn number(host: &Host, text: &mut Text<'_>) -> Found<Value> {
    let start = text.at;
    let negative = text.peek() == Some(b'-');
    if negative {
        text.at += 1;
    }
    let first_digit = text.at;
    let mut small: i64 = 0;
    while let Some(digit @ b'0'..=b'9') = text.peek() {
        small = small.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
        text.at += 1;
    }
    let count = text.at - first_digit;
    if count == 0 {
        return match text.peek() {
            None => text.problem(What::EndInValue),
            Some(_) => text.problem(What::Number),
        };
    }
    if count > 1 && text.text.as_bytes().get(first_digit) == Some(&b'0') {
        text.at = first_digit + 1;
        return text.problem(What::Number);
    }
    let is_integer = !matches!(text.peek(), Some(b'.' | b'e' | b'E'));
    if is_integer && count <= 18 {
        return Ok(host.heap.int(if negative { -small } else { small }));
    }
    if is_integer {
        let number = text.slice(start, text.at);
        let value = (count <= LONGEST_NUMBER).then(|| parse_decimal(&host.heap, number));
        return match value.flatten() {
            Some(value) => Ok(value),
            None => text.problem_before(What::TooLong),
        };
    }
    if text.peek() == Some(b'.') {
        text.at += 1;
        digits(text)?;
    }
    if let Some(b'e' | b'E') = text.peek() {
        text.at += 1;
        if let Some(b'+' | b'-') = text.peek() {
            text.at += 1;
        }
        digits(text)?;
    }
    // The standard library rounds correctly, and takes all that the grammar allows.
    match text.slice(start, text.at).parse() {
        Ok(float) => Ok(Value::float(float)),
        Err(_) => text.problem_before(What::Number),
    }
}

/// At least one digit.
fn digits(text: &mut Text<'_>) -> Found<()> {
    match text.peek() {
        Some(b'0'..=b'9') => {}
        Some(_) => return text.problem(What::Number),
        None => return text.problem(What::EndInValue),
    }
    while let Some(b'0'..=b'9') = text.peek() {
        text.at += 1;
    }
    Ok(())
}

pub(super) fn word(text: &mut Text<'_>, word: &[u8], value: Value) -> Found<Value> {
    for letter in word {
        match text.peek() {
            Some(found) if found == *letter => text.at += 1,
            Some(_) => return text.problem(What::Word),
            None => return text.problem(What::EndInValue),
        }
    }
    Ok(value)
}

/// The character of an escape whose backslash has been read.
pub(super) fn escape(text: &mut Text<'_>) -> Found<char> {
    let Some(letter) = text.peek() else {
        return text.problem(What::EndInString);
    };
    text.at += 1;
    Ok(match letter {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text),
        _ => return text.problem_before(What::Escape),
    })
}

fn unicode_escape(text: &mut Text<'_>) -> Found<char> {
    let high = hex_digits(text)?;
    if let Some(character) = char::from_u32(high) {
        return Ok(character);
    }
    if high >= 0xDC00 {
        return text.problem_before(What::LoneSurrogate);
    }
    for expected in *b"\\u" {
        match text.peek() {
            Some(found) if found == expected => text.at += 1,
            Some(_) => return text.problem(What::EndOfHexEscape),
            None => return text.problem(What::EndInString),
        }
    }
    let low = hex_digits(text)?;
    if !(0xDC00..0xE000).contains(&low) {
        return text.problem_before(What::LoneSurrogate);
    }
    let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    match char::from_u32(code) {
        Some(character) => Ok(character),
        None => text.problem_before(What::LoneSurrogate),
    }
}

fn hex_digits(text: &mut Text<'_>) -> Found<u32> {
    let Some(digits) = text.rest().first_chunk::<4>() else {
        text.at = text.text.len();
        return text.problem(What::EndInString);
    };
    text.at += 4;
    let mut code = 0;
    for digit in digits {
        match char::from(*digit).to_digit(16) {
            Some(digit) => code = code * 16 + digit,
            None => return text.problem_before(What::Escape),
        }
    }
    Ok(code)
}
